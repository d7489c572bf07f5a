//! Archived versions: asked for, waited for, and taken up when they can be read.

use crate::restore_stage::{Ran, Stage, instant};
use s3twin_fixtures::store::Thaw;
use s3twin_fixtures::{PutSpec, Versioning};
use std::process::Stdio;
use std::time::Duration;

fn glacier() -> PutSpec {
    PutSpec::default().storage_class("GLACIER")
}

/// A stage with these keys archived under something newer, and one that is not archived.
fn archived(keys: &[&str]) -> Stage {
    let stage = Stage::new();
    for key in keys {
        stage.put_as("past", key, "old", glacier(), 1);
        stage.put(key, "live", 20);
    }
    stage.put("warm", "old", 1);
    stage.put("warm", "live", 20);
    stage
}

impl Stage {
    /// The archived version of a key can be read until then.
    fn thaw(&self, key: &str, until: i64) {
        let versions = self.lab.store().versions("past");
        let (_, stack) = versions.iter().find(|(name, _)| **name == *key).expect("the key");
        let old = stack.iter().min_by_key(|version| version.last_modified).expect("a version").id.to_string();
        let thaw = Thaw { ready_at: instant(0), expires_at: instant(until) };
        self.lab.store().edit("past", key, Some(&old), |object| object.thaw = Some(thaw)).expect("there");
    }

    /// `resume` of that run; its files are where those of the run are.
    fn resume(&self, ran: &Ran) -> Ran {
        let id = ran.summary["run_id"].as_str().expect("an id");
        let output = self.command(&["resume", id]).output().expect("the program runs");
        Ran {
            code: output.status.code().unwrap_or(-1),
            summary: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            folder: ran.folder.clone(),
        }
    }

    fn asked(&self) -> u64 {
        self.lab.requests().get("RestoreObject").copied().unwrap_or_default()
    }
}

impl Ran {
    fn awaiting(&self) -> u64 {
        self.summary["awaiting_thaw"].as_u64().unwrap_or_default()
    }

    /// What the findings say was done, by key.
    fn told(&self) -> Vec<(String, String)> {
        let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        self.rows("findings.jsonl").iter().map(|row| (text(row, "key"), text(row, "action"))).collect()
    }
}

const FAR: i64 = 4000 * 86_400;
/// A kill leaves at most so many copies unheard of.
const FEW: [&str; 2] = ["--concurrency", "8"];
const IN_PLACE: [&str; 3] = ["--in-place", "--storage-class", "STANDARD"];

#[test]
fn archived_versions_are_asked_for_and_nothing_live_is_touched() {
    let stage = Stage::new();
    stage.put_as("past", "cold", "old", glacier(), 1);
    stage.put("cold", "live", 20);
    stage.put_as("past", "thawed", "old", PutSpec::default().storage_class("DEEP_ARCHIVE"), 1);
    stage.put("thawed", "live", 20);
    stage.thaw("thawed", FAR);
    stage.put_as("past", "under", "old", glacier(), 1);
    stage.delete("under", 20);
    let ran = stage.restore(10, &IN_PLACE);
    assert_eq!((ran.code, ran.action("skipped")), (1, 1), "{ran:?}");
    assert_eq!(stage.body("past", "cold").as_deref(), Some("live"));
    assert_eq!(stage.body("past", "thawed").as_deref(), Some("old"));
    assert_eq!(stage.body("past", "under").as_deref(), Some("old"));
    assert_eq!(ran.told()[0], ("cold".into(), "skipped: thaw-requested".into()));
    assert_eq!(stage.asked(), 1);
}

#[test]
fn waiting_for_a_thaw_goes_on_when_it_is_there() {
    let stage = archived(&["cold"]);
    stage.lab.set_thaw(Duration::from_secs(2));
    let ran = stage.restore(10, &[&IN_PLACE[..], &["--wait", "--thaw-poll", "1s"]].concat());
    assert_eq!((ran.code, ran.action("restored"), ran.awaiting()), (0, 2, 0), "{ran:?}");
    assert_eq!(stage.body("past", "cold").as_deref(), Some("old"));
}

