//! Audit: walk both sides, judge every key, report. Writes to no bucket.

use super::Session;
use super::examine::Examine;
use crate::Error;
use crate::compare::Rules;
use crate::list::{Listing, Objects, Sides, WalkLimits, walk};
use crate::observe::Stage;
use crate::plan::Filter;
use crate::report::Tally;
use std::sync::Arc;

/// What to audit and how.
#[derive(Clone, Debug)]
pub struct AuditJob {
    /// Primary and replica.
    pub sides: Sides,
    /// What counts as equal, and how far to climb.
    pub rules: Rules,
    /// Which keys take part.
    pub filter: Filter,
}

/// Runs an audit to its end and returns what was counted.
///
/// # Errors
/// When a listing fails for good, the run's files cannot be written, or the run is cancelled. What was
/// committed before is on disk.
pub async fn audit(job: AuditJob, session: &Session) -> Result<Tally, Error> {
    session.progress.enter(Stage::Working);
    let examine = Examine::looking(job.sides.clone(), job.rules, job.filter, session);
    let limits = WalkLimits {
        ranges_max: session.ranges_max,
        listing: Listing::Objects,
        first_id: session.recorder.first_id(),
    };
    let ranges = session.recorder.remaining();
    let stats = Arc::clone(&session.progress.walk);
    walk::<Objects, _>(job.sides, ranges, limits, Arc::new(examine), stats, session.cancel.clone()).await?;
    session.progress.enter(Stage::Reporting);
    session.recorder.assemble()
}
