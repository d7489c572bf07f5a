//! Between the SDK's documents of a bucket and ours.
//!
//! The SDK drops elements that it does not know. A document is only written back if it has none of them, which is
//! seen in the XML as it came.

use crate::s3::{
    DefaultEncryption, Lifecycle, LifecycleRule, ObjectLock, Original, PublicAccess, Replication,
    ReplicationRule, RuleScope,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::operation::get_bucket_encryption::GetBucketEncryptionOutput;
use aws_sdk_s3::operation::get_bucket_lifecycle_configuration::GetBucketLifecycleConfigurationOutput;
use aws_sdk_s3::types;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Elements of a lifecycle that the SDK reads and writes.
pub(super) const LIFECYCLE: &[&str] = &[
    "LifecycleConfiguration",
    "Rule",
    "ID",
    "Prefix",
    "Filter",
    "And",
    "Tag",
    "Key",
    "Value",
    "ObjectSizeGreaterThan",
    "ObjectSizeLessThan",
    "Status",
    "Expiration",
    "Date",
    "Days",
    "ExpiredObjectDeleteMarker",
    "Transition",
    "StorageClass",
    "NoncurrentVersionTransition",
    "NoncurrentVersionExpiration",
    "NoncurrentDays",
    "NewerNoncurrentVersions",
    "AbortIncompleteMultipartUpload",
    "DaysAfterInitiation",
];

/// The same of default encryption.
pub(super) const ENCRYPTION: &[&str] = &[
    "ServerSideEncryptionConfiguration",
    "Rule",
    "ApplyServerSideEncryptionByDefault",
    "SSEAlgorithm",
    "KMSMasterKeyID",
    "BucketKeyEnabled",
    "BlockedEncryptionTypes",
    "EncryptionType",
];

/// The same of replication.
pub(super) const REPLICATION: &[&str] = &[
    "ReplicationConfiguration",
    "Role",
    "Rule",
    "ID",
    "Priority",
    "Prefix",
    "Filter",
    "And",
    "Tag",
    "Key",
    "Value",
    "Status",
    "SourceSelectionCriteria",
    "SseKmsEncryptedObjects",
    "ReplicaModifications",
    "ExistingObjectReplication",
    "Destination",
    "Bucket",
    "Account",
    "StorageClass",
    "AccessControlTranslation",
    "Owner",
    "EncryptionConfiguration",
    "ReplicaKmsKeyID",
    "ReplicationTime",
    "Time",
    "Minutes",
    "Metrics",
    "EventThreshold",
    "DeleteMarkerReplication",
];

/// Looks at the XML of an answer for elements that are not in the list.
#[derive(Clone, Debug)]
pub(super) struct Elements {
    known: &'static [&'static str],
    unknown: Arc<Mutex<BTreeSet<String>>>,
}

impl Elements {
    pub(super) fn new(known: &'static [&'static str]) -> Self {
        Self { known, unknown: Arc::default() }
    }

    pub(super) fn unknown(&self) -> Vec<String> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Intercept for Elements {
    fn name(&self) -> &'static str {
        "s3twin settings elements"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        if let Some(body) = response.body().bytes().filter(|_| response.status().is_success()) {
            let found = names(&String::from_utf8_lossy(body));
            let strange = found.into_iter().filter(|name| !self.known.contains(&name.as_str()));
            self.unknown.lock().unwrap_or_else(PoisonError::into_inner).extend(strange);
        }
        Ok(())
    }
}

/// The local names of all elements.
fn names(xml: &str) -> BTreeSet<String> {
    let opened = xml.split('<').skip(1).filter(|tag| !tag.starts_with(['/', '?', '!']));
    let name = |tag: &str| {
        let name = tag.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next().unwrap_or_default();
        name.rsplit(':').next().unwrap_or_default().to_owned()
    };
    opened.map(name).filter(|name| !name.is_empty()).collect()
}

