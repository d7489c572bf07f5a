//! `s3twin forget` removes old runs, and none that may still be needed.

use crate::harness::World;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

fn folders(world: &World) -> BTreeSet<String> {
    let runs = std::fs::read_dir(world.state.path().join("runs")).expect("runs");
    runs.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect()
}

fn id(done: &crate::harness::Done) -> String {
    done.summary()["run_id"].as_str().expect("an id").to_owned()
}

fn forget(world: &World, more: &[&str]) -> Value {
    let arguments = [&["forget", "--output", "json"], more].concat();
    serde_json::from_str(&world.spawn(&arguments).wait().exits(0).stdout).expect("JSON")
}

fn ids(value: &Value) -> BTreeSet<String> {
    let ids = value["forgotten"].as_array().expect("ids").iter();
    ids.map(|id| id.as_str().expect("text").to_owned()).collect()
}

#[test]
fn old_runs_go_but_for_the_last_of_each_pair_and_what_can_be_taken_up() {
    let world = World::pair();
    for number in 0..40 {
        world.put("source", &format!("k{number:02}"), "x");
    }
    let old = [id(&world.audit(&[])), id(&world.audit(&[])), id(&world.sync(&["--dry-run"]))];
    let old: BTreeSet<String> = old.into();
    let last = id(&world.audit(&[]));
    let other = id(&world.run(&["audit", "s3://replica", "s3://source"]));
    world.lab.reset_requests();
    world.lab.set_latency(Duration::from_millis(20));
    let killed = world.start(&["sync", "s3://source", "s3://replica", "--concurrency", "1"]);
    world.wait_for("CopyObject", 3);
    killed.kill();
    let all = folders(&world);
    assert_eq!(all.len(), 6);

    assert_eq!(ids(&forget(&world, &["--older-than", "1d"])), BTreeSet::new(), "none is a day old");
    assert_eq!(ids(&forget(&world, &["--older-than", "0s", "--command", "lag"])), BTreeSet::new());
    let planned = forget(&world, &["--older-than", "0s", "--dry-run"]);
    assert_eq!(ids(&planned), old);
    assert_eq!((&planned["kept_open"], &planned["kept_last"]), (&1.into(), &2.into()));
    assert_eq!(folders(&world), all, "a dry run removes nothing");

    assert_eq!(ids(&forget(&world, &["--older-than", "0s"])), old);
    let kept = folders(&world);
    assert_eq!(kept, all.difference(&old).cloned().collect());
    assert!(kept.contains(&last) && kept.contains(&other));
    assert!(!world.state.path().join("forgotten").exists(), "nothing is left aside");
    world.lab.set_latency(Duration::ZERO);
    let open = kept.iter().find(|id| id.contains("-sync-")).expect("the killed run");
    world.spawn(&["resume", open]).wait().exits(0);
    assert_eq!(
        ids(&forget(&world, &["--older-than", "0s"])),
        BTreeSet::new(),
        "each is the last of its kind"
    );
}

#[test]
fn the_last_manifest_stays_for_a_baseline() {
    let world = World::pair();
    world.put("source", "k", "x");
    world.put("replica", "k", "x");
    let older = id(&world.audit(&["--write-manifest"]).exits(0));
    let manifest = id(&world.audit(&["--write-manifest"]).exits(0));
    let later = id(&world.audit(&[]).exits(0));
    assert_eq!(ids(&forget(&world, &["--older-than", "0s"])), [older].into());
    assert_eq!(folders(&world), [manifest.clone(), later].into());
    world.run(&["audit", "s3://source", "--baseline", &manifest]).exits(0);
}

#[test]
fn an_age_that_makes_no_sense_removes_nothing() {
    let world = World::pair();
    world.audit(&[]).exits(0);
    for age in ["", "90", "1y", "-3d", "soon"] {
        let done = world.spawn(&["forget", &format!("--older-than={age}")]).wait().exits(2);
        assert!(done.stderr.contains("--older-than"), "{}", done.stderr);
    }
    world.spawn(&["forget"]).wait().exits(2);
    assert_eq!(folders(&world).len(), 1);
}
