//! `--max-bandwidth`: bytes per second for all relays together.
//!
//! A virtual clock instead of a bucket of tokens: each taker reserves the next stretch of time and sleeps until
//! it begins, so that takers are served in order and none spins.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A shared cap on bytes per second.
#[derive(Debug)]
pub struct Bandwidth {
    bytes_per_second: Option<f64>,
    free_from: Mutex<Instant>,
}

impl Bandwidth {
    /// A cap, or none.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // Beyond 2^53 bytes per second a cap has no meaning.
    pub fn new(bytes_per_second: Option<u64>) -> Self {
        let rate = bytes_per_second.map(|rate| rate.max(1) as f64);
        Self { bytes_per_second: rate, free_from: Mutex::new(Instant::now()) }
    }

    /// Waits until `bytes` may have passed.
    #[allow(clippy::cast_precision_loss)]
    pub async fn take(&self, bytes: usize) {
        let Some(rate) = self.bytes_per_second else { return };
        let begin = {
            let mut free_from = self.free_from.lock().unwrap_or_else(PoisonError::into_inner);
            let begin = (*free_from).max(Instant::now());
            *free_from = begin + Duration::from_secs_f64(bytes as f64 / rate);
            begin
        };
        tokio::time::sleep_until(begin).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn takers_share_the_rate() {
        let bandwidth = Bandwidth::new(Some(1000));
        let begun = Instant::now();
        let take = || async {
            for _ in 0..10 {
                bandwidth.take(100).await;
            }
        };
        tokio::join!(take(), take());
        // 2,000 bytes; the last 100 are not waited for.
        assert_eq!(begun.elapsed().as_millis() / 100, 19);
        Bandwidth::new(None).take(usize::MAX).await;
    }
}
