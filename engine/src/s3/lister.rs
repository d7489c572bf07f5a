//! Stores that list and answer HEADs, and no more: a saved listing, servers without a network. What they lack is
//! refused here.

use super::object::{Attributes, Body, ObjectId, ObjectInfo};
use super::store::{
    CompleteUpload, CopyObject, CopyPart, CreateUpload, DeleteKey, Deleted, GetObject, HeadObject,
    ListObjects, ListVersions, PendingUpload, PutObject, RestoreArchived, UploadId, UploadPart, UploadedPart,
    Versioning, Written,
};
use super::{Answer, Kind, Operation, S3Error, Store};
use crate::model::Page;
use async_trait::async_trait;

/// A store as far as listings go.
#[async_trait]
pub trait Lister: Send + Sync + 'static {
    /// As [`Store::service`].
    fn service(&self) -> &str;

    /// Why nothing more is to be had.
    fn reason(&self) -> &'static str;

    /// As [`Store::list_objects`].
    async fn list_objects(&self, request: &ListObjects) -> Answer<Page>;

    /// As [`Store::list_versions`].
    async fn list_versions(&self, _: &ListVersions) -> Answer<Page> {
        self.refuse(Operation::ListObjectVersions)
    }

    /// As [`Store::head`].
    async fn head(&self, _: &HeadObject) -> Answer<ObjectInfo> {
        self.refuse(Operation::HeadObject)
    }

    /// The answer to what it cannot do.
    ///
    /// # Errors
    /// Always: [`Kind::Unsupported`].
    fn refuse<T>(&self, operation: Operation) -> Answer<T> {
        Err(S3Error::local(Kind::Unsupported, operation, self.service(), self.reason()))
    }
}

/// A lister as a store.
#[derive(Clone, Debug)]
pub struct ListOnly<L>(pub L);

impl<L: Lister> ListOnly<L> {
    fn refuse<T>(&self, operation: Operation) -> Answer<T> {
        self.0.refuse(operation)
    }
}

#[async_trait]
impl<L: Lister> Store for ListOnly<L> {
    fn service(&self) -> &str {
        self.0.service()
    }

    async fn list_objects(&self, request: &ListObjects) -> Answer<Page> {
        self.0.list_objects(request).await
    }

    async fn list_versions(&self, request: &ListVersions) -> Answer<Page> {
        self.0.list_versions(request).await
    }

    async fn head(&self, request: &HeadObject) -> Answer<ObjectInfo> {
        self.0.head(request).await
    }

    async fn head_bucket(&self, _: &str) -> Answer<()> {
        Ok(())
    }

    async fn list_uploads(&self, _: &str, _: &str) -> Answer<Vec<PendingUpload>> {
        self.refuse(Operation::ListMultipartUploads)
    }

    async fn versioning(&self, _: &str) -> Answer<Versioning> {
        self.refuse(Operation::GetBucketVersioning)
    }

    async fn attributes(&self, _: &ObjectId) -> Answer<Attributes> {
        self.refuse(Operation::GetObjectAttributes)
    }

    async fn get(&self, _: &GetObject) -> Answer<Body> {
        self.refuse(Operation::GetObject)
    }

    async fn tags(&self, _: &ObjectId) -> Answer<Vec<(String, String)>> {
        self.refuse(Operation::GetObjectTagging)
    }

    async fn put_tags(&self, _: &ObjectId, _: &[(String, String)]) -> Answer<()> {
        self.refuse(Operation::PutObjectTagging)
    }

    async fn acl(&self, _: &ObjectId) -> Answer<String> {
        self.refuse(Operation::GetObjectAcl)
    }

    async fn put(&self, _: &PutObject) -> Answer<Written> {
        self.refuse(Operation::PutObject)
    }

    async fn copy(&self, _: &CopyObject) -> Answer<Written> {
        self.refuse(Operation::CopyObject)
    }

    async fn create_upload(&self, _: &CreateUpload) -> Answer<UploadId> {
        self.refuse(Operation::CreateMultipartUpload)
    }

    async fn upload_part(&self, _: &UploadPart) -> Answer<UploadedPart> {
        self.refuse(Operation::UploadPart)
    }

    async fn copy_part(&self, _: &CopyPart) -> Answer<UploadedPart> {
        self.refuse(Operation::UploadPartCopy)
    }

    async fn complete_upload(&self, _: &CompleteUpload) -> Answer<Written> {
        self.refuse(Operation::CompleteMultipartUpload)
    }

    async fn abort_upload(&self, _: &UploadId) -> Answer<()> {
        self.refuse(Operation::AbortMultipartUpload)
    }

    async fn delete(&self, _: &str, _: &[DeleteKey]) -> Answer<Vec<Deleted>> {
        self.refuse(Operation::DeleteObjects)
    }

    async fn restore_archived(&self, _: &RestoreArchived) -> Answer<bool> {
        self.refuse(Operation::RestoreObject)
    }
}