#[test]
fn resume_restores_what_is_thawed_and_leaves_the_rest_waiting() {
    let stage = archived(&["a", "b", "c"]);
    let first = stage.restore(10, &IN_PLACE);
    assert_eq!((first.code, first.action("restored"), first.awaiting()), (1, 1, 3), "{first:?}");
    let runs = stage.command(&["runs"]).output().expect("the program runs");
    let runs = String::from_utf8_lossy(&runs.stdout).into_owned();
    assert!(runs.contains("waiting") && runs.contains("3 awaiting a thaw"), "{runs}");

    let early = stage.resume(&first);
    assert_eq!((early.code, early.action("skipped"), early.awaiting()), (1, 3, 3), "{early:?}");
    assert_eq!(stage.asked(), 3, "what is under way is not asked for again");

    stage.thaw("b", FAR);
    let some = stage.resume(&first);
    assert_eq!((some.code, some.action("restored"), some.action("skipped")), (1, 2, 2), "{some:?}");
    assert_eq!(some.awaiting(), 2);
    let bodies = || ["a", "b", "c", "warm"].map(|key| stage.body("past", key).unwrap_or_default());
    assert_eq!(bodies(), ["live", "old", "live", "old"]);
    let told: Vec<String> =
        some.told().into_iter().map(|(key, action)| format!("{key} {}", &action[..8])).collect();
    assert_eq!(told, ["a skipped:", "b restored", "c skipped:", "warm restored"]);

    stage.thaw("a", FAR);
    stage.thaw("c", FAR);
    let last = stage.resume(&first);
    assert_eq!((last.code, last.action("restored"), last.action("skipped"), last.awaiting()), (0, 4, 0, 0));
    assert_eq!(last.summary["keys"], first.summary["keys"], "nothing is counted twice");
    assert_eq!(last.summary["verdicts"], first.summary["verdicts"]);
    assert_eq!(bodies(), ["old"; 4]);
    let steps: Vec<String> =
        last.plan().into_iter().map(|(key, action, _)| format!("{key} {action}")).collect();
    assert_eq!(steps, ["a copy-version", "b copy-version", "c copy-version", "warm copy-version"]);

    let done = stage.resume(&first);
    assert!(done.code == 2 && done.stderr.contains("ran to its end"), "{done:?}");
    let undone = stage.run(&["undo", first.summary["run_id"].as_str().expect("an id")]);
    assert_eq!((undone.code, bodies()), (0, ["live"; 4].map(String::from)), "{undone:?}");
}

#[test]
fn a_thaw_that_ran_out_is_asked_for_again_and_a_version_that_is_gone_has_failed() {
    let stage = archived(&["gone", "lapsed", "written"]);
    let first = stage.restore(10, &IN_PLACE);
    assert_eq!((stage.asked(), first.awaiting()), (3, 3), "{first:?}");
    stage.thaw("lapsed", 1);
    let versions = stage.lab.store().versions("past");
    let (_, stack) = versions.iter().find(|(key, _)| **key == *"gone").expect("the key");
    let old = stack.iter().min_by_key(|version| version.last_modified).expect("a version").id.to_string();
    stage.lab.store().delete_version("past", "gone", &old).expect("removed");
    stage.thaw("written", FAR);
    stage.put("written", "mine", 30);
    let ran = stage.resume(&first);
    assert_eq!((ran.code, ran.action("failed"), ran.awaiting()), (1, 2, 1), "{ran:?}");
    assert_eq!(stage.asked(), 4, "the time it was readable for has run out");
    assert_eq!(stage.body("past", "written").as_deref(), Some("mine"), "a writer after the plan wins");
    assert_eq!(ran.told()[0], ("gone".into(), "failed: vanished".into()));
    assert_eq!(ran.told()[3], ("written".into(), "failed: changed-meanwhile".into()));
    stage.thaw("lapsed", FAR);
    let last = stage.resume(&first);
    assert_eq!((last.code, last.action("failed"), last.action("restored"), last.awaiting()), (1, 2, 2, 0));
    assert_eq!(stage.body("past", "lapsed").as_deref(), Some("old"));
}

#[test]
fn elsewhere_too() {
    let stage = archived(&["cold/a", "cold/b"]);
    stage.bucket("copy");
    stage.lab.store().create_bucket("flat", Versioning::Unversioned).expect("a bucket");
    let files = tempfile::tempdir().expect("a folder");
    let path = files.path().to_str().expect("a path");
    let targets = ["s3://copy/in/", "s3://flat", path];
    let runs = targets.map(|to| stage.restore(10, &["--to", to, "--storage-class", "STANDARD"]));
    for ran in &runs {
        assert_eq!((ran.code, ran.action("restored"), ran.awaiting()), (1, 1, 2), "{ran:?}");
    }
    stage.thaw("cold/a", FAR);
    for ran in &runs {
        let some = stage.resume(ran);
        assert_eq!((some.code, some.action("restored"), some.awaiting()), (1, 2, 1), "{some:?}");
    }
    stage.thaw("cold/b", FAR);
    for ran in &runs {
        let last = stage.resume(ran);
        assert_eq!((last.code, last.action("restored"), last.awaiting()), (0, 3, 0), "{last:?}");
    }
    for key in ["cold/a", "cold/b", "warm"] {
        assert_eq!(stage.body("copy", &format!("in/{key}")).as_deref(), Some("old"), "{key}");
        assert_eq!(stage.body("flat", key).as_deref(), Some("old"), "{key}");
        assert_eq!(std::fs::read(files.path().join(key)).expect("a file"), b"old", "{key}");
    }
}

