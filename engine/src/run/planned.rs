//! Applying a reviewed plan: its rows in their order, in chunks, each row under the guard of what it saw.
//!
//! Nothing is listed first. Every chunk is a piece of the keyspace, so an interrupted run goes on behind the
//! last chunk that was committed.

use super::rows::unusable;
use super::settle::Settle;
use super::{RestoreJob, Session};
use crate::Error;
use crate::model::KeyRange;
use crate::plan::{PlanReader, Planned};
use std::path::Path;

/// Rows carried out at a time: two DeleteObjects, and enough copies to keep every connection busy.
const CHUNK: usize = 2000;

/// Carries out the rows of a plan.
///
/// # Errors
/// [`Error::Invalid`] when the plan is damaged or made for another place, before anything was changed.
pub(super) async fn apply(
    path: &Path,
    job: &RestoreJob,
    settle: &Settle,
    session: &Session,
) -> Result<(), Error> {
    let mut plan = PlanReader::open(path).map_err(|error| unusable(&error))?;
    check(&plan, job)?;
    let recorder = &session.recorder;
    let Some(rest) = recorder.remaining().into_iter().next() else { return Ok(()) };
    let mut covered = rest.after.clone();
    let mut chunk: Vec<Planned> = Vec::new();
    loop {
        let row = plan.next_row().map_err(|error| unusable(&error))?;
        let ended = row.is_none();
        chunk.extend(row.filter(|row| rest.contains(&row.key) && job.filter.admits(&row.key)));
        if chunk.len() < CHUNK && !ended {
            continue;
        }
        if session.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let last: Option<Box<str>> = chunk.last().map(|row| row.key.as_str().into());
        let piece = KeyRange { after: covered.clone(), upto: if ended { None } else { last.clone() } };
        let (rows, tally) = settle.settle(std::mem::take(&mut chunk), None).await?;
        recorder.commit(recorder.first_id(), &piece, &rows, &tally).await?;
        session.progress.add(&tally);
        covered = last.unwrap_or(covered);
        if ended {
            return Ok(());
        }
    }
}

fn check(plan: &PlanReader, job: &RestoreJob) -> Result<(), Error> {
    let header = plan.header();
    let (source, target) = (job.sides.source.location.to_string(), job.target_name());
    if header.source != source || header.target != target {
        let place = |target: &Option<String>| target.clone().unwrap_or_else(|| "in place".to_owned());
        return Err(Error::Invalid(format!(
            "the plan was made for {} ({}), not for {source} ({}): nothing was changed",
            header.source,
            place(&header.target),
            place(&target)
        )));
    }
    Ok(())
}
