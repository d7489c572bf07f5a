//! Acting: every object the right way, nothing lost on the way, nobody overwritten.
//!
//! A [`Copier`] copies objects from one [`Side`] to another. Per object it chooses a way (see [`Way`]) and falls
//! back by itself: CopyObject; UploadPartCopy in the source's own part layout; GET and PUT; ranged GETs into
//! UploadPart, hashed as they pass. [`delete_keys`] deletes in batches.
//!
//! # What holds
//! - Each request of a copy is pinned to the source's ETag, and to its version where that is known. Each write
//!   is conditional on what stood at the destination when the copy was planned ([`Standing`]).
//! - A write whose answer is lost is looked for before it is repeated.
//! - A copy is done only when it is proved ([`crate::compare::Evidence`]); otherwise it is a [`Failure`].
//! - A multipart upload is completed, aborted, or left in the [`UploadLog`].
//!
//! # Bounds
//! Relayed bytes in memory: [`CopyTools::memory`], shared by all copies; a part larger than that goes alone.
//! Parts of one object at once: [`CopyOptions::parts_in_flight`]. How many objects at once is the caller's
//! choice, how many requests at once the store's ([`crate::s3::Paced`]).
//!
//! # What one copy costs
//! A plain object within one service: one request. A multipart one: 2 to 3 HEADs, the tags, create, one request
//! per part, complete. Relayed: GET and PUT, and the tags if there are any; in parts as above, with a GET per
//! part. Further requests only where something went wrong or nothing in the answers proves the copy.

mod acl;
mod bandwidth;
mod commit;
mod delete;
mod delete_trial;
#[cfg(test)]
mod double;
mod fetch;
pub mod folder;
mod guard;
mod hashing;
mod layout;
mod learned;
mod multipart;
mod options;
mod outcome;
mod parts;
mod proof;
mod put;
mod retag;
mod single;
mod task;
#[cfg(test)]
mod tests;
mod tickets;
mod travel;
mod uploads;
mod way;

pub use bandwidth::Bandwidth;
pub use delete::{DeleteOutcome, DeleteTask, delete_keys};
pub use options::{AclMode, CopyLimits, CopyMode, CopyOptions};
pub use outcome::{Copied, CopyOutcome, Failure, Note, Traffic, Way};
pub use task::{CopyTask, Seen, Standing};
pub use tickets::{MemoryTickets, Ticket};
pub use uploads::{NoUploadLog, UploadLog};

use crate::list::Side;
use crate::s3::{Feature, HeadObject, ObjectId, ObjectInfo};
use crate::verify::service::DigestService;
use learned::Learned;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What copies share with the rest of the run.
#[derive(Clone)]
pub struct CopyTools {
    /// Hashes relayed bytes.
    pub digests: DigestService,
    /// `--memory-limit`, less what the rest of the program needs.
    pub memory: MemoryTickets,
    /// `--max-bandwidth`.
    pub bandwidth: Arc<Bandwidth>,
    /// Remembers open multipart uploads.
    pub uploads: Arc<dyn UploadLog>,
    /// Ends the run: nothing new is begun, uploads in parts are aborted, single requests finish.
    pub cancel: CancellationToken,
}

/// Copies objects from one side to the other. Cheap to clone; clones share what they learn about the servers.
#[derive(Clone)]
pub struct Copier {
    shared: Arc<Shared>,
}

struct Shared {
    source: Side,
    replica: Side,
    options: CopyOptions,
    digests: DigestService,
    tickets: MemoryTickets,
    bandwidth: Arc<Bandwidth>,
    uploads: Arc<dyn UploadLog>,
    cancel: CancellationToken,
    learned: Learned,
    open_uploads: TaskTracker,
}

/// One object under way.
struct Job<'a> {
    shared: &'a Arc<Shared>,
    task: &'a CopyTask,
    /// The source, pinned to a version as soon as one is known.
    source: ObjectId,
    /// The destination's current version.
    target: ObjectId,
    ledger: &'a Mutex<Ledger>,
}

#[derive(Debug, Default)]
struct Ledger {
    way: Option<Way>,
    written: Option<String>,
    traffic: Traffic,
    notes: Vec<Note>,
}

