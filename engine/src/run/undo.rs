//! Undo: takes back what a restore, or a sync to a versioned replica, did; exactly that, and nothing that
//! somebody wrote since.
//!
//! The journal's actions are read in their order, in chunks; the actions of one key lie together. A key is
//! taken back only if what the run left there is still on top, and then looked at again.
//!
//! Deeds lie in the order in which they were done, not of keys, so the checkpoint of an undo is a count: each
//! committed piece covers no keys and says by its counts how many deeds it settled. The order never changes, so an
//! interrupted undo skips as many and goes on.

use super::Session;
use super::deeds::{Deed, Deeds};
use super::look::{Tops, tops};
use crate::Error;
use crate::act::{DeleteTask, delete_keys};
use crate::compare::{Evidence, Judgement, Reason};
use crate::journal::{ActionKind, Replay};
use crate::list::{Side, StackEntry};
use crate::model::{EntryKind, KeyRange};
use crate::observe::Stage;
use crate::report::{Finding, Tally};
use crate::s3::{HeadObject, Kind, S3Error};
use std::path::PathBuf;
use std::sync::Arc;

/// Keys taken back at a time. Bounds memory: about a kilobyte each.
const CHUNK: usize = 2000;

/// What to take back.
#[derive(Clone, Debug)]
pub struct UndoJob {
    /// Where the run wrote.
    pub target: Arc<Side>,
    /// The run's journal.
    pub journal: PathBuf,
    /// The server has If-Match on deletes.
    pub conditional_deletes: bool,
    /// Look and report, but change nothing.
    pub dry_run: bool,
}

/// How one key is taken back.
#[derive(Debug)]
enum Way {
    /// Remove the versions or markers that the run made.
    Remove(Vec<String>),
    /// Hide what the run uncovered; the entry is the condition.
    Hide(StackEntry),
    /// It is as it was already.
    Nothing,
    /// It cannot be, or must not.
    Not(&'static str, &'static str),
}

/// Takes a run back and returns what was counted.
///
/// # Errors
/// When the journal cannot be read, the target not be listed, or the run is cancelled.
pub async fn undo(job: UndoJob, session: &Session) -> Result<Tally, Error> {
    session.progress.enter(Stage::Working);
    let worked = work_through(&job, session).await;
    session.progress.enter(Stage::Reporting);
    session.recorder.conclude(worked)
}

async fn work_through(job: &UndoJob, session: &Session) -> Result<(), Error> {
    let mut deeds = Deeds::read(&Replay::read(&job.journal)?)?;
    let mut settled = session.recorder.tally().planned;
    loop {
        let mut chunk = deeds.chunk(CHUNK)?;
        if chunk.is_empty() {
            break;
        }
        let before = settled.min(chunk.len() as u64);
        settled -= before;
        chunk.drain(..usize::try_from(before).unwrap_or(chunk.len()));
        take_back(job, session, chunk).await?;
        if session.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
    }
    Ok(())
}

impl Deed {
    fn way(&self, tops: &Tops) -> Way {
        let top = tops.get(&*self.key);
        let is_own = |version: &&String| top.is_some_and(|top| *top.version_id == ***version);
        match self.kind {
            ActionKind::VersionRemoved => Way::Not(
                "versions-removed",
                "the run removed versions for good, as it was told to: they are gone",
            ),
            ActionKind::MarkerRemoved => match top {
                Some(top) if top.kind == EntryKind::DeleteMarker => Way::Nothing,
                Some(top) if self.previous.as_deref() == Some(&*top.version_id) => Way::Hide(top.clone()),
                None => Way::Nothing,
                Some(_) => CHANGED,
            },
            ActionKind::Updated => {
                Way::Not("not-journalled", "the earlier tags and metadata are not in the journal")
            }
            _ if self.versions.iter().any(|version| is_own(&version)) => Way::Remove(self.versions.clone()),
            _ if top.map(|top| &*top.version_id) == self.previous.as_deref() => Way::Nothing,
            _ => CHANGED,
        }
    }
}

const CHANGED: Way = Way::Not(
    "changed-since",
    "somebody wrote the key after that run: it was left alone; see `s3twin versions`",
);

async fn take_back(job: &UndoJob, session: &Session, mut deeds: Vec<Deed>) -> Result<(), Error> {
    deeds.sort_by(|a, b| a.key.cmp(&b.key));
    let keys: Vec<String> = deeds.iter().map(|deed| deed.key.clone()).collect();
    let before = tops(&job.target, None, keys.clone()).await.map_err(Error::replica_listing)?;
    let mut ways: Vec<Way> = deeds.iter().map(|deed| deed.way(&before)).collect();
    recognise_own_work(job, &deeds, &mut ways).await?;
    let errors = if job.dry_run { Vec::new() } else { carry_out(job, session, &deeds, &ways).await? };
    let after = if job.dry_run {
        before
    } else {
        tops(&job.target, None, keys).await.map_err(Error::replica_listing)?
    };
    let (mut rows, mut tally) = (Vec::new(), Tally::default());
    for (index, (deed, way)) in deeds.iter().zip(&ways).enumerate() {
        let error = errors.iter().find(|(place, _)| *place == index).map(|(_, error)| error);
        conclude(job, deed, way, error, &after, &mut tally).write_line(&mut rows);
    }
    // It covers no keys: its counts are the checkpoint.
    let nothing = KeyRange { after: "".into(), upto: Some("".into()) };
    session.recorder.commit(session.recorder.first_id(), &nothing, &rows, &tally).await?;
    session.progress.add(&tally);
    Ok(())
}

