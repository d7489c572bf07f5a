//! Restores, case by case: ties, markers, gaps, odd keys, places to restore to, undo.

use crate::act_stage::side;
use crate::restore_stage::{Stage, instant, time};
use s3twin_engine::s3::{CompleteUpload, CreateUpload, UploadPart};
use s3twin_fixtures::{PutSpec, Versioning};

#[test]
fn ties_within_a_second_go_by_the_document() {
    let stage = Stage::new();
    stage.put("put-delete", "a", 10);
    stage.delete("put-delete", 10);
    stage.put("delete-put", "a", 5);
    stage.delete("delete-put", 10);
    stage.put("delete-put", "b", 10);
    stage.put("put-put", "a", 10);
    stage.put("put-put", "b", 10);
    for key in ["put-delete", "delete-put", "put-put"] {
        stage.put(key, "later", 20);
    }
    let ran = stage.restore(10, &["--in-place"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(stage.body("past", "put-delete"), None);
    assert_eq!(stage.body("past", "delete-put").as_deref(), Some("b"));
    assert_eq!(stage.body("past", "put-put").as_deref(), Some("b"));
    assert_eq!((ran.action("restored"), ran.action("deleted")), (2, 1));
    let again = stage.restore(10, &["--dry-run"]);
    assert!(again.plan().iter().all(|(_, action, _)| action == "keep"), "{:?}", again.plan());
    let before = stage.restore(10, &["--before", "--in-place"]);
    assert_eq!(before.code, 0, "{before:?}");
    assert_eq!(stage.body("past", "put-put"), None);
    assert_eq!(stage.body("past", "delete-put").as_deref(), Some("a"));
}

#[test]
fn the_cheapest_step_and_the_undo_of_each() {
    let stage = Stage::new();
    stage.put("hidden", "a", 1);
    stage.delete("hidden", 20);
    stage.delete("hidden", 21);
    stage.put("over", "old", 1);
    stage.put("over", "new", 20);
    stage.put("fresh", "x", 20);
    stage.put("same", "s", 1);
    stage.put("same", "s", 20);
    stage.put("gone", "g", 1);
    stage.delete("gone", 2);
    let plan = stage.restore(10, &["--dry-run"]);
    assert_eq!((plan.code, plan.action("skipped")), (0, 3), "{plan:?}");
    let plan: Vec<_> = plan.plan().into_iter().map(|(key, action, _)| format!("{key} {action}")).collect();
    assert_eq!(plan, ["fresh add-marker", "hidden remove-marker", "over copy-version", "same keep"]);
    let ran = stage.restore(10, &["--in-place"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let bodies = |keys: [&str; 3]| keys.map(|key| stage.body("past", key));
    assert_eq!(bodies(["hidden", "over", "fresh"]), [Some("a".into()), Some("old".into()), None]);
    assert_eq!((ran.action("restored"), ran.action("marker_removed"), ran.action("deleted")), (1, 1, 1));
    let id = ran.summary["run_id"].as_str().expect("an id");
    let undone = stage.run(&["undo", id]);
    assert_eq!(undone.code, 0, "{undone:?}");
    assert_eq!(bodies(["hidden", "over", "fresh"]), [None, Some("new".into()), Some("x".into())]);
    let twice = stage.run(&["undo", id]);
    assert_eq!(twice.code, 0, "{twice:?}");
    assert_eq!(bodies(["hidden", "over", "fresh"]), [None, Some("new".into()), Some("x".into())]);
}

#[test]
fn multipart_begun_before_is_uncertain() {
    let stage = Stage::new();
    stage.put("m", "before", 1);
    stage.put_parts("past", "m", "parts", 5);
    stage.put("m", "after", 20);
    let skipped = stage.restore(10, &["--in-place"]);
    assert_eq!((skipped.code, skipped.action("skipped")), (1, 1), "{skipped:?}");
    assert_eq!(skipped.plan(), [("m".into(), "uncertain".into(), "multipart-begun-before".into())]);
    assert_eq!(stage.body("past", "m").as_deref(), Some("after"));
    let failed = stage.restore(10, &["--in-place", "--uncertain", "fail"]);
    assert_eq!(failed.code, 3, "{failed:?}");
    let included = stage.restore(10, &["--in-place", "--uncertain", "include"]);
    assert_eq!(included.code, 0, "{included:?}");
    assert_eq!(stage.body("past", "m").as_deref(), Some("parts"));
}

#[test]
fn suspended_gaps_are_uncertain_and_null_versions_are_versions() {
    let stage = Stage::new();
    let store = stage.lab.store();
    stage.bucket("nulls");
    store.set_versioning("nulls", Versioning::Suspended).expect("a bucket");
    stage.put_as("nulls", "under", "null", PutSpec::default(), 1);
    store.set_versioning("nulls", Versioning::Enabled).expect("a bucket");
    stage.put_as("nulls", "under", "later", PutSpec::default(), 20);
    stage.put_as("nulls", "over", "first", PutSpec::default(), 1);
    store.set_versioning("nulls", Versioning::Suspended).expect("a bucket");
    stage.put_as("nulls", "over", "null", PutSpec::default(), 20);
    store.set_versioning("nulls", Versioning::Enabled).expect("a bucket");
    let ran = stage.run(&["restore", "s3://nulls", "--at", &time(10), "--in-place"]);
    assert_eq!((ran.code, ran.action("skipped"), ran.action("restored")), (1, 1, 1), "{ran:?}");
    assert_eq!(stage.body("nulls", "under").as_deref(), Some("null"));
    assert_eq!(stage.body("nulls", "over").as_deref(), Some("null"));
    assert_eq!(ran.plan()[0], ("over".into(), "uncertain".into(), "null-overwritten".into()));
}

#[test]
fn odd_keys_and_long_histories() {
    let stage = Stage::new();
    let odd = ["a+b", "a%20b", "a&b", "line\nbreak", "u\u{1}x", "é ü/𝄞", "a//b", "../up"];
    for key in odd {
        stage.put(key, "old", 1);
        stage.put(key, "new", 20);
    }
    for version in 0..2500 {
        stage.put("many", &version.to_string(), version);
    }
    for marker in 0..1200 {
        stage.delete("markers", marker);
    }
    let ran = stage.restore(15, &["--in-place"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for key in odd {
        assert_eq!(stage.body("past", key).as_deref(), Some("old"), "{key:?}");
    }
    assert_eq!(stage.body("past", "many").as_deref(), Some("15"));
    assert_eq!(ran.summary["keys"]["union"], 9);
}

#[test]
fn buckets_and_times_that_cannot_be_meant_are_refused() {
    let stage = Stage::new();
    stage.lab.store().create_bucket("flat", Versioning::Unversioned).expect("a bucket");
    let flat = stage.run(&["restore", "s3://flat", "--at", "2h", "--in-place"]);
    assert!(flat.code == 2 && flat.stderr.contains("no versioning"), "{flat:?}");
    let zone = stage.run(&["restore", "s3://past", "--at", "2026-01-01T00:00:00", "--in-place"]);
    assert!(zone.code == 2 && zone.stderr.contains("no time zone"), "{zone:?}");
    let future = stage.run(&["restore", "s3://past", "--at", "2999-01-01T00:00:00Z", "--in-place"]);
    assert!(future.code == 2 && future.stderr.contains("future"), "{future:?}");
    let nowhere = stage.run(&["restore", "s3://past", "--at", "2h"]);
    assert!(nowhere.code == 2 && nowhere.stderr.contains("--in-place"), "{nowhere:?}");
    let unasked = stage.restore(1, &["--in-place", "--strategy", "remove-newer"]);
    assert!(unasked.code == 2 && unasked.stderr.contains("--yes-delete-versions"), "{unasked:?}");
}

#[test]
fn undelete_since() {
    let stage = Stage::new();
    for (key, deleted) in [("early", 10), ("late", 20)] {
        stage.put(key, key, 1);
        stage.delete(key, deleted);
    }
    stage.put("live", "x", 30);
    let ran = stage.run(&["restore", "s3://past", "--undelete", "--since", &time(15), "--in-place"]);
    assert_eq!((ran.code, ran.action("marker_removed")), (0, 1), "{ran:?}");
    assert_eq!((stage.body("past", "early"), stage.body("past", "late")), (None, Some("late".into())));
    assert_eq!(stage.run(&["restore", "s3://past", "--undelete", "--in-place"]).code, 0);
    assert_eq!(stage.body("past", "early").as_deref(), Some("early"));
}

#[test]
fn to_another_bucket_with_and_without_prune() {
    let stage = Stage::new();
    stage.bucket("copy");
    stage.put_as("past", "a", "old", PutSpec::default().metadata("who", "me").tag("t", "v"), 1);
    stage.put("a", "new", 20);
    stage.put("new", "new", 20);
    stage.put_as("copy", "in/extra", "x", PutSpec::default(), 1);
    let to = ["--to", "s3://copy/in/"];
    let ran = stage.restore(10, &to);
    assert_eq!((ran.code, ran.action("restored")), (0, 1), "{ran:?}");
    assert_eq!(stage.body("copy", "in/a").as_deref(), Some("old"));
    assert_eq!(stage.body("past", "a").as_deref(), Some("new"));
    assert_eq!(stage.body("copy", "in/extra").as_deref(), Some("x"));
    let copied = stage.lab.store().get("copy", "in/a", None).expect("there");
    let attributes = &copied.object.as_ref().expect("an object").attributes;
    assert_eq!(attributes.user.get("who").map(String::as_str), Some("me"));
    assert_eq!(attributes.tags.get("t").map(String::as_str), Some("v"));
    let pruned = stage.restore(10, &["--to", "s3://copy/in/", "--prune"]);
    assert_eq!((pruned.code, pruned.action("deleted"), pruned.action("restored")), (0, 1, 0), "{pruned:?}");
    assert_eq!(stage.body("copy", "in/extra"), None);
    let undone = stage.run(&["undo", pruned.summary["run_id"].as_str().expect("an id")]);
    assert_eq!(undone.code, 0, "{undone:?}");
    assert_eq!(stage.body("copy", "in/extra").as_deref(), Some("x"));
}

#[test]
fn one_version_of_one_key_and_the_list_of_versions() {
    let stage = Stage::new();
    let first = stage.put("k", "one", 1);
    stage.put("k", "two", 2);
    stage.put("k", "three", 3);
    stage.put("k2", "other", 3);
    let ran = stage.run(&["restore", "s3://past", "--key", "k", "--version-id", &first, "--in-place"]);
    assert_eq!((ran.code, ran.action("restored")), (0, 1), "{ran:?}");
    assert_eq!(stage.body("past", "k").as_deref(), Some("one"));
    let missing = stage.run(&["restore", "s3://past", "--key", "k", "--version-id", "nope", "--in-place"]);
    assert!(missing.code == 2 && missing.stderr.contains("no object version"), "{missing:?}");
    let all = stage.run(&["versions", "s3://past", "--key", "k"]);
    assert_eq!(all.summary["versions"].as_array().map(Vec::len), Some(4), "{all:?}");
    let then = stage.run(&["versions", "s3://past", "--at", &time(2)]);
    assert_eq!(then.summary["versions"].as_array().map(Vec::len), Some(1), "{then:?}");
}

#[test]
fn above_the_copy_limit_versions_come_back_in_their_parts() {
    let stage = Stage::new();
    let limits = s3twin_fixtures::Limits { copy_limit_bytes: 24, min_part_bytes: 1, ..Default::default() };
    stage.lab.set_limits(limits);
    let large = "0123456789".repeat(4);
    stage.put_parts("past", "parts", &large, 1);
    stage.put("plain", &large, 1);
    for key in ["parts", "plain"] {
        stage.put(key, "small", 20);
    }
    let ran = stage.restore(10, &["--in-place", "--multipart-window", "0s"]);
    assert_eq!((ran.code, ran.action("restored")), (0, 2), "{ran:?}");
    for key in ["parts", "plain"] {
        assert_eq!(stage.body("past", key).as_deref(), Some(&*large), "{key}");
    }
    // The server refuses to copy the plain one as a whole: its bytes go through here.
    assert_eq!(stage.lab.requests()["UploadPartCopy"], 2, "{:?}", stage.lab.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_multipart_over_the_wire_is_dated_by_its_beginning() {
    let stage = Stage::new();
    let clock = |second: i64| stage.lab.clock().set(instant(second));
    let cancel = tokio_util::sync::CancellationToken::new();
    let side = side(&stage.lab, "s3://past", &cancel).await;
    clock(1);
    stage.put("m", "before", 1);
    clock(5);
    let create = CreateUpload { bucket: "past".into(), key: "m".into(), ..CreateUpload::default() };
    let upload = side.store.create_upload(&create).await.expect("begun");
    clock(15);
    let frames = vec![bytes::Bytes::from_static(b"parts")];
    let part =
        UploadPart { upload: upload.clone(), part_number: 1, frames, checksum: None, customer_key: None };
    let parts = vec![side.store.upload_part(&part).await.expect("sent")];
    let complete = CompleteUpload { upload, parts, size: 5, ..CompleteUpload::default() };
    side.store.complete_upload(&complete).await.expect("completed");
    clock(20);
    // It stood only from second 15 on, but the listing dates it to 5.
    let listed = stage.run(&["versions", "s3://past", "--key", "m"]);
    assert_eq!(listed.summary["versions"][0]["version"]["last_modified"], time(5), "{listed:?}");
    let ran = stage.restore(10, &["--in-place"]);
    assert_eq!(ran.plan(), [("m".into(), "uncertain".into(), "multipart-begun-before".into())]);
    assert_eq!(stage.body("past", "m").as_deref(), Some("parts"), "nothing was done on a guess");
}

#[test]
fn a_sync_is_undone() {
    let stage = Stage::new();
    stage.bucket("copy");
    stage.put("same", "s", 1);
    stage.put("changed", "right", 1);
    stage.put("missing", "m", 1);
    stage.put_as("copy", "same", "s", PutSpec::default(), 1);
    stage.put_as("copy", "changed", "wrong", PutSpec::default(), 1);
    stage.put_as("copy", "extra", "e", PutSpec::default(), 1);
    let keys = ["same", "changed", "missing", "extra"];
    let bodies = || keys.map(|key| stage.body("copy", key));
    let before = bodies();
    let sync = ["sync", "s3://past", "s3://copy", "--delete", "--max-delete-percent", "100"];
    let ran = stage.run(&sync);
    assert_eq!((ran.code, ran.action("copied"), ran.action("deleted")), (0, 2, 1), "{ran:?}");
    assert_ne!(bodies(), before);
    let undone = stage.run(&["undo", ran.summary["run_id"].as_str().expect("an id")]);
    assert_eq!((undone.code, bodies()), (0, before), "{undone:?}");
}

#[test]
fn a_replica_that_may_have_come_later_is_uncertain() {
    let stage = Stage::new();
    let late = stage.put("late", "old", 1);
    stage.lab.store().set_replication_status("past", "late", Some(&late), Some("REPLICA")).expect("there");
    let early = stage.put("early", "old", -7200);
    stage.lab.store().set_replication_status("past", "early", Some(&early), Some("REPLICA")).expect("there");
    stage.put("own", "old", 1);
    for key in ["late", "early", "own"] {
        stage.put(key, "new", 20);
    }
    let failed = stage.restore(10, &["--in-place", "--uncertain", "fail"]);
    assert_eq!(failed.code, 3, "{failed:?}");
    stage.lab.reset_requests();
    let looked = stage.restore(10, &["--dry-run"]);
    assert_eq!(
        stage.lab.requests().get("HeadObject"),
        Some(&2),
        "only what is dated just before is asked about: {looked:?}"
    );
    let ran = stage.restore(10, &["--in-place"]);
    assert_eq!((ran.code, ran.action("restored"), ran.action("skipped")), (1, 2, 1), "{ran:?}");
    assert_eq!(ran.plan()[1], ("late".into(), "uncertain".into(), "inherited-time".into()));
    assert_eq!(stage.body("past", "late").as_deref(), Some("new"));
    let included = stage.restore(10, &["--in-place", "--uncertain", "include"]);
    assert_eq!((included.code, stage.body("past", "late").as_deref()), (0, Some("old")), "{included:?}");
}
