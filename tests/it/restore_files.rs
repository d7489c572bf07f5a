//! Restores to local files: safe names, sidecars, proof, what stands in the way, kill and resume.

use crate::restore_stage::{Ran, Stage, time};
use s3twin_fixtures::fault::Scripted;
use s3twin_fixtures::{FaultKind, FaultPlan, PutSpec};
use serde_json::Value;
use std::path::Path;

fn restore_to(stage: &Stage, second: i64, folder: &Path, more: &[&str]) -> Ran {
    let to = folder.to_str().expect("a path");
    stage.restore(second, &[&["--to", to], more].concat())
}

fn read(folder: &Path, path: &str) -> Option<String> {
    std::fs::read_to_string(folder.join(path)).ok()
}

fn sidecar(folder: &Path, path: &str) -> Value {
    let text = std::fs::read(folder.join(format!(".s3twin/meta/{path}%m"))).expect("a sidecar");
    serde_json::from_slice(&text).expect("JSON")
}

#[test]
fn what_stood_then_becomes_files_once() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().expect("a folder");
    let described = PutSpec::default().content_type("text/plain").metadata("who", "me").tag("t", "v");
    stage.put_as("past", "docs/a.txt", "old", described, 1);
    stage.put("docs/a.txt", "new", 20);
    stage.put("docs/later", "new", 20);
    stage.put("deleted", "was there", 1);
    stage.delete("deleted", 20);
    stage.put("gone", "x", 1);
    stage.delete("gone", 2);
    stage.put("empty", "", 1);
    stage.put_parts("past", "parts", "in two parts", 1);
    let dry = restore_to(&stage, 10, &folder.path().join("new"), &["--dry-run", "--multipart-window", "0s"]);
    assert_eq!((dry.code, dry.action("skipped")), (0, 4), "{dry:?}");
    assert!(!folder.path().join("new").exists(), "a rehearsal makes no folder");
    let ran = restore_to(&stage, 10, folder.path(), &["--multipart-window", "0s"]);
    assert_eq!((ran.code, ran.action("restored")), (0, 4), "{ran:?}");
    assert_eq!(read(folder.path(), "docs/a.txt").as_deref(), Some("old"));
    assert_eq!(read(folder.path(), "deleted").as_deref(), Some("was there"));
    assert_eq!(read(folder.path(), "empty").as_deref(), Some(""));
    assert_eq!(read(folder.path(), "parts").as_deref(), Some("in two parts"));
    assert!(!folder.path().join("gone").exists() && !folder.path().join("docs/later").exists());
    let told = sidecar(folder.path(), "docs/a.txt");
    assert_eq!(
        (&told["headers"]["content-type"], &told["metadata"]["who"]),
        (&"text/plain".into(), &"me".into())
    );
    assert_eq!((&told["tags"]["t"], &told["proof"]), (&"v".into(), &"bytes".into()));
    let modified = std::fs::metadata(folder.path().join("docs/a.txt")).and_then(|file| file.modified());
    let dated = jiff::Timestamp::try_from(modified.expect("a date")).expect("a time").to_string();
    assert_eq!(dated, time(1), "a file has its version's date");

    let gets = stage.lab.requests()["GetObject"];
    let again = restore_to(&stage, 10, folder.path(), &["--multipart-window", "0s"]);
    assert_eq!((again.code, again.action("restored")), (0, 0), "{again:?}");
    assert!(again.plan().iter().all(|(_, action, _)| action == "keep"), "{:?}", again.plan());
    assert_eq!(stage.lab.requests()["GetObject"], gets, "what is held is not read again");
    std::fs::write(folder.path().join("docs/a.txt"), "0ld").expect("written");
    let healed = restore_to(&stage, 10, folder.path(), &["--multipart-window", "0s"]);
    assert_eq!((healed.code, healed.action("restored")), (0, 1), "{healed:?}");
    assert_eq!(read(folder.path(), "docs/a.txt").as_deref(), Some("old"));
}

#[test]
fn no_key_leaves_the_folder_or_meets_another() {
    let stage = Stage::new();
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("restored");
    let long = "n".repeat(900);
    let keys = [
        "../up",
        "/etc/passwd",
        "a",
        "a/b",
        "a//b",
        "a/",
        ".",
        "..",
        ".s3twin/meta/a%m",
        "a%2Fb",
        "tab\there",
        "line\nbreak",
        "CASE",
        "case",
        long.as_str(),
    ];
    for key in keys {
        stage.put(key, key, 1);
    }
    let ran = restore_to(&stage, 10, &folder, &[]);
    assert_eq!((ran.code, ran.action("restored")), (0, keys.len() as u64), "{ran:?}");
    let siblings: Vec<_> = std::fs::read_dir(parent.path())
        .expect("a folder")
        .map(|entry| entry.expect("one").file_name())
        .collect();
    assert_eq!(siblings, ["restored"], "nothing but the folder was made");
    let mut found = Vec::new();
    let mut open = vec![folder.clone()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry == folder.join(".s3twin") {
                continue;
            }
            if entry.is_dir() {
                open.push(entry);
            } else {
                found.push(std::fs::read_to_string(entry).expect("text"));
            }
        }
    }
    found.sort_unstable();
    let mut wished = keys.map(str::to_owned).to_vec();
    wished.sort_unstable();
    assert_eq!(found, wished, "every key is a file of its own");
}