async fn carry_out(
    job: &UndoJob,
    session: &Session,
    deeds: &[Deed],
    ways: &[Way],
) -> Result<Vec<(usize, S3Error)>, Error> {
    let (mut tasks, mut places) = (Vec::new(), Vec::new());
    for (index, (deed, way)) in deeds.iter().zip(ways).enumerate() {
        let wishes: Vec<_> = match way {
            Way::Remove(versions) => versions.iter().map(|version| (Some(version.clone()), None)).collect(),
            Way::Hide(entry) => vec![(None, entry.etag.clone())],
            Way::Nothing | Way::Not(..) => continue,
        };
        for (version_id, if_match) in wishes {
            tasks.push(DeleteTask { key: deed.key.clone(), version_id, if_match });
            places.push(index);
        }
    }
    let outcomes = delete_keys(&job.target, &tasks, job.conditional_deletes, &session.cancel).await;
    let mut errors = Vec::new();
    for (place, outcome) in places.into_iter().zip(outcomes) {
        match outcome.result {
            // Not committed, so that it is done when the undo is resumed.
            Err(error) if error.kind == Kind::Cancelled => return Err(Error::Cancelled),
            Err(error) => errors.push((place, error)),
            Ok(_) => {}
        }
    }
    Ok(errors)
}

/// What was on top before a sync's write is not always known. Where neither the run's version nor a known one is
/// on top, the undo may have been here already: then the run's version is gone from the history.
async fn recognise_own_work(job: &UndoJob, deeds: &[Deed], ways: &mut [Way]) -> Result<(), Error> {
    for (deed, way) in deeds.iter().zip(ways) {
        let (Way::Not("changed-since", _), None) = (&*way, &deed.previous) else { continue };
        let mut gone = true;
        for version in &deed.versions {
            let id = job.target.version(&deed.key, Some(version));
            match job.target.store.head(&HeadObject { id, ..HeadObject::default() }).await {
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) if error.kind != Kind::DeleteMarker => return Err(Error::replica_listing(error)),
                _ => gone = false,
            }
        }
        if gone {
            *way = Way::Nothing;
        }
    }
    Ok(())
}

fn conclude(
    job: &UndoJob,
    deed: &Deed,
    way: &Way,
    error: Option<&S3Error>,
    after: &Tops,
    tally: &mut Tally,
) -> Finding {
    tally.see(Some(0), Some(0));
    tally.planned += 1;
    let top = after.get(&*deed.key);
    let hidden = top.is_none_or(|top| top.kind == EntryKind::DeleteMarker);
    let is_as_before = match deed.kind {
        ActionKind::MarkerRemoved => hidden,
        // A listing of current objects, as a sync reads it, names no versions: then it is enough that the run's
        // own is gone.
        _ => match deed.previous.as_deref() {
            Some(previous) => top.is_some_and(|top| &*top.version_id == previous),
            None => top.is_none_or(|top| !deed.versions.iter().any(|own| **own == *top.version_id)),
        },
    };
    let actions = &mut tally.actions;
    let (judgement, action, advice) = match (way, error) {
        (_, Some(error)) => {
            actions.failed += 1;
            (Judgement::unproven(Reason::ServerError), format!("failed: {}", error.reason()), error.advice())
        }
        (Way::Not(reason, advice), _) => {
            actions.skipped += 1;
            (
                Judgement::unproven(Reason::ChangedMeanwhile),
                format!("left alone: {reason}"),
                (*advice).to_owned(),
            )
        }
        _ if job.dry_run => {
            actions.skipped += 1;
            (Judgement::different(Reason::VersionsDiffer), "would be taken back".to_owned(), String::new())
        }
        _ if !is_as_before => {
            actions.failed += 1;
            let advice = "what stood there before the run is not on top again: see `s3twin versions`";
            (
                Judgement::unproven(Reason::ChangedMeanwhile),
                "failed: not-verified".to_owned(),
                advice.to_owned(),
            )
        }
        (Way::Remove(_), _) if matches!(deed.kind, ActionKind::MarkerAdded | ActionKind::Deleted) => {
            actions.marker_removed += 1;
            (
                Judgement::identical(Evidence::Etag),
                "delete marker removed, verified".to_owned(),
                String::new(),
            )
        }
        _ => {
            actions.deleted += 1;
            (Judgement::identical(Evidence::Etag), "taken back, verified".to_owned(), String::new())
        }
    };
    tally.conclude(&judgement);
    let mut row = Finding::new(&deed.key, &judgement, None, None);
    (row.action, row.advice) = (Some(action), advice);
    row
}
