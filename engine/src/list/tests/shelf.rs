//! A shelf of keys behind the store trait: listings only, with pages of any size.

use crate::model::{ETag, EntryKind, Page, PageBuilder, Row};
use crate::s3::*;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Keys with their number of versions.
pub(super) struct Shelf {
    pub(super) keys: Mutex<BTreeMap<String, u32>>,
    pub(super) page: usize,
    pub(super) requests: AtomicU64,
    /// The n-th listing fails for good.
    pub(super) fails_at: Option<u64>,
    /// Keys that come and go: each page takes one away or puts one back.
    pub(super) restless: Vec<String>,
}

impl Shelf {
    pub(super) fn new(keys: impl IntoIterator<Item = (String, u32)>, page: usize) -> Self {
        Self {
            keys: Mutex::new(keys.into_iter().collect()),
            page,
            requests: AtomicU64::new(0),
            fails_at: None,
            restless: Vec::new(),
        }
    }

    fn count(&self, operation: Operation, bucket: &str) -> Answer<()> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if self.fails_at == Some(number) {
            return Err(S3Error::local(Kind::Transient, operation, bucket, "the shelf fell over"));
        }
        if !self.restless.is_empty() {
            let key = &self.restless[usize::try_from(number).unwrap() % self.restless.len()];
            let mut keys = self.keys.lock().unwrap();
            if keys.remove(key).is_none() {
                keys.insert(key.clone(), 1);
            }
        }
        Ok(())
    }

    fn refuse<T>(operation: Operation) -> Answer<T> {
        Err(S3Error::local(Kind::Unsupported, operation, "shelf", "a shelf only lists"))
    }
}

fn row(kind: EntryKind, is_latest: bool) -> Row {
    Row { kind, is_latest, size: 1, etag: Some(ETag::Plain([7; 16])), ..Row::default() }
}

#[async_trait]
impl Store for Shelf {
    fn service(&self) -> &str {
        "shelf"
    }

    async fn list_objects(&self, r: &ListObjects) -> Answer<Page> {
        self.count(Operation::ListObjectsV2, &r.bucket)?;
        tokio::task::yield_now().await;
        let keys = self.keys.lock().unwrap();
        let limit = self.page.min(usize::from(r.max_keys));
        let mut found = keys
            .keys()
            .filter(|key| key.starts_with(&r.prefix) && (r.start_after.is_empty() || **key > r.start_after));
        let mut builder = PageBuilder::new();
        for key in found.by_ref().take(limit) {
            builder.push(key, "", row(EntryKind::Object, true)).unwrap();
        }
        builder.page_mut().truncated = found.next().is_some();
        Ok(builder.finish())
    }

    async fn list_versions(&self, r: &ListVersions) -> Answer<Page> {
        self.count(Operation::ListObjectVersions, &r.bucket)?;
        tokio::task::yield_now().await;
        let keys = self.keys.lock().unwrap();
        let limit = self.page.min(usize::from(r.max_keys));
        let all = keys.iter().flat_map(|(key, versions)| (0..*versions).map(move |version| (key, version)));
        let marker = r.version_id_marker.as_ref().map(|id| id[1..].parse::<u32>().unwrap());
        let mut found = all.filter(|(key, version)| {
            let beyond = match marker {
                Some(marker) if **key == r.key_marker => *version > marker,
                _ => r.key_marker.is_empty() || **key > r.key_marker,
            };
            beyond && key.starts_with(&r.prefix)
        });
        let mut builder = PageBuilder::new();
        let mut last = None;
        for (key, version) in found.by_ref().take(limit) {
            let kind = if version % 3 == 1 { EntryKind::DeleteMarker } else { EntryKind::Object };
            builder.push(key, &format!("v{version}"), row(kind, version == 0)).unwrap();
            last = Some((key.clone(), format!("v{version}")));
        }
        let page = builder.page_mut();
        page.truncated = found.next().is_some();
        if let Some((key, version)) = last.filter(|_| page.truncated) {
            page.next_key_marker = Some(key.into());
            page.next_version_id_marker = Some(version.into());
        }
        Ok(builder.finish())
    }

    async fn list_uploads(&self, _: &str, _: &str) -> Answer<Vec<PendingUpload>> {
        Self::refuse(Operation::ListMultipartUploads)
    }
    async fn head_bucket(&self, _: &str) -> Answer<()> {
        Ok(())
    }
    async fn versioning(&self, _: &str) -> Answer<Versioning> {
        Ok(Versioning::Enabled)
    }
    async fn head(&self, _: &HeadObject) -> Answer<ObjectInfo> {
        Self::refuse(Operation::HeadObject)
    }
    async fn attributes(&self, _: &ObjectId) -> Answer<Attributes> {
        Self::refuse(Operation::GetObjectAttributes)
    }
    async fn get(&self, _: &GetObject) -> Answer<Body> {
        Self::refuse(Operation::GetObject)
    }
    async fn tags(&self, _: &ObjectId) -> Answer<Vec<(String, String)>> {
        Self::refuse(Operation::GetObjectTagging)
    }
    async fn put_tags(&self, _: &ObjectId, _: &[(String, String)]) -> Answer<()> {
        Self::refuse(Operation::PutObjectTagging)
    }
    async fn acl(&self, _: &ObjectId) -> Answer<String> {
        Self::refuse(Operation::GetObjectAcl)
    }
    async fn put(&self, _: &PutObject) -> Answer<Written> {
        Self::refuse(Operation::PutObject)
    }
    async fn copy(&self, _: &CopyObject) -> Answer<Written> {
        Self::refuse(Operation::CopyObject)
    }
    async fn create_upload(&self, _: &CreateUpload) -> Answer<UploadId> {
        Self::refuse(Operation::CreateMultipartUpload)
    }
    async fn upload_part(&self, _: &UploadPart) -> Answer<UploadedPart> {
        Self::refuse(Operation::UploadPart)
    }
    async fn copy_part(&self, _: &CopyPart) -> Answer<UploadedPart> {
        Self::refuse(Operation::UploadPartCopy)
    }
    async fn complete_upload(&self, _: &CompleteUpload) -> Answer<Written> {
        Self::refuse(Operation::CompleteMultipartUpload)
    }
    async fn abort_upload(&self, _: &UploadId) -> Answer<()> {
        Self::refuse(Operation::AbortMultipartUpload)
    }
    async fn delete(&self, _: &str, _: &[DeleteKey]) -> Answer<Vec<Deleted>> {
        Self::refuse(Operation::DeleteObjects)
    }
    async fn restore_archived(&self, _: &RestoreArchived) -> Answer<bool> {
        Self::refuse(Operation::RestoreObject)
    }
}
