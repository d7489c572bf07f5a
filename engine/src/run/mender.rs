//! Carrying out planned rows: thaws, removals, copies, delete markers; then a second look at what stands there.
//!
//! Every change is conditional on what the plan saw, and only what the second look proves counts as done.
//! Removals are journalled before they are sent (whether they happened can be seen later), everything else
//! right after, because its version id is not known before.

use super::Recorder;
use super::hands::{awaited, awaited_deletion};
use super::look::{Tops, tops};
use super::thaw::{THAW_REQUESTED, Thaw};
use crate::Error;
use crate::act::{Copier, CopyTask, DeleteTask, Failure, Seen, Standing, delete_keys};
use crate::journal::{ActionKind, AwaitedWrite, Replay};
use crate::list::{Side, StackEntry};
use crate::model::{ETag, EntryKind, KeyRange, Restore, StorageClass};
use crate::plan::{Planned, PlannedVersion, Step};
use crate::report::Tally;
use crate::s3::{Kind, S3Error};
use futures::StreamExt as _;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Copies of one piece in flight at once. The pace of the stores is the real limit.
const AT_ONCE: usize = 256;
/// A row and what became of it.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) planned: Planned,
    pub(super) outcome: Outcome,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing was done: nothing to do, or a rehearsal.
    Untouched,
    /// Left alone on purpose.
    Skipped(String),
    /// Copied; the version made, where the bucket has versions, and how it was proved.
    Copied(Option<String>, String),
    /// What hid it was removed.
    Removed,
    /// A delete marker was made, or the object deleted where there are no versions.
    Marked,
    /// Why not: a stable word, more words, advice.
    Failed(String, String, String),
}

/// Carries out rows.
pub(super) struct Mender {
    pub(super) copier: Copier,
    /// Whose history.
    pub(super) source: Arc<Side>,
    /// What is changed.
    pub(super) target: Arc<Side>,
    pub(super) thaw: Thaw,
    pub(super) conditional_deletes: bool,
    pub(super) recorder: Arc<Recorder>,
    pub(super) cancel: CancellationToken,
}

impl fmt::Debug for Mender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mender({:?} -> {:?})", self.source, self.target)
    }
}

fn changed() -> Outcome {
    let what = "somebody wrote the key after it was planned; it was left alone";
    Outcome::Failed("changed-meanwhile".into(), what.into(), "plan again: the new state will be seen".into())
}

impl Outcome {
    /// The bytes were asked for and are not there yet.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self, Self::Skipped(why) if why == THAW_REQUESTED)
    }
}

pub(super) fn failed(error: &S3Error) -> Outcome {
    Outcome::Failed(error.reason().into(), error.to_string(), error.advice())
}

impl Mender {
    /// Carries out the rows, which are in key order, verifies them and counts. `piece` is a range that holds
    /// them, with the number of its keys.
    ///
    /// # Errors
    /// [`Error::Cancelled`], so that the piece is not committed; a listing that cannot verify; the journal's.
    pub(super) async fn mend(
        &self,
        piece: Option<(&KeyRange, usize)>,
        rows: &mut [Work],
        tally: &mut Tally,
    ) -> Result<(), Error> {
        self.thaw.ask(rows).await?;
        self.remove(piece, rows).await?;
        self.copy(rows, tally).await?;
        self.mark(rows).await?;
        self.verify(piece, rows).await?;
        if self.cancel.is_cancelled() && rows.iter().any(|row| was_cancelled(&row.outcome)) {
            return Err(Error::Cancelled);
        }
        Ok(())
    }

    /// Rows of an earlier process of this run, which may have died behind a copy: what stands there as wished is done.
    /// What that process wrote and cannot be told to be as wished is to be written again, over its own.
    pub(super) async fn recognise(&self, rows: &mut [Work]) -> Result<(), Error> {
        let keys: Vec<String> = rows.iter().map(|row| row.planned.key.clone()).collect();
        let tops = tops(&self.target, None, keys).await.map_err(Error::replica_listing)?;
        let mut foreign = HashMap::new();
        for row in rows.iter_mut().filter(|row| row.outcome == Outcome::Untouched) {
            let (Some(top), Some(wished)) = (tops.get(&*row.planned.key), &row.planned.wished) else {
                continue;
            };
            if is_still(&tops, &row.planned) {
                continue;
            }
            if has_bytes_of(top, wished) {
                let proof = "it stands there already, the same ETag and size";
                row.outcome = Outcome::Copied(Some(top.version_id.to_string()), proof.to_owned());
            } else {
                foreign.insert(row.planned.key.clone(), top);
            }
        }
        if foreign.is_empty() {
            return Ok(());
        }
        let mut own = HashSet::new();
        for action in Replay::read(&self.recorder.run().journal())?.actions()? {
            let action = action?;
            let top = foreign.get(&action.key).map(|top| &*top.version_id);
            if top.is_some() && top == action.version_id.as_deref() {
                own.insert(action.key);
            }
        }
        for row in rows.iter_mut().filter(|row| own.contains(&row.planned.key)) {
            row.planned.current = foreign.get(&row.planned.key).map(|top| PlannedVersion::from(*top));
        }
        Ok(())
    }

