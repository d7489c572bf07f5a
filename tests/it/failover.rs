//! `failover` and `failback`: go is said only when it is true, and hooks are called only then.

use crate::harness::{Done, World, noise};
use crate::job_run::configured;
use jiff::{SignedDuration, Timestamp};
use s3twin_fixtures::{ACCESS_KEY, Denial, PutSpec, Versioning};
use serde_json::Value;
use std::path::PathBuf;

const PAIR: [&str; 2] = ["s3://source", "s3://replica"];

fn check(world: &World, more: &[&str]) -> Done {
    world.run(&[&["failover", "check"], &PAIR[..], more].concat())
}

fn fail_over(world: &World, more: &[&str]) -> Done {
    world.run(&[&["failover", "run"], &PAIR[..], more].concat())
}

fn json(done: &Done) -> Value {
    let value: Value = serde_json::from_str(&done.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}\n{}", done.stdout, done.stderr));
    assert_eq!(value["exit_code"], done.code);
    value
}

/// What a check found, by its name.
#[track_caller]
fn found(done: &Done, name: &str) -> String {
    let result = json(done);
    let checks = result["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["name"] == name);
    check.unwrap_or_else(|| panic!("no {name} in {result}"))["found"].as_str().expect("a word").to_owned()
}

/// Everything a bucket holds, older versions and markers too.
fn versions(world: &World, bucket: &str) -> Vec<(String, usize)> {
    let bucket = world.store().bucket(bucket).expect("a bucket");
    let state = bucket.read();
    state.keys.iter().map(|(key, stack)| (key.clone(), stack.len())).collect()
}

/// A pair that is ready in every respect.
fn ready() -> World {
    let world = World::pair();
    for number in 0..5 {
        world.put("source", &format!("k{number}"), noise(500, number));
    }
    world.sync(&[]).exits(0);
    world.audit(&[]).exits(0);
    world.run(&["drill", "s3://replica", "--objects", "2", "--sample", "2"]).exits(0);
    world
}

fn deny(world: &World, operation: &str) {
    let denial = Denial { operation: Some(operation.into()), ..Denial::default() };
    world.lab.credentials().deny(ACCESS_KEY, denial);
}

#[test]
fn a_ready_pair_is_a_go_and_nothing_is_written_to_find_out() {
    let world = ready();
    let before = (versions(&world, "source"), versions(&world, "replica"));
    world.lab.reset_requests();
    let done = check(&world, &[]).exits(0);
    let result = json(&done);
    assert_eq!((&result["go"], &result["facts"]["lag_oldest_seconds"]), (&true.into(), &0.into()));
    for name in
        ["primary reached", "replica can be read", "replica takes writes", "versioning", "lag", "last audit"]
    {
        assert_eq!(found(&done, name), "ok", "{name}: {result}");
    }
    assert_eq!(found(&done, "other settings of the buckets"), "not-checked");
    assert_eq!((versions(&world, "source"), versions(&world, "replica")), before);
    assert_eq!((world.seen("PutObject"), world.seen("CreateMultipartUpload")), (0, 0));
    let endpoint = world.lab.endpoint();
    let text = world.spawn(&[&["failover", "check"], &PAIR[..], &["--endpoint-url", &endpoint]].concat());
    let text = text.wait().exits(0).stdout;
    assert!(text.starts_with("GO; ") && text.contains("proved identical"), "{text}");
}

#[test]
fn what_was_never_proved_is_a_no_go_with_its_reasons() {
    let world = World::pair();
    world.put("source", "k", "v");
    let done = check(&world, &[]).exits(1);
    assert_eq!((found(&done, "last audit"), found(&done, "last drill")), ("no-go".into(), "no-go".into()));
    world.audit(&[]).exits(1);
    let done = check(&world, &["--skip", "drill"]).exits(1);
    assert!(done.stdout.contains("1 of 1 keys are not proved identical"), "{}", done.stdout);
    world.sync(&[]).exits(0);
    world.audit(&[]).exits(0);
    check(&world, &["--skip", "drill"]).exits(0);
    assert_eq!(found(&check(&world, &[]).exits(1), "last drill"), "no-go");
}

#[test]
fn an_old_audit_a_partial_one_and_lag_count() {
    let world = ready();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(found(&check(&world, &["--max-audit-age", "0s"]).exits(1), "last audit"), "no-go");
    assert_eq!(found(&check(&world, &["--max-drill-age", "0s"]).exits(1), "last drill"), "no-go");
    world.audit(&["--include", "k1"]).exits(0);
    assert_eq!(found(&check(&world, &[]).exits(0), "last audit"), "warning");
    let written = Timestamp::now() - SignedDuration::from_secs(3600);
    let old = PutSpec { last_modified: Some(written), ..PutSpec::default() };
    world.put_with("source", "late", "v", &old);
    let late = check(&world, &["--rpo", "15m"]).exits(1);
    assert_eq!(found(&late, "lag"), "no-go");
    assert!(json(&late)["facts"]["lag_oldest_seconds"].as_u64().is_some_and(|age| age >= 3600));
    assert_eq!(found(&check(&world, &["--rpo", "2h"]).exits(0), "lag"), "ok");
}

#[test]
fn rights_that_are_missing_are_named_for_the_side_that_needs_them() {
    let world = ready();
    deny(&world, "UploadPart");
    let done = check(&world, &[]).exits(1);
    assert_eq!(found(&done, "replica takes writes"), "no-go");
    assert_eq!(found(&done, "primary takes writes"), "warning");
    assert!(done.stdout.contains("s3:PutObject"), "{}", done.stdout);
    let world = ready();
    deny(&world, "GetObject");
    assert_eq!(found(&check(&world, &[]).exits(1), "replica can be read"), "no-go");
}

#[test]
fn a_write_test_writes_to_the_replica_and_leaves_nothing() {
    let world = ready();
    let before = (versions(&world, "source"), versions(&world, "replica"));
    world.lab.reset_requests();
    assert_eq!(found(&check(&world, &["--write-test"]).exits(0), "write test"), "ok");
    assert_eq!((versions(&world, "source"), versions(&world, "replica")), before);
    assert_eq!(world.seen("PutObject"), 1);
    deny(&world, "PutObject");
    assert_eq!(found(&check(&world, &["--write-test"]).exits(1), "write test"), "no-go");
}

#[test]
fn a_bucket_is_no_replica_of_itself() {
    let world = World::pair();
    world.run(&["failover", "check", "s3://source", "s3://source/k"]).exits(2).says(&["share keys"]);
}

#[test]
fn unequal_versioning_is_a_no_go() {
    let world = World::new();
    world.bucket("source");
    world.store().create_bucket("replica", Versioning::Unversioned).expect("a bucket");
    assert_eq!(found(&check(&world, &["--skip", "audit,drill"]).exits(1), "versioning"), "no-go");
}

#[test]
fn other_rules_and_weaker_encryption_on_the_replica_are_a_warning() {
    let world = ready();
    let done = check(&world, &[]).exits(0);
    assert_eq!((found(&done, "lifecycle"), found(&done, "encryption")), ("ok".into(), "ok".into()));
    let rule = |id: &str, days: u32| {
        format!(
            "<LifecycleConfiguration><Rule><ID>{id}</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status>\
             <Expiration><Days>{days}</Days></Expiration></Rule></LifecycleConfiguration>"
        )
    };
    let set = |bucket: &str, name: &str, text: String| {
        let bucket = world.store().bucket(bucket).expect("a bucket");
        bucket.write().documents.insert(name.to_owned(), text.into());
    };
    set("source", "lifecycle", rule("one", 9));
    set("replica", "lifecycle", rule("other name", 9));
    assert_eq!(found(&check(&world, &[]).exits(0), "lifecycle"), "ok");
    set("replica", "lifecycle", rule("shorter", 8));
    let done = check(&world, &[]).exits(0);
    assert_eq!(found(&done, "lifecycle"), "warning");
    assert!(
        done.stdout.contains("only on the primary: one; only on the replica: shorter"),
        "{}",
        done.stdout
    );
    let kms = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
               <SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>\
               </ServerSideEncryptionConfiguration>";
    set("source", "encryption", kms.to_owned());
    assert_eq!(found(&check(&world, &[]).exits(0), "encryption"), "warning");
    deny(&world, "GetBucketEncryption");
    let done = check(&world, &[]).exits(0);
    assert_eq!(found(&done, "encryption"), "warning");
    assert!(done.stdout.contains("s3:GetEncryptionConfiguration"), "{}", done.stdout);
}

#[test]
fn a_primary_that_is_gone_is_a_no_go_until_it_is_said_to_be_down() {
    let world = World::new();
    world.bucket("replica");
    world.put("replica", "k", "v");
    let done = check(&world, &["--skip", "audit,drill"]).exits(1);
    assert_eq!(
        (found(&done, "primary reached"), found(&done, "replica reached")),
        ("no-go".into(), "ok".into())
    );
    assert!(done.stdout.contains("--primary-down"), "{}", done.stdout);
    let down = check(&world, &["--skip", "audit,drill", "--primary-down"]).exits(0);
    assert_eq!(found(&down, "lag"), "not-checked");
    let world = World::new();
    world.bucket("source");
    let done = check(&world, &["--skip", "audit,drill"]).exits(1);
    assert_eq!(found(&done, "replica reached"), "no-go");
}

/// A hook that leaves words in a file of the state dir.
fn writes(world: &World, file: &str, words: &str) -> (String, PathBuf) {
    let path = world.state.path().join(file);
    (format!("echo \"{words}\" >> '{}'", path.display()), path)
}

fn text(path: &PathBuf) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn hooks_are_called_in_order_with_the_facts_and_recorded() {
    let world = ready();
    let (first, path) =
        writes(&world, "calls", "$S3TWIN_FAILOVER_HOOK $S3TWIN_FAILOVER_VERDICT $S3TWIN_FAILOVER_REPLICA");
    let (second, _) = writes(&world, "calls", "$S3TWIN_FAILOVER_HOOK $S3TWIN_FAILOVER_LAG_OLDEST_SECONDS");
    let done =
        fail_over(&world, &["--hook", &first, "--hook", &second, "--hook", "echo said; exit 0"]).exits(0);
    assert_eq!(text(&path), "1 go s3://replica\n2 0\n");
    let folder = PathBuf::from(json(&done)["folder"].as_str().expect("a folder"));
    let record: Value = serde_json::from_str(&text(&folder.join("failover.json"))).expect("JSON");
    assert_eq!(record["hooks"][2]["exit_code"], 0);
    let time = |hook: usize, name: &str| -> Timestamp {
        record["hooks"][hook][name].as_str().and_then(|text| text.parse().ok()).expect("a time")
    };
    assert!(time(0, "started_at") <= time(0, "ended_at") && time(0, "ended_at") <= time(1, "started_at"));
    assert_eq!((&record["check"]["go"], &record["forced"]), (&true.into(), &false.into()));
    assert_eq!(text(&folder.join("hook-03.log")), "said\n");
}

#[test]
fn the_first_hook_that_fails_is_the_last_that_is_called() {
    let world = ready();
    let (last, path) = writes(&world, "calls", "never");
    let done =
        fail_over(&world, &["--hook", "true", "--hook", "echo why >&2; exit 7", "--hook", &last]).exits(1);
    assert!(!path.exists());
    let hooks = &json(&done)["hooks"];
    assert_eq!((&hooks[1]["exit_code"], &hooks[2]["started_at"]), (&7.into(), &Value::Null));
    let folder = PathBuf::from(json(&done)["folder"].as_str().expect("a folder"));
    assert_eq!(text(&folder.join("hook-02.log")), "why\n");
}

#[test]
fn on_no_go_nothing_is_called_unless_it_is_forced() {
    let world = World::pair();
    let (hook, path) = writes(&world, "calls", "$S3TWIN_FAILOVER_VERDICT $S3TWIN_FAILOVER_FORCED");
    let refused = fail_over(&world, &["--hook", &hook]).exits(3).says(&["not ready", "--force"]);
    assert_eq!(json(&refused)["state"], "refused");
    fail_over(&world, &["--hook", &hook, "--dry-run"]).exits(3);
    let rehearsed = fail_over(&world, &["--hook", &hook, "--dry-run", "--force"]).exits(0);
    assert_eq!(json(&rehearsed)["hooks"][0]["command"], hook);
    assert!(!path.exists() && !world.state.path().join("failovers").exists());
    fail_over(&world, &["--hook", &hook, "--force"]).exits(0);
    assert_eq!(text(&path), "no-go 1\n");
}

#[test]
fn hooks_may_stand_in_the_file_and_none_is_said() {
    let world = ready();
    let (hook, path) = writes(&world, "calls", "from the file");
    let file = configured(&world, &format!("failover_hooks = [{}]\n", Value::from(hook)));
    fail_over(&world, &["--config", &file]).exits(0);
    assert_eq!(text(&path), "from the file\n");
    let file = configured(&world, "");
    fail_over(&world, &["--config", &file]).exits(2).says(&["has no hooks", "failover_hooks"]);
    fail_over(&world, &[]).exits(2).says(&["no s3twin.toml", "--hook"]);
}

#[test]
fn a_failover_that_is_stopped_stops_its_hook_and_records_that() {
    let world = ready();
    let begun = world.state.path().join("begun");
    let hook = format!("touch '{}'; sleep 600", begun.display());
    let running =
        world.start(&[&["failover", "run"], &PAIR[..], &["--hook", &hook, "--hook", "true"]].concat());
    let since = std::time::Instant::now();
    while !begun.exists() {
        assert!(since.elapsed().as_secs() < 30, "the hook did not begin: {}", running.said());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    running.terminate();
    let result = json(&running.wait().exits(130));
    assert_eq!(
        (&result["hooks"][0]["exit_code"], &result["hooks"][1]["started_at"]),
        (&Value::Null, &Value::Null)
    );
    assert!(result["hooks"][0]["ended_at"].is_string(), "{result}");
}

fn fail_back(world: &World, more: &[&str]) -> Done {
    world.run(&[&["failback"], &PAIR[..], more].concat())
}

#[test]
fn a_failback_brings_home_what_the_replica_received_and_proves_it() {
    let world = ready();
    world.put("replica", "k1", "changed on the replica");
    world.put("replica", "new", "written on the replica");
    let before = versions(&world, "source");
    let rehearsed = json(&fail_back(&world, &["--dry-run"]).exits(0));
    assert_eq!((&rehearsed["go"], versions(&world, "source")), (&false.into(), before));
    let result = json(&fail_back(&world, &[]).exits(0));
    assert_eq!(result["go"], true, "{result}");
    assert_eq!(result["steps"][0]["summary"]["actions"]["copied"], 2);
    assert_eq!(result["steps"][1]["summary"]["verdicts"]["identical"], 6);
    assert_eq!(world.held("source", "")["k1"].bytes, b"changed on the replica");
    world.assert_twins();
    // Its audit is the pair's last one.
    let audit = json(&check(&world, &[]).exits(0))["facts"]["audit_run"].clone();
    assert_eq!(audit, result["steps"][1]["summary"]["run_id"]);
}

#[test]
fn what_only_the_primary_has_is_no_go_until_somebody_decides() {
    let world = ready();
    world.put("source", "never replicated", "v");
    let result = fail_back(&world, &[]).exits(1);
    let headline = json(&result)["headline"].as_str().expect("words").to_owned();
    assert!(
        headline.contains("1 objects are only on the primary") && headline.contains("--delete"),
        "{headline}"
    );
    assert!(world.held("source", "").contains_key("never replicated"));
    fail_back(&world, &["--delete", "--max-delete", "1"]).exits(0);
    world.assert_twins();
}

#[test]
fn a_failback_that_cannot_write_says_no_go() {
    let world = ready();
    world.put("replica", "new", "v");
    deny(&world, "CopyObject");
    deny(&world, "PutObject");
    let result = json(&fail_back(&world, &[]).exits(1));
    assert_eq!((&result["go"], result["steps"].as_array().map(Vec::len)), (&false.into(), Some(1)));
}
