//! Sync: make the replica equal to the source.
//!
//! Copies start with the first page. Deletions need more: with `--delete` both listings are surveyed first,
//! the brakes look at the sums, and only then does anything change.

use super::examine::Examine;
use super::hands::Hands;
use super::{Session, lost_writes, survey, uploads};
use crate::Error;
use crate::act::{Copier, CopyOptions, CopyTools};
use crate::compare::{Depth, Reading, Rules};
use crate::list::{Listing, Objects, Sides};
use crate::observe::Stage;
use crate::plan::{Brakes, Filter, SyncRules};
use crate::report::Tally;
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
    /// How objects are copied.
    pub copy: CopyOptions,
    /// Decide, count and report, but change nothing.
    pub dry_run: bool,
}

/// Runs a sync to its end and returns what was counted.
///
/// # Errors
/// [`Error::Brake`] before anything was changed; otherwise as [`super::audit`].
pub async fn sync(job: SyncJob, tools: CopyTools, session: &Session) -> Result<Tally, Error> {
    let worked = carry_out(job, tools, session).await;
    session.progress.enter(Stage::Reporting);
    session.recorder.conclude(worked)
}

async fn carry_out(job: SyncJob, tools: CopyTools, session: &Session) -> Result<(), Error> {
    let Some(replica) = job.sides.replica.clone() else {
        return Err(Error::Invalid("a sync needs a replica".into()));
    };
    if job.sync.delete && !job.dry_run {
        let counted = survey(&job, session).await?;
        job.brakes.check(&counted).map_err(Error::Brake)?;
    }
    session.progress.enter(Stage::Working);
    if !job.dry_run {
        uploads::clean_up(session, replica.store.as_ref()).await;
        lost_writes::find(session, &replica).await?;
    }
    let target = Arc::clone(&replica);
    let reading = deep(&job.rules, &tools)?;
    let copier = Copier::new((*job.sides.source).clone(), (*replica).clone(), job.copy.clone(), tools);
    let hands = Hands {
        rules: job.sync,
        dry_run: job.dry_run,
        conditional_deletes: job.copy.conditional_deletes,
        copier: copier.clone(),
        replica,
        recorder: Arc::clone(&session.recorder),
        cancel: session.cancel.clone(),
    };
    let examine = Examine::acting(job.sides.clone(), job.rules, job.filter, (reading, hands), session);
    let walked = session.walk::<Objects, _>(job.sides, Listing::Objects, examine).await;
    copier.close().await;
    uploads::clean_up(session, target.store.as_ref()).await;
    walked
}

/// Reading for proof shares memory and bandwidth with the copies.
pub(super) fn deep(rules: &Rules, tools: &CopyTools) -> Result<Option<Reading>, Error> {
    if rules.depth < Depth::Bytes && rules.scrub.is_none() {
        return Ok(None);
    }
    let reading = Reading::new().map_err(|error| Error::Internal(error.to_string()))?;
    let (memory, bandwidth) = (tools.memory.clone(), Arc::clone(&tools.bandwidth));
    Ok(Some(Reading { memory, bandwidth, ..reading }))
}