#[test]
fn what_others_put_there_stays_and_rot_is_told() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mine"), "precious").expect("written");
    stage.put("mine", "theirs", 1);
    let rotten = stage.put("rotten", "bytes", 1);
    stage.lab.store().corrupt("past", "rotten", Some(&rotten), 3).expect("there");
    stage.put("fine", "fine", 1);
    let ran = restore_to(&stage, 10, folder.path(), &[]);
    assert_eq!((ran.code, ran.action("restored"), ran.action("failed")), (1, 1, 2), "{ran:?}");
    assert_eq!(read(folder.path(), "mine").as_deref(), Some("precious"));
    assert!(!folder.path().join("rotten").exists(), "damaged bytes are not passed off as a restore");
    let actions: Vec<_> = ran.rows("findings.jsonl").iter().map(|row| row["action"].clone()).collect();
    assert!(
        actions.contains(&"failed: in-the-way".into()) && actions.contains(&"failed: bit-rot".into()),
        "{actions:?}"
    );
    let pruned = restore_to(&stage, 10, folder.path(), &["--prune"]);
    assert!(pruned.code == 2 && pruned.stderr.contains("empty folder"), "{pruned:?}");
}

#[test]
fn one_version_and_a_plan_go_to_files_too() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().expect("a folder");
    let first = stage.put("k", "one", 1);
    stage.put("k", "two", 2);
    let to = folder.path().to_str().expect("a path");
    let ran = stage.run(&["restore", "s3://past", "--key", "k", "--version-id", &first, "--to", to]);
    assert_eq!((ran.code, read(folder.path(), "k").as_deref()), (0, Some("one")), "{ran:?}");
    let dry = restore_to(&stage, 10, folder.path(), &["--dry-run"]);
    let plan = dry.folder.join("plan.jsonl");
    let ran = stage.run(&["restore", "s3://past", "--plan", plan.to_str().expect("a path"), "--to", to]);
    assert_eq!((ran.code, read(folder.path(), "k").as_deref()), (0, Some("two")), "{ran:?}");
    let undone = stage.run(&["undo", ran.summary["run_id"].as_str().expect("an id")]);
    assert!(undone.code == 2 && undone.stderr.contains("no bucket"), "{undone:?}");
}

#[test]
fn through_faults_killed_and_resumed_the_files_are_right() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().expect("a folder");
    let keys: Vec<String> = (0..600).map(|number| format!("dir{}/{number}", number % 7)).collect();
    for key in &keys {
        stage.put(key, &format!("old {key}"), 1);
        stage.put(key, "new", 20);
    }
    let mut plan = FaultPlan::seeded(7);
    for kind in [FaultKind::SlowDown, FaultKind::TruncatedBody, FaultKind::ResetAfter] {
        plan.rates.insert(kind, 0.02);
    }
    // A difference is read twice before it is believed: never twice in a row for one object, as a rate would do.
    let corrupt = |nth| Scripted { operation: "GetObject".into(), nth, kind: FaultKind::CorruptedBody };
    plan.script.extend([10, 90, 300].map(corrupt));
    stage.lab.faults().set(plan);
    stage.lab.set_latency(std::time::Duration::from_millis(10));
    let (at, to) = (time(10), folder.path().to_str().expect("a path"));
    let mut child = stage
        .command(&["restore", "s3://past", "--at", &at, "--to", to, "--concurrency", "8", "--quiet"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the program runs");
    while stage.lab.requests().get("GetObject").copied().unwrap_or_default() < 150 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().and_then(|()| child.wait()).expect("it is killed");
    let resumed = stage.command(&["resume", "latest"]).output().expect("the program runs");
    assert_eq!(resumed.status.code(), Some(0), "{resumed:?}");
    assert!(!stage.lab.faults().injected().is_empty(), "faults were injected");
    for key in &keys {
        assert_eq!(read(folder.path(), key), Some(format!("old {key}")), "{key}");
    }
    let left = std::fs::read_dir(folder.path().join(".s3twin/partial")).expect("a folder").count();
    assert_eq!(left, 0, "nothing half done is left");
}
