//! What a bucket is set to: versioning, lifecycle, encryption and their kin.
//!
//! Reads give what the rest of the engine judges. Writes only add, or set something stricter: there is no call
//! here that takes a rule away. A document that is written back carries what was read, whole ([`Original`]).

use super::{Answer, Versioning};
use async_trait::async_trait;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// What the server said, kept whole so that it can be given back whole. Only the store that read it can open it.
#[derive(Clone, Default)]
pub struct Original(pub(super) Option<Arc<dyn Any + Send + Sync>>);

impl fmt::Debug for Original {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Original")
    }
}

/// Versioning, and whether a second factor guards it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VersioningSettings {
    /// On, suspended, never on.
    pub state: Versioning,
    /// Removing a version takes a second factor.
    pub mfa_delete: bool,
}

/// Which objects a rule is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleScope {
    /// Those below this prefix,
    pub prefix: String,
    /// and of them only those of some tag or size.
    pub narrowed: bool,
}

impl RuleScope {
    /// The rule is for every object.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.prefix.is_empty() && !self.narrowed
    }
}

/// One lifecycle rule, as far as it concerns versions and uploads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LifecycleRule {
    /// Its name; may be empty.
    pub id: String,
    /// In force.
    pub enabled: bool,
    /// For which objects.
    pub scope: RuleScope,
    /// Older versions are removed so many days after they were replaced.
    pub noncurrent_days: Option<u32>,
    /// Of them so many are kept whatever their age.
    pub noncurrent_kept: Option<u32>,
    /// Uploads are aborted so many days after they were begun.
    pub abort_days: Option<u32>,
    /// Everything it says but its name, in a form that is good for comparing.
    pub text: String,
}

/// All lifecycle rules of a bucket.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// The rules, in the server's order.
    pub rules: Vec<LifecycleRule>,
    /// Elements of the document that this program does not know: it could not be written back whole.
    pub unknown: Vec<String>,
    /// For writing it back.
    pub original: Original,
}

/// A lifecycle rule to add, for every object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewLifecycleRule {
    /// Abort uploads so many days after they were begun.
    AbortUploads {
        /// Days.
        days: u32,
    },
    /// Remove older versions so many days after they were replaced.
    ExpireNoncurrent {
        /// Days.
        days: u32,
    },
}

impl NewLifecycleRule {
    /// Its name in the bucket.
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Self::AbortUploads { .. } => "s3twin-abort-uploads",
            Self::ExpireNoncurrent { .. } => "s3twin-expire-noncurrent",
        }
    }
}

/// How new objects are encrypted that say nothing themselves.
#[derive(Clone, Debug, Default)]
pub struct DefaultEncryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub algorithm: String,
    /// KMS key, if one is named.
    pub kms_key: Option<String>,
    /// Elements of the document that this program does not know: it could not be written back whole.
    pub unknown: Vec<String>,
    /// For writing it back.
    pub original: Original,
}

/// What of public access is blocked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublicAccess {
    /// New public ACLs are refused.
    pub block_acls: bool,
    /// Public ACLs that are there have no effect.
    pub ignore_acls: bool,
    /// New public policies are refused.
    pub block_policy: bool,
    /// A public policy lets only AWS services and the account in.
    pub restrict: bool,
}

impl PublicAccess {
    /// All of it.
    pub const BLOCKED: Self =
        Self { block_acls: true, ignore_acls: true, block_policy: true, restrict: true };

    /// What is blocked here or there.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            block_acls: self.block_acls || other.block_acls,
            ignore_acls: self.ignore_acls || other.ignore_acls,
            block_policy: self.block_policy || other.block_policy,
            restrict: self.restrict || other.restrict,
        }
    }

    /// The names of what is not blocked.
    #[must_use]
    pub fn open(self) -> Vec<&'static str> {
        let all = [
            (self.block_acls, "BlockPublicAcls"),
            (self.ignore_acls, "IgnorePublicAcls"),
            (self.block_policy, "BlockPublicPolicy"),
            (self.restrict, "RestrictPublicBuckets"),
        ];
        all.into_iter().filter(|(blocked, _)| !blocked).map(|(_, name)| name).collect()
    }
}

