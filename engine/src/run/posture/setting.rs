//! One setting of a bucket: read, judged, written, and never made weaker.

use super::policy::{EncryptionPolicy, Policy};
use super::{Remedy, Row, Wish, judge, replicated};
use crate::s3::{
    AccessLog, Answer, BucketSettings, DefaultEncryption, Kind, Lifecycle, NewLifecycleRule, ObjectLock,
    Operation, PublicAccess, Replication, S3Error, Versioning, VersioningSettings,
};

/// What is read with one call. Replication comes last: it takes versioning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    Versioning,
    Lifecycle,
    Encryption,
    PublicAccess,
    Policy,
    ObjectLock,
    AccessLog,
    Replication,
}

/// What was read.
#[derive(Debug)]
pub(super) enum Found {
    Versioning(VersioningSettings),
    Lifecycle(Lifecycle),
    Encryption(Option<DefaultEncryption>),
    PublicAccess(PublicAccess),
    Policy(String, Option<String>),
    ObjectLock(ObjectLock),
    AccessLog(String, Option<AccessLog>),
    /// With the algorithm of the default encryption, where it is known.
    Replication(Replication, Option<String>),
}

impl Setting {
    pub(super) const ALL: [Self; 8] = [
        Self::Versioning,
        Self::Lifecycle,
        Self::Encryption,
        Self::PublicAccess,
        Self::Policy,
        Self::ObjectLock,
        Self::AccessLog,
        Self::Replication,
    ];

    pub(super) fn is_wanted(self, policy: &Policy) -> bool {
        match self {
            Self::Versioning => policy.versioning || policy.mfa_delete,
            Self::Lifecycle => {
                policy.abort_uploads_days.is_some()
                    || policy.keep_noncurrent_days.is_some()
                    || policy.expire_noncurrent_days.is_some()
            }
            Self::Encryption => policy.encryption.is_some(),
            Self::PublicAccess => policy.public_access_block,
            Self::Policy => policy.tls_only,
            Self::ObjectLock => policy.object_lock.is_some(),
            Self::AccessLog => policy.access_log,
            Self::Replication => policy.replication.is_some(),
        }
    }

    pub(super) async fn read(self, store: &dyn BucketSettings, bucket: &str) -> Answer<Found> {
        Ok(match self {
            Self::Versioning => Found::Versioning(store.versioning_settings(bucket).await?),
            Self::Lifecycle => Found::Lifecycle(store.lifecycle(bucket).await?),
            Self::Encryption => Found::Encryption(store.encryption(bucket).await?),
            Self::PublicAccess => Found::PublicAccess(store.public_access(bucket).await?),
            Self::Policy => Found::Policy(bucket.to_owned(), store.policy(bucket).await?),
            Self::ObjectLock => Found::ObjectLock(store.object_lock(bucket).await?),
            Self::AccessLog => Found::AccessLog(bucket.to_owned(), store.access_log(bucket).await?),
            Self::Replication => {
                let replication = store.replication(bucket).await?;
                // A server that does not say is taken at its rules' word.
                let encryption = store.encryption(bucket).await.ok().flatten();
                Found::Replication(replication, encryption.map(|default| default.algorithm))
            }
        })
    }

    pub(super) fn judge(self, wish: &Wish, answer: &Answer<Found>) -> Vec<Row> {
        match answer {
            Ok(Found::Versioning(found)) => judge::versioning(&wish.policy, *found),
            Ok(Found::Lifecycle(found)) => judge::lifecycle(wish, found),
            Ok(Found::Encryption(found)) => judge::encryption(&wish.policy, found.as_ref()),
            Ok(Found::PublicAccess(found)) => vec![judge::public_access(*found)],
            Ok(Found::Policy(bucket, found)) => vec![judge::tls_only(bucket, found.as_deref())],
            Ok(Found::ObjectLock(found)) => judge::object_lock(&wish.policy, found),
            Ok(Found::AccessLog(bucket, found)) => vec![judge::access_log(bucket, found.as_ref())],
            Ok(Found::Replication(found, encryption)) => {
                replicated::judge(wish, found, encryption.as_deref())
            }
            Err(error) => judge::unknown(self, &wish.policy, error),
        }
    }

