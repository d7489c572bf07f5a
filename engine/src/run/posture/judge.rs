//! The judgements: what was read against what is wanted. Nothing here asks a server.

use super::policy::{EncryptionPolicy, Policy};
use super::setting::Setting;
use super::tls;
use super::{Check, Remedy, Row, Verdict, Wish};
use crate::s3::{
    AccessLog, DefaultEncryption, Kind, Lifecycle, LifecycleRule, NewLifecycleRule, ObjectLock, PublicAccess,
    S3Error, Versioning, VersioningSettings,
};

pub(super) fn kept(check: Check, wanted: impl Into<String>, found: impl Into<String>) -> Row {
    let (wanted, found) = (wanted.into(), found.into());
    let verdict = Verdict::Kept;
    Row { check, verdict, wanted, found, reason: None, advice: None, remedy: None, mended: None }
}

pub(super) fn broken(
    check: Check,
    reason: &'static str,
    wanted: impl Into<String>,
    found: impl Into<String>,
) -> Row {
    Row { verdict: Verdict::Broken, reason: Some(reason), ..kept(check, wanted, found) }
}

impl Row {
    pub(super) fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    pub(super) fn heal(self, remedy: Remedy) -> Self {
        Self { remedy: Some(remedy), ..self }
    }
}

/// Every check that hangs on a setting the bucket would not tell.
pub(super) fn unknown(setting: Setting, policy: &Policy, error: &S3Error) -> Vec<Row> {
    let checks: &[(Check, bool)] = match setting {
        Setting::Versioning => {
            &[(Check::Versioning, policy.versioning), (Check::MfaDelete, policy.mfa_delete)]
        }
        Setting::Lifecycle => &[
            (Check::AbortUploads, policy.abort_uploads_days.is_some()),
            (
                Check::NoncurrentVersions,
                policy.keep_noncurrent_days.or(policy.expire_noncurrent_days).is_some(),
            ),
        ],
        Setting::Encryption => &[(Check::Encryption, true)],
        Setting::PublicAccess => &[(Check::PublicAccess, true)],
        Setting::Policy => &[(Check::TlsOnly, true)],
        Setting::ObjectLock => &[(Check::ObjectLock, true)],
        Setting::AccessLog => &[(Check::AccessLog, true)],
        Setting::Replication => &[(Check::Replication, true)],
    };
    let asked = checks.iter().filter(|(_, asked)| *asked);
    let advice = match error.kind {
        Kind::Unsupported => {
            "this server has no such setting, or tells it in its own way: look at it with its own tools, or \
             take the check out of the tier"
                .to_owned()
        }
        _ => error.advice(),
    };
    let row = |(check, _): &(Check, bool)| Row {
        verdict: Verdict::Unknown,
        reason: Some(error.reason()),
        ..kept(*check, "to be found out", error.to_string()).advise(advice.clone())
    };
    asked.map(row).collect()
}

pub(super) fn versioning(policy: &Policy, found: VersioningSettings) -> Vec<Row> {
    let mut rows = Vec::new();
    if policy.versioning {
        let (check, wanted) = (Check::Versioning, "on");
        rows.push(match found.state {
            Versioning::Enabled => kept(check, wanted, "on"),
            // Whoever changes versioning then needs the second factor.
            state if found.mfa_delete => broken(check, "versioning-off", wanted, word(state))
                .advise("MFA delete is on: the root user must switch versioning on, with the second factor"),
            state => broken(check, "versioning-off", wanted, word(state)).heal(Remedy::EnableVersioning),
        });
    }
    if policy.mfa_delete {
        let (check, wanted) = (Check::MfaDelete, "on");
        rows.push(if found.mfa_delete {
            kept(check, wanted, "on")
        } else {
            broken(check, "mfa-delete-off", wanted, "off").advise(
                "the root user must switch it on: `aws s3api put-bucket-versioning --mfa '<device> <code>'`",
            )
        });
    }
    rows
}

fn word(state: Versioning) -> &'static str {
    match state {
        Versioning::Enabled => "on",
        Versioning::Suspended => "suspended",
        Versioning::Off => "never switched on",
    }
}