/// One replication rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicationRule {
    /// Its name; may be empty.
    pub id: String,
    /// In force.
    pub enabled: bool,
    /// For which objects.
    pub scope: RuleScope,
    /// Bucket that it copies to.
    pub destination: String,
    /// Delete markers go along.
    pub markers: bool,
    /// Replication time control, with its metrics.
    pub time_control: bool,
    /// Objects encrypted with KMS go along.
    pub kms_objects: bool,
    /// Among rules with one destination the highest wins.
    pub priority: Option<i32>,
    /// Written in the first version of the language, which knows no filter and mixes with no newer rule.
    pub first_version: bool,
    /// Everything it says but its name, in a form that is good for comparing.
    pub text: String,
}

/// How a bucket is replicated.
#[derive(Clone, Debug, Default)]
pub struct Replication {
    /// Role that copies; empty where there is no replication.
    pub role: String,
    /// The rules.
    pub rules: Vec<ReplicationRule>,
    /// Elements of the document that this program does not know: it could not be written back whole.
    pub unknown: Vec<String>,
    /// For writing it back.
    pub original: Original,
}

/// A replication rule to add, for every object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReplicationRule {
    /// Role that copies; there is one for all rules of a bucket.
    pub role: String,
    /// Bucket to copy to.
    pub destination: String,
    /// Delete markers go along.
    pub markers: bool,
    /// With replication time control and its metrics.
    pub time_control: bool,
    /// Its place among the rules.
    pub priority: i32,
}

impl NewReplicationRule {
    /// Its name in the bucket.
    pub const ID: &'static str = "s3twin-replicate";
}

/// Object lock of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectLock {
    /// Versions can be locked.
    pub enabled: bool,
    /// `GOVERNANCE` or `COMPLIANCE` for versions that say nothing themselves.
    pub mode: Option<String>,
    /// For so many days.
    pub days: Option<u32>,
}

/// Where accesses are logged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessLog {
    /// Bucket that takes the logs.
    pub bucket: String,
    /// Below this prefix.
    pub prefix: String,
}

/// A store whose buckets can be asked how they are set, and be set more strictly.
#[async_trait]
pub trait BucketSettings: Send + Sync + 'static {
    /// Versioning and MFA delete.
    async fn versioning_settings(&self, bucket: &str) -> Answer<VersioningSettings>;
    /// Lifecycle rules; none where there is no lifecycle.
    async fn lifecycle(&self, bucket: &str) -> Answer<Lifecycle>;
    /// Default encryption.
    async fn encryption(&self, bucket: &str) -> Answer<Option<DefaultEncryption>>;
    /// What of public access is blocked.
    async fn public_access(&self, bucket: &str) -> Answer<PublicAccess>;
    /// The bucket policy, as JSON.
    async fn policy(&self, bucket: &str) -> Answer<Option<String>>;
    /// Replication; no rules where there is none.
    async fn replication(&self, bucket: &str) -> Answer<Replication>;
    /// Object lock.
    async fn object_lock(&self, bucket: &str) -> Answer<ObjectLock>;
    /// Access logging.
    async fn access_log(&self, bucket: &str) -> Answer<Option<AccessLog>>;

    /// Switches versioning on.
    async fn enable_versioning(&self, bucket: &str) -> Answer<()>;
    /// Adds rules behind those that were read.
    async fn add_lifecycle_rules(
        &self,
        bucket: &str,
        read: &Lifecycle,
        add: &[NewLifecycleRule],
    ) -> Answer<()>;
    /// Sets the default encryption, and leaves everything else of its document as it was read.
    async fn set_encryption(
        &self,
        bucket: &str,
        read: Option<&DefaultEncryption>,
        wanted: &DefaultEncryption,
    ) -> Answer<()>;
    /// Sets what of public access is blocked.
    async fn set_public_access(&self, bucket: &str, wanted: PublicAccess) -> Answer<()>;
    /// Adds a rule to those that were read.
    async fn add_replication_rule(
        &self,
        bucket: &str,
        read: &Replication,
        add: &NewReplicationRule,
    ) -> Answer<()>;
}
