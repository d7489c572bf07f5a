//! The judgements, by themselves and against a bucket in memory that can misbehave.

use super::*;
use crate::s3::{
    AccessLog, Answer, Kind, Lifecycle, LifecycleRule, ObjectLock, Operation, Replication, ReplicationRule,
    RuleScope, S3Error, Versioning, VersioningSettings,
};
use async_trait::async_trait;
use std::sync::Mutex;

/// A bucket in memory.
#[derive(Default)]
struct Memory {
    state: Mutex<State>,
    /// Somebody removes this rule while ours is added.
    forgets: Option<&'static str>,
    /// Writes are taken and not kept.
    deaf: bool,
    denied: bool,
}

#[derive(Clone, Default)]
struct State {
    versioning: VersioningSettings,
    lifecycle: Lifecycle,
    encryption: Option<DefaultEncryption>,
    access: PublicAccess,
    replication: Replication,
}

impl Memory {
    fn change(&self, change: impl FnOnce(&mut State)) -> Answer<()> {
        if !self.deaf {
            change(&mut self.state.lock().unwrap());
        }
        Ok(())
    }

    fn state(&self) -> State {
        self.state.lock().unwrap().clone()
    }
}

#[async_trait]
impl BucketSettings for Memory {
    async fn versioning_settings(&self, bucket: &str) -> Answer<VersioningSettings> {
        if self.denied {
            return Err(S3Error::local(Kind::Denied, Operation::GetBucketVersioning, bucket, "no"));
        }
        Ok(self.state().versioning)
    }
    async fn lifecycle(&self, _: &str) -> Answer<Lifecycle> {
        Ok(self.state().lifecycle)
    }
    async fn encryption(&self, _: &str) -> Answer<Option<DefaultEncryption>> {
        Ok(self.state().encryption)
    }
    async fn public_access(&self, _: &str) -> Answer<PublicAccess> {
        Ok(self.state().access)
    }
    async fn policy(&self, _: &str) -> Answer<Option<String>> {
        Ok(None)
    }
    async fn replication(&self, _: &str) -> Answer<Replication> {
        Ok(self.state().replication)
    }
    async fn object_lock(&self, _: &str) -> Answer<ObjectLock> {
        Ok(ObjectLock::default())
    }
    async fn access_log(&self, _: &str) -> Answer<Option<AccessLog>> {
        Ok(None)
    }
    async fn enable_versioning(&self, _: &str) -> Answer<()> {
        self.change(|state| state.versioning.state = Versioning::Enabled)
    }
    async fn add_lifecycle_rules(&self, _: &str, read: &Lifecycle, add: &[NewLifecycleRule]) -> Answer<()> {
        self.change(|state| {
            state.lifecycle = read.clone();
            state.lifecycle.rules.retain(|rule| Some(rule.id.as_str()) != self.forgets);
            state.lifecycle.rules.extend(add.iter().map(|new| match new {
                NewLifecycleRule::AbortUploads { days } => abort(new.id(), *days),
                NewLifecycleRule::ExpireNoncurrent { days } => expire(new.id(), *days),
            }));
        })
    }
    async fn set_encryption(
        &self,
        _: &str,
        _: Option<&DefaultEncryption>,
        wanted: &DefaultEncryption,
    ) -> Answer<()> {
        self.change(|state| state.encryption = Some(wanted.clone()))
    }
    async fn set_public_access(&self, _: &str, wanted: PublicAccess) -> Answer<()> {
        self.change(|state| state.access = wanted)
    }
    async fn add_replication_rule(&self, _: &str, _: &Replication, add: &NewReplicationRule) -> Answer<()> {
        self.change(|state| {
            state.replication.role.clone_from(&add.role);
            state.replication.rules.push(ReplicationRule {
                id: NewReplicationRule::ID.to_owned(),
                enabled: true,
                destination: add.destination.clone(),
                markers: add.markers,
                time_control: add.time_control,
                priority: Some(add.priority),
                ..ReplicationRule::default()
            });
        })
    }
}

