//! Setting a bucket more strictly: what was read goes back whole, with what is new.

use super::AwsStore;
use super::classify::Target;
use crate::s3::{
    Answer, DefaultEncryption, Kind, Lifecycle, NewLifecycleRule, NewReplicationRule, Operation, Original,
    PublicAccess, Replication, S3Error,
};
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::operation::get_bucket_lifecycle_configuration::GetBucketLifecycleConfigurationOutput;
use aws_sdk_s3::types;

/// Minutes of replication time control; S3 takes no others.
const TIME_CONTROL_MINUTES: i32 = 15;

/// What was read, as the SDK's own; refused where something of it would be lost.
fn original<'a, T: 'static>(
    target: Target<'_>,
    original: &'a Original,
    unknown: &[String],
) -> Answer<Option<&'a T>> {
    if !unknown.is_empty() {
        let words = format!(
            "the bucket's document has {}, which this program does not know and would lose",
            unknown.join(", ")
        );
        return Err(target.error(Kind::Unsupported, words));
    }
    Ok(original.0.as_deref().and_then(|any| any.downcast_ref()))
}

fn unbuilt(target: Target<'_>) -> impl Fn(BuildError) -> S3Error {
    move |error| target.error(Kind::Invalid, error.to_string())
}

/// A name that no rule has: S3 takes none twice.
fn fresh<'a>(name: &str, taken: impl Iterator<Item = Option<&'a str>>) -> String {
    let taken: Vec<&str> = taken.flatten().collect();
    let mut fresh = name.to_owned();
    for number in 2.. {
        if !taken.contains(&fresh.as_str()) {
            break;
        }
        fresh = format!("{name}-{number}");
    }
    fresh
}

fn number(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}

pub(super) async fn enable_versioning(store: &AwsStore, bucket: &str) -> Answer<()> {
    let target = Target::bucket(Operation::PutBucketVersioning, bucket);
    // MFA delete is not named, and so stays as it is.
    let wanted =
        types::VersioningConfiguration::builder().status(types::BucketVersioningStatus::Enabled).build();
    let sent = store.client.put_bucket_versioning().bucket(bucket).versioning_configuration(wanted).send();
    sent.await.map(|_| ()).map_err(|error| target.classify(&error))
}

pub(super) async fn add_lifecycle_rules(
    store: &AwsStore,
    bucket: &str,
    read: &Lifecycle,
    add: &[NewLifecycleRule],
) -> Answer<()> {
    let target = Target::bucket(Operation::PutBucketLifecycleConfiguration, bucket);
    let before: Option<&GetBucketLifecycleConfigurationOutput> =
        original(target, &read.original, &read.unknown)?;
    let mut rules = before.map(|before| before.rules().to_vec()).unwrap_or_default();
    // The two forms of naming a prefix do not mix in one document.
    #[allow(deprecated)]
    let old_form = rules.iter().any(|rule| rule.prefix().is_some());
    for new in add {
        let id = fresh(new.id(), rules.iter().map(types::LifecycleRule::id));
        let rule = types::LifecycleRule::builder().id(id).status(types::ExpirationStatus::Enabled);
        #[allow(deprecated)]
        let rule = if old_form {
            rule.prefix("")
        } else {
            rule.filter(types::LifecycleRuleFilter::builder().prefix("").build())
        };
        let rule = match new {
            NewLifecycleRule::AbortUploads { days } => rule.abort_incomplete_multipart_upload(
                types::AbortIncompleteMultipartUpload::builder().days_after_initiation(number(*days)).build(),
            ),
            NewLifecycleRule::ExpireNoncurrent { days } => rule.noncurrent_version_expiration(
                types::NoncurrentVersionExpiration::builder().noncurrent_days(number(*days)).build(),
            ),
        };
        rules.push(rule.build().map_err(unbuilt(target))?);
    }
    let document = types::BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build();
    let sent = store
        .client
        .put_bucket_lifecycle_configuration()
        .bucket(bucket)
        .lifecycle_configuration(document.map_err(unbuilt(target))?)
        // Left out, S3 would take its default, whatever it was.
        .set_transition_default_minimum_object_size(
            before.and_then(|before| before.transition_default_minimum_object_size().cloned()),
        )
        .send();
    sent.await.map(|_| ()).map_err(|error| target.classify(&error))
}

