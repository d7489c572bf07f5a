//! Multipart uploads that we began. None is left behind: each is completed, aborted, or in the log.

use crate::s3::{Answer, Store, UploadId};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Remembers uploads that are open, so that a run that was killed can clean them up later.
pub trait UploadLog: Send + Sync + 'static {
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
    if let Err(error) = &answer {
        tracing::warn!(%error, "a multipart upload could not be aborted; it stays in the journal");
    }
    answer.is_ok()
}