fn abort(id: &str, days: u32) -> LifecycleRule {
    let abort_days = Some(days);
    LifecycleRule { id: id.to_owned(), enabled: true, abort_days, ..LifecycleRule::default() }
}

fn expire(id: &str, days: u32) -> LifecycleRule {
    let noncurrent_days = Some(days);
    LifecycleRule { id: id.to_owned(), enabled: true, noncurrent_days, ..LifecycleRule::default() }
}

fn encryption(algorithm: &str) -> DefaultEncryption {
    DefaultEncryption { algorithm: algorithm.to_owned(), ..DefaultEncryption::default() }
}

fn wish(policy: Policy) -> Wish {
    Wish { policy, ..Wish::default() }
}

fn of(rows: &[Row], check: Check) -> &Row {
    rows.iter().find(|row| row.check == check).expect("a row")
}

fn lifecycle_wish() -> Wish {
    wish(Policy {
        abort_uploads_days: Some(7),
        keep_noncurrent_days: Some(30),
        expire_noncurrent_days: Some(90),
        ..Policy::default()
    })
}

fn judged(rules: &[LifecycleRule], wish: &Wish) -> Vec<Row> {
    judge::lifecycle(wish, &Lifecycle { rules: rules.to_vec(), ..Lifecycle::default() })
}

#[test]
fn uploads_are_aborted_when_a_rule_in_force_does_it_for_every_object() {
    let wish = lifecycle_wish();
    let verdict = |rule: LifecycleRule| of(&judged(&[rule], &wish), Check::AbortUploads).verdict;
    assert_eq!(verdict(abort("a", 7)), Verdict::Kept);
    assert_eq!(verdict(abort("a", 8)), Verdict::Broken);
    assert_eq!(verdict(LifecycleRule { enabled: false, ..abort("a", 1) }), Verdict::Broken);
    for scope in [
        RuleScope { prefix: "logs/".to_owned(), narrowed: false },
        RuleScope { prefix: String::new(), narrowed: true },
    ] {
        assert_eq!(verdict(LifecycleRule { scope, ..abort("a", 1) }), Verdict::Broken);
    }
}

#[test]
fn older_versions_are_kept_long_enough_by_every_rule_and_removed_by_one() {
    let wish = lifecycle_wish();
    let row = |rules: &[LifecycleRule]| of(&judged(rules, &wish), Check::NoncurrentVersions).clone();
    assert_eq!(row(&[expire("a", 90)]).verdict, Verdict::Kept);
    assert_eq!(row(&[expire("a", 30)]).verdict, Verdict::Kept);
    assert_eq!(row(&[expire("a", 91)]).reason, Some("versions-never-removed"));
    let scope = RuleScope { prefix: "tmp/".to_owned(), narrowed: false };
    let early = LifecycleRule { scope, ..expire("early", 29) };
    let row = row(&[expire("a", 90), early]);
    assert_eq!((row.reason, row.remedy.is_none()), (Some("versions-removed-too-early"), true));
}

#[test]
fn versions_are_only_removed_when_that_was_asked_for() {
    let wish = lifecycle_wish();
    assert!(of(&judged(&[], &wish), Check::NoncurrentVersions).remedy.is_none());
    let wish = Wish { may_expire: true, ..wish };
    assert!(of(&judged(&[], &wish), Check::NoncurrentVersions).remedy.is_some());
}

#[test]
fn a_document_with_strange_elements_is_not_written() {
    let wish = Wish { may_expire: true, ..lifecycle_wish() };
    let strange = Lifecycle { unknown: vec!["Freeze".to_owned()], ..Lifecycle::default() };
    for row in judge::lifecycle(&wish, &strange) {
        assert!(row.remedy.is_none() && row.advice.is_some_and(|advice| advice.contains("Freeze")));
    }
}

