//! Whether more requests at once help: the brake of slow start.
//!
//! A server that is far away answers twice as many requests per second when twice as many are in flight. One that
//! is at its limit, or a client that is at its own, answers as many as before, only later: then more in flight
//! cost memory and time and buy nothing. So the climb goes in levels, each twice the one before; when a level
//! brought too little over the one below, twice in a row, the limit goes back and stays for a while. The while
//! doubles each time, since a wrong judgement must not last and a right one must not be asked again and again.

use std::time::Duration;
use tokio::time::Instant;

/// A level lasts for as many answers as it began with, and for this long at least.
const SHORTEST: Duration = Duration::from_millis(20);
/// From a server so near that several round trips fit into that, a level lasts this long: rates over less time say
/// more of who had the processor than of the server.
const SHORTEST_NEAR: Duration = Duration::from_millis(60);
/// So many answers for each request that may be in flight are several round trips.
const NEAR: f64 = 3.0;
/// Of two levels the second should bring 2.0 times the answers per second of the first. Less than this is no help;
/// well below 2.0, because latencies scatter and a climb that stops too early costs more than one too high.
const HELPS: f64 = 1.3;
/// A level whose limit grew by this much counts as climbed: it is not used up at every single moment.
const CLIMBED: f64 = 1.5;
/// How long the limit stays after the first climb that did not help.
const PATIENCE: Duration = Duration::from_millis(250);
/// And after many.
const LONGEST_PATIENCE: Duration = Duration::from_secs(8);

/// One level of the climb, done.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// The limit at its begin.
    from: f64,
    /// Answers per second.
    rate: f64,
}

/// The climb of one controller.
#[derive(Debug)]
pub(super) struct Climb {
    begun: Instant,
    /// The limit at the begin of this level.
    from: f64,
    answers: u32,
    /// The level below, when the limit doubled in it.
    below: Option<Level>,
    /// How old this level was when it seemed not to help: it is judged again at twice that.
    doubted: Option<Duration>,
    /// No growth before this moment.
    rests_until: Option<Instant>,
    patience: Duration,
}

impl Climb {
    pub(super) fn new(limit: f64, now: Instant) -> Self {
        Self {
            begun: now,
            from: limit,
            answers: 0,
            below: None,
            doubted: None,
            rests_until: None,
            patience: PATIENCE,
        }
    }

    /// Whether the limit may grow now: not while it rests, and to twice the level's begin at most.
    pub(super) fn may_grow(&self, limit: f64) -> bool {
        self.rests_until.is_none() && limit < 2.0 * self.from
    }

    /// Counts an answer. Says which limit to go back to when the climb did not help.
    pub(super) fn answered(&mut self, limit: f64, now: Instant) -> Option<f64> {
        self.answers += 1;
        if let Some(until) = self.rests_until {
            if now >= until {
                self.rests_until = None;
                self.begin(limit, now, None);
            }
            return None;
        }
        let age = now.duration_since(self.begun);
        if !self.can_judge(age) {
            return None;
        }
        let level = Level { from: self.from, rate: f64::from(self.answers) / age.as_secs_f64() };
        // A limit that was not used up did not grow: then nothing was tried, and nothing is to be judged.
        let climbed = limit >= CLIMBED * self.from;
        match self.below.filter(|_| climbed) {
            Some(below) if level.rate < below.rate * HELPS => {
                if self.doubted.is_none() {
                    self.doubted = Some(age);
                    return None;
                }
                self.rests_until = Some(now + self.patience);
                self.patience = (self.patience * 2).min(LONGEST_PATIENCE);
                Some(below.from)
            }
            helped => {
                if helped.is_some() {
                    self.patience = PATIENCE;
                }
                match climbed {
                    true => self.begin(limit, now, Some(level)),
                    false => self.begin(self.from, now, None),
                }
                None
            }
        }
    }

    /// Whether this level is old enough to tell chance from gain.
    fn can_judge(&self, age: Duration) -> bool {
        let trips = f64::from(self.answers) / self.from;
        let shortest = if trips < NEAR { SHORTEST } else { SHORTEST_NEAR };
        trips >= 1.0 && age >= self.doubted.map_or(shortest, |doubted| 2 * doubted)
    }

