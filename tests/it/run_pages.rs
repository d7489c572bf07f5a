//! Runs that settle no keys (`lag`, `cost`, `posture`, `failover`, `failback`) stand in the catalogue like the others.

use crate::harness::{Done, World, noise};
use crate::job_run::{configured, history};
use crate::sinks::{request, until};
use jiff::{SignedDuration, Timestamp};
use s3twin_fixtures::{ACCESS_KEY, Denial, PutSpec, Versioning};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn result(done: &Done) -> Value {
    serde_json::from_str(&done.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}\n{}", done.stdout, done.stderr))
}

/// What `runs` says, newest first.
fn listed(world: &World, more: &[&str]) -> Vec<Value> {
    let arguments = [&["runs", "--output", "json"], more].concat();
    let runs: Value = serde_json::from_str(&world.spawn(&arguments).wait().exits(0).stdout).expect("JSON");
    runs["runs"].as_array().expect("runs").clone()
}

fn folder(world: &World, result: &Value) -> PathBuf {
    world.state.path().join("runs").join(result["run_id"].as_str().expect("a run id"))
}

fn read(folder: &Path, name: &str) -> String {
    let path = folder.join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The run is in its folder and in the catalogue; the page and the mail have these words.
#[track_caller]
fn assert_kept(world: &World, done: &Done, command: &str, words: &[&str]) -> PathBuf {
    let result = result(done);
    let folder = folder(world, &result);
    let left: Value = serde_json::from_str(&read(&folder, "report.json")).expect("JSON");
    assert_eq!(left, result, "report.json is what --output json printed");
    let (page, mail) = (read(&folder, "report.html"), read(&folder, "report.md"));
    for word in words {
        assert!(page.contains(word), "no {word} in the page of {command}: {page}");
        assert!(mail.contains(word), "no {word} in the Markdown of {command}: {mail}");
    }
    assert!(page.contains("default-src 'none'"), "the page asks nobody");
    for outside in [" src=", "<script", "@import", "url(", "href=\"http"] {
        assert!(!page.contains(outside), "{outside}: {page}");
    }
    let runs = listed(world, &[]);
    let row = runs.iter().find(|run| run["run_id"] == result["run_id"]).expect("it is in the catalogue");
    assert_eq!((&row["command"], &row["exit_code"]), (&command.into(), &done.code.into()));
    assert_eq!(row["headline"], result["headline"]);
    assert_eq!(read(&folder, "summary.json").matches("s3twin.summary/1").count(), 1);
    let id = result["run_id"].as_str().expect("an id");
    std::fs::remove_file(folder.join("report.html")).expect("removed");
    world.spawn(&["report", id]).wait().exits(0);
    assert_eq!(read(&folder, "report.html"), page, "the page is drawn again out of the folder");
    let printed = world.spawn(&["report", id, "--format", "json"]).wait().exits(0).stdout;
    assert_eq!(serde_json::from_str::<Value>(&printed).expect("JSON"), left);
    let resumed = world.spawn(&["resume", id]).wait().exits(2);
    assert!(resumed.stderr.contains("nothing to go on from"), "{}", resumed.stderr);
    folder
}

fn put(world: &World, key: &str, seconds_ago: i64) {
    let written = Timestamp::now() - SignedDuration::from_secs(seconds_ago);
    world.put_with("source", key, "v", &PutSpec { last_modified: Some(written), ..PutSpec::default() });
}

#[test]
fn lag_leaves_its_distribution_and_its_trend() {
    let world = World::pair();
    put(&world, "quick", 3);
    put(&world, "slow", 4000);
    world.sync(&[]).exits(0);
    let lag = ["lag", "s3://source", "s3://replica", "--rpo", "15m"];
    let kept = world.run(&lag).exits(0);
    let classes = result(&kept)["lag_histogram"].as_array().expect("classes").clone();
    assert_eq!(classes.iter().map(|class| class["versions"].as_u64().expect("a count")).sum::<u64>(), 2);
    assert_kept(&world, &kept, "lag", &["RPO kept", "How the lag is spread", "up to 4 h", "p99"]);
    put(&world, "late <b>", 5000);
    let broken = world.run(&lag).exits(1);
    let folder =
        assert_kept(&world, &broken, "lag", &["RPO broken", "What waits longest", "15 min 00 s: broken"]);
    let page = read(&folder, "report.html");
    assert!(page.contains("late &#60;b&#62;") && !page.contains("late <b>"), "keys are escaped");
    for words in ["Over the last 2 runs", "Lag, p99 over 2 runs", "Oldest that waits over 2 runs"] {
        assert!(page.contains(words), "no {words} in {page}");
    }
    assert_eq!(listed(&world, &["--command", "lag"]).len(), 2);
}

#[test]
fn an_audit_and_its_lag_share_the_folder_that_was_asked_for() {
    let world = World::pair();
    let there = world.state.path().join("there");
    let path = there.display().to_string();
    world.audit(&["--report", &path]).exits(0);
    let audit = read(&there, "report.html");
    let lag = world.run(&["lag", "s3://source", "s3://replica", "--report", &path]).exits(0);
    assert_eq!(serde_json::from_str::<Value>(&read(&there, "lag.json")).expect("JSON"), result(&lag));
    assert_eq!(read(&there, "lag.html"), read(&folder(&world, &result(&lag)), "report.html"));
    assert!(there.join("lag.md").is_file());
    assert_eq!(read(&there, "report.html"), audit, "the audit's page stands");
}

#[test]
fn cost_leaves_its_tables() {
    let world = World::pair();
    world.put("source", "k", noise(1 << 20, 1));
    world.put("source", "k", noise(1 << 20, 2));
    let done = world.run(&["cost", "s3://source", "s3://replica"]).exits(0);
    let month = &result(&done)["buckets"][0]["month"];
    let classes = month["classes_usd"].as_object().expect("classes").values();
    let sum: f64 = classes.filter_map(Value::as_f64).sum();
    let versions = ["current_usd", "noncurrent_usd"].map(|name| month[name].as_f64().expect("dollars"));
    assert!(sum > 0.0 && (sum - versions.iter().sum::<f64>()).abs() < 1e-12, "{month}");
    let words = ["a month", "STANDARD", "what rules would save", "what runs would cost", "first sync"];
    assert_kept(&world, &done, "cost", &words);
    assert!(
        world.spawn(&["cost", "s3://source", "--print-prices"]).wait().exits(0).stdout.contains("[classes")
    );
    assert_eq!(listed(&world, &[]).len(), 1, "printing prices is no run");
}

#[test]
fn posture_leaves_the_fleet_and_the_plan_and_a_dry_run_mends_nothing() {
    let world = World::new();
    world.store().create_bucket("plain", Versioning::Unversioned).expect("a bucket");
    let look = world.run(&["posture", "s3://plain"]).exits(1);
    let words = ["0 of 1 bucket", "The fleet", "What --apply would do", "switch versioning on"];
    // Hyphens mean nothing to Markdown.
    assert_kept(&world, &look, "posture", &words);
    let dry = world.run(&["posture", "s3://plain", "--apply", "--dry-run"]).exits(1);
    assert_eq!(result(&dry)["applied"], false);
    assert_kept(&world, &dry, "posture", &["Rehearsed posture"]);
    let versioning = || world.store().bucket("plain").expect("a bucket").read().versioning;
    assert_eq!(versioning(), Versioning::Unversioned);
    let file = configured(
        &world,
        "[buckets.c]\nlocation = \"s3://plain\"\n[jobs.mend]\ncommand = \"posture\"\nbuckets = [\"c\"]\nflags = { apply = true }\n",
    );
    let text = std::fs::read_to_string(&file).expect("the file");
    let endpoint = format!("location = \"s3://plain\"\nendpoint_url = \"{}\"", world.lab.endpoint());
    std::fs::write(&file, text.replace("location = \"s3://plain\"", &endpoint)).expect("written");
    world.spawn(&["run", "mend", "--dry-run", "--config", &file]).wait().exits(1);
    assert_eq!(versioning(), Versioning::Unversioned);
    assert!(history(&world, "mend").is_none(), "a dry run is no run of the job");
    world.spawn(&["run", "mend", "--config", &file]).wait().exits(1);
    assert_eq!(versioning(), Versioning::Enabled);
    let newest = listed(&world, &["-n", "1"]).remove(0);
    assert_eq!(history(&world, "mend").expect("a history")["runs"][0]["run_id"], newest["run_id"]);
}

#[test]
fn a_dry_run_of_a_sync_copies_nothing_and_a_drill_has_none() {
    let world = World::pair();
    world.put("source", "k", "v");
    let jobs = "[jobs.copy]\ncommand = \"sync\"\npair = \"p\"\n[jobs.check]\ncommand = \"audit\"\npair = \"p\"\n\
                [jobs.drill]\ncommand = \"drill\"\nbuckets = [\"a\"]\n";
    let file = configured(&world, jobs);
    let run =
        |job: &str| world.spawn(&["run", job, "--dry-run", "--config", &file, "--output", "json"]).wait();
    assert_eq!(run("copy").exits(0).summary()["dry_run"], true);
    assert!(world.store().keys("replica").is_empty() && history(&world, "copy").is_none());
    // It changes nothing anyway.
    run("check").exits(1);
    run("drill").exits(2).says(&["no dry run"]);
}

#[test]
fn failover_and_failback_leave_their_reasons_and_their_hooks() {
    let world = World::pair();
    world.put("source", "k", "v");
    let pair = ["s3://source", "s3://replica"];
    let check = world.run(&[&["failover", "check"], &pair[..]].concat()).exits(1);
    let words = ["NO-GO for", "last audit", "there is none of this pair", "Go or no-go, and why"];
    assert_kept(&world, &check, "failover check", &words);
    let refused = world.run(&[&["failover", "run"], &pair[..], &["--hook", "true"]].concat()).exits(3);
    assert_kept(&world, &refused, "failover run", &["NO-GO for", "No hook was called", "not called"]);
    let hooks = ["--force", "--hook", "echo said", "--hook", "exit 7"];
    let forced = world.run(&[&["failover", "run"], &pair[..], &hooks].concat()).exits(1);
    assert_kept(
        &world,
        &forced,
        "failover run",
        &["1 of 2 hooks done", "echo said", "exit code 7", "Forced"],
    );
    let (id, record) = (result(&forced)["run_id"].clone(), result(&forced)["folder"].clone());
    assert!(
        record.as_str().is_some_and(|path| path.ends_with(id.as_str().expect("an id"))),
        "one name for both"
    );
    assert_eq!(listed(&world, &["--command", "failover"]).len(), 3);
    world.sync(&[]).exits(0);
    let back = world.run(&[&["failback"], &pair[..]].concat()).exits(0);
    let audit = result(&back)["steps"][1]["summary"]["run_id"].as_str().expect("a run").to_owned();
    let folder = assert_kept(&world, &back, "failback", &["GO: the primary", "The two are identical"]);
    assert!(read(&folder, "report.html").contains(&format!("../{audit}/report.html")));
}

#[test]
fn what_fails_is_kept_with_its_reason_and_what_never_began_is_not() {
    let world = World::pair();
    world.put("source", "k", "v");
    world.run(&["lag", "s3://source", "s3://replica", "--include", "["]).exits(2);
    assert!(listed(&world, &[]).is_empty(), "wrong arguments start nothing");
    let denial = Denial { operation: Some("ListObjectVersions".into()), ..Denial::default() };
    world.lab.credentials().deny(ACCESS_KEY, denial);
    world.run(&["lag", "s3://source", "s3://replica"]).exits(4);
    let newest = listed(&world, &[]).remove(0);
    assert_eq!((&newest["state"], &newest["exit_code"]), (&"incomplete".into(), &4.into()));
    let id = newest["run_id"].as_str().expect("an id").to_owned();
    let page = world.spawn(&["report", &id, "--format", "markdown"]).wait().exits(0).stdout;
    assert!(page.contains("could not finish") && page.contains("ListObjectVersions"), "{page}");
    let file = world.state.path().join("a file");
    std::fs::write(&file, "").expect("written");
    let nowhere = file.join("below").display().to_string();
    let lost = world.run(&["cost", "s3://source", "--state-dir", &nowhere]);
    assert!(lost.code != 0 && lost.stderr.contains("a file"), "{} {}", lost.code, lost.stderr);
}

#[test]
fn a_run_that_was_killed_is_unfinished_and_the_schedule_starts_anew() {
    let world = World::pair();
    put(&world, "k", 10);
    world.lab.set_latency(std::time::Duration::from_secs(5));
    let running = world.start(&["lag", "s3://source", "s3://replica"]);
    world.wait_for("ListObjectVersions", 1);
    assert_eq!(listed(&world, &[])[0]["progress"]["running"], true);
    running.kill();
    let left = listed(&world, &[]).remove(0);
    assert_eq!((&left["state"], &left["command"]), (&"unfinished".into(), &"lag".into()));
    let text = world.spawn(&["runs"]).wait().exits(0).stdout;
    assert!(text.contains("unfinished") && !text.contains("resume it"), "{text}");
    let id = left["run_id"].as_str().expect("an id").to_owned();
    world.spawn(&["resume", &id]).wait().exits(2).says(&["nothing to go on from", "s3twin lag"]);
}

#[test]
fn the_schedule_links_them_and_shows_trouble_first() {
    let world = World::pair();
    put(&world, "late", 5000);
    let jobs = "[jobs.a-bill]\ncommand = \"cost\"\nbuckets = [\"a\"]\ncron = \"* * * * * *\"\n\
                [jobs.z-lag]\ncommand = \"lag\"\npair = \"p\"\ncron = \"* * * * * *\"\nflags = { rpo = \"15m\" }\n\
                [jobs.m-idle]\ncommand = \"audit\"\npair = \"p\"\n";
    let file = configured(&world, jobs);
    let service = world.spawn(&["schedule", "--config", &file, "--listen", "127.0.0.1:0"]);
    let address = until("it listens", || {
        let said = service.said();
        Some(said.split_once("http://")?.1.split_once('/')?.0.to_owned())
    });
    let newest =
        |job: &str| history(&world, job).and_then(|h| h["runs"][0]["run_id"].as_str().map(str::to_owned));
    let (bill, lag) = until("both ran", || Some((newest("a-bill")?, newest("z-lag")?)));
    let (_, page) = request("GET", &address, "/");
    let places: Vec<usize> = ["z-lag", "a-bill", "m-idle"]
        .iter()
        .map(|job| page.find(&format!("</span> {job}")).expect(job))
        .collect();
    assert!(places.is_sorted(), "trouble first, then by name: {places:?}");
    for run in [bill, lag] {
        let (status, report) = request("GET", &address, &format!("/runs/{run}/report.html"));
        assert!(status == 200 && report.contains("Provenance"), "{run}: {status}");
    }
    let (_, figures) = request("GET", &address, "/metrics");
    for name in
        ["s3twin_job_monthly_cost_usd{job_name=\"a-bill\"}", "s3twin_job_rpo_kept{job_name=\"z-lag\"} 0"]
    {
        assert!(figures.contains(name), "no {name} in {figures}");
    }
    service.terminate();
    service.wait().exits(0);
}
