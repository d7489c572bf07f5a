//! How many requests at once, and how many per second: a controller that finds the server's limit by itself.
//!
//! Concurrency starts modest, doubles per round trip while it is used, helps and nothing is throttled, and halves
//! on a 503. S3's limit is a *rate* per partition, so after the first 503 a rate cap joins in: a little under the
//! rate that succeeded, creeping up again. One controller per service is shared by lists, heads, copies and
//! deletes. Waiters are served first come, first served; a dropped waiter loses nothing.

use super::climb::Climb;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Bounds of a [`Pace`].
#[derive(Clone, Debug)]
pub struct PaceLimits {
    /// Requests in flight at the start.
    pub start: usize,
    /// Requests in flight at most, whatever the server bears.
    pub ceiling: usize,
    /// Requests per second at most, if the operator asked for a cap.
    pub requests_per_second: Option<f64>,
}

impl Default for PaceLimits {
    fn default() -> Self {
        Self { start: 16, ceiling: 256, requests_per_second: None }
    }
}

/// After a 503 the rate falls to this share of what just succeeded. Applies to: the rate cap.
const RATE_BACK_OFF: f64 = 0.9;
/// While nothing is throttled the learned cap grows, slowly at first: some seconds pass from one probing 503 to
/// the next, so that well under 1 % of requests are throttled in steady state. The longer the quiet, the less the
/// old cap means, and the faster it goes. Pairs of (seconds since the last 503, growth per second).
const RATE_GROWTH: [(f64, f64); 3] = [(5.0, 0.015), (12.0, 0.10), (f64::INFINITY, 0.50)];
/// A storm that refuses everything teaches nothing about the rate: below this the cap does not fall.
const RATE_FLOOR: f64 = 25.0;
/// Nor below this share of the best rate that succeeded lately: scattered 503s, which no slowing down would
/// avoid, must not grind a run to a halt. Less than half, because the best rate may have been twice what the server
/// bears for long: what it had saved up for bursts, and what came in meanwhile.
const PEAK_SHARE: f64 = 0.45;
/// What remains of that memory after a second.
const PEAK_MEMORY: f64 = 0.98;
/// One 503 burst counts once: the requests that were already in flight tell nothing new.
const COOL_DOWN: Duration = Duration::from_millis(250);

#[derive(Debug)]
struct State {
    limit: f64,
    in_flight: usize,
    /// Slow start; `None` from the first 503 on.
    climb: Option<Climb>,
    waiters: VecDeque<oneshot::Sender<Permit>>,
    last_decrease: Option<Instant>,
    /// Learned requests per second; `None` until the first 503.
    learned_rate: Option<f64>,
    rate_updated: Instant,
    /// The earliest moment at which the next request may start, under the rate cap.
    next_start: Instant,
    window: Window,
}

/// Counts successes over the last second or so, to know what rate the server just bore.
#[derive(Debug)]
struct Window {
    since: Instant,
    successes: u32,
    /// Of them and of earlier ones, those since the last decrease.
    since_decrease: u32,
    rate: f64,
    /// The best rate of late.
    peak: f64,
}

/// The controller. Cheap to share; see the module text.
#[derive(Debug)]
pub struct Pace {
    limits: PaceLimits,
    state: Mutex<State>,
}

/// The right to have one request in flight; ends on drop.
#[derive(Debug)]
pub struct Permit {
    pace: Option<Arc<Pace>>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(pace) = self.pace.take() {
            pace.release();
        }
    }
}

