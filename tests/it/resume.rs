//! Runs that are cut off at any moment are taken up where they stood.

use crate::harness::{Running, World, noise};
use bytes::Bytes;
use s3twin_fixtures::{PutSpec, Versioning};
use std::time::Duration;

const KEYS: usize = 400;

/// Some hundred missing objects and a few multipart ones, behind a slow server.
fn slow() -> World {
    let world = World::pair();
    for number in 0..KEYS {
        world.put("source", &format!("k{number:04}"), noise(100, number as u64));
    }
    for number in 0..3 {
        let parts = vec![Bytes::from(noise(5 << 20, number)), Bytes::from(noise(1 << 20, number + 10))];
        let key = format!("k{:04}-multipart", number * 100);
        world.store().put_multipart("source", &key, parts, &PutSpec::default()).expect("written");
    }
    world.lab.set_latency(Duration::from_millis(20));
    world
}

fn open_uploads(world: &World) -> usize {
    world.store().bucket("replica").expect("there").read().uploads.len()
}

fn resume(world: &World) -> Running {
    world.spawn(&["resume", "latest"])
}

/// Resumes until the run is at its end, killing it on the way as often as `kills` says.
fn to_the_end(world: &World, kills: &[u64]) -> crate::harness::Done {
    for after in kills {
        let mut running = resume(world);
        std::thread::sleep(Duration::from_millis(*after));
        if !running.is_running() {
            return running.wait();
        }
        running.kill();
    }
    world.lab.set_latency(Duration::ZERO);
    resume(world).wait()
}

#[test]
fn a_sync_killed_at_any_moment_ends_as_if_it_never_was() {
    // From before the first copy to near the end; primes, so that nothing lines up with the latency.
    for moments in [&[61_u64][..], &[127, 83], &[211, 149, 97], &[307, 41], &[449, 223]] {
        let world = slow();
        let arguments = ["sync", "s3://source", "s3://replica", "--concurrency", "12"];
        let running = world.start(&[&arguments[..], &["--copy-mode", "relay"]].concat());
        std::thread::sleep(Duration::from_millis(moments[0]));
        running.kill();
        let mut done = to_the_end(&world, &moments[1..]);
        if done.code == 2 {
            // Killed before there was anything to resume: it says so, and a fresh start is right.
            assert!(done.stderr.contains("run"), "{done:?}");
            done = world.sync(&[]);
        }
        let done = done.exits(0);
        world.assert_twins();
        assert_eq!(open_uploads(&world), 0, "{moments:?}");
        let findings = done.findings().len();
        assert!(findings <= KEYS + 3, "{findings}");
        world.audit(&[]).exits(0);
    }
}

#[test]
fn the_findings_of_a_resumed_audit_are_those_of_an_unbroken_one() {
    let world = World::pair();
    for number in 0..6_000 {
        let key = format!("k{number:05}");
        world.put("source", &key, "1");
        if number % 3 != 0 {
            world.put("replica", &key, if number % 5 == 0 { "2" } else { "1" });
        }
    }
    let unbroken = world.audit(&[]).exits(1).verdicts();
    world.lab.set_latency(Duration::from_millis(20));
    for moment in [150, 260, 410] {
        let running = world.start(&["audit", "s3://source", "s3://replica", "--concurrency", "8"]);
        std::thread::sleep(Duration::from_millis(moment));
        running.kill();
        let done = resume(&world).wait();
        if done.code == 2 {
            continue;
        }
        let done = done.exits(1);
        assert!(unbroken == done.verdicts(), "killed after {moment} ms");
        assert_eq!(done.number("keys.union"), 6_000);
    }
}

#[test]
fn ctrl_c_ends_with_130_and_says_how_to_go_on() {
    let world = slow();
    let running = world.start(&["sync", "s3://source", "s3://replica", "--concurrency", "8"]);
    world.wait_for("CopyObject", 30);
    running.interrupt();
    let done = running.wait().exits(130);
    assert_eq!(done.summary()["state"], "interrupted");
    world.lab.set_latency(Duration::ZERO);
    resume(&world).wait().exits(0);
    world.assert_twins();
}

#[test]
fn runs_tells_of_the_living_and_the_dead_how_far_they_came() {
    let world = World::pair();
    for number in 0..5_000 {
        world.put("source", &format!("k{number:05}"), "1");
    }
    world.lab.set_latency(Duration::from_millis(25));
    let running = world.start(&["sync", "s3://source", "s3://replica", "--concurrency", "16"]);
    world.wait_for("CopyObject", 2_500);
    let told = |word: &str| {
        let listed = world.spawn(&["runs"]).wait().exits(0);
        assert!(listed.stdout.contains(word), "no `{word}` in {}", listed.stdout);
        let json = world.spawn(&["runs", "--output", "json"]).wait().exits(0);
        serde_json::from_str::<serde_json::Value>(&json.stdout).expect("JSON")["runs"][0].clone()
    };
    assert_eq!(told("running")["progress"]["running"], true);
    running.kill();
    let dead = told("resume it");
    assert_eq!((&dead["state"], &dead["progress"]["running"]), (&"unfinished".into(), &false.into()));
    let number = |name: &str| dead["progress"][name].as_u64().unwrap_or_else(|| panic!("{dead}"));
    assert!(number("actions") >= 2_000 && number("keys") <= 5_000 && number("ranges_left") > 0, "{dead}");
    assert!(dead["progress"]["age_seconds"].is_u64() && dead["started_at"].is_string(), "{dead}");
    world.lab.set_latency(Duration::ZERO);
    resume(&world).wait().exits(0);
    world.assert_twins();
}

#[test]
fn a_run_that_ended_has_nothing_to_resume() {
    let world = World::new();
    for bucket in ["source", "replica"] {
        world.store().create_bucket(bucket, Versioning::Unversioned).expect("a bucket");
    }
    world.put("source", "k", "v");
    world.sync(&[]).exits(0);
    resume(&world).wait().exits(2).says(&["nothing to resume"]);
}

#[test]
fn a_run_that_does_not_exist_cannot_be_resumed() {
    let world = World::new();
    world.spawn(&["resume", "latest"]).wait().exits(2);
    world.spawn(&["resume", "20200101"]).wait().exits(2).says(&["20200101"]);
}