    fn begin(&mut self, limit: f64, now: Instant, below: Option<Level>) {
        *self = Self { below, patience: self.patience, ..Self::new(limit, now) };
    }
}

#[cfg(test)]
mod tests {
    use super::super::pace::{Pace, PaceLimits};
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;
    use tokio::task::JoinSet;

    /// A server in simulated time: how long a request takes of itself, and how many are worked on at once.
    struct Server {
        latency: fn(&mut fastrand::Rng) -> Duration,
        places: Arc<Semaphore>,
    }

    /// Sends as fast as the controller allows. Returns answers, and the limit every 10 ms.
    async fn drive(server: &Server, seed: u64, span: Duration) -> (usize, Vec<usize>) {
        let pace = Pace::new(PaceLimits::default());
        let mut random = fastrand::Rng::with_seed(seed);
        let answers = Arc::new(AtomicUsize::new(0));
        let mut senders = JoinSet::new();
        for _ in 0..512 {
            let (pace, places, answers) =
                (Arc::clone(&pace), Arc::clone(&server.places), Arc::clone(&answers));
            let (mut random, latency) = (random.fork(), server.latency);
            senders.spawn(async move {
                loop {
                    let permit = pace.acquire().await;
                    let place = places.acquire().await;
                    tokio::time::sleep(latency(&mut random)).await;
                    drop((place, permit));
                    pace.succeeded();
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut limits = Vec::new();
        while limits.len() < span.as_millis() as usize / 10 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            limits.push(pace.limit());
        }
        (answers.load(Ordering::Relaxed), limits)
    }

    /// Log-normal around 30 ms: one in twenty takes over 90 ms, some take much longer.
    fn far(random: &mut fastrand::Rng) -> Duration {
        let normal =
            (-2.0 * random.f64().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos();
        Duration::from_secs_f64(0.030 * (0.7 * normal).exp())
    }

    #[tokio::test(start_paused = true)]
    async fn a_far_server_gets_all_at_once_soon() {
        let server = Server { latency: far, places: Arc::new(Semaphore::new(10_000)) };
        let mut late = Vec::new();
        for seed in 0..40 {
            let (_, limits) = drive(&server, seed, Duration::from_secs(2)).await;
            let reached = limits.iter().position(|limit| *limit == 256).unwrap_or(limits.len());
            if reached > 40 {
                late.push((seed, reached));
            }
        }
        assert!(late.is_empty(), "seeds that took over 400 ms, in 10 ms: {late:?}");
    }

    /// A server with few places of its own, whose answers take now 1 ms, now 10.
    #[tokio::test(start_paused = true)]
    async fn a_server_at_its_limit_is_not_crowded() {
        let busy = |random: &mut fastrand::Rng| far(random) / 10;
        for seed in 0..40 {
            let server = Server { latency: busy, places: Arc::new(Semaphore::new(8)) };
            let (answers, limits) = drive(&server, seed, Duration::from_secs(4)).await;
            let mean = limits.iter().sum::<usize>() / limits.len();
            assert!(mean < 64, "seed {seed}: limit {mean}, {answers} answers");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_judged_wrong_is_tried_again() {
        let begun = Instant::now();
        let mut climb = Climb::new(16.0, begun);
        let level = |climb: &mut Climb, limit: f64, at: u64| {
            let mut lower = None;
            for _ in 0..64 {
                lower = lower.or(climb.answered(limit, begun + Duration::from_millis(at)));
            }
            lower
        };
        assert_eq!(level(&mut climb, 32.0, 30), None);
        assert!(!climb.may_grow(64.0) && climb.may_grow(32.0));
        // Twice the limit, and as many answers in twice the time.
        assert_eq!(level(&mut climb, 64.0, 200), None);
        assert_eq!(level(&mut climb, 64.0, 400), Some(16.0));
        assert!(!climb.may_grow(16.0));
        assert_eq!(level(&mut climb, 16.0, 600), None);
        assert!(!climb.may_grow(16.0));
        assert_eq!(level(&mut climb, 16.0, 700), None);
        assert!(climb.may_grow(16.0));
    }
}