#[test]
fn stronger_encryption_is_kept_and_never_replaced() {
    let asks = |algorithm: &str, key: Option<&str>| Policy {
        encryption: Some(EncryptionPolicy {
            algorithm: algorithm.to_owned(),
            kms_key: key.map(str::to_owned),
        }),
        ..Policy::default()
    };
    let row = |policy: &Policy, found: Option<&DefaultEncryption>| {
        judge::encryption(policy, found).pop().expect("a row")
    };
    assert_eq!(row(&asks("AES256", None), Some(&encryption("aws:kms"))).verdict, Verdict::Kept);
    assert!(row(&asks("AES256", None), None).remedy.is_some());
    let weak = row(&asks("aws:kms", Some("k")), Some(&encryption("AES256")));
    assert!(weak.verdict == Verdict::Broken && weak.remedy.is_some());
    assert!(row(&asks("aws:kms", None), Some(&encryption("AES256"))).remedy.is_none(), "no key is named");
    let mut other = encryption("aws:kms");
    other.kms_key = Some("other".to_owned());
    let row = row(&asks("aws:kms", Some("k")), Some(&other));
    assert_eq!((row.reason, row.remedy.is_none()), (Some("other-key"), true));
}

#[test]
fn versioning_under_a_second_factor_is_for_the_root_user() {
    let policy = Policy { versioning: true, mfa_delete: true, ..Policy::default() };
    let found = VersioningSettings { state: Versioning::Suspended, mfa_delete: true };
    let rows = judge::versioning(&policy, found);
    assert!(of(&rows, Check::Versioning).remedy.is_none());
    assert_eq!(of(&rows, Check::MfaDelete).verdict, Verdict::Kept);
    let rows = judge::versioning(&policy, VersioningSettings::default());
    assert!(of(&rows, Check::Versioning).remedy.is_some());
    assert_eq!(of(&rows, Check::MfaDelete).verdict, Verdict::Broken);
}

#[test]
fn object_lock_and_logs() {
    let asks = |mode: Option<&str>, days| Policy {
        object_lock: Some(LockPolicy { mode: mode.map(str::to_owned), days }),
        ..Policy::default()
    };
    let found = ObjectLock { enabled: true, mode: Some("COMPLIANCE".to_owned()), days: Some(30) };
    let verdict = |policy: &Policy, found: &ObjectLock| judge::object_lock(policy, found)[0].verdict;
    assert_eq!(verdict(&asks(Some("GOVERNANCE"), Some(30)), &found), Verdict::Kept);
    assert_eq!(verdict(&asks(None, None), &found), Verdict::Kept);
    assert_eq!(verdict(&asks(Some("COMPLIANCE"), Some(31)), &found), Verdict::Broken);
    let loose = ObjectLock { mode: Some("GOVERNANCE".to_owned()), ..found };
    assert_eq!(verdict(&asks(Some("COMPLIANCE"), None), &loose), Verdict::Broken);
    assert_eq!(verdict(&asks(None, None), &ObjectLock::default()), Verdict::Broken);
    let log = AccessLog { bucket: "b".to_owned(), prefix: String::new() };
    assert_eq!(judge::access_log("a", Some(&log)).verdict, Verdict::Kept);
    assert_eq!(judge::access_log("b", Some(&log)).reason, Some("logs-itself"));
    assert_eq!(judge::access_log("b", None).verdict, Verdict::Broken);
}

#[test]
fn plain_http_is_refused_when_everybody_is_denied_everything_everywhere() {
    let whole = TLS_STATEMENT.replace("BUCKET", "media");
    let gap = |statement: &str| tls::gap(&format!("{{\"Statement\":[{statement}]}}"), "media");
    assert_eq!(gap(&whole), None);
    assert_eq!(tls::gap(&format!("{{\"Statement\":{whole}}}"), "media"), None);
    assert_eq!(gap(&whole.replace("\"false\"", "[false]")), None);
    assert_eq!(gap(&whole.replace("\"Principal\":\"*\"", "\"Principal\":{\"AWS\":[\"*\"]}")), None);
    let (bucket, objects) = ("\"arn:aws:s3:::media\",", ",\"arn:aws:s3:::media/*\"");
    let halves = format!("{},{}", whole.replace(bucket, ""), whole.replace(objects, ""));
    assert_eq!(gap(&halves), None);
    for (from, to) in [
        ("Deny", "Allow"),
        ("\"s3:*\"", "\"s3:GetObject\""),
        ("\"false\"", "\"true\""),
        ("\"Principal\":\"*\"", "\"Principal\":{\"AWS\":\"arn:aws:iam::1:root\"}"),
        (":::media/*", ":::media/logs/*"),
        (bucket, ""),
        (objects, ""),
        ("media", "other"),
        ("{\"aws:SecureTransport\":\"false\"}", "{\"aws:SecureTransport\":\"false\",\"x\":\"y\"}"),
        ("\"Condition\":{", "\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"},"),
    ] {
        let changed = whole.replace(from, to);
        assert_ne!(changed, whole, "{from}");
        assert!(gap(&changed).is_some(), "{changed}");
    }
    assert!(tls::gap("", "media").is_some());
}

