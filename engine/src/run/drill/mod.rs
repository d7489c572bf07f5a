//! The recovery drill: can versions be brought back, and how long would everything take?
//!
//! Test objects are written, overwritten, deleted, and restored by the restore itself; a sample of real objects is
//! copied to scratch by the copier itself. Everything lies below one scratch folder, and is removed for good at
//! the end: nothing outside that folder is written. Nothing is checkpointed: a drill that is resumed cleans up
//! and begins again.

mod history;
mod sample;
mod scratch;

pub use scratch::{clean, scratch};

use super::Session;
use crate::Error;
use crate::act::{CopyOptions, CopyTools};
use crate::compare::{Evidence, Judgement, Reason, Verdict};
use crate::list::Side;
use crate::model::KeyRange;
use crate::observe::Stage;
use crate::report::{DrillSummary, Finding, Measured, Tally};
use crate::s3::{Kind, S3Error, Versioning};
use std::sync::Arc;

/// Does a run by that name still live? `None` where nobody here knows of it.
pub type IsAlive = Arc<dyn Fn(&str) -> Option<bool> + Send + Sync>;

/// What to try.
pub struct DrillJob {
    /// The location that must be recoverable.
    pub side: Arc<Side>,
    /// Test objects.
    pub objects: u32,
    /// Real objects to restore to scratch.
    pub sample: usize,
    /// Which of them: the same seed takes the same.
    pub seed: u64,
    /// Seconds that recovery may take.
    pub rto: Option<u64>,
    /// Go on although replication carries test objects to a place where they cannot be removed from here.
    pub allow_replicated: bool,
    /// How objects are copied.
    pub copy: CopyOptions,
    /// Tells the scratch folders of the dead from those of the living.
    pub alive: IsAlive,
}

/// One object of the drill and what became of it.
struct Tried {
    key: String,
    size: u64,
    result: Result<Evidence, (Verdict, Reason, String)>,
}

/// Runs the drill. Its scratch folder is empty afterwards, also after an error that lets it clean up.
///
/// # Errors
/// [`Error::Invalid`] without versioning or where new objects are locked, [`Error::Brake`] where replication would
/// carry them away; listings and writes of its own that fail for good; [`Error::Cancelled`].
pub async fn drill(
    job: DrillJob,
    tools: CopyTools,
    session: &Session,
) -> Result<(Tally, DrillSummary), Error> {
    let versioning = job.side.store.versioning(job.side.bucket()).await.map_err(side_error)?;
    if versioning != Versioning::Enabled {
        let bucket = job.side.bucket();
        return Err(Error::Invalid(format!(
            "versioning of {bucket} is not enabled: what is overwritten or deleted there is gone. Enable it first"
        )));
    }
    let place = scratch(&job.side, session.recorder.run().id.as_str());
    let cleaned_before = scratch::clean_dead(&job, session).await?;
    clean(&place).await?;
    let worked = work(&job, &place, tools, session).await;
    let removed = clean(&place).await;
    let (tally, mut summary) = worked?;
    summary.removed = removed?;
    summary.cleaned_before = cleaned_before;
    Ok((tally, summary))
}

async fn work(
    job: &DrillJob,
    place: &Arc<Side>,
    tools: CopyTools,
    session: &Session,
) -> Result<(Tally, DrillSummary), Error> {
    session.progress.enter(Stage::Working);
    scratch::probe(place, job.allow_replicated).await?;
    let mut summary = DrillSummary {
        scratch: place.location.to_string(),
        rto_wished_seconds: job.rto,
        ..DrillSummary::default()
    };
    let mut tally = Tally::default();
    let (mut tried, seconds) = history::recover(job, place, &tools, session).await?;
    summary.history = measured(&tried, seconds);
    let found = sample::take(job, session).await?;
    (summary.objects, summary.bytes, summary.archived) = (found.objects, found.bytes, found.archived);
    summary.listing_seconds = found.seconds;
    let (copied, traffic, seconds) = sample::restore(job, place, found.chosen, tools).await;
    summary.sample = measured(&copied, seconds);
    tally.bytes.copied_server_side += traffic.server_side;
    tally.bytes.streamed += traffic.streamed;
    tally.bytes.hashed += traffic.hashed;
    if session.cancel.is_cancelled() {
        return Err(Error::Cancelled);
    }
    tried.extend(copied);
    summary.reckon();
    session.progress.enter(Stage::Reporting);
    let recorder = &session.recorder;
    let rows = settle(&mut tried, &mut tally);
    recorder.commit(recorder.first_id(), &KeyRange::all(), &rows, &tally).await?;
    session.progress.add(&tally);
    Ok((recorder.assemble()?, summary))
}

fn measured(tried: &[Tried], seconds: f64) -> Measured {
    let restored = || tried.iter().filter(|tried| tried.result.is_ok());
    Measured {
        objects: tried.len() as u64,
        restored: restored().count() as u64,
        bytes: restored().map(|tried| tried.size).sum(),
        seconds,
    }
}

/// Counts them, and a row for each that is not as it should be, in key order.
fn settle(tried: &mut [Tried], tally: &mut Tally) -> Vec<u8> {
    tried.sort_by(|a, b| a.key.cmp(&b.key));
    let mut rows = Vec::new();
    for Tried { key, size, result } in tried.iter() {
        tally.see(Some(*size), Some(*size));
        tally.planned += 1;
        match result {
            Ok(evidence) => {
                tally.conclude(&Judgement::identical(*evidence));
                tally.actions.restored += 1;
            }
            Err((verdict, reason, detail)) => {
                let judgement = Judgement::because(*verdict, *reason);
                tally.conclude(&judgement);
                tally.actions.failed += 1;
                let mut finding = Finding::new(key, &judgement, None, None);
                finding.action = Some("restore failed".to_owned());
                finding.detail = Some(detail.clone());
                finding.write_line(&mut rows);
            }
        }
    }
    rows
}

fn side_error(error: S3Error) -> Error {
    if error.kind == Kind::Cancelled {
        return Error::Cancelled;
    }
    Error::Side { side: "source", error: Box::new(error) }
}