/// Runs `resume` and kills it when it has sent so many copies; true if it was still at work.
fn resume_and_kill(stage: &Stage, id: &str, more: u64) -> bool {
    let copies = || stage.lab.requests().get("CopyObject").copied().unwrap_or_default();
    let wanted = copies() + more;
    let mut resume = stage.command(&["resume", id]);
    let mut child = resume.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    while copies() < wanted && child.try_wait().expect("it can be asked").is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let at_work = child.try_wait().expect("it can be asked").is_none();
    child.kill().and_then(|()| child.wait()).expect("it is killed");
    at_work
}

#[test]
fn killed_while_it_takes_up_thawed_versions_each_is_restored_once() {
    let names: Vec<String> = (0..400).map(|number| format!("cold/{number:03}")).collect();
    let keys: Vec<&str> = names.iter().map(String::as_str).collect();
    let stage = archived(&keys);
    let first = stage.restore(10, &[&IN_PLACE[..], &FEW].concat());
    assert_eq!((first.code, first.awaiting()), (1, 400), "{:?}", first.stderr);
    for key in &keys[..390] {
        stage.thaw(key, FAR);
    }
    let id = first.summary["run_id"].as_str().expect("an id").to_owned();
    stage.lab.set_latency(Duration::from_millis(30));
    let kills = [40, 90].map(|more| resume_and_kill(&stage, &id, more));
    assert_eq!(kills, [true, true], "it was killed too late to tell anything");
    stage.lab.set_latency(Duration::ZERO);
    let restored = || keys.iter().filter(|key| stage.body("past", key).as_deref() == Some("old")).count();
    assert!(restored() > 0 && restored() < 390, "{}", restored());

    let ran = stage.resume(&first);
    assert_eq!((ran.code, restored(), ran.action("restored")), (1, 390, 391), "{:?}", ran.stderr);
    assert_eq!((ran.action("failed"), ran.awaiting()), (0, 10), "{:?}", ran.told());
    for key in &keys[390..] {
        stage.thaw(key, FAR);
    }
    let last = stage.resume(&first);
    assert_eq!((last.code, restored(), last.action("restored")), (0, 400, 401), "{:?}", last.stderr);
    let told: Vec<String> = last.told().into_iter().map(|(key, _)| key).collect();
    assert!(told.is_sorted() && told.len() == 401, "one row per key, in order");
    let versions = stage.lab.store().versions("past");
    assert!(versions.iter().all(|(_, stack)| stack.len() == 3), "a version was copied up twice");
    // Also what a killed process wrote without hearing of it.
    let undone = stage.run(&["undo", &id]);
    assert_eq!((undone.code, restored()), (0, 0), "{undone:?}");
}

/// Under KMS no ETag tells an own copy: what the journal names is copied again and proved, what it does not name may be
/// anybody's and is left alone.
#[test]
fn killed_where_no_etag_tells_nothing_is_called_restored_that_was_not_proved() {
    let names: Vec<String> = (0..200).map(|number| format!("cold/{number:03}")).collect();
    let keys: Vec<&str> = names.iter().map(String::as_str).collect();
    let stage = archived(&keys);
    let first = stage.restore(10, &[&IN_PLACE[..], &FEW, &["--sse", "aws:kms"]].concat());
    assert_eq!(first.awaiting(), 200, "{:?}", first.stderr);
    keys.iter().for_each(|key| stage.thaw(key, FAR));
    let id = first.summary["run_id"].as_str().expect("an id").to_owned();
    stage.lab.set_latency(Duration::from_millis(30));
    assert!(resume_and_kill(&stage, &id, 60), "it was killed too late to tell anything");
    stage.lab.set_latency(Duration::ZERO);
    let ran = stage.resume(&first);
    assert_eq!(ran.awaiting(), 0, "{:?}", ran.stderr);
    let told = ran.told();
    let failed: Vec<_> = told.iter().filter(|(_, action)| action.starts_with("failed")).collect();
    assert!(failed.iter().all(|(_, action)| action == "failed: changed-meanwhile"), "{failed:?}");
    assert_eq!(ran.action("restored") + failed.len() as u64, 201, "{told:?}");
    // What is called restored has a proof of this very copy, and what was not heard of is not many.
    assert!(failed.len() <= 8, "{failed:?}");
    for (key, action) in told.iter().filter(|(_, action)| action.starts_with("restored")) {
        assert_eq!(stage.body("past", key).as_deref(), Some("old"), "{key}: {action}");
    }
    let undone = stage.run(&["undo", &id]);
    let live = keys.iter().filter(|key| stage.body("past", key).as_deref() == Some("live")).count();
    assert_eq!(live, keys.len() - failed.len(), "{undone:?}");
}
