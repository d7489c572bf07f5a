//! Deleting only when told to, only what was meant, and not at all when anything looks wrong.

use crate::harness::World;
use s3twin_fixtures::{ACCESS_KEY, Denial, FaultKind, FaultPlan};
use std::time::Duration;

/// `count` keys on both sides, and `extra` more on the replica.
fn with_extras(count: u32, extra: u32) -> World {
    let world = World::pair();
    for number in 0..count {
        world.put("source", &format!("k{number:05}"), "same");
        world.put("replica", &format!("k{number:05}"), "same");
    }
    for number in 0..extra {
        world.put("replica", &format!("extra{number:05}"), "extra");
    }
    world
}

#[test]
fn without_the_flag_extras_stay() {
    let world = with_extras(3, 2);
    let done = world.sync(&[]).exits(0);
    assert_eq!(done.number("verdicts.extra"), 2);
    assert_eq!(world.store().keys("replica").len(), 5);
    assert_eq!(world.seen("DeleteObject") + world.seen("DeleteObjects"), 0);
}

#[test]
fn with_the_flag_exactly_the_extras_go() {
    let world = with_extras(1_500, 1_100);
    let done = world.sync(&["--delete"]).exits(0);
    assert_eq!(done.number("actions.deleted"), 1_100);
    world.assert_twins();
    // The bucket is versioned: what was deleted can be brought back.
    assert_eq!(world.store().versions("replica").len(), 2_600);
}

#[test]
fn an_empty_source_is_refused() {
    let world = with_extras(0, 3);
    let done = world.sync(&["--delete", "--max-delete-percent", "100"]).exits(3).says(&["empty-source"]);
    assert_eq!(done.summary()["state"], "refused");
    assert_eq!(world.store().keys("replica").len(), 3);
}

#[test]
fn more_than_max_delete_is_refused_and_the_release_works() {
    let world = with_extras(10, 5);
    // A brake stops the whole run, copies too: nothing was changed means nothing.
    world.put("source", "new", "new");
    let before = world.held("replica", "");
    world.sync(&["--delete", "--max-delete", "4"]).exits(3).says(&["max-delete", "--max-delete 5"]);
    assert!(before == world.held("replica", ""));
    world.sync(&["--delete", "--max-delete", "5"]).exits(0);
    world.assert_twins();
}

#[test]
fn more_than_half_of_the_replica_is_refused_unless_released() {
    let world = with_extras(4, 6);
    world.sync(&["--delete"]).exits(3).says(&["max-delete-percent", "--max-delete-percent 60"]);
    assert_eq!(world.store().keys("replica").len(), 10);
    world.sync(&["--delete", "--max-delete-percent", "60"]).exits(0);
    world.assert_twins();
}

#[test]
fn excluded_keys_are_never_deleted() {
    let world = with_extras(3, 1);
    world.put("replica", "keep.tmp", "mine");
    world.sync(&["--delete", "--exclude", "*.tmp"]).exits(0);
    assert_eq!(world.store().keys("replica"), ["k00000", "k00001", "k00002", "keep.tmp"]);
}

#[test]
fn keys_outside_the_prefix_are_never_deleted() {
    let world = World::pair();
    world.put("source", "a/k", "1");
    for key in ["b/k", "b/extra", "b-other/extra", "c"] {
        world.put("replica", key, "1");
    }
    world.run(&["sync", "s3://source/a/", "s3://replica/b/", "--delete"]).exits(0);
    assert_eq!(world.store().keys("replica"), ["b-other/extra", "b/k", "c"]);
}

#[test]
fn a_source_whose_listing_dies_half_way_deletes_nothing() {
    let world = with_extras(3_500, 50);
    world.lab.set_latency(Duration::from_millis(60));
    let running = world.start(&["sync", "s3://source", "s3://replica", "--delete"]);
    world.wait_for("ListObjectsV2", 3);
    let bucket = Some("source".to_owned());
    world
        .lab
        .credentials()
        .deny(ACCESS_KEY, Denial { operation: Some("ListObjectsV2".into()), bucket, ..Denial::default() });
    running.wait().exits(4).says(&["source", "AccessDenied", "s3:ListBucket"]);
    assert_eq!(world.store().keys("replica").len(), 3_550);
    assert_eq!(world.seen("DeleteObject") + world.seen("DeleteObjects"), 0);
}

#[test]
fn a_page_that_is_not_s3_anywhere_deletes_nothing_that_the_source_has() {
    for nth in [1, 2, 4, 7, 9, 12, 15, 18] {
        let world = with_extras(2_500, 40);
        world.lab.faults().set(FaultPlan::seeded(1).nth("ListObjectsV2", nth, FaultKind::HtmlPage));
        let done = world.sync(&["--delete"]);
        let hit = !world.lab.faults().injected().is_empty();
        assert!(matches!((hit, done.code), (true, 4 | 0) | (false, 0)), "page {nth}: {done:?}");
        let (source, replica) = (world.store().keys("source"), world.store().keys("replica"));
        assert!(source.iter().all(|key| replica.binary_search(key).is_ok()), "page {nth}");
    }
}

#[test]
fn a_delete_that_is_denied_is_a_failure() {
    let world = with_extras(5, 2);
    for operation in ["DeleteObject", "DeleteObjects"] {
        let denial = Denial { operation: Some(operation.into()), ..Denial::default() };
        world.lab.credentials().deny(ACCESS_KEY, denial);
    }
    let done = world.sync(&["--delete"]).exits(1);
    assert_eq!((done.number("actions.failed"), done.number("actions.deleted")), (2, 0));
    assert_eq!(world.store().keys("replica").len(), 7);
}
