//! What the service knows of its jobs right now.

use crate::metrics::Now;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A service whose loop has not turned for this long hangs.
const STALE_SECONDS: i64 = 120;

/// Shared between the loop and the pages.
#[derive(Debug, Default)]
pub(super) struct Board(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    ticked: Option<Timestamp>,
    running: BTreeMap<String, Timestamp>,
    next: BTreeMap<String, Timestamp>,
}

impl Board {
    pub(super) fn tick(&self, now: Timestamp) {
        self.lock().ticked = Some(now);
    }

    pub(super) fn begin(&self, job: &str, now: Timestamp) {
        self.lock().running.insert(job.to_owned(), now);
    }

    pub(super) fn end(&self, job: &str) {
        self.lock().running.remove(job);
    }

    pub(super) fn set_next(&self, job: &str, next: Option<Timestamp>) {
        let mut inner = self.lock();
        match next {
            Some(next) => inner.next.insert(job.to_owned(), next),
            None => inner.next.remove(job),
        };
    }

    pub(super) fn is_running(&self, job: &str) -> bool {
        self.lock().running.contains_key(job)
    }

    pub(super) fn running_since(&self, job: &str) -> Option<Timestamp> {
        self.lock().running.get(job).copied()
    }

    pub(super) fn of(&self, job: &str) -> Now {
        let inner = self.lock();
        Now { running: inner.running.contains_key(job), next: inner.next.get(job).copied() }
    }

    /// Does the loop still turn?
    pub(super) fn is_healthy(&self, now: Timestamp) -> bool {
        self.lock().ticked.is_some_and(|ticked| now.as_second() - ticked.as_second() < STALE_SECONDS)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