pub(super) async fn set_encryption(
    store: &AwsStore,
    bucket: &str,
    read: Option<&DefaultEncryption>,
    wanted: &DefaultEncryption,
) -> Answer<()> {
    let target = Target::bucket(Operation::PutBucketEncryption, bucket);
    let before: Option<&types::ServerSideEncryptionRule> = match read {
        Some(read) => original(target, &read.original, &read.unknown)?,
        None => None,
    };
    let default = types::ServerSideEncryptionByDefault::builder()
        .sse_algorithm(types::ServerSideEncryption::from(wanted.algorithm.as_str()))
        .set_kms_master_key_id(wanted.kms_key.clone())
        .build();
    // Without a bucket key every object costs a call to KMS. DSSE has none.
    let bucket_key = match wanted.algorithm.as_str() {
        "aws:kms" => Some(true),
        _ => before.and_then(types::ServerSideEncryptionRule::bucket_key_enabled),
    };
    let rule = types::ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default.map_err(unbuilt(target))?)
        .set_bucket_key_enabled(bucket_key)
        .set_blocked_encryption_types(before.and_then(|before| before.blocked_encryption_types().cloned()))
        .build();
    let document = types::ServerSideEncryptionConfiguration::builder().rules(rule).build();
    let sent = store
        .client
        .put_bucket_encryption()
        .bucket(bucket)
        .server_side_encryption_configuration(document.map_err(unbuilt(target))?)
        .send();
    sent.await.map(|_| ()).map_err(|error| target.classify(&error))
}

pub(super) async fn set_public_access(store: &AwsStore, bucket: &str, wanted: PublicAccess) -> Answer<()> {
    let target = Target::bucket(Operation::PutPublicAccessBlock, bucket);
    let block = types::PublicAccessBlockConfiguration::builder()
        .block_public_acls(wanted.block_acls)
        .ignore_public_acls(wanted.ignore_acls)
        .block_public_policy(wanted.block_policy)
        .restrict_public_buckets(wanted.restrict)
        .build();
    let sent =
        store.client.put_public_access_block().bucket(bucket).public_access_block_configuration(block).send();
    sent.await.map(|_| ()).map_err(|error| target.classify(&error))
}

pub(super) async fn add_replication_rule(
    store: &AwsStore,
    bucket: &str,
    read: &Replication,
    add: &NewReplicationRule,
) -> Answer<()> {
    let target = Target::bucket(Operation::PutBucketReplication, bucket);
    let before: Option<&types::ReplicationConfiguration> = original(target, &read.original, &read.unknown)?;
    let mut rules = before.map(|before| before.rules().to_vec()).unwrap_or_default();
    let id = fresh(NewReplicationRule::ID, rules.iter().map(types::ReplicationRule::id));
    rules.push(replication_rule(id, add).map_err(unbuilt(target))?);
    let document = types::ReplicationConfiguration::builder().role(&add.role).set_rules(Some(rules)).build();
    let sent = store
        .client
        .put_bucket_replication()
        .bucket(bucket)
        .replication_configuration(document.map_err(unbuilt(target))?)
        .send();
    sent.await.map(|_| ()).map_err(|error| target.classify(&error))
}

fn replication_rule(id: String, add: &NewReplicationRule) -> Result<types::ReplicationRule, BuildError> {
    // arn:aws-cn:iam::… means that buckets are arn:aws-cn:s3:::… as well.
    let partition = add.role.split(':').nth(1).unwrap_or("aws");
    let mut destination =
        types::Destination::builder().bucket(format!("arn:{partition}:s3:::{}", add.destination));
    if add.time_control {
        let minutes = types::ReplicationTimeValue::builder().minutes(TIME_CONTROL_MINUTES).build();
        let time = types::ReplicationTime::builder()
            .status(types::ReplicationTimeStatus::Enabled)
            .time(minutes.clone())
            .build()?;
        let metrics = types::Metrics::builder()
            .status(types::MetricsStatus::Enabled)
            .event_threshold(minutes)
            .build()?;
        destination = destination.replication_time(time).metrics(metrics);
    }
    let markers = if add.markers {
        types::DeleteMarkerReplicationStatus::Enabled
    } else {
        types::DeleteMarkerReplicationStatus::Disabled
    };
    types::ReplicationRule::builder()
        .id(id)
        .priority(add.priority)
        .status(types::ReplicationRuleStatus::Enabled)
        .filter(types::ReplicationRuleFilter::builder().prefix("").build())
        .delete_marker_replication(types::DeleteMarkerReplication::builder().status(markers).build())
        .destination(destination.build()?)
        .build()
}