impl Pace {
    /// A controller within these bounds.
    #[must_use]
    pub fn new(limits: PaceLimits) -> Arc<Self> {
        let now = Instant::now();
        let start = limits.start.clamp(1, limits.ceiling.max(1));
        #[allow(clippy::cast_precision_loss)]
        let state = State {
            limit: start as f64,
            in_flight: 0,
            climb: Some(Climb::new(start as f64, now)),
            waiters: VecDeque::new(),
            last_decrease: None,
            learned_rate: None,
            rate_updated: now,
            next_start: now,
            window: Window { since: now, successes: 0, since_decrease: 0, rate: 0.0, peak: 0.0 },
        };
        Arc::new(Self { limits, state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is plain numbers: whatever a panicking holder left is still usable.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Requests in flight that are allowed now.
    #[must_use]
    pub fn limit(&self) -> usize {
        whole(self.lock().limit)
    }

    /// Waits for a place and for the rate cap. Cancel-safe.
    pub async fn acquire(self: &Arc<Self>) -> Permit {
        let permit = self.place().await;
        let wait = self.lock().reserve_start(self.limits.requests_per_second);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        permit
    }

    async fn place(self: &Arc<Self>) -> Permit {
        let waiting = {
            let mut state = self.lock();
            if state.waiters.is_empty() && state.in_flight < whole(state.limit) {
                state.in_flight += 1;
                return Permit { pace: Some(Arc::clone(self)) };
            }
            let (sender, receiver) = oneshot::channel();
            state.waiters.push_back(sender);
            receiver
        };
        // The sender lives in the queue for as long as the controller does, so this always gets a permit.
        match waiting.await {
            Ok(permit) => permit,
            Err(_) => Permit { pace: None },
        }
    }

    /// Hands free places to waiters. A waiter that is gone drops its permit, which would come back here while
    /// the lock is held: so permits for the dead are disarmed instead.
    fn release(self: &Arc<Self>) {
        let mut state = self.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        self.hand_out(&mut state);
    }

    fn hand_out(self: &Arc<Self>, state: &mut State) {
        while state.in_flight < whole(state.limit) {
            let Some(waiter) = state.waiters.pop_front() else { return };
            match waiter.send(Permit { pace: Some(Arc::clone(self)) }) {
                Ok(()) => state.in_flight += 1,
                Err(mut unclaimed) => unclaimed.pace = None,
            }
        }
    }

    /// Tells that a request succeeded.
    pub fn succeeded(self: &Arc<Self>) {
        let mut state = self.lock();
        let now = Instant::now();
        state.window.count(now);
        let limit = state.limit;
        // Growing an unused limit would only store up a burst.
        #[allow(clippy::cast_precision_loss)]
        let used = state.in_flight as f64 >= limit - 1.0;
        let step = match &mut state.climb {
            None => 1.0 / limit.max(1.0),
            Some(climb) => match climb.answered(limit, now) {
                Some(lower) => lower - limit,
                None if climb.may_grow(limit) => 1.0,
                None => 0.0,
            },
        };
        if used || step < 0.0 {
            #[allow(clippy::cast_precision_loss)]
            let ceiling = self.limits.ceiling.max(1) as f64;
            state.limit = (limit + step).min(ceiling);
            self.hand_out(&mut state);
        }
    }

    /// Tells that the server asked for less.
    pub fn throttled(&self) {
        let mut state = self.lock();
        let now = Instant::now();
        if state.last_decrease.is_some_and(|last| now.duration_since(last) < COOL_DOWN) {
            return;
        }
        // What succeeded among refusals is what the server bears; what came before them may have been saved up.
        let refused_for = state.last_decrease.replace(now).map(|last| now.duration_since(last));
        let among_refusals = std::mem::take(&mut state.window.since_decrease);
        state.climb = None;
        // The rate cap does the fine work; fewer places than at the start would only add waiting.
        #[allow(clippy::cast_precision_loss)]
        let fewest = self.limits.start.min(self.limits.ceiling).max(1) as f64;
        state.limit = (state.limit / 2.0).max(fewest);
        // A 503 among the first requests says nothing about a rate yet: fewer at once will do.
        let Some(bore) = (match refused_for {
            Some(span) if span < Duration::from_secs(1) => {
                Some(f64::from(among_refusals) / span.as_secs_f64())
            }
            _ => state.window.known(now),
        }) else {
            return;
        };
        // A run may be over before a window is full, but what a burst brought in a part of it is no rate that lasts.
        state.window.peak = state.window.peak.max(state.window.lasting(now));
        let rate = state.learned_rate.map_or(bore, |learned| learned.min(bore.max(learned * 0.5)));
        let floor = RATE_FLOOR.max(state.window.peak * PEAK_SHARE);
        state.learned_rate = Some((rate * RATE_BACK_OFF).max(floor));
        state.rate_updated = now;
    }
}

impl State {
    /// Reserves the next start under the rate cap and says how long that is from now.
    fn reserve_start(&mut self, cap: Option<f64>) -> Duration {
        let now = Instant::now();
        let learned = self.learned_rate_now(now);
        let rate = match (learned, cap) {
            (Some(learned), Some(cap)) => learned.min(cap),
            (Some(rate), None) | (None, Some(rate)) => rate,
            (None, None) => return Duration::ZERO,
        };
        let start = self.next_start.max(now);
        self.next_start = start + Duration::from_secs_f64(1.0 / rate.max(0.01));
        start.duration_since(now)
    }

    fn learned_rate_now(&mut self, now: Instant) -> Option<f64> {
        let rate = self.learned_rate?;
        let quiet = now.duration_since(self.rate_updated).as_secs_f64();
        if quiet >= 0.1 {
            let calm = self.last_decrease.map_or(0.0, |last| now.duration_since(last).as_secs_f64());
            let growth =
                RATE_GROWTH.iter().find(|(until, _)| calm < *until).map_or(0.0, |(_, growth)| *growth);
            self.learned_rate = Some(rate * (1.0 + growth * quiet));
            self.rate_updated = now;
        }
        self.learned_rate
    }
}

impl Window {
    fn count(&mut self, now: Instant) {
        self.successes += 1;
        self.since_decrease += 1;
        let age = now.duration_since(self.since);
        if age >= Duration::from_secs(1) {
            self.rate = f64::from(self.successes) / age.as_secs_f64();
            self.peak = (self.peak * PEAK_MEMORY.powf(age.as_secs_f64())).max(self.rate);
            self.since = now;
            self.successes = 0;
        }
    }

    /// The rate of successes, unless too little was seen to tell.
    fn known(&self, now: Instant) -> Option<f64> {
        let young = self.rate == 0.0 && now.duration_since(self.since) < COOL_DOWN;
        (!young).then(|| self.current(now).max(1.0))
    }

    /// Successes as if nothing more came in what is left of the window.
    fn lasting(&self, now: Instant) -> f64 {
        f64::from(self.successes) / now.duration_since(self.since).as_secs_f64().max(1.0)
    }

    /// The best estimate of the rate of successes: this window once it is old enough to mean something.
    fn current(&self, now: Instant) -> f64 {
        let age = now.duration_since(self.since).as_secs_f64();
        if age < 0.2 && self.rate > 0.0 { self.rate } else { f64::from(self.successes) / age.max(0.05) }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(limit: f64) -> usize {
    // Limits lie between 1 and the ceiling.
    limit.max(1.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn never_more_in_flight_than_the_ceiling() {
        let pace = Pace::new(PaceLimits { start: 2, ceiling: 3, requests_per_second: None });
        let held: Vec<_> = [pace.acquire().await, pace.acquire().await].into();
        pace.succeeded();
        pace.succeeded();
        pace.succeeded();
        let third = pace.acquire().await;
        assert!(tokio::time::timeout(Duration::from_secs(1), pace.acquire()).await.is_err());
        drop(third);
        assert!(tokio::time::timeout(Duration::from_secs(1), pace.acquire()).await.is_ok());
        drop(held);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_gave_up_does_not_leak_its_place() {
        let pace = Pace::new(PaceLimits { start: 1, ceiling: 1, requests_per_second: None });
        let held = pace.acquire().await;
        for _ in 0..10 {
            assert!(tokio::time::timeout(Duration::from_millis(1), pace.acquire()).await.is_err());
        }
        drop(held);
        let again = tokio::time::timeout(Duration::from_secs(1), pace.acquire()).await;
        assert!(again.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_cap_spaces_requests() {
        let pace = Pace::new(PaceLimits { start: 8, ceiling: 8, requests_per_second: Some(100.0) });
        let begun = Instant::now();
        for _ in 0..101 {
            drop(pace.acquire().await);
        }
        let elapsed = begun.elapsed();
        assert!((Duration::from_millis(990)..Duration::from_millis(1200)).contains(&elapsed), "{elapsed:?}");
    }

    /// A server that bears twice as many requests twice as well.
    async fn grow(pace: &Arc<Pace>, to: usize) {
        while pace.limit() < to {
            let mut held = Vec::new();
            for _ in 0..pace.limit() {
                held.push(pace.acquire().await);
            }
            for _ in &held {
                pace.succeeded();
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_that_ends_is_forgotten() {
        let pace = Pace::new(PaceLimits { start: 64, ceiling: 64, requests_per_second: None });
        for _ in 0..100 {
            pace.throttled();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        // One request a second keeps the clock of the cap going; a minute later hundreds per second may go.
        for _ in 0..60 {
            drop(pace.acquire().await);
            pace.succeeded();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let begun = Instant::now();
        for _ in 0..200 {
            drop(pace.acquire().await);
        }
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }

    /// What the server had saved up is taken in a moment; it must not pass for what it bears.
    #[tokio::test(start_paused = true)]
    async fn a_burst_that_succeeds_is_no_lasting_rate() {
        let pace = Pace::new(PaceLimits { start: 64, ceiling: 64, requests_per_second: None });
        for _ in 0..500 {
            drop(pace.acquire().await);
            pace.succeeded();
        }
        tokio::time::sleep(Duration::from_millis(260)).await;
        for _ in 0..8 {
            pace.throttled();
            tokio::time::sleep(Duration::from_millis(260)).await;
        }
        let learned = pace.lock().learned_rate.unwrap();
        assert!(learned < 300.0, "{learned}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_503_halves_once() {
        let pace = Pace::new(PaceLimits { start: 16, ceiling: 64, requests_per_second: None });
        grow(&pace, 64).await;
        for _ in 0..20 {
            pace.throttled();
        }
        assert_eq!(pace.limit(), 32);
    }
}
