//! A manifest as a store: a saved listing stands in for a live one. Reading of bytes and writing are not to be had.

use super::store::{
    Attributes, Body, CompleteUpload, CopyObject, CopyPart, CreateUpload, DeleteKey, Deleted, GetObject,
    HeadObject, ListObjects, ListVersions, ObjectId, ObjectInfo, PendingUpload, PutObject, RestoreArchived,
    UploadId, UploadPart, UploadedPart, Versioning, Written,
};
use super::{Answer, Kind, Operation, S3Error, Store};
use crate::compare::listing::FactsRow;
use crate::model::{Checksum, ChecksumAlgorithm, ETag, Page, PageBuilder, Row, StorageClass};
use crate::report::{Manifest, ManifestRow};
use async_trait::async_trait;
use std::io;
use std::sync::Arc;

/// Its service name.
pub const SAVED_LISTING: &str = "manifest";

/// See the module text. Keys are those of the manifest: relative to what was listed then.
#[derive(Clone, Debug)]
pub struct SavedListing {
    manifest: Arc<Manifest>,
}

impl SavedListing {
    /// Over a manifest.
    #[must_use]
    pub fn new(manifest: Manifest) -> Self {
        Self { manifest: Arc::new(manifest) }
    }

    fn missing<T>(&self, operation: Operation) -> Answer<T> {
        Err(S3Error::local(
            Kind::Unsupported,
            operation,
            "manifest",
            "a manifest holds no more than a listing",
        ))
    }

    async fn look_up<T, F>(&self, operation: Operation, look: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnOnce(&Manifest) -> io::Result<T> + Send + 'static,
    {
        let manifest = Arc::clone(&self.manifest);
        let failed = |what: String| S3Error::local(Kind::Protocol, operation, "manifest", what);
        let found = tokio::task::spawn_blocking(move || look(&manifest)).await;
        found.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
    }
}

fn page(rows: &[ManifestRow], more: bool) -> Option<Page> {
    let mut builder = PageBuilder::new();
    for ManifestRow { key, facts } in rows {
        let row = Row {
            size: facts.size,
            last_modified: facts.last_modified,
            etag: facts.etag.as_deref().map(ETag::parse),
            storage_class: StorageClass::from_name(&facts.storage_class),
            ..Row::default()
        };
        builder.push(key, "", row).ok()?;
    }
    builder.page_mut().truncated = more;
    Some(builder.finish())
}

fn info(facts: &FactsRow) -> ObjectInfo {
    let checksum = facts.checksum.as_deref().and_then(|text| text.split_once(':'));
    let checksum = checksum.and_then(|(name, value)| {
        ChecksumAlgorithm::from_name(name).and_then(|algorithm| Checksum::parse(algorithm, value).ok())
    });
    ObjectInfo {
        size: facts.size,
        etag: facts.etag.as_deref().map(ETag::parse),
        version_id: facts.version_id.clone(),
        last_modified: facts.last_modified,
        storage_class: StorageClass::from_name(&facts.storage_class),
        checksums: checksum.into_iter().collect(),
        ..ObjectInfo::default()
    }
}

#[async_trait]
impl Store for SavedListing {
    fn service(&self) -> &str {
        SAVED_LISTING
    }

    async fn list_objects(&self, request: &ListObjects) -> Answer<Page> {
        let (after, limit) = (request.start_after.clone(), usize::from(request.max_keys));
        let rows = move |manifest: &Manifest| manifest.rows_after(&after, limit);
        let (rows, more) = self.look_up(Operation::ListObjectsV2, rows).await?;
        let too_long =
            || S3Error::local(Kind::Protocol, Operation::ListObjectsV2, "manifest", "a key is too long");
        page(&rows, more).ok_or_else(too_long)
    }

    async fn head(&self, request: &HeadObject) -> Answer<ObjectInfo> {
        if request.part_number.is_some() {
            return self.missing(Operation::HeadObject);
        }
        let key = request.id.key.clone();
        let row = self.look_up(Operation::HeadObject, move |manifest| manifest.row(&key)).await?;
        let gone =
            || S3Error::local(Kind::NotFound, Operation::HeadObject, "manifest", "not in the manifest");
        row.map(|row| info(&row.facts)).ok_or_else(gone)
    }

    async fn head_bucket(&self, _: &str) -> Answer<()> {
        Ok(())
    }

    async fn list_versions(&self, _: &ListVersions) -> Answer<Page> {
        self.missing(Operation::ListObjectVersions)
    }

    async fn list_uploads(&self, _: &str, _: &str) -> Answer<Vec<PendingUpload>> {
        self.missing(Operation::ListMultipartUploads)
    }

    async fn versioning(&self, _: &str) -> Answer<Versioning> {
        self.missing(Operation::GetBucketVersioning)
    }

    async fn attributes(&self, _: &ObjectId) -> Answer<Attributes> {
        self.missing(Operation::GetObjectAttributes)
    }

    async fn get(&self, _: &GetObject) -> Answer<Body> {
        self.missing(Operation::GetObject)
    }

    async fn tags(&self, _: &ObjectId) -> Answer<Vec<(String, String)>> {
        self.missing(Operation::GetObjectTagging)
    }

    async fn put_tags(&self, _: &ObjectId, _: &[(String, String)]) -> Answer<()> {
        self.missing(Operation::PutObjectTagging)
    }

    async fn acl(&self, _: &ObjectId) -> Answer<String> {
        self.missing(Operation::GetObjectAcl)
    }

    async fn put(&self, _: &PutObject) -> Answer<Written> {
        self.missing(Operation::PutObject)
    }

    async fn copy(&self, _: &CopyObject) -> Answer<Written> {
        self.missing(Operation::CopyObject)
    }

    async fn create_upload(&self, _: &CreateUpload) -> Answer<UploadId> {
        self.missing(Operation::CreateMultipartUpload)
    }

    async fn upload_part(&self, _: &UploadPart) -> Answer<UploadedPart> {
        self.missing(Operation::UploadPart)
    }

    async fn copy_part(&self, _: &CopyPart) -> Answer<UploadedPart> {
        self.missing(Operation::UploadPartCopy)
    }

    async fn complete_upload(&self, _: &CompleteUpload) -> Answer<Written> {
        self.missing(Operation::CompleteMultipartUpload)
    }

    async fn abort_upload(&self, _: &UploadId) -> Answer<()> {
        self.missing(Operation::AbortMultipartUpload)
    }

    async fn delete(&self, _: &str, _: &[DeleteKey]) -> Answer<Vec<Deleted>> {
        self.missing(Operation::DeleteObjects)
    }

    async fn restore_archived(&self, _: &RestoreArchived) -> Answer<bool> {
        self.missing(Operation::RestoreObject)
    }
}
