//! Other writers: what they wrote is never overwritten and never deleted unseen.

use crate::harness::World;
use std::time::Duration;

/// The server counts a request when it arrives and acts on it this much later.
const WINDOW: Duration = Duration::from_millis(400);

fn bytes(world: &World, bucket: &str, key: &str) -> Option<Vec<u8>> {
    Some(world.store().get(bucket, key, None)?.object.as_ref()?.body.to_vec())
}

#[test]
fn a_replica_written_between_listing_and_copy_is_not_overwritten() {
    for (name, before) in [("present", Some("stale")), ("absent", None)] {
        let world = World::pair();
        world.put("source", "k", "from the source");
        if let Some(before) = before {
            world.put("replica", "k", before);
        }
        world.lab.set_latency(WINDOW);
        let running = world.start(&["sync", "s3://source", "s3://replica"]);
        world.wait_for("CopyObject", 1);
        world.put("replica", "k", "somebody else's");
        world.lab.set_latency(Duration::ZERO);
        let done = running.wait().exits(1);
        assert_eq!(bytes(&world, "replica", "k").as_deref(), Some(&b"somebody else's"[..]), "{name}");
        assert_eq!(done.number("actions.failed"), 1);
        let row = &done.findings()[0];
        assert!(row["action"].as_str().is_some_and(|action| action.contains("changed-meanwhile")), "{row}");
    }
}

#[test]
fn an_object_that_vanishes_between_listing_and_copy_is_a_finding_not_the_end() {
    let world = World::new();
    for bucket in ["source", "replica"] {
        world.store().create_bucket(bucket, s3twin_fixtures::Versioning::Unversioned).expect("a bucket");
    }
    world.put("source", "gone", "x");
    world.put("source", "stays", "y");
    world.lab.set_latency(WINDOW);
    let running = world.start(&["sync", "s3://source", "s3://replica"]);
    world.wait_for("CopyObject", 1);
    world.store().forget("source", "gone").expect("forgotten");
    world.lab.set_latency(Duration::ZERO);
    let done = running.wait().exits(1);
    assert_eq!((done.number("actions.copied"), done.number("actions.failed")), (1, 1));
    let rows = done.findings();
    assert_eq!(rows[0]["key"], "gone");
    assert!(rows[0]["action"].as_str().is_some_and(|action| action.contains("vanished")), "{}", rows[0]);
    assert_eq!(world.store().keys("replica"), ["stays"]);
}

#[test]
fn a_source_rewritten_between_listing_and_copy_is_not_mixed_up() {
    let world = World::pair();
    world.put("source", "k", "first");
    world.lab.set_latency(WINDOW);
    let running = world.start(&["sync", "s3://source", "s3://replica"]);
    world.wait_for("CopyObject", 1);
    world.put("source", "k", "second");
    world.lab.set_latency(Duration::ZERO);
    let done = running.wait();
    // Either the listed version came over or nothing did; the new one is the next run's business.
    let replica = bytes(&world, "replica", "k");
    assert!(
        replica.is_none() && done.code == 1 || replica.as_deref() == Some(b"first"),
        "{replica:?} {done:?}"
    );
    world.sync(&[]).exits(0);
    world.assert_twins();
}

#[test]
fn an_extra_rewritten_between_listing_and_deletion_stays() {
    let world = World::pair();
    for key in ["a", "b"] {
        world.put("source", key, "1");
        world.put("replica", key, "1");
    }
    world.put("replica", "extra", "old");
    world.lab.set_latency(WINDOW);
    let running = world.start(&["sync", "s3://source", "s3://replica", "--delete"]);
    while world.seen("DeleteObject") + world.seen("DeleteObjects") == 0 {
        std::thread::sleep(Duration::from_millis(2));
    }
    world.put("replica", "extra", "somebody's new work");
    world.lab.set_latency(Duration::ZERO);
    let done = running.wait().exits(1);
    assert_eq!(done.number("actions.failed"), 1);
    assert_eq!(bytes(&world, "replica", "extra").as_deref(), Some(&b"somebody's new work"[..]));
}