pub(super) fn lifecycle(wish: &Wish, found: &Lifecycle) -> Vec<Row> {
    let policy = &wish.policy;
    let mut rows = Vec::new();
    if let Some(days) = policy.abort_uploads_days {
        rows.push(abort_uploads(days, found));
    }
    if policy.keep_noncurrent_days.is_some() || policy.expire_noncurrent_days.is_some() {
        rows.push(noncurrent(wish, found));
    }
    for row in rows.iter_mut().filter(|row| row.remedy.is_some() && !found.unknown.is_empty()) {
        *row = Row { remedy: None, ..row.clone() }.advise(unknown_elements(&found.unknown));
    }
    rows
}

pub(super) fn unknown_elements(names: &[String]) -> String {
    format!(
        "add it by hand: the document has {}, which this program does not know and would lose",
        names.join(", ")
    )
}

fn days_of(days: u32) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

fn active(found: &Lifecycle) -> impl Iterator<Item = &LifecycleRule> {
    found.rules.iter().filter(|rule| rule.enabled)
}

fn abort_uploads(days: u32, found: &Lifecycle) -> Row {
    let check = Check::AbortUploads;
    let wanted = format!("aborted within {}", days_of(days));
    let whole = active(found).filter(|rule| rule.scope.is_whole()).filter_map(|rule| rule.abort_days).min();
    match whole {
        Some(after) if after <= days => kept(check, wanted, format!("aborted after {}", days_of(after))),
        Some(after) => {
            broken(check, "uploads-kept-too-long", wanted, format!("aborted after {}", days_of(after)))
                .heal(Remedy::AddLifecycleRule(NewLifecycleRule::AbortUploads { days }))
        }
        None => {
            let partly = active(found).any(|rule| rule.abort_days.is_some());
            let found = if partly { "only for a part of the bucket" } else { "no rule aborts them" };
            broken(check, "uploads-never-aborted", wanted, found)
                .heal(Remedy::AddLifecycleRule(NewLifecycleRule::AbortUploads { days }))
        }
    }
}