fn replicated() -> Wish {
    Wish {
        policy: Policy {
            replication: Some(ReplicationPolicy { markers: true, time_control: true }),
            ..Policy::default()
        },
        replicate_to: Some("copy".to_owned()),
        replication_role: Some("arn:aws:iam::1:role/r".to_owned()),
        may_expire: false,
    }
}

fn rule(destination: &str) -> ReplicationRule {
    ReplicationRule {
        id: "r".to_owned(),
        enabled: true,
        destination: destination.to_owned(),
        markers: true,
        time_control: true,
        priority: Some(4),
        ..ReplicationRule::default()
    }
}

fn replication(rules: &[ReplicationRule]) -> Replication {
    Replication { role: "arn:aws:iam::1:role/r".to_owned(), rules: rules.to_vec(), ..Replication::default() }
}

#[test]
fn replication_is_judged_by_the_best_rule_for_the_whole_bucket() {
    let judge = |rules: &[ReplicationRule], encryption| {
        replicated::judge(&replicated(), &replication(rules), encryption).pop().expect("a row")
    };
    assert_eq!(judge(&[rule("copy")], None).verdict, Verdict::Kept);
    let reason = |rule: ReplicationRule| judge(&[rule], None).reason;
    assert_eq!(reason(ReplicationRule { markers: false, ..rule("copy") }), Some("markers-not-replicated"));
    assert_eq!(reason(ReplicationRule { time_control: false, ..rule("copy") }), Some("no-time-control"));
    assert_eq!(reason(ReplicationRule { enabled: false, ..rule("copy") }), Some("not-replicated"));
    assert_eq!(judge(&[rule("copy")], Some("aws:kms")).reason, Some("kms-objects-not-replicated"));
    assert_eq!(judge(&[rule("copy")], Some("AES256")).verdict, Verdict::Kept);
}

#[test]
fn a_replication_rule_is_added_only_where_it_overrules_none() {
    let judge = |wish: &Wish, found: &Replication, encryption| {
        replicated::judge(wish, found, encryption).pop().expect("a row")
    };
    let wish = replicated();
    let fresh = judge(&wish, &Replication::default(), None);
    assert!(matches!(&fresh.remedy, Some(Remedy::Replicate(new)) if new.priority == 1));
    let beside = judge(&wish, &replication(&[rule("elsewhere")]), None);
    assert!(matches!(&beside.remedy, Some(Remedy::Replicate(new)) if new.priority == 5));
    let off = ReplicationRule { enabled: false, ..rule("copy") };
    let old = ReplicationRule { first_version: true, ..rule("elsewhere") };
    for rules in [off, old] {
        assert!(judge(&wish, &replication(&[rules]), None).remedy.is_none());
    }
    let other = Replication { role: "arn:aws:iam::1:role/x".to_owned(), ..replication(&[rule("elsewhere")]) };
    assert!(judge(&wish, &other, None).advice.is_some_and(|advice| advice.contains("role/x")));
    assert!(judge(&wish, &Replication::default(), Some("aws:kms")).remedy.is_none());
    let nobody = Wish { replication_role: None, ..wish };
    assert!(judge(&nobody, &Replication::default(), None).remedy.is_none());
}

