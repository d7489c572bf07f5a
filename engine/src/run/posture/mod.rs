//! Posture: how a bucket is set, held against a policy; and set more strictly where that is safe.
//!
//! Every check of the policy ends as kept, broken or unknown. A remedy only adds or tightens: the setting is read
//! again just before it is written, judged again, and read once more to prove what was done.

mod judge;
mod mend;
mod policy;
mod replicated;
mod setting;
#[cfg(test)]
mod tests;
mod tls;

pub use mend::{Mended, mend};
pub use policy::{BUILT_IN_TIERS, EncryptionPolicy, LockPolicy, Policy, ReplicationPolicy};
pub use tls::STATEMENT as TLS_STATEMENT;

use crate::s3::{BucketSettings, DefaultEncryption, NewLifecycleRule, NewReplicationRule, PublicAccess};
use futures::StreamExt as _;
use setting::Setting;

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// Versions are kept.
    Versioning,
    /// Removing one takes a second factor.
    MfaDelete,
    /// The bucket is replicated.
    Replication,
    /// Uploads that never end are aborted.
    AbortUploads,
    /// Older versions are kept so long, and removed then.
    NoncurrentVersions,
    /// Objects are encrypted.
    Encryption,
    /// Plain HTTP is refused.
    TlsOnly,
    /// Nothing can be made public.
    PublicAccess,
    /// Versions are locked.
    ObjectLock,
    /// Accesses are logged.
    AccessLog,
}

impl Check {
    /// Every check, in the order of reports.
    pub const ALL: [Self; 10] = [
        Self::Versioning,
        Self::MfaDelete,
        Self::Replication,
        Self::AbortUploads,
        Self::NoncurrentVersions,
        Self::Encryption,
        Self::TlsOnly,
        Self::PublicAccess,
        Self::ObjectLock,
        Self::AccessLog,
    ];

    /// A stable word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Versioning => "versioning",
            Self::MfaDelete => "mfa-delete",
            Self::Replication => "replication",
            Self::AbortUploads => "abort-uploads",
            Self::NoncurrentVersions => "noncurrent-versions",
            Self::Encryption => "encryption",
            Self::TlsOnly => "tls-only",
            Self::PublicAccess => "public-access",
            Self::ObjectLock => "object-lock",
            Self::AccessLog => "access-log",
        }
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As the policy wants it, or stricter.
    Kept,
    /// Not so.
    Broken,
    /// The bucket would not say.
    Unknown,
}

/// What would mend a broken check.
#[derive(Clone, Debug)]
pub enum Remedy {
    /// Switch versioning on.
    EnableVersioning,
    /// Add a lifecycle rule.
    AddLifecycleRule(NewLifecycleRule),
    /// Set the default encryption.
    SetEncryption(DefaultEncryption),
    /// Block public access.
    BlockPublicAccess(PublicAccess),
    /// Add a replication rule.
    Replicate(NewReplicationRule),
}

/// One check of one bucket.
#[derive(Clone, Debug)]
pub struct Row {
    /// What about.
    pub check: Check,
    /// How it ended.
    pub verdict: Verdict,
    /// What the policy wants.
    pub wanted: String,
    /// What the bucket says.
    pub found: String,
    /// A stable word for why it is not kept.
    pub reason: Option<&'static str>,
    /// What to do about it.
    pub advice: Option<String>,
    /// What [`mend`] does about it.
    pub remedy: Option<Remedy>,
    /// What [`mend`] did about it.
    pub mended: Option<Mended>,
}

/// What is wanted of one bucket.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The policy of its tier.
    pub policy: Policy,
    /// Bucket that it is to be replicated to, where that is known.
    pub replicate_to: Option<String>,
    /// Role that a new replication rule may use.
    pub replication_role: Option<String>,
    /// Rules may be added that remove older versions for good.
    pub may_expire: bool,
}

/// Settings of one bucket asked for at once.
const AT_ONCE: usize = 8;

/// Holds a bucket against a wish; changes nothing. The rows are in the order of [`Check::ALL`].
pub async fn look(store: &dyn BucketSettings, bucket: &str, wish: &Wish) -> Vec<Row> {
    let asked = Setting::ALL.into_iter().filter(|setting| setting.is_wanted(&wish.policy));
    let judged = futures::stream::iter(asked)
        .map(|setting| async move { setting.judge(wish, &setting.read(store, bucket).await) })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>();
    let mut rows: Vec<Row> = judged.await.into_iter().flatten().collect();
    rows.sort_by_key(|row| row.check);
    rows
}
