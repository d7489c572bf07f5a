//! `drill`: versions are brought back, time is reckoned, and nothing is left behind.

use crate::harness::{Done, World, noise};
use s3twin_fixtures::{Denial, PutSpec};
use serde_json::Value;
use std::time::Duration;

fn filled() -> World {
    let world = World::new();
    world.bucket("source");
    for number in 0..50 {
        world.put("source", &format!("k{number:02}"), noise(1000, number));
    }
    world
}

fn drill(world: &World, more: &[&str]) -> Done {
    world.run(&[&["drill", "s3://source"], more].concat())
}

/// Every version and marker of the bucket, by key.
fn versions(world: &World) -> Vec<(String, usize)> {
    let bucket = world.store().bucket("source").expect("a bucket");
    let state = bucket.read();
    state.keys.iter().map(|(key, stack)| (key.clone(), stack.len())).collect()
}

#[test]
fn versions_come_back_and_nothing_is_left_behind() {
    let world = filled();
    let before = versions(&world);
    let done = drill(&world, &["--sample", "20", "--rto", "30m"]).exits(0);
    let summary: Value = done.summary();
    let drill = &summary["drill"];
    assert_eq!((&drill["history"]["restored"], &drill["sample"]["restored"]), (&10.into(), &20.into()));
    assert_eq!(
        (&drill["objects"], &drill["bytes"], &drill["rto_kept"]),
        (&50.into(), &50_000.into(), &true.into())
    );
    assert!(drill["arithmetic"].as_str().is_some_and(|words| words.contains("20 of 50 objects")), "{drill}");
    // Ten objects with their generations and markers, the probe, the sample.
    assert!(drill["removed"].as_u64().is_some_and(|removed| removed > 40), "{drill}");
    assert_eq!(versions(&world), before);
    assert_eq!(done.number("actions.restored"), 30);
}

#[test]
fn an_rto_that_would_be_missed_is_exit_code_1() {
    let world = filled();
    drill(&world, &["--rto", "0s"]).exits(1);
    let slow = drill(&world, &["--rto", "0s", "--sample", "5"]).exits(1);
    assert_eq!(slow.summary()["drill"]["rto_kept"], false);
}

#[test]
fn a_bucket_that_cannot_be_drilled_says_why_and_stays_clean() {
    let world = filled();
    let spec = PutSpec::default();
    world.store().create_bucket("plain", s3twin_fixtures::Versioning::Unversioned).expect("a bucket");
    world.put_with("plain", "k", "v", &spec);
    world.run(&["drill", "s3://plain"]).exits(2).says(&["versioning of plain is not enabled"]);
    assert_eq!(world.store().keys("plain"), ["k"]);
    let before = versions(&world);
    let denial = Denial { operation: Some("PutObject".into()), ..Denial::default() };
    world.lab.credentials().deny(s3twin_fixtures::ACCESS_KEY, denial);
    drill(&world, &[]).exits(4).says(&["s3:PutObject"]);
    assert_eq!(versions(&world), before);
}

#[test]
fn a_drill_that_is_stopped_cleans_up_and_what_a_killed_one_left_the_next_one_removes() {
    let world = filled();
    let before = versions(&world);
    world.lab.set_latency(Duration::from_millis(20));
    let stopped = world.start(&["drill", "s3://source", "--objects", "50"]);
    world.wait_for("PutObject", 20);
    stopped.terminate();
    stopped.wait().exits(130);
    assert_eq!(versions(&world), before);
    world.lab.reset_requests();
    let killed = world.start(&["drill", "s3://source", "--objects", "50"]);
    world.wait_for("PutObject", 20);
    killed.kill();
    assert_ne!(versions(&world), before);
    world.lab.set_latency(Duration::ZERO);
    let next = drill(&world, &[]).exits(0);
    assert_eq!(next.summary()["drill"]["cleaned_before"], 1);
    assert_eq!(versions(&world), before);
}

#[test]
fn a_killed_drill_is_resumed_from_its_beginning() {
    let world = filled();
    let before = versions(&world);
    world.lab.set_latency(Duration::from_millis(20));
    let killed = world.start(&["drill", "s3://source", "--objects", "20"]);
    world.wait_for("PutObject", 10);
    killed.kill();
    world.lab.set_latency(Duration::ZERO);
    let resumed = world.spawn(&["resume", "latest"]).wait().exits(0);
    assert_eq!(resumed.summary()["drill"]["history"]["restored"], 20);
    assert_eq!(versions(&world), before);
}
