//! Multipart uploads that we began. None is left behind: each is completed, aborted, or in the log.

use super::{Failure, Job};
use crate::s3::{Answer, CreateUpload, Kind, Store, UploadId};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Remembers uploads that are open, so that a run that was killed can clean them up later.
#[async_trait]
pub trait UploadLog: Send + Sync + 'static {
    /// An upload to this place is about to be begun. Returns when word of it outlives this process.
    async fn awaited(&self, bucket: &str, key: &str) {
        let _ = (bucket, key);
    }
    /// The answer to a begin was lost: an upload may be open whose id nobody knows.
    fn lost(&self, bucket: &str, key: &str) {
        let _ = (bucket, key);
    }
    /// An upload was begun; called before its first part is sent.
    fn begun(&self, upload: &UploadId);
    /// It was completed or aborted. An upload whose abort failed stays in the log.
    fn ended(&self, upload: &UploadId);
}

/// Remembers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoUploadLog;

impl UploadLog for NoUploadLog {
    fn begun(&self, _: &UploadId) {}
    fn ended(&self, _: &UploadId) {}
}

/// An abort may take this long: a run that was told to stop must not hang on a dead server.
pub(super) const ABORT_PATIENCE: Duration = Duration::from_secs(10);

/// Tries to begin an upload whose answers are lost. Each may leave one behind, which the run looks for at its end.
const BEGINS: u32 = 4;
/// Pause before such a try, times the number of tries.
const PAUSE: Duration = Duration::from_millis(200);

impl Job<'_> {
    /// Begins an upload, so that none is forgotten: it is noted before it is asked for, and again when no answer
    /// came, because then it may be there all the same.
    pub(super) async fn create_upload(&self, request: &CreateUpload) -> Result<UploadId, Failure> {
        let (log, store) = (&self.shared.uploads, &self.shared.replica.store);
        log.awaited(&request.bucket, &request.key).await;
        let mut tries = 0;
        loop {
            tries += 1;
            match store.create_upload(request).await {
                Err(error) if error.is_ambiguous() => {
                    log.lost(&request.bucket, &request.key);
                    if tries >= BEGINS {
                        return Err(error.into());
                    }
                    tokio::time::sleep(PAUSE * tries).await;
                }
                answer => return Ok(answer?),
            }
        }
    }
}

/// An open upload. Dropped before its end (the copy was cancelled), it aborts itself in the background.
pub(super) struct OpenUpload {
    pub(super) id: UploadId,
    store: Arc<dyn Store>,
    log: Arc<dyn UploadLog>,
    open: bool,
    /// Lives until the upload has ended, one way or the other.
    token: TaskTrackerToken,
}

impl OpenUpload {
    pub(super) fn new(
        id: UploadId,
        store: Arc<dyn Store>,
        log: Arc<dyn UploadLog>,
        open: &TaskTracker,
    ) -> Self {
        log.begun(&id);
        Self { id, store, log, open: true, token: open.token() }
    }

    /// The server has completed it.
    pub(super) fn completed(mut self) {
        self.open = false;
        self.log.ended(&self.id);
    }

    /// Gives it up.
    pub(super) async fn abort(mut self) {
        // Still open while the request is on its way: a drop meanwhile must start another.
        let done = abort(&self.store, &self.id).await;
        self.open = false;
        if done {
            self.log.ended(&self.id);
        }
    }
}

impl Drop for OpenUpload {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        // Outside a runtime nothing can be sent; the log still has the upload.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (store, log, id) = (Arc::clone(&self.store), Arc::clone(&self.log), self.id.clone());
            let token = self.token.clone();
            runtime.spawn(async move {
                if abort(&store, &id).await {
                    log.ended(&id);
                }
                drop(token);
            });
        }
    }
}

async fn abort(store: &Arc<dyn Store>, id: &UploadId) -> bool {
    let answer: Answer<()> = match tokio::time::timeout(ABORT_PATIENCE, store.abort_upload(id)).await {
        Ok(answer) => answer,
        Err(_) => return false,
    };
    match answer {
        // Completed or aborted by an earlier request whose answer was lost.
        Err(error) if error.kind == Kind::NoSuchUpload => true,
        Err(error) => {
            tracing::warn!(%error, "a multipart upload could not be aborted; it stays in the journal");
            false
        }
        Ok(()) => true,
    }
}
