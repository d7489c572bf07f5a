//! How the buckets of a tier must be set: the file over the built-in tiers.

use super::schema::Config;
use s3twin_engine::run::posture::{BUILT_IN_TIERS, EncryptionPolicy, LockPolicy, Policy, ReplicationPolicy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the buckets of a tier must be set. What is left out is as in the built-in tier of the same name
/// (critical, standard, basic), else as in standard
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Posture {
    /// Versioning is on
    #[serde(skip_serializing_if = "Option::is_none")]
    versioning: Option<bool>,
    /// Removing a version takes a second factor
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_delete: Option<bool>,
    /// The whole bucket is replicated by S3
    #[serde(skip_serializing_if = "Option::is_none")]
    replication: Option<bool>,
    /// Delete markers are replicated too
    #[serde(skip_serializing_if = "Option::is_none")]
    replicate_markers: Option<bool>,
    /// Replication has time control and metrics
    #[serde(skip_serializing_if = "Option::is_none")]
    replication_time_control: Option<bool>,
    /// Uploads that do not end are aborted within so many days; 0 asks for nothing
    #[serde(skip_serializing_if = "Option::is_none")]
    abort_uploads_days: Option<u32>,
    /// No rule removes older versions before they were replaced so many days ago; 0 asks for nothing
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_noncurrent_days: Option<u32>,
    /// A rule removes older versions so many days after they were replaced, at the latest; 0 asks for nothing
    #[serde(skip_serializing_if = "Option::is_none")]
    expire_noncurrent_days: Option<u32>,
    /// Default encryption: none, AES256, aws:kms or aws:kms:dsse; what is stronger will do
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption: Option<String>,
    /// ARN of the KMS key of the default encryption
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key: Option<String>,
    /// The bucket policy refuses plain HTTP
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_only: Option<bool>,
    /// All public access is blocked
    #[serde(skip_serializing_if = "Option::is_none")]
    public_access_block: Option<bool>,
    /// Object lock is on
    #[serde(skip_serializing_if = "Option::is_none")]
    object_lock: Option<bool>,
    /// Default retention: GOVERNANCE or COMPLIANCE
    #[serde(skip_serializing_if = "Option::is_none")]
    object_lock_mode: Option<String>,
    /// Default retention lasts so many days at least
    #[serde(skip_serializing_if = "Option::is_none")]
    object_lock_days: Option<u32>,
    /// Accesses are logged in another bucket
    #[serde(skip_serializing_if = "Option::is_none")]
    access_log: Option<bool>,
}

impl Posture {
    /// What is wrong: the field, what, and what to do.
    pub(super) fn troubles(&self, tier: &str) -> Vec<(&'static str, String, &'static str)> {
        let mut found = Vec::new();
        let policy = self.over(base(tier));
        if let Some(name) = &self.encryption
            && name != "none"
            && EncryptionPolicy::strength(name).is_none()
        {
            let help = "it is none, AES256, aws:kms or aws:kms:dsse";
            found.push(("encryption", format!("{name} is no encryption of a bucket"), help));
        }
        if self.kms_key.is_some()
            && policy.encryption.as_ref().is_none_or(|wanted| wanted.algorithm == "AES256")
        {
            let help = "add encryption = \"aws:kms\"";
            found.push(("kms_key", "AES256 takes no key of KMS".to_owned(), help));
        }
        if let Some(mode) = &self.object_lock_mode
            && !["GOVERNANCE", "COMPLIANCE"].contains(&mode.as_str())
        {
            let help = "it is GOVERNANCE or COMPLIANCE";
            found.push(("object_lock_mode", format!("{mode} is no mode of object lock"), help));
        }
        if let (Some(keep), Some(expire)) = (policy.keep_noncurrent_days, policy.expire_noncurrent_days)
            && keep > expire
        {
            let message = format!("versions cannot be kept {keep} days and be removed within {expire}");
            let help = "lower keep_noncurrent_days, or raise expire_noncurrent_days (0 asks for neither)";
            found.push(("keep_noncurrent_days", message, help));
        }
        found
    }

    fn over(&self, base: Policy) -> Policy {
        let days = |own: Option<u32>, base: Option<u32>| own.map_or(base, |own| (own > 0).then_some(own));
        Policy {
            versioning: self.versioning.unwrap_or(base.versioning),
            mfa_delete: self.mfa_delete.unwrap_or(base.mfa_delete),
            replication: self.replication_over(base.replication),
            abort_uploads_days: days(self.abort_uploads_days, base.abort_uploads_days),
            keep_noncurrent_days: days(self.keep_noncurrent_days, base.keep_noncurrent_days),
            expire_noncurrent_days: days(self.expire_noncurrent_days, base.expire_noncurrent_days),
            encryption: self.encryption_over(base.encryption),
            tls_only: self.tls_only.unwrap_or(base.tls_only),
            public_access_block: self.public_access_block.unwrap_or(base.public_access_block),
            object_lock: self.lock_over(base.object_lock),
            access_log: self.access_log.unwrap_or(base.access_log),
        }
    }

    fn replication_over(&self, base: Option<ReplicationPolicy>) -> Option<ReplicationPolicy> {
        if !self.replication.unwrap_or(base.is_some()) {
            return None;
        }
        let base = base.unwrap_or_default();
        Some(ReplicationPolicy {
            markers: self.replicate_markers.unwrap_or(base.markers),
            time_control: self.replication_time_control.unwrap_or(base.time_control),
        })
    }

    fn encryption_over(&self, base: Option<EncryptionPolicy>) -> Option<EncryptionPolicy> {
        let algorithm =
            self.encryption.clone().or_else(|| base.as_ref().map(|base| base.algorithm.clone()))?;
        let kms_key = self.kms_key.clone().or_else(|| base.and_then(|base| base.kms_key));
        (algorithm != "none").then_some(EncryptionPolicy { algorithm, kms_key })
    }

    fn lock_over(&self, base: Option<LockPolicy>) -> Option<LockPolicy> {
        let named = self.object_lock_mode.is_some() || self.object_lock_days.is_some();
        if !self.object_lock.unwrap_or(base.is_some() || named) {
            return None;
        }
        let base = base.unwrap_or_default();
        Some(LockPolicy {
            mode: self.object_lock_mode.clone().or(base.mode),
            days: self.object_lock_days.or(base.days),
        })
    }
}

fn base(tier: &str) -> Policy {
    Policy::built_in(tier).or_else(|| Policy::built_in("standard")).unwrap_or_default()
}

/// What a tier asks of a bucket: of the file, or built in.
///
/// # Errors
/// Names the tiers that there are.
pub(crate) fn policy_of(config: Option<&Config>, tier: &str) -> Result<Policy, String> {
    let section = config.and_then(|config| config.tiers.get(tier));
    match (section, Policy::built_in(tier)) {
        (Some(section), _) => {
            Ok(section.posture.as_ref().map_or_else(|| base(tier), |posture| posture.over(base(tier))))
        }
        (None, Some(policy)) => Ok(policy),
        (None, None) => {
            let own = config.into_iter().flat_map(|config| config.tiers.keys().map(String::as_str));
            let mut names: Vec<&str> = BUILT_IN_TIERS.into_iter().chain(own).collect();
            names.dedup();
            Err(format!(
                "there is no tier {tier}; there are: {}; or add a section [tiers.{tier}.posture] to s3twin.toml",
                names.join(", ")
            ))
        }
    }
}