    /// Writes what the remedies of this setting say. `None` when there are none.
    pub(super) async fn write(
        store: &dyn BucketSettings,
        bucket: &str,
        found: &Found,
        remedies: &[Remedy],
    ) -> Option<Answer<()>> {
        let answer = match (found, remedies.first()?) {
            (Found::Versioning(_), Remedy::EnableVersioning) => store.enable_versioning(bucket).await,
            (Found::Lifecycle(found), Remedy::AddLifecycleRule(_)) => {
                store.add_lifecycle_rules(bucket, found, &lifecycle_rules(remedies)).await
            }
            (Found::Encryption(found), Remedy::SetEncryption(wanted)) => {
                store.set_encryption(bucket, found.as_ref(), wanted).await
            }
            (Found::PublicAccess(found), Remedy::BlockPublicAccess(wanted)) => {
                store.set_public_access(bucket, wanted.or(*found)).await
            }
            (Found::Replication(found, _), Remedy::Replicate(rule)) => {
                store.add_replication_rule(bucket, found, rule).await
            }
            // A judge gives remedies of its own setting; should it not, nothing is written.
            _ => Err(S3Error::local(
                Kind::Invalid,
                Operation::HeadBucket,
                bucket,
                "no remedy for this setting",
            )),
        };
        Some(answer)
    }
}

fn lifecycle_rules(remedies: &[Remedy]) -> Vec<NewLifecycleRule> {
    let rules = remedies.iter().filter_map(|remedy| match remedy {
        Remedy::AddLifecycleRule(rule) => Some(rule.clone()),
        _ => None,
    });
    rules.collect()
}

impl Found {
    /// What was there before and is not there now, or is weaker.
    pub(super) fn lost(&self, after: &Self) -> Option<String> {
        match (self, after) {
            (Self::Versioning(before), Self::Versioning(after)) => {
                let off = before.state == Versioning::Enabled && after.state != Versioning::Enabled;
                let factor = before.mfa_delete && !after.mfa_delete;
                (off || factor).then(|| "versioning or MFA delete is weaker than before".to_owned())
            }
            (Self::Lifecycle(before), Self::Lifecycle(after)) => {
                let mut left: Vec<_> = after.rules.iter().map(|rule| (&rule.id, &rule.text)).collect();
                missing(before.rules.iter().map(|rule| (&rule.id, &rule.text)), &mut left)
            }
            (Self::Replication(before, _), Self::Replication(after, _)) => {
                let mut left: Vec<_> = after.rules.iter().map(|rule| (&rule.id, &rule.text)).collect();
                missing(before.rules.iter().map(|rule| (&rule.id, &rule.text)), &mut left)
            }
            (Self::Encryption(before), Self::Encryption(after)) => {
                let strength = |found: &Option<DefaultEncryption>| {
                    found.as_ref().and_then(|found| EncryptionPolicy::strength(&found.algorithm))
                };
                (strength(after) < strength(before)).then(|| "encryption is weaker than before".to_owned())
            }
            (Self::PublicAccess(before), Self::PublicAccess(after)) => {
                (after.or(*before) != *after).then(|| "less public access is blocked than before".to_owned())
            }
            _ => None,
        }
    }
}

/// The first rule of before that is not there any more.
fn missing<'a>(
    before: impl Iterator<Item = (&'a String, &'a String)>,
    left: &mut Vec<(&'a String, &'a String)>,
) -> Option<String> {
    for rule in before {
        match left.iter().position(|kept| *kept == rule) {
            Some(place) => _ = left.swap_remove(place),
            None => return Some(format!("the rule `{}` is not there any more, or is another", rule.0)),
        }
    }
    None
}
