//! What every run has: a clock, a way to be stopped, figures to show, a place to write.

use super::Recorder;
use crate::flow::Clock;
use crate::observe::Progress;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The surroundings of one run.
#[derive(Clone, Debug)]
pub struct Session {
    /// Wall-clock time.
    pub clock: Clock,
    /// Stops the run.
    pub cancel: CancellationToken,
    /// Live figures.
    pub progress: Arc<Progress>,
    /// Where findings and checkpoints go.
    pub recorder: Arc<Recorder>,
    /// Key ranges worked on at once.
    pub ranges_max: usize,
}
