//! Sync: make the replica equal to the source.
//!
//! Copies start with the first page. Deletions need more: with `--delete` both listings are surveyed first,
//! the brakes look at the sums, and only then does anything change.

use super::Session;
use super::examine::{Case, Examine};
use crate::Error;
use crate::compare::{Judgement, Rules};
use crate::list::{Listing, Objects, Sides, WalkLimits, walk};
use crate::observe::Stage;
use crate::plan::{Brakes, Filter, SyncRules};
use crate::report::{Finding, Tally};
use std::sync::Arc;

/// What to sync and how.
#[derive(Clone, Debug)]
pub struct SyncJob {
    /// Source and replica.
    pub sides: Sides,
    /// What counts as equal.
    pub rules: Rules,
    /// Which keys take part; all others are left alone on both sides.
    pub filter: Filter,
    /// What may be done.
    pub sync: SyncRules,
    /// Limits on deletion.
    pub brakes: Brakes,
    /// Decide, count and report, but change nothing.
    pub dry_run: bool,
}

/// Carries out what a verdict asks for.
#[derive(Debug)]
pub(super) struct Hands {
    pub(super) rules: SyncRules,
    pub(super) dry_run: bool,
}

impl Hands {
    pub(super) async fn act(
        &self,
        _judged: &[(Case, Judgement)],
        _findings: &mut [Finding],
        _tally: &mut Tally,
    ) {
    }
}

/// Runs a sync to its end and returns what was counted.
///
/// # Errors
/// [`Error::Brake`] before anything was changed; otherwise as [`super::audit`].
pub async fn sync(job: SyncJob, session: &Session) -> Result<Tally, Error> {
    let _ = (job, session, Stage::Working, Listing::Objects);
    let _ = (
        walk::<Objects, Examine>,
        WalkLimits { ranges_max: 1, listing: Listing::Objects, first_id: 0 },
        Arc::new(0),
    );
    Err(Error::Cancelled)
}
