//! What a run leaves: counts that balance, findings in order, one JSON object on stdout.

use crate::harness::{World, key_of};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn many_pages_with_both_sides_different_balance_to_the_last_key() {
    let world = World::pair();
    let (mut missing, mut extra, mut different) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for number in 0..5_000_u32 {
        // Runs of keys on one side only, so that the pages of the two sides never line up.
        let key = format!("dir-{:02}/file-{number:05}", number % 37);
        let (on_source, on_replica) = (number % 7 != 0, number % 11 != 0);
        let changed = number % 13 == 0;
        if on_source {
            world.put("source", &key, "content");
        }
        if on_replica {
            world.put("replica", &key, if changed { "CONTENT" } else { "content" });
        }
        match (on_source, on_replica) {
            (true, false) => missing.insert(key),
            (false, true) => extra.insert(key),
            (true, true) if changed => different.insert(key),
            _ => false,
        };
    }
    let done = world.audit(&[]).exits(1);
    let found = |verdict: &str| -> BTreeSet<String> {
        let rows = done.findings().into_iter().filter(|row| row["verdict"] == verdict);
        rows.map(|row| key_of(&row).to_owned()).collect()
    };
    assert_eq!((found("missing"), found("extra"), found("different")), (missing, extra, different));
    assert_eq!(done.number("keys.source"), world.store().keys("source").len() as u64);
    assert_eq!(done.number("keys.replica"), world.store().keys("replica").len() as u64);
}

#[test]
fn stdout_is_one_json_object_and_the_files_say_the_same() {
    let world = World::pair();
    world.put("source", "only/here", "x");
    let folder = world.state.path().join("report");
    let done = world.audit(&["--report", folder.to_str().expect("UTF-8")]).exits(1);
    let file = std::fs::read_to_string(folder.join("summary.json")).expect("a summary");
    assert_eq!(serde_json::from_str::<Value>(&file).expect("JSON"), done.summary());
    let rows = std::fs::read_to_string(folder.join("findings.jsonl")).expect("findings");
    let row: Value = serde_json::from_str(rows.trim_end()).expect("exactly one row");
    assert_eq!((&row["key"], &row["reason"]), (&"only/here".into(), &"not-on-replica".into()));
    assert_eq!(row["source"]["size"], 1);
    assert!(row["replica"].is_null());
    assert!(row["advice"].as_str().is_some_and(|advice| !advice.is_empty()));
}

#[test]
fn text_output_names_the_key_and_keeps_its_control_characters_off_the_terminal() {
    let world = World::pair();
    world.put("source", "evil\u{1b}[2Jname", "x");
    let endpoint = world.lab.endpoint();
    let done =
        world.spawn(&["audit", "s3://source", "s3://replica", "--endpoint-url", &endpoint]).wait().exits(1);
    assert!(done.stdout.contains("evil"), "{}", done.stdout);
    assert!(!done.stdout.contains('\u{1b}') && !done.stderr.contains('\u{1b}'), "{:?}", done.stdout);
}

#[test]
fn a_piped_run_is_silent_on_stderr() {
    let world = World::pair();
    world.put("source", "k", "x");
    world.put("replica", "k", "x");
    assert_eq!(world.audit(&[]).exits(0).stderr, "");
}
