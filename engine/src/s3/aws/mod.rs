//! Real S3 servers, through the AWS SDK.
//!
//! The SDK brings credentials, endpoint rules, signing and transport. Its retries are off (see
//! [`super::Paced`]), its XML reader is kept away from list pages (see `list`), and its types end here.

mod agent;
mod capture;
mod classify;
mod connect;
mod convert;
mod endpoint;
mod list;
mod read;
mod settings;
mod settings_convert;
mod settings_write;
mod topic;
mod trust;
mod uploads;
mod write;

pub use connect::{AwsStore, ConnectError, EndpointSettings, StaticCredentials, reach, reach_settings};
pub use topic::{TopicMessage, publish};
pub use trust::Trust;

use super::*;
use crate::model::Page;
use async_trait::async_trait;

#[async_trait]
impl Store for AwsStore {
    fn service(&self) -> &str {
        &self.service
    }

    async fn list_objects(&self, request: &ListObjects) -> Answer<Page> {
        list::objects(self, request).await
    }

    async fn list_versions(&self, request: &ListVersions) -> Answer<Page> {
        list::versions(self, request).await
    }

    async fn list_uploads(&self, bucket: &str, prefix: &str) -> Answer<Vec<PendingUpload>> {
        Ok(self.uploads(bucket, prefix, None).await?.uploads)
    }

    async fn head_bucket(&self, bucket: &str) -> Answer<()> {
        read::head_bucket(self, bucket).await
    }

    async fn versioning(&self, bucket: &str) -> Answer<Versioning> {
        read::versioning(self, bucket).await
    }

    async fn head(&self, request: &HeadObject) -> Answer<ObjectInfo> {
        read::head(self, request).await
    }

    async fn attributes(&self, id: &ObjectId) -> Answer<Attributes> {
        read::attributes(self, id).await
    }

    async fn get(&self, request: &GetObject) -> Answer<Body> {
        read::get(self, request).await
    }

    async fn tags(&self, id: &ObjectId) -> Answer<Vec<(String, String)>> {
        read::tags(self, id).await
    }

    async fn put_tags(&self, id: &ObjectId, tags: &[(String, String)]) -> Answer<()> {
        write::put_tags(self, id, tags).await
    }

    async fn acl(&self, id: &ObjectId) -> Answer<String> {
        read::acl(self, id).await
    }

    async fn put(&self, request: &PutObject) -> Answer<Written> {
        write::put(self, request).await
    }

    async fn copy(&self, request: &CopyObject) -> Answer<Written> {
        write::copy(self, request).await
    }

    async fn create_upload(&self, request: &CreateUpload) -> Answer<UploadId> {
        write::create_upload(self, request).await
    }

    async fn upload_part(&self, request: &UploadPart) -> Answer<UploadedPart> {
        write::upload_part(self, request).await
    }

    async fn copy_part(&self, request: &CopyPart) -> Answer<UploadedPart> {
        write::copy_part(self, request).await
    }

    async fn complete_upload(&self, request: &CompleteUpload) -> Answer<Written> {
        write::complete_upload(self, request).await
    }

    async fn abort_upload(&self, upload: &UploadId) -> Answer<()> {
        write::abort_upload(self, upload).await
    }

    async fn delete(&self, bucket: &str, keys: &[DeleteKey]) -> Answer<Vec<Deleted>> {
        write::delete(self, bucket, keys).await
    }

    async fn delete_one(&self, bucket: &str, key: &DeleteKey) -> Answer<Deleted> {
        write::delete_one(self, bucket, key).await
    }

    async fn restore_archived(&self, request: &RestoreArchived) -> Answer<bool> {
        write::restore_archived(self, request).await
    }
}
