//! What a run lets others see while it works: numbers only. Drawing them is somebody else's job.

use crate::list::WalkStats;
use crate::report::Tally;
use crate::s3::Meter;
use std::sync::{Arc, Mutex, PoisonError};

/// What the run is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Looking at the buckets.
    #[default]
    Starting,
    /// Listing both sides to see whether the brakes hold.
    Surveying,
    /// The work itself.
    Working,
    /// Putting the report together.
    Reporting,
}

/// Live figures of a run. Cheap to share and to read at any time.
#[derive(Debug, Default)]
pub struct Progress {
    /// Ranges and keys.
    pub walk: Arc<WalkStats>,
    /// Requests.
    pub meter: Arc<Meter>,
    state: Mutex<(Stage, Tally)>,
}

impl Progress {
    /// Figures counted by this meter.
    #[must_use]
    pub fn new(meter: Arc<Meter>) -> Self {
        Self { meter, ..Self::default() }
    }

    /// Enters a stage.
    pub fn enter(&self, stage: Stage) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = stage;
    }

    /// Adds what a finished piece counted.
    pub fn add(&self, tally: &Tally) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1.add(tally);
    }

    /// The stage and the sums so far.
    #[must_use]
    pub fn snapshot(&self) -> (Stage, Tally) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
