//! What every run has: a clock, a way to be stopped, figures to show, a place to write.

use super::Recorder;
use crate::Error;
use crate::flow::Clock;
use crate::list::{Feed, Listing, Sides, Visitor, WalkLimits, walk};
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

impl Session {
    /// Walks what the journal does not have yet. Each piece that the visitor hands over is in the journal before the
    /// next run can take it for done.
    ///
    /// # Errors
    /// As [`walk`].
    pub(super) async fn walk<F: Feed, V: Visitor<F>>(
        &self,
        sides: Sides,
        listing: Listing,
        visitor: V,
    ) -> Result<(), Error> {
        let limits = WalkLimits { ranges_max: self.ranges_max, listing, first_id: self.recorder.first_id() };
        let (ranges, stats) = (self.recorder.remaining(), Arc::clone(&self.progress.walk));
        walk::<F, _>(sides, ranges, limits, Arc::new(visitor), stats, self.cancel.clone()).await
    }
}
