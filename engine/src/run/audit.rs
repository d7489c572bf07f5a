//! Audit: walk both sides, judge every key, report. Writes to no bucket.

use super::Session;
use super::examine::Examine;
use crate::Error;
use crate::compare::{Depth, Reading, Rules};
use crate::list::{Listing, Objects, Sides, WalkLimits, walk};
use crate::observe::Stage;
use crate::plan::Filter;
use crate::report::Tally;
use std::sync::Arc;

/// What to audit and how.
#[derive(Clone, Debug)]
pub struct AuditJob {
    /// Primary and replica; without a replica the primary is held against what it stores about its own bytes.
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
    let own = job.sides.replica.is_none();
    let reads = own || job.rules.depth == Depth::Bytes || job.rules.scrub.is_some();
    let reading =
        if reads { Some(Reading::new().map_err(|error| Error::Internal(error.to_string()))?) } else { None };
    audit_reading(job, reading, session).await
}

/// [`audit`] with hashing threads, memory and bandwidth of the caller's choice; without any nothing is read, and
/// what only reading could prove stays unproven.
///
/// # Errors
/// As [`audit`].
pub async fn audit_reading(
    job: AuditJob,
    reading: Option<Reading>,
    session: &Session,
) -> Result<Tally, Error> {
    session.progress.enter(Stage::Working);
    let examine = Examine::looking(job.sides.clone(), job.rules, job.filter, reading, session);
    let limits = WalkLimits {
        ranges_max: session.ranges_max,
        listing: Listing::Objects,
        first_id: session.recorder.first_id(),
    };
    let ranges = session.recorder.remaining();
    let stats = Arc::clone(&session.progress.walk);
    let walked =
        walk::<Objects, _>(job.sides, ranges, limits, Arc::new(examine), stats, session.cancel.clone()).await;
    session.progress.enter(Stage::Reporting);
    session.recorder.conclude(walked)
}
