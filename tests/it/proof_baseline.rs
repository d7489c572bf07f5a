//! `audit --write-manifest` and `--baseline`: a bucket now against what it held then.

use crate::harness::{Done, World, noise};
use bytes::Bytes;
use s3twin_fixtures::PutSpec;
use std::path::PathBuf;

fn take(world: &World, arguments: &[&str]) -> (Done, String, PathBuf) {
    let done = world.run(&[&["audit", "s3://source"], arguments, &["--write-manifest"]].concat());
    let id = done.summary()["run_id"].as_str().expect("an id").to_owned();
    let path = world.state.path().join("runs").join(&id).join("manifest.jsonl");
    (done, id, path)
}

fn against(world: &World, baseline: &str, more: &[&str]) -> Done {
    world.run(&[&["audit", "s3://source", "--baseline", baseline], more].concat())
}

/// Keys in the rows of a manifest.
fn keys(path: &PathBuf) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("a manifest");
    let rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a row"));
    rows.filter_map(|row| Some(row["key"].as_str()?.to_owned())).collect()
}

fn filled(count: u64) -> World {
    let world = World::pair();
    for number in 0..count {
        let key = format!("{}/{number:05}", ["a", "b", "ü\n"][number as usize % 3]);
        world.put("source", &key, number.to_string());
    }
    world
}

#[test]
fn what_changed_since_is_told_and_nothing_else() {
    let world = filled(7000);
    let (done, id, path) = take(&world, &["--self"]);
    done.exits(0);
    let listed = keys(&path);
    assert_eq!(listed.len(), 7000);
    assert!(listed.is_sorted());
    let same = against(&world, &id, &[]).exits(0);
    assert_eq!((same.number("verdicts.identical"), same.number("keys.union")), (7000, 7000));

    world.put("source", "a/00003", "other bytes");
    world.put("source", "a/new", "1");
    world.store().delete("source", "b/00001").expect("deleted");
    let done = against(&world, path.to_str().expect("a path"), &[]).exits(1);
    let verdicts = done.verdicts();
    let said: Vec<_> = verdicts.iter().map(|(key, (verdict, _))| (&**key, &**verdict)).collect();
    assert_eq!(said, [("a/00003", "different"), ("a/new", "extra"), ("b/00001", "missing")]);
    assert_eq!(done.number("keys.union"), 7001);
    assert!(done.findings().iter().all(|row| row["advice"].as_str().unwrap_or_default().contains("since")));
}

#[test]
fn the_same_bytes_written_in_another_way_are_proved_by_what_was_stored() {
    let world = World::pair();
    let bytes = noise(6 << 20, 1);
    world.put("source", "whole", bytes.clone());
    let (_, id, _) = take(&world, &["--self"]);
    let parts = vec![Bytes::copy_from_slice(&bytes[..5 << 20]), Bytes::copy_from_slice(&bytes[5 << 20..])];
    world.store().put_multipart("source", "whole", parts, &PutSpec::default()).expect("written");
    let done = against(&world, &id, &[]).exits(0);
    assert_eq!(done.number("verdicts.identical"), 1);
    // Against a manifest of the listing alone the bytes must tell: they are read and have the MD5 of then.
    world.put_with("source", "whole", bytes.clone(), &PutSpec::default().algorithm(None));
    let done = world.run(&["audit", "s3://source", "s3://replica", "--write-manifest"]);
    let id = done.summary()["run_id"].as_str().expect("an id").to_owned();
    let parts = vec![Bytes::copy_from_slice(&bytes[..5 << 20]), Bytes::copy_from_slice(&bytes[5 << 20..])];
    world
        .store()
        .put_multipart("source", "whole", parts, &PutSpec::default().algorithm(None))
        .expect("written");
    assert_eq!(against(&world, &id, &[]).exits(1).verdict_of("whole"), "unproven");
    against(&world, &id, &["--depth", "bytes"]).exits(0);
}

#[test]
fn a_manifest_of_a_pair_has_every_key_of_the_primary_in_order() {
    let world = filled(50);
    for key in ["a/00000", "a/00003"] {
        world.put("replica", key, "0");
    }
    world.put("replica", "z-extra", "1");
    let done = world.audit(&["--write-manifest"]).exits(1);
    let id = done.summary()["run_id"].as_str().expect("an id").to_owned();
    let listed = keys(&world.state.path().join("runs").join(&id).join("manifest.jsonl"));
    assert_eq!(listed, world.held("source", "").into_keys().collect::<Vec<_>>());
    assert_eq!(done.findings().len(), 50, "49 of the source, one of the replica");
    against(&world, &id, &[]).exits(0);
}

#[test]
fn a_manifest_that_does_not_fit_is_refused() {
    let world = filled(10);
    let (_, id, path) = take(&world, &["--self", "--exclude", "b/**"]);
    assert_eq!(keys(&path).len(), 7);
    against(&world, &id, &[]).exits(2).says(&["other filters", "b/**"]);
    against(&world, &id, &["--exclude", "b/**"]).exits(0);
    let elsewhere = ["audit", "s3://replica", "--baseline", &id, "--exclude", "b/**"];
    world.run(&elsewhere).exits(2).says(&["was taken of s3://source"]);
    let text = std::fs::read(&path).expect("a manifest");
    std::fs::write(&path, &text[..text.len() - 40]).expect("cut short");
    against(&world, &id, &["--exclude", "b/**"]).exits(2).says(&["cut short"]);
    let plain = world.run(&["audit", "s3://source", "--self"]);
    let id = plain.summary()["run_id"].as_str().expect("an id").to_owned();
    against(&world, &id, &[]).exits(2).says(&["--write-manifest"]);
}
