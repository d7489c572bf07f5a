//! Backoff and the retry budget: one policy for every operation, in one place.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Full-jitter exponential backoff. Applies to: every retried request.
///
/// Full jitter spreads a crowd of workers that failed together over the whole interval instead of letting
/// them return together.
#[derive(Debug)]
pub struct Backoff {
    /// First interval.
    base: Duration,
    /// Longest interval.
    cap: Duration,
    random: Mutex<fastrand::Rng>,
}

impl Backoff {
    /// Intervals double from `base` up to `cap`; the seed makes a simulation repeatable.
    #[must_use]
    pub fn new(base: Duration, cap: Duration, seed: u64) -> Self {
        Self { base, cap, random: Mutex::new(fastrand::Rng::with_seed(seed)) }
    }

    /// How long to wait before attempt `attempt` (the first retry is 1).
    #[must_use]
    pub fn delay(&self, attempt: u32) -> Duration {
        let ceiling = self.base.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(self.cap);
        let share = match self.random.lock() {
            Ok(mut random) => random.f64(),
            Err(poisoned) => poisoned.into_inner().f64(),
        };
        ceiling.mul_f64(share)
    }
}

/// How many retries a run may spend: a floor plus a share of its requests, so that a long run is not starved
/// by a fixed bucket and a short one cannot hammer a dead server.
#[derive(Debug)]
pub struct RetryBudget {
    floor: u64,
    /// One retry per so many requests.
    per_requests: u64,
    requests: AtomicU64,
    retries: AtomicU64,
}

impl RetryBudget {
    /// `floor` retries are always allowed, then one more for every `per_requests` requests sent.
    #[must_use]
    pub fn new(floor: u64, per_requests: u64) -> Self {
        Self {
            floor,
            per_requests: per_requests.max(1),
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
        }
    }

    /// Counts a first attempt.
    pub fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one retry, if there is one left.
    pub fn try_retry(&self) -> bool {
        let allowed = self.floor + self.requests.load(Ordering::Relaxed) / self.per_requests;
        let taken = self.retries.fetch_add(1, Ordering::Relaxed);
        if taken < allowed {
            return true;
        }
        self.retries.fetch_sub(1, Ordering::Relaxed);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_below_their_ceiling() {
        let backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(5), 1);
        for attempt in 1..40 {
            let ceiling = Duration::from_millis(50 << (attempt - 1).min(10)).min(Duration::from_secs(5));
            assert!(backoff.delay(attempt) <= ceiling.max(Duration::from_millis(50)));
        }
    }

    #[test]
    fn the_budget_grows_with_the_run() {
        let budget = RetryBudget::new(2, 10);
        assert!(budget.try_retry() && budget.try_retry() && !budget.try_retry());
        for _ in 0..10 {
            budget.request();
        }
        assert!(budget.try_retry() && !budget.try_retry());
    }
}
