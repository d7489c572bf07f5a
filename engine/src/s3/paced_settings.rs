//! A paced store's bucket settings. Every write is a whole document, so sending it twice does no harm.

use super::{
    AccessLog, Answer, BucketSettings, DefaultEncryption, Lifecycle, NewLifecycleRule, NewReplicationRule,
    ObjectLock, Operation, Paced, PublicAccess, Replication, Store, VersioningSettings,
};
use async_trait::async_trait;

#[async_trait]
impl<S: Store + BucketSettings + ?Sized> BucketSettings for Paced<S> {
    async fn versioning_settings(&self, bucket: &str) -> Answer<VersioningSettings> {
        self.send(Operation::GetBucketVersioning, bucket, || self.inner.versioning_settings(bucket)).await
    }

    async fn lifecycle(&self, bucket: &str) -> Answer<Lifecycle> {
        self.send(Operation::GetBucketLifecycleConfiguration, bucket, || self.inner.lifecycle(bucket)).await
    }

    async fn encryption(&self, bucket: &str) -> Answer<Option<DefaultEncryption>> {
        self.send(Operation::GetBucketEncryption, bucket, || self.inner.encryption(bucket)).await
    }

    async fn public_access(&self, bucket: &str) -> Answer<PublicAccess> {
        self.send(Operation::GetPublicAccessBlock, bucket, || self.inner.public_access(bucket)).await
    }

    async fn policy(&self, bucket: &str) -> Answer<Option<String>> {
        self.send(Operation::GetBucketPolicy, bucket, || self.inner.policy(bucket)).await
    }

    async fn replication(&self, bucket: &str) -> Answer<Replication> {
        self.send(Operation::GetBucketReplication, bucket, || self.inner.replication(bucket)).await
    }

    async fn object_lock(&self, bucket: &str) -> Answer<ObjectLock> {
        self.send(Operation::GetObjectLockConfiguration, bucket, || self.inner.object_lock(bucket)).await
    }

    async fn access_log(&self, bucket: &str) -> Answer<Option<AccessLog>> {
        self.send(Operation::GetBucketLogging, bucket, || self.inner.access_log(bucket)).await
    }

    async fn enable_versioning(&self, bucket: &str) -> Answer<()> {
        self.send(Operation::PutBucketVersioning, bucket, || self.inner.enable_versioning(bucket)).await
    }

    async fn add_lifecycle_rules(
        &self,
        bucket: &str,
        read: &Lifecycle,
        add: &[NewLifecycleRule],
    ) -> Answer<()> {
        let write = || self.inner.add_lifecycle_rules(bucket, read, add);
        self.send(Operation::PutBucketLifecycleConfiguration, bucket, write).await
    }

    async fn set_encryption(
        &self,
        bucket: &str,
        read: Option<&DefaultEncryption>,
        wanted: &DefaultEncryption,
    ) -> Answer<()> {
        let write = || self.inner.set_encryption(bucket, read, wanted);
        self.send(Operation::PutBucketEncryption, bucket, write).await
    }

    async fn set_public_access(&self, bucket: &str, wanted: PublicAccess) -> Answer<()> {
        let write = || self.inner.set_public_access(bucket, wanted);
        self.send(Operation::PutPublicAccessBlock, bucket, write).await
    }

    async fn add_replication_rule(
        &self,
        bucket: &str,
        read: &Replication,
        add: &NewReplicationRule,
    ) -> Answer<()> {
        let write = || self.inner.add_replication_rule(bucket, read, add);
        self.send(Operation::PutBucketReplication, bucket, write).await
    }
}