fn days(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

pub(super) fn lifecycle(output: GetBucketLifecycleConfigurationOutput, unknown: Vec<String>) -> Lifecycle {
    let rules = output.rules().iter().map(lifecycle_rule).collect();
    Lifecycle { rules, unknown, original: Original(Some(Arc::new(output))) }
}

#[allow(deprecated)] // Rules in the old form are still in force.
fn lifecycle_rule(rule: &types::LifecycleRule) -> LifecycleRule {
    let filter = rule.filter();
    let and = filter.and_then(|filter| filter.and());
    let prefix = rule.prefix().or_else(|| filter?.prefix()).or_else(|| and?.prefix());
    let narrowed = filter.is_some_and(|filter| {
        filter.tag().is_some()
            || filter.object_size_greater_than().is_some()
            || filter.object_size_less_than().is_some()
    }) || and.is_some_and(|and| {
        !and.tags().is_empty()
            || and.object_size_greater_than().is_some()
            || and.object_size_less_than().is_some()
    });
    let noncurrent = rule.noncurrent_version_expiration();
    let mut nameless = rule.clone();
    nameless.id = None;
    LifecycleRule {
        id: rule.id().unwrap_or_default().to_owned(),
        enabled: rule.status() == &types::ExpirationStatus::Enabled,
        scope: RuleScope { prefix: prefix.unwrap_or_default().to_owned(), narrowed },
        noncurrent_days: noncurrent.and_then(|noncurrent| days(noncurrent.noncurrent_days())),
        noncurrent_kept: noncurrent.and_then(|noncurrent| days(noncurrent.newer_noncurrent_versions())),
        abort_days: rule
            .abort_incomplete_multipart_upload()
            .and_then(|abort| days(abort.days_after_initiation())),
        text: format!("{nameless:?}"),
    }
}

pub(super) fn encryption(
    output: &GetBucketEncryptionOutput,
    unknown: Vec<String>,
) -> Option<DefaultEncryption> {
    let rule = output.server_side_encryption_configuration()?.rules().first()?;
    let default = rule.apply_server_side_encryption_by_default()?;
    Some(DefaultEncryption {
        algorithm: default.sse_algorithm().as_str().to_owned(),
        kms_key: default.kms_master_key_id().filter(|key| !key.is_empty()).map(str::to_owned),
        unknown,
        original: Original(Some(Arc::new(rule.clone()))),
    })
}

pub(super) fn public_access(block: &types::PublicAccessBlockConfiguration) -> PublicAccess {
    PublicAccess {
        block_acls: block.block_public_acls().unwrap_or_default(),
        ignore_acls: block.ignore_public_acls().unwrap_or_default(),
        block_policy: block.block_public_policy().unwrap_or_default(),
        restrict: block.restrict_public_buckets().unwrap_or_default(),
    }
}

pub(super) fn replication(found: types::ReplicationConfiguration, unknown: Vec<String>) -> Replication {
    let rules = found.rules().iter().map(replication_rule).collect();
    Replication { role: found.role().to_owned(), rules, unknown, original: Original(Some(Arc::new(found))) }
}

#[allow(deprecated)] // Rules in the old form are still in force.
fn replication_rule(rule: &types::ReplicationRule) -> ReplicationRule {
    let filter = rule.filter();
    let and = filter.and_then(|filter| filter.and());
    let prefix = rule.prefix().or_else(|| filter?.prefix()).or_else(|| and?.prefix());
    let narrowed =
        filter.is_some_and(|filter| filter.tag().is_some()) || and.is_some_and(|and| !and.tags().is_empty());
    let destination = rule.destination();
    let arn = destination.map(types::Destination::bucket).unwrap_or_default();
    let marked = rule.delete_marker_replication().and_then(|markers| markers.status());
    let timed = destination.and_then(|to| to.replication_time());
    let measured = destination.and_then(|to| to.metrics());
    let kms = rule.source_selection_criteria().and_then(|criteria| criteria.sse_kms_encrypted_objects());
    let mut nameless = rule.clone();
    nameless.id = None;
    ReplicationRule {
        id: rule.id().unwrap_or_default().to_owned(),
        enabled: rule.status() == &types::ReplicationRuleStatus::Enabled,
        scope: RuleScope { prefix: prefix.unwrap_or_default().to_owned(), narrowed },
        destination: arn.rsplit(':').next().unwrap_or_default().to_owned(),
        markers: marked == Some(&types::DeleteMarkerReplicationStatus::Enabled),
        time_control: timed.is_some_and(|time| time.status() == &types::ReplicationTimeStatus::Enabled)
            && measured.is_some_and(|metrics| metrics.status() == &types::MetricsStatus::Enabled),
        kms_objects: kms.is_some_and(|kms| kms.status() == &types::SseKmsEncryptedObjectsStatus::Enabled),
        priority: rule.priority(),
        first_version: filter.is_none(),
        text: format!("{nameless:?}"),
    }
}

pub(super) fn object_lock(found: &types::ObjectLockConfiguration) -> ObjectLock {
    let default = found.rule().and_then(|rule| rule.default_retention());
    let of = |default: &types::DefaultRetention| {
        days(default.days()).or_else(|| days(default.years()).map(|years| years.saturating_mul(365)))
    };
    ObjectLock {
        enabled: found.object_lock_enabled() == Some(&types::ObjectLockEnabled::Enabled),
        mode: default.and_then(|default| default.mode()).map(|mode| mode.as_str().to_owned()),
        days: default.and_then(of),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_named_without_their_namespace_and_attributes() {
        let xml =
            "<?xml version=\"1.0\"?><!-- <no> --><a:Rule xmlns:a=\"u\"><ID>x &lt;y></ID><Days/></a:Rule>";
        let found: Vec<String> = names(xml).into_iter().collect();
        // A comment is read as if it were not one: better a name too many than a rule lost.
        assert_eq!(found, ["Days", "ID", "Rule", "no"]);
    }
}
