//! Reading how a bucket is set. Nothing set is an answer, not an error.

use super::AwsStore;
use super::classify::Target;
use super::list::page_error;
use super::read;
use super::settings_convert::{self as convert, Elements};
use super::settings_write as write;
use crate::s3::page::{PageError, read_versioning};
use crate::s3::{
    AccessLog, Answer, BucketSettings, DefaultEncryption, Kind, Lifecycle, NewLifecycleRule,
    NewReplicationRule, ObjectLock, Operation, PublicAccess, Replication, S3Error, VersioningSettings,
};
use async_trait::async_trait;

const NO_DOCUMENT: &str = "the answer is not the document that was asked for";

/// `None` where the server says that nothing of the kind is set.
fn unless_absent<T>(code: &str, answer: Result<T, S3Error>) -> Answer<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code.as_deref() == Some(code) => Ok(None),
        Err(error) => Err(settled(error)),
    }
}

/// How servers that are almost S3 say that they lack a call.
fn settled(error: S3Error) -> S3Error {
    match (&error.kind, error.status) {
        // On a bucket there are no delete markers: 405 is meant otherwise.
        (Kind::DeleteMarker, _) => S3Error { kind: Kind::Unsupported, ..error },
        // The SDK found no sense in it: whoever does not know the call may list the bucket.
        (Kind::Invalid, Some(200..300)) => {
            S3Error { kind: Kind::Unsupported, message: NO_DOCUMENT.to_owned(), ..error }
        }
        _ => error,
    }
}

#[async_trait]
impl BucketSettings for AwsStore {
    async fn versioning_settings(&self, bucket: &str) -> Answer<VersioningSettings> {
        let target = Target::bucket(Operation::GetBucketVersioning, bucket);
        let body = read::versioning_body(self, bucket).await.map_err(settled)?;
        read_versioning(&body).map_err(|error| match error {
            // Whoever does not know the call may list the bucket.
            PageError::NotAListing { .. } => target.error(Kind::Unsupported, NO_DOCUMENT),
            error => page_error(target, error),
        })
    }

    async fn lifecycle(&self, bucket: &str) -> Answer<Lifecycle> {
        let target = Target::bucket(Operation::GetBucketLifecycleConfiguration, bucket);
        let elements = Elements::new(convert::LIFECYCLE);
        let call = self.client.get_bucket_lifecycle_configuration().bucket(bucket).customize();
        let sent = call.interceptor(elements.clone()).send().await;
        let read =
            unless_absent("NoSuchLifecycleConfiguration", sent.map_err(|error| target.classify(&error)))?;
        Ok(read.map(|output| convert::lifecycle(output, elements.unknown())).unwrap_or_default())
    }

    async fn encryption(&self, bucket: &str) -> Answer<Option<DefaultEncryption>> {
        let target = Target::bucket(Operation::GetBucketEncryption, bucket);
        let elements = Elements::new(convert::ENCRYPTION);
        let call = self.client.get_bucket_encryption().bucket(bucket).customize();
        let sent = call.interceptor(elements.clone()).send().await.map_err(|error| target.classify(&error));
        let read = unless_absent("ServerSideEncryptionConfigurationNotFoundError", sent)?;
        Ok(read.and_then(|output| convert::encryption(&output, elements.unknown())))
    }

    async fn public_access(&self, bucket: &str) -> Answer<PublicAccess> {
        let target = Target::bucket(Operation::GetPublicAccessBlock, bucket);
        let sent = self.client.get_public_access_block().bucket(bucket).send().await;
        let sent = sent.map_err(|error| target.classify(&error));
        let read = unless_absent("NoSuchPublicAccessBlockConfiguration", sent)?;
        let block = read.and_then(|output| output.public_access_block_configuration);
        Ok(block.map(|block| convert::public_access(&block)).unwrap_or_default())
    }

    async fn policy(&self, bucket: &str) -> Answer<Option<String>> {
        let target = Target::bucket(Operation::GetBucketPolicy, bucket);
        let sent = self.client.get_bucket_policy().bucket(bucket).send().await;
        let read = unless_absent("NoSuchBucketPolicy", sent.map_err(|error| target.classify(&error)))?;
        Ok(read.and_then(|output| output.policy))
    }

    async fn replication(&self, bucket: &str) -> Answer<Replication> {
        let target = Target::bucket(Operation::GetBucketReplication, bucket);
        let elements = Elements::new(convert::REPLICATION);
        let call = self.client.get_bucket_replication().bucket(bucket).customize();
        let sent = call.interceptor(elements.clone()).send().await.map_err(|error| target.classify(&error));
        let read = unless_absent("ReplicationConfigurationNotFoundError", sent)?;
        let read = read.and_then(|output| output.replication_configuration);
        Ok(read.map(|found| convert::replication(found, elements.unknown())).unwrap_or_default())
    }

    async fn object_lock(&self, bucket: &str) -> Answer<ObjectLock> {
        let target = Target::bucket(Operation::GetObjectLockConfiguration, bucket);
        let sent = self.client.get_object_lock_configuration().bucket(bucket).send().await;
        let sent = sent.map_err(|error| target.classify(&error));
        let read = unless_absent("ObjectLockConfigurationNotFoundError", sent)?;
        let read = read.and_then(|output| output.object_lock_configuration);
        Ok(read.map(|found| convert::object_lock(&found)).unwrap_or_default())
    }

    async fn access_log(&self, bucket: &str) -> Answer<Option<AccessLog>> {
        let target = Target::bucket(Operation::GetBucketLogging, bucket);
        let sent = self.client.get_bucket_logging().bucket(bucket).send().await;
        let read = unless_absent("", sent.map_err(|error| target.classify(&error)))?;
        let log = read.and_then(|output| output.logging_enabled);
        Ok(log.map(|log| AccessLog { bucket: log.target_bucket, prefix: log.target_prefix }))
    }

    async fn enable_versioning(&self, bucket: &str) -> Answer<()> {
        write::enable_versioning(self, bucket).await
    }

    async fn add_lifecycle_rules(
        &self,
        bucket: &str,
        read: &Lifecycle,
        add: &[NewLifecycleRule],
    ) -> Answer<()> {
        write::add_lifecycle_rules(self, bucket, read, add).await
    }

    async fn set_encryption(
        &self,
        bucket: &str,
        read: Option<&DefaultEncryption>,
        wanted: &DefaultEncryption,
    ) -> Answer<()> {
        write::set_encryption(self, bucket, read, wanted).await
    }

    async fn set_public_access(&self, bucket: &str, wanted: PublicAccess) -> Answer<()> {
        write::set_public_access(self, bucket, wanted).await
    }

    async fn add_replication_rule(
        &self,
        bucket: &str,
        read: &Replication,
        add: &NewReplicationRule,
    ) -> Answer<()> {
        write::add_replication_rule(self, bucket, read, add).await
    }
}
