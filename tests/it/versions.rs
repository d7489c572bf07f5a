//! `versions` lists in ranges side by side and prints what one listing would have given.

use crate::harness::World;
use s3twin_fixtures::PutSpec;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// 3 versions of each of 3,000 keys, newest first, as key and version id. Written key by key from behind.
fn past(world: &World) -> Vec<(String, String)> {
    world.bucket("past");
    let mut all = Vec::new();
    for n in (0..3_000_u32).rev() {
        let key = format!("{:02}/käse {n:05}", n % 20);
        for version in 0..3_u8 {
            let written = world.store().put("past", &key, vec![version], &PutSpec::default());
            all.push((key.clone(), written.expect("written").id.to_string()));
        }
    }
    all.reverse();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn rows(stdout: &str) -> Vec<(String, String)> {
    let summary: Value = serde_json::from_str(stdout).expect("one JSON object");
    let rows = summary["versions"].as_array().expect("rows");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    rows.iter().map(|row| (text(&row["key"]), text(&row["version"]["version_id"]))).collect()
}

#[test]
fn everything_comes_in_the_order_of_one_listing() {
    let world = World::new();
    let past = past(&world);
    let done = world.run(&["versions", "s3://past"]).exits(0);
    assert_eq!(rows(&done.stdout), past);
    let sent = world.seen("ListObjectVersions");
    assert!((9..=24).contains(&sent), "{sent} requests for 9 pages");
    let below = world.run(&["versions", "s3://past", "--prefix", "07/"]).exits(0);
    let expected: Vec<_> = past.into_iter().filter(|(key, _)| key.starts_with("07/")).collect();
    assert_eq!(rows(&below.stdout), expected);
}

#[test]
fn who_wants_little_asks_for_little() {
    let world = World::new();
    let past = past(&world);
    let done = world.run(&["versions", "s3://past", "--limit", "7"]).exits(0);
    assert_eq!(rows(&done.stdout), past[..7]);
    assert!(world.seen("ListObjectVersions") <= 2, "{}", world.seen("ListObjectVersions"));
    let before = world.seen("ListObjectVersions");
    let one = world.run(&["versions", "s3://past", "--key", "07/käse 00007"]).exits(0);
    assert_eq!(rows(&one.stdout).len(), 3);
    assert_eq!(world.seen("ListObjectVersions") - before, 1);
    let none = world.run(&["versions", "s3://past", "--key", "nothing"]).exits(0);
    assert!(rows(&none.stdout).is_empty());
}

#[test]
fn a_reader_who_leaves_ends_the_listing() {
    let world = World::new();
    let endpoint = world.lab.endpoint();
    let mut child = Command::new(env!("CARGO_BIN_EXE_s3twin-under-test"))
        .args(["versions", "s3://syn-versions-1m-a", "--endpoint-url", &endpoint])
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", s3twin_fixtures::ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", s3twin_fixtures::SECRET_KEY)
        .env("AWS_REGION", "us-east-1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    let mut reader = BufReader::new(child.stdout.take().expect("piped"));
    reader.read_line(&mut line).expect("a line");
    drop(reader);
    assert!(line.ends_with('\n') && line.len() > 40, "{line}");
    assert_eq!(child.wait().expect("its end").code(), Some(0));
    // Of a thousand pages.
    let sent = world.seen("ListObjectVersions");
    assert!(sent < 100, "{sent} requests");
}

#[test]
fn a_bucket_that_is_not_there_is_said() {
    let world = World::new();
    world.run(&["versions", "s3://nowhere"]).exits(4).says(&["nowhere", "What to do"]);
}