/// Kept long enough by every rule, and removed at last by one that is for the whole bucket.
fn noncurrent(wish: &Wish, found: &Lifecycle) -> Row {
    let check = Check::NoncurrentVersions;
    let (keep, expire) = (wish.policy.keep_noncurrent_days, wish.policy.expire_noncurrent_days);
    let wanted: Vec<String> = [
        keep.map(|days| format!("kept {}", days_of(days))),
        expire.map(|days| format!("removed within {}", days_of(days))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let wanted = wanted.join(", ");
    let early = active(found).find(|rule| rule.noncurrent_days.is_some_and(|days| Some(days) < keep));
    if let Some(rule) = early {
        let days = days_of(rule.noncurrent_days.unwrap_or_default());
        return broken(
            check,
            "versions-removed-too-early",
            wanted,
            format!("{} by {}", days, named(&rule.id)),
        )
        .advise(format!("raise its days by hand: {} is nobody's to change but yours", named(&rule.id)));
    }
    let last =
        active(found).filter(|rule| rule.scope.is_whole()).filter_map(|rule| rule.noncurrent_days).min();
    let found = last.map_or_else(
        || "no rule for the whole bucket removes them".to_owned(),
        |days| format!("removed after {}", days_of(days)),
    );
    let Some(days) = expire.filter(|days| last.is_none_or(|last| last > *days)) else {
        return kept(check, wanted, found);
    };
    let row = broken(check, "versions-never-removed", wanted, found);
    if wish.may_expire {
        return row.heal(Remedy::AddLifecycleRule(NewLifecycleRule::ExpireNoncurrent { days }));
    }
    row.advise(format!(
        "--expire-versions lets --apply add a rule that removes versions {} after they were replaced, for good",
        days_of(days)
    ))
}

pub(super) fn named(id: &str) -> String {
    if id.is_empty() { "a rule without a name".to_owned() } else { format!("the rule `{id}`") }
}

pub(super) fn encryption(policy: &Policy, found: Option<&DefaultEncryption>) -> Vec<Row> {
    let Some(policy) = &policy.encryption else { return Vec::new() };
    let check = Check::Encryption;
    let wanted = shown(&policy.algorithm, policy.kms_key.as_deref());
    let Some(now) = found else {
        return vec![set_encryption(broken(check, "not-encrypted", wanted, "none"), policy)];
    };
    let is = shown(&now.algorithm, now.kms_key.as_deref());
    let strength = EncryptionPolicy::strength(&now.algorithm);
    let Some(strength) = strength else {
        return vec![
            broken(check, "unknown-encryption", wanted, is)
                .advise("this program does not know how strong that is: judge it yourself"),
        ];
    };
    let row = if Some(strength) < EncryptionPolicy::strength(&policy.algorithm) {
        let weak = broken(check, "weak-encryption", wanted, is);
        if now.unknown.is_empty() {
            set_encryption(weak, policy)
        } else {
            weak.advise(unknown_elements(&now.unknown))
        }
    } else if policy.kms_key.is_some() && policy.kms_key != now.kms_key {
        broken(check, "other-key", wanted, is)
            .advise("change the key by hand: whoever reads with the one may not be allowed the other")
    } else {
        kept(check, wanted, is)
    };
    vec![row]
}

fn set_encryption(row: Row, policy: &EncryptionPolicy) -> Row {
    if policy.algorithm != "AES256" && policy.kms_key.is_none() {
        return row.advise(
            "name the key in the tier (kms_key), so that --apply does not take the account's own, which no \
             other account can read with",
        );
    }
    row.heal(Remedy::SetEncryption(DefaultEncryption {
        algorithm: policy.algorithm.clone(),
        kms_key: policy.kms_key.clone(),
        ..DefaultEncryption::default()
    }))
}

fn shown(algorithm: &str, key: Option<&str>) -> String {
    key.map_or_else(|| algorithm.to_owned(), |key| format!("{algorithm} with {key}"))
}

pub(super) fn public_access(found: PublicAccess) -> Row {
    let (check, wanted) = (Check::PublicAccess, "all blocked");
    let open = found.open();
    let is = match open.len() {
        0 => return kept(check, wanted, "all blocked"),
        4 => "nothing blocked".to_owned(),
        _ => format!("off: {}", open.join(", ")),
    };
    broken(check, "public-access-open", wanted, is)
        .heal(Remedy::BlockPublicAccess(found.or(PublicAccess::BLOCKED)))
}

pub(super) fn tls_only(bucket: &str, policy: Option<&str>) -> Row {
    let (check, wanted) = (Check::TlsOnly, "plain HTTP refused");
    let gap = match policy {
        None => Some("there is no bucket policy"),
        Some(policy) => tls::gap(policy, bucket),
    };
    match gap {
        None => kept(check, wanted, "plain HTTP refused"),
        Some(gap) => broken(check, "plain-http-allowed", wanted, gap).advise(format!(
            "a policy is yours to write; add this statement: {}",
            tls::STATEMENT.replace("BUCKET", bucket)
        )),
    }
}

pub(super) fn object_lock(policy: &Policy, found: &ObjectLock) -> Vec<Row> {
    let Some(policy) = &policy.object_lock else { return Vec::new() };
    let check = Check::ObjectLock;
    let wanted = lock_words(policy.mode.as_deref(), policy.days);
    if !found.enabled {
        let advice =
            "it cannot be taken back, so switch it on by hand: `aws s3api put-object-lock-configuration`";
        return vec![broken(check, "object-lock-off", wanted, "off").advise(advice)];
    }
    let is = lock_words(found.mode.as_deref(), found.days);
    let strict = |mode: &Option<String>| match mode.as_deref() {
        None => 0,
        Some("COMPLIANCE") => 2,
        Some(_) => 1,
    };
    let enough = strict(&found.mode) >= strict(&policy.mode) && found.days >= policy.days;
    vec![if enough {
        kept(check, wanted, is)
    } else {
        broken(check, "object-lock-too-short", wanted, is)
            .advise("set its default retention by hand: it binds everybody who writes")
    }]
}

fn lock_words(mode: Option<&str>, days: Option<u32>) -> String {
    match (mode, days) {
        (None, None) => "on".to_owned(),
        (Some(mode), None) => format!("on, {mode}"),
        (None, Some(days)) => format!("on, {}", days_of(days)),
        (Some(mode), Some(days)) => format!("on, {mode} for {}", days_of(days)),
    }
}

pub(super) fn access_log(bucket: &str, found: Option<&AccessLog>) -> Row {
    let (check, wanted) = (Check::AccessLog, "in another bucket");
    match found {
        None => broken(check, "not-logged", wanted, "none").advise(
            "choose a bucket for logs, let logging.s3.amazonaws.com write there, and name it by hand",
        ),
        Some(log) if log.bucket == bucket => broken(check, "logs-itself", wanted, "in the bucket itself")
            .advise("every log that is written is logged in turn: name another bucket"),
        Some(log) => kept(check, wanted, format!("s3://{}/{}", log.bucket, log.prefix)),
    }
}
