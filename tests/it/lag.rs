//! `lag`: what has not arrived, for how long, and how long the rest took.

use crate::harness::{Done, World};
use crate::job_run::{configured, history};
use jiff::{SignedDuration, Timestamp};
use s3twin_fixtures::PutSpec;
use s3twin_fixtures::store::Encryption;
use serde_json::Value;

/// Writes to the source as if it had been so many seconds ago.
fn put(world: &World, key: &str, body: &str, seconds_ago: i64) {
    let written = Timestamp::now() - SignedDuration::from_secs(seconds_ago);
    world.put_with("source", key, body, &PutSpec { last_modified: Some(written), ..PutSpec::default() });
}

fn status(world: &World, key: &str, status: &str) {
    world.store().set_replication_status("source", key, None, Some(status)).expect("it is there");
}

fn lag(world: &World, arguments: &[&str]) -> Done {
    world.run(&[&["lag", "s3://source", "s3://replica"], arguments].concat())
}

fn result(done: &Done) -> Value {
    serde_json::from_str(&done.stdout).expect("one JSON object")
}

#[track_caller]
fn assert_close(value: &Value, wanted: u64) {
    let value = value.as_u64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!((wanted..wanted + 30).contains(&value), "{value} is not about {wanted}");
}

#[test]
fn a_sync_is_measured_from_both_histories() {
    let world = World::pair();
    for number in 0..20 {
        put(&world, &format!("k{number:02}"), "v", if number == 0 { 7000 } else { 600 });
    }
    world.sync(&[]).exits(0);
    let result = result(&lag(&world, &["--rpo", "15m"]).exits(0));
    assert_eq!(result["rpo_kept"], true);
    assert_eq!((&result["versions"]["arrived"], &result["versions"]["measured"]), (&20.into(), &20.into()));
    assert_close(&result["lag_seconds"]["p50"], 600);
    assert_close(&result["lag_seconds"]["p95"], 600);
    assert_close(&result["lag_seconds"]["max"], 7000);
    assert!(result["oldest_open"].is_null());
    let recent = lag(&world, &["--since", "1h"]).exits(0);
    assert_close(&serde_json::from_str::<Value>(&recent.stdout).expect("JSON")["lag_seconds"]["max"], 600);
}

#[test]
fn what_waits_for_the_next_sync_waits_since_the_first_change_that_it_lacks() {
    let world = World::pair();
    put(&world, "k", "v1", 9000);
    world.sync(&[]).exits(0);
    put(&world, "k", "longer", 2000);
    put(&world, "k", "v3", 10);
    put(&world, "fresh", "v", 5);
    let kept = result(&lag(&world, &["--rpo", "2h"]).exits(0));
    assert_eq!(kept["versions"]["no_rule"], 2);
    assert_eq!(kept["oldest_open"]["key"], "k");
    assert_close(&kept["oldest_open"]["age_seconds"], 2000);
    let broken = lag(&world, &["--rpo", "15m"]).exits(1);
    let broken = result(&broken);
    assert_eq!(broken["rpo_kept"], false);
    assert!(broken["headline"].as_str().is_some_and(|words| words.starts_with("RPO broken")), "{broken}");
    lag(&world, &[]).exits(0);
}

#[test]
fn replication_rules_are_judged_by_arrival_and_status() {
    let world = World::pair();
    for number in 0..50 {
        put(&world, &format!("old{number}"), "v", 100_000);
    }
    world.store().replicate("source", "replica").expect("replicated");
    put(&world, "pending", "v", 40);
    status(&world, "pending", "PENDING");
    world.lab.reset_requests();
    let kept = result(&lag(&world, &["--rpo", "15m"]).exits(0));
    assert_eq!((&kept["versions"]["arrived"], &kept["versions"]["pending"]), (&50.into(), &1.into()));
    assert!(kept["lag_seconds"].is_null(), "replication keeps the time: {kept}");
    assert_eq!(kept["oldest_open"]["status"], "pending");
    assert_eq!(world.seen("HeadObject"), 1, "only what has not arrived is asked for");
    put(&world, "failed", "v", 30);
    status(&world, "failed", "FAILED");
    put(&world, "removed", "v", 20);
    status(&world, "removed", "COMPLETED");
    let failed = result(&lag(&world, &["--rpo", "15m"]).exits(1));
    assert_eq!((&failed["versions"]["failed"], &failed["versions"]["gone"]), (&1.into(), &1.into()));
    assert_eq!(failed["rpo_kept"], true);
}

#[test]
fn it_never_writes_and_asks_for_no_more_statuses_than_it_may() {
    let world = World::pair();
    for number in 0..30 {
        put(&world, &format!("k{number}"), "v", 60);
    }
    let result = result(&lag(&world, &["--max-heads", "10"]).exits(0));
    assert_eq!((&result["versions"]["no_rule"], &result["versions"]["unknown"]), (&10.into(), &20.into()));
    let harmless = ["HeadBucket", "ListObjectVersions", "HeadObject", "GetBucketVersioning"];
    let requests = world.lab.requests();
    assert!(requests.keys().all(|name| harmless.contains(&name.as_str())), "{requests:?}");
}

#[test]
fn a_lag_job_keeps_the_rpo_of_its_tier_and_leaves_figures() {
    let world = World::pair();
    put(&world, "k", "v", 3000);
    let sections = "[tiers.gold]\nrpo = \"15m\"\n[jobs.behind]\ncommand = \"lag\"\npair = \"p\"\n";
    let file = configured(&world, sections);
    let tier = ["--set", "buckets.a.tier=gold"];
    let figures = world.state.path().join("figures").display().to_string();
    let arguments = [&["run", "behind", "--config", &file, "--metrics-file", &figures], &tier[..]].concat();
    world.spawn(&arguments).wait().exits(1);
    let headline = history(&world, "behind").expect("a history")["runs"][0]["headline"].clone();
    assert!(
        headline.as_str().is_some_and(|words| words.starts_with("RPO broken: the oldest waits for 50 min")),
        "{headline}"
    );
    let figures = std::fs::read_to_string(figures).expect("figures");
    assert!(figures.contains("s3twin_job_rpo_kept{job_name=\"behind\"} 0"), "{figures}");
}

#[test]
fn equal_sizes_are_told_apart_by_their_md5s_unless_encryption_makes_the_etags() {
    let world = World::pair();
    put(&world, "other", "v1", 500);
    world.put("replica", "other", "v2");
    let kms = |world: &World| {
        let mut spec = PutSpec::default();
        spec.attributes.encryption =
            Encryption::Kms { key_id: "k".to_owned(), bucket_key: false, dual: false };
        world.put_with("replica", "encrypted", "v3", &spec);
        // What KMS makes of it is no MD5.
        let etag = "0123456789abcdef0123456789abcdef".to_owned();
        world.store().edit("replica", "encrypted", None, |object| object.etag = etag).expect("it is there");
    };
    put(&world, "encrypted", "v3", 500);
    kms(&world);
    let result = result(&lag(&world, &[]).exits(0));
    assert_eq!(
        (&result["versions"]["by_size"], &result["versions"]["no_rule"]),
        (&1.into(), &1.into()),
        "{result}"
    );
    assert_eq!(result["oldest_open"]["key"], "other");
}