impl Copier {
    /// A copier from `source` to `replica`.
    #[must_use]
    pub fn new(source: Side, replica: Side, mut options: CopyOptions, tools: CopyTools) -> Self {
        let CopyTools { digests, memory, bandwidth, uploads, cancel } = tools;
        // Where memory is short, several pieces at once are worth more than large ones; parts have a least size.
        options.single_put = options.single_put.min(memory.capacity() / 4);
        options.relay_part = options.relay_part.min((memory.capacity() / 4).max(5 << 20));
        let (learned, open_uploads) = (Learned::default(), TaskTracker::new());
        let tickets = memory;
        let shared = Shared {
            source,
            replica,
            options,
            digests,
            tickets,
            bandwidth,
            uploads,
            cancel,
            learned,
            open_uploads,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Copies one object. Trouble with it is part of the outcome. A call that is dropped leaves nothing behind
    /// but a write that may or may not have taken effect.
    pub async fn copy(&self, task: &CopyTask) -> CopyOutcome {
        let ledger = Mutex::new(Ledger::default());
        let result = self.attempt(task, &ledger).await;
        let Ledger { way, written, traffic, notes } =
            ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
        CopyOutcome { result, way, written, traffic, notes }
    }

    /// Waits until every upload of copies that were dropped is aborted, or cannot be: it stays in the log then.
    /// To be called when no copy is under way any more.
    pub async fn close(&self) {
        let open = &self.shared.open_uploads;
        open.close();
        if tokio::time::timeout(uploads::ABORT_PATIENCE, open.wait()).await.is_err() {
            tracing::warn!(
                uploads = open.len(),
                "multipart uploads are still open; the journal remembers them"
            );
        }
    }

    async fn attempt(&self, task: &CopyTask, ledger: &Mutex<Ledger>) -> Result<Copied, Failure> {
        let shared = &self.shared;
        if shared.cancel.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        if task.source.is_archived() {
            return Err(Failure::Archived);
        }
        if task.source.etag.is_none() {
            // Nothing to pin the requests to: look first.
            let task = self.with_etag(task).await?;
            return Job::new(shared, &task, ledger).run().await;
        }
        Job::new(shared, task, ledger).run().await
    }

    async fn with_etag(&self, task: &CopyTask) -> Result<CopyTask, Failure> {
        let id = self.shared.source.version(&task.key, task.source.version_id.as_deref());
        let info =
            self.shared.source.store.head(&HeadObject { id, checksum: false, part_number: None }).await?;
        let mut task = task.clone();
        task.source.etag = info.etag;
        task.source.size = info.size;
        Ok(task)
    }
}

impl<'a> Job<'a> {
    fn new(shared: &'a Arc<Shared>, task: &'a CopyTask, ledger: &'a Mutex<Ledger>) -> Self {
        let source = shared.source.version(&task.key, task.source.version_id.as_deref());
        let target = shared.replica.object(task.target_key.as_deref().unwrap_or(&task.key));
        Self { shared, task, source, target, ledger }
    }

    async fn run(mut self) -> Result<Copied, Failure> {
        let Shared { source, replica, options, learned, .. } = &**self.shared;
        let shared_service = source.same_service(replica);
        let server_side = shared_service && (options.mode == CopyMode::Server || learned.may_copy());
        let first = way::choose(&self.task.source, options, server_side)?;
        let no_part_copy = first == Way::CopyParts && replica.profile.lacks(Feature::PartCopy);
        if no_part_copy && options.mode != CopyMode::Server {
            return self.go(way::relay(&self.task.source, options)).await;
        }
        let result = self.go(first).await;
        let refusal = match result {
            Err(failure) if first.is_server_side() && failure.is_refusal() => failure,
            Ok(copied) => {
                if first.is_server_side() {
                    learned.copy_worked();
                }
                return Ok(copied);
            }
            other => return other,
        };
        if options.mode == CopyMode::Server || !learned.may_relay() {
            return Err(refusal);
        }
        self.note(Note::ServerSideRefused(refusal.to_string()));
        if refusal.is_missing_part_copy() {
            // That says nothing about CopyObject.
            replica.profile.misses(Feature::PartCopy);
            return self.go(way::relay(&self.task.source, options)).await;
        }
        let relayed = self.go(way::relay(&self.task.source, options)).await;
        let worked = relayed.is_ok();
        if worked || relayed.as_ref().is_err_and(Failure::is_refusal) {
            learned.relay_after_refusal(worked);
        }
        relayed
    }

    async fn go(&mut self, way: Way) -> Result<Copied, Failure> {
        self.gone(way);
        // The longer ways have large states; the short one is on the path of every small object.
        match way {
            Way::Copy => self.copy_object().await,
            Way::Put => Box::pin(self.put_object()).await,
            Way::CopyParts => Box::pin(self.in_parts(false)).await,
            Way::PutParts => Box::pin(self.in_parts(true)).await,
        }
    }

    /// From here on exactly this version is read.
    fn pin(&mut self, info: &ObjectInfo) {
        if self.source.version_id.is_none() {
            self.source.version_id.clone_from(&info.version_id);
        }
    }

    fn ledger(&self, change: impl FnOnce(&mut Ledger)) {
        change(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn gone(&self, way: Way) {
        self.ledger(|ledger| ledger.way = Some(way));
    }

    fn moved(&self, change: impl FnOnce(&mut Traffic)) {
        self.ledger(|ledger| change(&mut ledger.traffic));
    }

    /// Notes something, once.
    fn note(&self, note: Note) {
        self.ledger(|ledger| {
            if !ledger.notes.contains(&note) {
                ledger.notes.push(note);
            }
        });
    }
}

impl std::fmt::Debug for Copier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Copier({:?} -> {:?})", self.shared.source, self.shared.replica)
    }
}