    async fn remove(&self, piece: Option<(&KeyRange, usize)>, rows: &mut [Work]) -> Result<(), Error> {
        let wanted = rows.iter().filter(|row| row.planned.action == Step::RemoveMarker);
        let keys: Vec<String> = wanted.map(|row| row.planned.key.clone()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let tops = tops(&self.target, piece, keys).await.map_err(Error::replica_listing)?;
        let (mut tasks, mut places) = (Vec::new(), Vec::new());
        for (index, row) in rows.iter_mut().enumerate() {
            let planned = &row.planned;
            if planned.action != Step::RemoveMarker {
                continue;
            }
            if !is_still(&tops, planned) {
                row.outcome = changed();
                continue;
            }
            let hidden = planned.wished.as_ref().map(|version| version.version_id.clone());
            for id in &planned.remove {
                let gone = planned.remove_versions.contains(id);
                let kind = if gone { ActionKind::VersionRemoved } else { ActionKind::MarkerRemoved };
                self.recorder.made(&planned.key, kind, Some(id.clone()), hidden.clone()).await?;
                tasks.push(DeleteTask {
                    key: planned.key.clone(),
                    version_id: Some(id.clone()),
                    if_match: None,
                });
                places.push(index);
            }
            row.outcome = Outcome::Removed;
        }
        let outcomes = delete_keys(&self.target, &tasks, self.conditional_deletes, &self.cancel).await;
        for (place, outcome) in places.into_iter().zip(outcomes) {
            if let (Err(error), Some(row)) = (outcome.result, rows.get_mut(place)) {
                row.outcome = failed(&error);
            }
        }
        Ok(())
    }

    async fn copy(&self, rows: &mut [Work], tally: &mut Tally) -> Result<(), Error> {
        let wanted = rows.iter().enumerate().filter(|(_, row)| row.planned.action == Step::CopyVersion);
        let tasks: Vec<_> =
            wanted.filter_map(|(index, row)| Some((index, copy_task(&row.planned)?))).collect();
        let announced = tasks.iter().map(|(index, task)| {
            let (key, write) = awaited(task, ActionKind::Restored);
            let current = rows.get(*index).and_then(|row| row.planned.current.as_ref());
            (
                key,
                AwaitedWrite {
                    previous_version_id: current.map(|version| version.version_id.clone()),
                    ..write
                },
            )
        });
        self.recorder.await_writes(announced.collect()).await?;
        let mut outcomes = futures::stream::iter(tasks)
            .map(|(index, task)| async move { (index, self.copier.copy(&task).await) })
            .buffer_unordered(AT_ONCE);
        while let Some((index, outcome)) = outcomes.next().await {
            let Some(row) = rows.get_mut(index) else { continue };
            tally.bytes.streamed += outcome.traffic.streamed;
            tally.bytes.hashed += outcome.traffic.hashed;
            tally.bytes.copied_server_side += outcome.traffic.server_side;
            // Also one that was written and could not be proved: it is there.
            let previous = row.planned.current.as_ref().map(|version| version.version_id.clone());
            let kind = ActionKind::Restored;
            self.recorder.made(&row.planned.key, kind, outcome.written.clone(), previous).await?;
            Error::if_expired(outcome.result.as_ref().err().and_then(Failure::request))?;
            row.outcome = match outcome.result {
                Ok(copied) => {
                    let notes = outcome.notes.iter().map(|note| format!("; {}", note.name()));
                    Outcome::Copied(
                        copied.version_id,
                        format!("proved by {}{}", copied.proof.name(), notes.collect::<String>()),
                    )
                }
                Err(Failure::Cancelled) => return Err(Error::Cancelled),
                Err(failure) => {
                    Outcome::Failed(failure.reason().into(), failure.to_string(), failure.advice())
                }
            };
        }
        Ok(())
    }

    async fn mark(&self, rows: &mut [Work]) -> Result<(), Error> {
        let mut wanted: Vec<&mut Work> =
            rows.iter_mut().filter(|row| row.planned.action == Step::AddMarker).collect();
        let tasks: Vec<_> = wanted
            .iter()
            .map(|row| DeleteTask {
                key: row.planned.key.clone(),
                version_id: None,
                if_match: row.planned.current.as_ref().and_then(etag),
            })
            .collect();
        let announced = wanted.iter().map(|row| {
            let current = row.planned.current.as_ref().map(|version| version.version_id.clone());
            (row.planned.key.clone(), awaited_deletion(ActionKind::MarkerAdded, current))
        });
        self.recorder.await_writes(announced.collect()).await?;
        let outcomes = delete_keys(&self.target, &tasks, self.conditional_deletes, &self.cancel).await;
        for (row, outcome) in wanted.iter_mut().zip(outcomes) {
            row.outcome = match outcome.result {
                Ok(marker) => {
                    let previous = row.planned.current.as_ref().map(|version| version.version_id.clone());
                    self.recorder.made(&row.planned.key, ActionKind::MarkerAdded, marker, previous).await?;
                    Outcome::Marked
                }
                Err(error) if error.kind == Kind::Changed => changed(),
                Err(error) => failed(&error),
            };
        }
        Ok(())
    }

    /// Looks again. What does not stand there as wished was not restored, whatever the answers said.
    async fn verify(&self, piece: Option<(&KeyRange, usize)>, rows: &mut [Work]) -> Result<(), Error> {
        let done =
            |row: &&Work| matches!(row.outcome, Outcome::Copied(..) | Outcome::Removed | Outcome::Marked);
        let keys: Vec<String> = rows.iter().filter(done).map(|row| row.planned.key.clone()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let tops = tops(&self.target, piece, keys).await.map_err(Error::replica_listing)?;
        for row in rows.iter_mut() {
            let top = tops.get(&*row.planned.key);
            let stands = match &row.outcome {
                Outcome::Copied(Some(version), _) => top.is_some_and(|top| *top.version_id == **version),
                Outcome::Copied(None, _) => {
                    let wished = row.planned.wished.as_ref();
                    top.zip(wished)
                        .is_some_and(|(top, wished)| top.kind == EntryKind::Object && top.size == wished.size)
                }
                Outcome::Removed => match &row.planned.wished {
                    Some(wished) => top.is_some_and(|top| *top.version_id == *wished.version_id),
                    None => top.is_none_or(|top| top.kind == EntryKind::DeleteMarker),
                },
                Outcome::Marked => top.is_none_or(|top| top.kind == EntryKind::DeleteMarker),
                _ => continue,
            };
            if !stands {
                let what = "after the restore something else stands there: somebody wrote the key meanwhile";
                row.outcome =
                    Outcome::Failed("not-verified".into(), what.into(), "run the restore again".into());
            }
        }
        Ok(())
    }
}

/// Conclusive from the listing: the same digest and size.
fn has_bytes_of(top: &StackEntry, wished: &PlannedVersion) -> bool {
    let digest = matches!(top.etag, Some(ETag::Plain(_) | ETag::Multipart { .. }));
    top.kind == EntryKind::Object && top.size == wished.size && digest && top.etag == etag(wished)
}

fn was_cancelled(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(reason, ..) if reason == "cancelled")
}

/// Is the entry on top still the one that the plan saw?
fn is_still(tops: &Tops, planned: &Planned) -> bool {
    let top = tops.get(&*planned.key).map(|top: &StackEntry| &*top.version_id);
    top == planned.current.as_ref().map(|version| version.version_id.as_str())
}

fn etag(version: &PlannedVersion) -> Option<ETag> {
    version.etag.as_deref().map(ETag::parse)
}

fn copy_task(planned: &Planned) -> Option<CopyTask> {
    let wished = planned.wished.as_ref()?;
    let standing = match &planned.current {
        Some(PlannedVersion { marker: false, last_modified, etag: Some(etag), .. }) => {
            Standing::Present { etag: ETag::parse(etag), last_modified: *last_modified }
        }
        Some(PlannedVersion { marker: false, .. }) => Standing::Unknown,
        _ => Standing::Absent,
    };
    let source = Seen {
        size: wished.size,
        etag: etag(wished),
        last_modified: wished.last_modified,
        version_id: Some(wished.version_id.clone()),
        storage_class: StorageClass::from_name(wished.storage_class.as_deref().unwrap_or_default()),
        restore: wished.thawed.then_some(Restore::Until(wished.last_modified)),
        ..Seen::default()
    };
    Some(CopyTask { key: planned.key.clone(), target_key: None, source, standing })
}