#[tokio::test]
async fn what_may_be_mended_is_mended_and_a_second_time_nothing_is_left_to_do() {
    let store = Memory::default();
    store.state.lock().unwrap().lifecycle.rules.push(abort("own", 30));
    let policy = Policy { tls_only: false, ..Policy::built_in("critical").expect("a tier") };
    let policy = Policy { access_log: false, ..policy };
    let wish = Wish { policy, may_expire: true, ..replicated() };
    let before = look(&store, "b", &wish).await;
    assert!(before.iter().all(|row| row.verdict == Verdict::Broken && row.remedy.is_some()), "{before:?}");
    assert!(store.state().encryption.is_none(), "looking changes nothing");
    let rows = mend(&store, "b", &wish).await;
    let done = |row: &Row| row.verdict == Verdict::Kept && row.mended == Some(Mended::Done);
    assert!(rows.len() == before.len() && rows.iter().all(done), "{rows:?}");
    assert_eq!(store.state().lifecycle.rules[0], abort("own", 30));
    let again = mend(&store, "b", &wish).await;
    assert!(again.iter().all(|row| row.verdict == Verdict::Kept && row.mended.is_none()), "{again:?}");
}

#[tokio::test]
async fn what_a_server_only_says_it_did_is_not_believed() {
    let store = Memory { deaf: true, ..Memory::default() };
    let wish = wish(Policy::built_in("basic").expect("a tier"));
    for row in mend(&store, "b", &wish).await {
        assert_eq!(row.verdict, Verdict::Broken);
        assert!(matches!(&row.mended, Some(Mended::Failed(why)) if why.contains("not so")), "{row:?}");
    }
}

#[tokio::test]
async fn a_rule_that_is_gone_after_the_write_is_never_a_success() {
    let store = Memory { forgets: Some("own"), ..Memory::default() };
    store.state.lock().unwrap().lifecycle.rules.push(expire("own", 90));
    let rows = mend(&store, "b", &lifecycle_wish()).await;
    let row = of(&rows, Check::AbortUploads);
    assert_eq!(row.verdict, Verdict::Broken);
    assert!(matches!(&row.mended, Some(Mended::Failed(why)) if why.contains("`own`")), "{row:?}");
}

#[tokio::test]
async fn what_the_bucket_does_not_tell_is_unknown_with_its_reason() {
    let store = Memory { denied: true, ..Memory::default() };
    let policy = Policy { versioning: true, mfa_delete: true, ..Policy::default() };
    let rows = mend(&store, "b", &wish(policy)).await;
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_eq!((row.verdict, row.reason), (Verdict::Unknown, Some("access-denied")));
        assert!(row.advice.is_some_and(|advice| advice.contains("s3:GetBucketVersioning")));
    }
}

#[test]
fn nothing_weaker_passes_for_the_same() {
    use super::setting::Found;
    let versioning = |state, mfa_delete| Found::Versioning(VersioningSettings { state, mfa_delete });
    let on = versioning(Versioning::Enabled, true);
    assert!(on.lost(&versioning(Versioning::Enabled, false)).is_some());
    assert!(on.lost(&versioning(Versioning::Suspended, true)).is_some());
    assert!(on.lost(&versioning(Versioning::Enabled, true)).is_none());
    let crypt = |algorithm: Option<&str>| Found::Encryption(algorithm.map(encryption));
    assert!(crypt(Some("aws:kms")).lost(&crypt(Some("AES256"))).is_some());
    assert!(crypt(Some("AES256")).lost(&crypt(None)).is_some());
    assert!(crypt(None).lost(&crypt(Some("AES256"))).is_none());
    let some = PublicAccess { block_acls: true, ..PublicAccess::default() };
    assert!(Found::PublicAccess(some).lost(&Found::PublicAccess(PublicAccess::default())).is_some());
    assert!(Found::PublicAccess(some).lost(&Found::PublicAccess(PublicAccess::BLOCKED)).is_none());
    let rules = |rules: &[ReplicationRule]| Found::Replication(replication(rules), None);
    assert!(rules(&[rule("a"), rule("b")]).lost(&rules(&[rule("a")])).is_some());
}
