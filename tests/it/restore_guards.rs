//! What a restore never does: overwrite a later writer, remove what is locked, lose its way when it is killed.

use crate::restore_stage::{Stage, time};
use s3twin_fixtures::store::Retention;

#[test]
fn undo_leaves_later_writers_alone() {
    let stage = Stage::new();
    stage.put("over", "old", 1);
    stage.put("over", "new", 20);
    let ran = stage.restore(10, &["--in-place"]);
    stage.put("over", "mine", 30);
    let undone = stage.run(&["undo", ran.summary["run_id"].as_str().expect("an id")]);
    assert_eq!((undone.code, undone.action("skipped")), (1, 1), "{undone:?}");
    assert_eq!(stage.body("past", "over").as_deref(), Some("mine"));
}

#[test]
fn a_reviewed_plan_is_applied_and_a_writer_after_it_wins() {
    let stage = Stage::new();
    for key in ["a", "b", "c", "d", "e"] {
        stage.put(key, "old", 1);
    }
    for key in ["a", "b", "c"] {
        stage.put(key, "new", 20);
    }
    for key in ["d", "e"] {
        stage.delete(key, 20);
    }
    let dry = stage.restore(10, &["--dry-run"]);
    let path = dry.folder.join("plan.jsonl");
    let text = std::fs::read_to_string(&path).expect("a plan");
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains("\"key\":\"a\"")).collect();
    std::fs::write(&path, kept.join("\n")).expect("written");
    stage.put("b", "mine", 30);
    stage.put("d", "mine", 30);
    let plan = path.to_str().expect("a path");
    let ran = stage.run(&["restore", "s3://past", "--plan", plan, "--in-place"]);
    assert_eq!((ran.code, ran.action("failed")), (1, 2), "{ran:?}");
    let bodies = ["a", "b", "c", "d", "e"].map(|key| stage.body("past", key).unwrap_or_default());
    assert_eq!(bodies, ["new", "mine", "old", "mine", "old"]);
    std::fs::write(&path, kept.join("\n").replace("\"size\":3", "\"size\":4")).expect("written");
    let damaged = stage.run(&["restore", "s3://past", "--plan", plan, "--in-place"]);
    assert!(damaged.code == 2 && damaged.stderr.contains("changed or damaged"), "{damaged:?}");
}

#[test]
fn killed_and_resumed_it_ends_the_same_and_can_be_undone() {
    let stage = Stage::new();
    let keys: Vec<String> = (0..1500).map(|number| format!("dir{}/{number}", number % 7)).collect();
    for key in &keys {
        stage.put(key, "old", 1);
        stage.put(key, "new", 20);
    }
    stage.lab.set_latency(std::time::Duration::from_millis(20));
    let at = time(10);
    let mut child = stage
        .command(&["restore", "s3://past", "--at", &at, "--in-place", "--concurrency", "8", "--quiet"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the program runs");
    while stage.lab.requests().get("CopyObject").copied().unwrap_or_default() < 300 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().and_then(|()| child.wait()).expect("it is killed");
    stage.lab.set_latency(std::time::Duration::ZERO);
    let restored =
        |wished: &str| keys.iter().filter(|key| stage.body("past", key).as_deref() == Some(wished)).count();
    assert!(restored("new") > 0, "it was killed too late to tell anything");
    let resumed = stage.command(&["resume", "latest"]).output().expect("the program runs");
    assert_eq!((resumed.status.code(), restored("old")), (Some(0), keys.len()), "{resumed:?}");
    let versions = stage.lab.store().versions("past");
    assert!(versions.iter().all(|(_, stack)| stack.len() <= 3), "a version was copied up twice");
    let undone = stage.command(&["undo", "latest"]).output().expect("the program runs");
    // Also what the killed process wrote without hearing of it.
    assert_eq!((undone.status.code(), restored("new")), (Some(0), keys.len()), "{undone:?}");
}

#[test]
fn a_writer_during_the_restore_wins() {
    let stage = Stage::new();
    for number in 0..200 {
        let key = format!("k{number:03}");
        stage.put(&key, "old", 1);
        stage.put(&key, "new", 20);
    }
    stage.lab.set_latency(std::time::Duration::from_millis(40));
    let at = time(10);
    let child = stage
        .command(&[
            "restore",
            "s3://past",
            "--at",
            &at,
            "--in-place",
            "--concurrency",
            "4",
            "--output",
            "json",
        ])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program runs");
    while stage.lab.requests().get("CopyObject").copied().unwrap_or_default() < 8 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    // Every key that still has its newer version gets a newer one yet; the copies on their way are guarded.
    let written: Vec<String> = (0..200).rev().take(100).map(|number| format!("k{number:03}")).collect();
    for key in &written {
        stage.put(key, "mine", 30);
    }
    let output = child.wait_with_output().expect("it ends");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a summary");
    for key in &written {
        assert_eq!(stage.body("past", key).as_deref(), Some("mine"), "{key}");
    }
    assert_eq!(output.status.code(), Some(1), "{summary}");
    assert_eq!(summary["actions"]["failed"], 100, "{summary}");
    assert_eq!(summary["actions"]["restored"], 100, "{summary}");
}

#[test]
fn remove_newer_removes_but_not_what_is_locked() {
    let stage = Stage::new();
    stage.put("free", "old", 1);
    stage.put("free", "new", 20);
    stage.put("locked", "old", 1);
    let locked = stage.put("locked", "new", 20);
    let retention = Retention { compliance: true, until: "2999-01-01T00:00:00Z".parse().expect("a time") };
    let lock = |object: &mut s3twin_fixtures::store::Object| object.attributes.retention = Some(retention);
    stage.lab.store().edit("past", "locked", Some(&locked), lock).expect("there");
    let ran = stage.restore(10, &["--in-place", "--strategy", "remove-newer", "--yes-delete-versions"]);
    assert_eq!((ran.code, ran.action("failed"), ran.action("marker_removed")), (1, 1, 1), "{ran:?}");
    assert_eq!(stage.body("past", "free").as_deref(), Some("old"));
    assert_eq!(stage.body("past", "locked").as_deref(), Some("new"));
    let copied = stage.restore(10, &["--in-place", "--strategy", "copy-up"]);
    assert_eq!((copied.code, copied.action("restored")), (0, 1), "{copied:?}");
    assert_eq!(stage.body("past", "locked").as_deref(), Some("old"));
}
