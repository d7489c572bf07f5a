//! A sync makes the replica equal to the source, and says so only where it is.

use crate::harness::{World, noise};
use bytes::Bytes;
use s3twin_fixtures::PutSpec;
use s3twin_fixtures::data::{ODD_KEYS, Size, content_platform};

#[test]
fn the_replica_becomes_equal_in_bytes_metadata_tags_and_class() {
    let world = World::pair();
    content_platform(world.store(), "source", 5, &Size::default()).expect("filled");
    // Archived objects cannot be read; the next test is about them.
    for number in 0..3 {
        world.store().forget("source", &format!("archive/2019/reel-{number}.tar")).expect("forgotten");
    }
    let done = world.sync(&[]).exits(0);
    world.assert_twins();
    let keys = world.store().keys("source").len() as u64;
    assert_eq!(done.number("actions.copied"), keys);
    assert_eq!(done.number("bytes.streamed"), 0, "one service: the server copies");
    assert!(ODD_KEYS.iter().all(|key| world.store().get("replica", key, None).is_some()));
    world.audit(&[]).exits(0);
}

#[test]
fn archived_objects_are_failures_that_say_so_and_the_rest_is_copied() {
    let world = World::pair();
    world.put_with("source", "cold", "x", &PutSpec::default().storage_class("GLACIER"));
    world.put("source", "warm", "x");
    let done = world.sync(&[]).exits(1);
    assert_eq!((done.number("actions.copied"), done.number("actions.failed")), (1, 1));
    let rows = done.findings();
    assert!(rows[0].to_string().contains("archived"), "{}", rows[0]);
    assert_eq!(world.store().keys("replica"), ["warm"]);
}

#[test]
fn a_second_run_plans_nothing_and_sends_nothing() {
    let world = World::pair();
    content_platform(world.store(), "source", 6, &Size::small()).expect("filled");
    world.sync(&["--exclude", "archive/**"]).exits(0);
    world.lab.reset_requests();
    let done = world.sync(&["--exclude", "archive/**"]).exits(0);
    assert_eq!(
        done.summary()["actions"]
            .as_object()
            .expect("counts")
            .values()
            .filter_map(|n| n.as_u64())
            .sum::<u64>(),
        0
    );
    let requests = world.lab.requests();
    assert!(requests.keys().all(|name| name.starts_with("Head") || name.starts_with("List")), "{requests:?}");
}

#[test]
fn a_dry_run_shows_everything_and_changes_nothing() {
    let world = World::pair();
    world.put("source", "missing", "1");
    world.put("source", "other", "1");
    world.put("replica", "other", "2");
    world.put("replica", "extra", "3");
    let before = world.held("replica", "");
    let done = world.sync(&["--dry-run", "--delete"]).exits(0);
    assert!(before == world.held("replica", ""));
    let actions: Vec<_> =
        done.findings().iter().map(|row| row["action"].as_str().unwrap_or("").to_owned()).collect();
    assert_eq!(actions, ["would delete", "would copy", "would copy"]);
    assert_eq!(done.number("actions.skipped"), 3);
    let requests = world.lab.requests();
    assert!(requests.keys().all(|name| name.starts_with("Head") || name.starts_with("List")), "{requests:?}");
}

#[test]
fn prefixes_map_one_side_onto_the_other() {
    let world = World::pair();
    for key in ["x/", "x/a", "x/deep/er", "x//double", "elsewhere"] {
        world.put("source", key, key);
    }
    world.put("replica", "untouched", "u");
    world.run(&["sync", "s3://source/x/", "s3://replica/y/z/"]).exits(0);
    assert!(world.held("source", "x/") == world.held("replica", "y/z/"));
    assert_eq!(world.store().keys("replica").len(), 5);
    world.run(&["sync", "s3://source/x/", "s3://source/x-copy/"]).exits(0);
    assert!(world.held("source", "x/") == world.held("source", "x-copy/"));
}

#[test]
fn filtered_keys_are_not_copied() {
    let world = World::pair();
    world.put("source", "a.txt", "1");
    world.put("source", "a.tmp", "1");
    world.sync(&["--exclude", "*.tmp"]).exits(0);
    assert_eq!(world.store().keys("replica"), ["a.txt"]);
}

#[test]
fn only_what_differs_is_copied() {
    let world = World::pair();
    for number in 0..300 {
        let key = format!("k{number:03}");
        world.put("source", &key, key.clone());
        world.put("replica", &key, if number % 50 == 0 { "stale".to_owned() } else { key.clone() });
    }
    let done = world.sync(&[]).exits(0);
    // One more asks, once per server, whether a condition on the destination holds.
    assert_eq!((done.number("actions.copied"), world.seen("CopyObject")), (6, 7));
    world.assert_twins();
}

#[test]
fn multipart_objects_arrive_whole() {
    let world = World::pair();
    let bytes = Bytes::from(noise(12 << 20, 4));
    let parts = vec![bytes.slice(..5 << 20), bytes.slice(5 << 20..10 << 20), bytes.slice(10 << 20..)];
    let spec = PutSpec::default().metadata("m", "v").tag("t", "v").content_type("audio/flac");
    world.store().put_multipart("source", "big", parts, &spec).expect("written");
    world.sync(&[]).exits(0);
    world.assert_twins();
    world.audit(&[]).exits(0);
    assert!(world.store().bucket("replica").expect("there").read().uploads.is_empty());
}

#[test]
fn a_replica_made_by_relay_is_equal_too() {
    let world = World::pair();
    content_platform(world.store(), "source", 8, &Size::small()).expect("filled");
    let done = world.sync(&["--copy-mode", "relay", "--exclude", "archive/2019/**"]).exits(0);
    assert!(done.number("bytes.streamed") > 0);
    assert_eq!(world.seen("CopyObject"), 0);
    for number in 0..4 {
        world.store().forget("source", &format!("archive/2019/reel-{number}.tar")).expect("forgotten");
    }
    world.assert_twins();
}

#[test]
fn thousands_of_keys_across_pages_arrive() {
    let world = World::pair();
    for number in 0..3_500_u32 {
        world.put("source", &format!("p{:03}/k{number}", number % 211), number.to_le_bytes().to_vec());
    }
    let done = world.sync(&[]).exits(0);
    assert_eq!(done.number("actions.copied"), 3_500);
    world.assert_twins();
}
