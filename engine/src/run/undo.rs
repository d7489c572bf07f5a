//! Undo: takes back what a restore, or a sync to a versioned replica, did; exactly that, and nothing that
//! somebody wrote since.
//!
//! The journal's actions are read in their order, in chunks; the actions of one key lie together. A key is
//! taken back only if what the run left there is still on top, and then looked at again.

use super::Session;
use super::look::{Tops, tops};
use crate::Error;
use crate::act::{DeleteTask, delete_keys};
use crate::compare::{Evidence, Judgement, Reason};
use crate::journal::{Action, ActionKind, Replay};
use crate::list::{Side, StackEntry};
use crate::model::{EntryKind, KeyRange};
use crate::observe::Stage;
use crate::report::{Finding, Tally};
use crate::s3::S3Error;
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

/// What the run did to one key.
#[derive(Debug)]
struct Deed {
    key: String,
    kind: ActionKind,
    versions: Vec<String>,
    previous: Option<String>,
}

/// How one key is taken back.
#[derive(Debug)]
enum Way {
    /// Remove the version or marker that the run made.
    Remove(String),
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
    let replay = Replay::read(&job.journal)?;
    let mut actions = replay.actions()?;
    let mut open: Option<Deed> = None;
    let mut seen = std::collections::HashSet::new();
    loop {
        let mut chunk = Vec::new();
        let ended = loop {
            let Some(action) = actions.next().transpose()? else { break true };
            match &mut open {
                Some(deed) if deed.key == action.key => deed.join(action),
                _ => chunk.extend(open.replace(Deed::from(action))),
            }
            if chunk.len() >= CHUNK {
                break false;
            }
        };
        if ended {
            chunk.extend(open.take());
        }
        // An interrupted run may have done its last piece twice; the first deed on a key is the one to undo last.
        chunk.retain(|deed| seen.insert(fingerprint(deed)));
        take_back(&job, session, chunk).await?;
        if session.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        if ended {
            break;
        }
    }
    session.progress.enter(Stage::Reporting);
    session.recorder.assemble()
}

/// Eight bytes per deed tell one that was journalled twice.
fn fingerprint(deed: &Deed) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    (&deed.key, &deed.versions).hash(&mut hasher);
    hasher.finish()
}

impl From<Action> for Deed {
    fn from(action: Action) -> Self {
        let Action { key, kind, version_id, previous_version_id } = action;
        Self { key, kind, versions: version_id.into_iter().collect(), previous: previous_version_id }
    }
}

impl Deed {
    fn join(&mut self, action: Action) {
        if action.kind == ActionKind::VersionRemoved {
            self.kind = action.kind;
        }
        self.versions.extend(action.version_id);
    }

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
            _ => match self.versions.last().filter(is_own) {
                Some(version) => Way::Remove(version.clone()),
                None if top.map(|top| &*top.version_id) == self.previous.as_deref() => Way::Nothing,
                None => CHANGED,
            },
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
    let ways: Vec<Way> = deeds.iter().map(|deed| deed.way(&before)).collect();
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
    let piece = chunk_range(&deeds);
    session.recorder.commit(session.recorder.first_id(), &piece, &rows, &tally).await?;
    session.progress.add(&tally);
    Ok(())
}

/// Deeds lie in the order in which they were done, not of keys: the pieces of an undo cover nothing, and an
/// interrupted undo starts again, finding its own work done.
fn chunk_range(_: &[Deed]) -> KeyRange {
    KeyRange { after: "".into(), upto: Some("".into()) }
}

async fn carry_out(
    job: &UndoJob,
    session: &Session,
    deeds: &[Deed],
    ways: &[Way],
) -> Result<Vec<(usize, S3Error)>, Error> {
    let (mut tasks, mut places) = (Vec::new(), Vec::new());
    for (index, (deed, way)) in deeds.iter().zip(ways).enumerate() {
        let (version_id, if_match) = match way {
            Way::Remove(version) => (Some(version.clone()), None),
            Way::Hide(entry) => (None, entry.etag.clone()),
            Way::Nothing | Way::Not(..) => continue,
        };
        tasks.push(DeleteTask { key: deed.key.clone(), version_id, if_match });
        places.push(index);
    }
    let outcomes = delete_keys(&job.target, &tasks, job.conditional_deletes, &session.cancel).await;
    let mut errors = Vec::new();
    for (place, outcome) in places.into_iter().zip(outcomes) {
        if let Err(error) = outcome.result {
            errors.push((place, error));
        }
    }
    Ok(errors)
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
