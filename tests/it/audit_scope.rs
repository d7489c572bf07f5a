//! Which keys take part: odd ones, prefixes, filters, empty buckets, young objects.

use crate::harness::World;
use s3twin_fixtures::PutSpec;
use s3twin_fixtures::data::ODD_KEYS;
use std::collections::BTreeSet;

#[test]
fn odd_keys_are_compared_and_reported_unharmed() {
    let world = World::pair();
    for key in ODD_KEYS {
        world.put("source", key, "odd");
    }
    let done = world.audit(&[]).exits(1);
    let found: BTreeSet<String> = done.verdicts().into_keys().collect();
    assert_eq!(found, ODD_KEYS.iter().map(|key| (*key).to_owned()).collect());
    for key in ODD_KEYS {
        world.put("replica", key, "odd");
    }
    let done = world.audit(&[]).exits(0);
    assert_eq!(done.number("verdicts.identical"), ODD_KEYS.len() as u64);
}

#[test]
fn empty_buckets_are_identical() {
    let world = World::pair();
    let done = world.audit(&[]).exits(0);
    assert_eq!(done.number("keys.union"), 0);
    assert_eq!(done.summary()["state"], "complete");
}

#[test]
fn an_empty_side_is_all_missing_or_all_extra() {
    let world = World::pair();
    world.put("source", "a", "1");
    world.put("source", "b", "2");
    assert_eq!(world.audit(&[]).exits(1).number("verdicts.missing"), 2);
    assert_eq!(world.run(&["audit", "s3://replica", "s3://source"]).exits(1).number("verdicts.extra"), 2);
}

#[test]
fn prefixes_on_both_sides_compare_relative_keys() {
    let world = World::pair();
    for key in ["x/", "x/a", "x/b/c", "x/📷", "xx/not-this", "w"] {
        world.put("source", key, "same");
    }
    // The key that is the prefix itself is the relative key "".
    for key in ["y/z/", "y/z/a", "y/z/b/c", "y/z/📷", "y/not-this", "y/zz"] {
        world.put("replica", key, "same");
    }
    let done = world.run(&["audit", "s3://source/x/", "s3://replica/y/z/"]).exits(0);
    assert_eq!(done.number("verdicts.identical"), 4);
    world.put("replica", "y/z/", "diff");
    let done = world.run(&["audit", "s3://source/x/", "s3://replica/y/z/"]).exits(1);
    assert_eq!(done.verdict_of(""), "different");
}

#[test]
fn a_prefix_is_taken_as_written() {
    let world = World::pair();
    world.put("source", "logs/a", "1");
    world.put("source", "logs-old/a", "1");
    assert_eq!(
        world.run(&["audit", "s3://source/logs", "s3://replica/logs"]).exits(1).number("keys.source"),
        2
    );
    assert_eq!(
        world.run(&["audit", "s3://source/logs/", "s3://replica/logs/"]).exits(1).number("keys.source"),
        1
    );
}

#[test]
fn the_last_matching_filter_decides() {
    let world = World::pair();
    for key in ["a.txt", "tmp/b.txt", "tmp/c.tmp", "keep/d.tmp", "deep/er/e.tmp"] {
        world.put("source", key, "1");
    }
    let missing = |arguments: &[&str]| -> Vec<String> {
        world.audit(arguments).exits(1).verdicts().into_keys().collect()
    };
    assert_eq!(missing(&["--exclude", "*.tmp"]), ["a.txt", "tmp/b.txt"]);
    assert_eq!(
        missing(&["--exclude", "*.tmp", "--include", "keep/*.tmp"]),
        ["a.txt", "keep/d.tmp", "tmp/b.txt"]
    );
    assert_eq!(missing(&["--include", "tmp/**"]), ["tmp/b.txt", "tmp/c.tmp"]);
    assert_eq!(missing(&["--include", "tmp/**", "--exclude", "*.tmp"]), ["tmp/b.txt"]);
    let done = world.audit(&["--exclude", "**"]).exits(0);
    assert_eq!(done.number("keys.union"), 0);
}

#[test]
fn differences_younger_than_the_grace_window_are_in_flight() {
    let world = World::pair();
    let old = "2020-01-01T00:00:00Z".parse().expect("an instant");
    world.put_with("source", "old", "1", &PutSpec::default().at(old));
    world.put("source", "young", "1");
    world.put("source", "young-and-other", "1");
    world.put("replica", "young-and-other", "2");
    let done = world.audit(&["--grace", "1h"]).exits(1);
    let in_flight = ("in_flight".to_owned(), "grace-window".to_owned());
    let verdicts = done.verdicts();
    assert_eq!(verdicts["young"], in_flight);
    assert_eq!(verdicts["young-and-other"], in_flight);
    assert_eq!(verdicts["old"].0, "missing");
    world.put("replica", "old", "1");
    world.audit(&["--grace", "1h"]).exits(0);
    world.audit(&[]).exits(1);
}
