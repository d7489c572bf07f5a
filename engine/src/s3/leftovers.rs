//! Uploads that were begun and never ended: they are billed, and no listing of objects shows them.

use super::{Answer, PendingUpload, UploadId};
use async_trait::async_trait;

/// Where a listing of uploads goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadMarker {
    /// After this key,
    pub key: String,
    /// after this upload of it.
    pub upload_id: String,
}

/// One page of uploads in progress.
#[derive(Clone, Debug, Default)]
pub struct UploadPage {
    /// At most 1,000.
    pub uploads: Vec<PendingUpload>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<UploadMarker>,
}

/// What an upload holds so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UploadWeight {
    /// Parts sent.
    pub parts: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A store that can be asked for uploads page by page.
#[async_trait]
pub trait Leftovers: Send + Sync + 'static {
    /// One page of uploads below a prefix, after a marker.
    async fn uploads(&self, bucket: &str, prefix: &str, after: Option<&UploadMarker>) -> Answer<UploadPage>;
    /// What one upload holds; one request per 1,000 parts.
    async fn weigh(&self, upload: &UploadId) -> Answer<UploadWeight>;
}
