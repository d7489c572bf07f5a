//! `config` and `run`: a job of the file runs as its command would, and is remembered.

use crate::harness::{Done, World};
use serde_json::Value;

/// A file in the state dir, with the pair `p` on the lab and these sections besides.
pub(crate) fn configured(world: &World, sections: &str) -> String {
    let endpoint = world.lab.endpoint();
    let text = format!(
        "[buckets.a]\nlocation = \"s3://source\"\nendpoint_url = \"{endpoint}\"\n\
         [buckets.b]\nlocation = \"s3://replica\"\nendpoint_url = \"{endpoint}\"\n\
         [pairs.p]\nsource = \"a\"\nreplica = \"b\"\n{sections}"
    );
    let path = world.state.path().join("s3twin.toml");
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

/// What is remembered of a job.
pub(crate) fn history(world: &World, job: &str) -> Option<Value> {
    let path = world.state.path().join("jobs").join(format!("{job}.json"));
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn run(world: &World, arguments: &[&str]) -> Done {
    world.spawn(arguments).wait()
}

const JOBS: &str = "\
[jobs.copy]\ncommand = \"sync\"\npair = \"p\"\nfilters = [{ exclude = \"*.tmp\" }]\nflags = { delete = true, max-delete = 1 }\n\
[jobs.check]\ncommand = \"audit\"\npair = \"p\"\n";

#[test]
fn a_job_is_its_command_and_its_exit_code() {
    let world = World::pair();
    world.put("source", "k", "v");
    world.put("source", "k.tmp", "v");
    let file = configured(&world, JOBS);
    run(&world, &["run", "check", "--config", &file]).exits(1);
    let copied = run(&world, &["run", "copy", "--config", &file, "--output", "json"]).exits(0);
    assert_eq!(copied.number("actions.copied"), 1);
    assert_eq!(world.store().keys("replica"), ["k"]);
    let flags = ["run", "check", "--config", &file, "--output", "json", "--", "--exclude", "*.tmp"];
    let checked = run(&world, &flags).exits(0);
    let history = history(&world, "check").expect("a history");
    assert_eq!(history["runs"][0]["run_id"], checked.summary()["run_id"]);
    assert_eq!(history["totals"], serde_json::json!({ "clean": 1, "difference": 1 }));
}

#[test]
fn a_job_is_held_by_its_brakes() {
    let world = World::pair();
    world.put("source", "k", "v");
    for key in ["x", "y"] {
        world.put("replica", key, "v");
    }
    let file = configured(&world, JOBS);
    run(&world, &["run", "copy", "--config", &file]).exits(3).says(&["--max-delete"]);
    assert_eq!(world.store().keys("replica"), ["x", "y"]);
    assert_eq!(history(&world, "copy").expect("a history")["runs"][0]["outcome"], "refused");
}

#[test]
fn a_job_that_cannot_start_is_remembered_with_its_reason() {
    let world = World::new();
    world.bucket("source");
    let file = configured(&world, JOBS);
    run(&world, &["run", "check", "--config", &file]).exits(4).says(&["s3://replica"]);
    let history = history(&world, "check").expect("a history");
    assert_eq!(history["runs"][0]["outcome"], "failure");
    let headline = history["runs"][0]["headline"].as_str().unwrap_or_default();
    assert!(headline.contains("NoSuchBucket") || headline.contains("replica"), "{headline}");
}

#[test]
fn figures_are_left_for_the_textfile_collector() {
    let world = World::pair();
    world.put("source", "k", "v");
    let file = configured(&world, JOBS);
    let figures = world.state.path().join("s3twin.prom");
    let path = figures.display().to_string();
    run(&world, &["run", "check", "--config", &file, "--metrics-file", &path]).exits(1);
    let text = std::fs::read_to_string(&figures).expect("figures");
    for line in [
        "s3twin_job_runs_total{job_name=\"check\",outcome=\"difference\"} 1",
        "s3twin_job_keys{job_name=\"check\",verdict=\"missing\"} 1",
        "s3twin_job_last_exit_code{job_name=\"check\"} 1",
        "# TYPE s3twin_job_runs_total counter",
    ] {
        assert!(text.contains(line), "no {line} in {text}");
    }
}

#[test]
fn a_wrong_file_starts_nothing_and_shows_the_line() {
    let world = World::pair();
    let file = configured(&world, "[jobs.n]\ncommand = \"audit\"\npair = \"q\"\n");
    for arguments in [&["config", "check"][..], &["run", "n"], &["schedule"]] {
        let arguments = [arguments, &["--config", &file]].concat();
        run(&world, &arguments).exits(2).says(&["pairs has no q", "there are: p", "s3twin.toml:"]);
    }
    let elsewhere = world.state.path().join("none.toml").display().to_string();
    run(&world, &["run", "n", "--config", &elsewhere]).exits(2).says(&["none.toml", "--config"]);
    run(&world, &["run", "n"]).exits(2).says(&["config example"]);
    let file = configured(&world, JOBS);
    run(&world, &["run", "weekly", "--config", &file]).exits(2).says(&["no job weekly", "check, copy"]);
    assert_eq!(world.lab.requests().values().sum::<u64>(), 0);
}

#[test]
fn a_check_says_which_secrets_are_not_there() {
    let world = World::pair();
    let told = "[notifications.ops]\non = [\"failure\"]\nwebhook = { url_env = \"HOOK_FOR_A_TEST\" }\n";
    let file = configured(&world, &format!("{JOBS}{told}"));
    let check = ["config", "check", "--config", &file];
    let unset = run(&world, &check).exits(0);
    for words in ["2 jobs, 1 notification\n", "HOOK_FOR_A_TEST is not set"] {
        assert!(unset.stdout.contains(words), "{}", unset.stdout);
    }
    let set = world.spawn_with(&check, &[("HOOK_FOR_A_TEST", "http://127.0.0.1:1/")]).wait().exits(0);
    assert!(!set.stdout.contains("note:"), "{}", set.stdout);
}

#[test]
fn a_log_in_a_file_has_no_colours() {
    let world = World::pair();
    let done = world.audit(&["-vvv"]).exits(0);
    assert!(done.stderr.contains("TRACE") && !done.stderr.contains('\u{1b}'), "{:?}", done.stderr);
}

#[test]
fn every_value_is_shown_with_its_origin() {
    let world = World::pair();
    let file = configured(&world, JOBS);
    let arguments = ["config", "show", "--config", &file, "--set", "jobs.copy.flags.max-delete=5"];
    let shown = run(&world, &arguments).exits(0).stdout;
    assert!(shown.contains("jobs.copy.flags.max-delete = 5   # --set"), "{shown}");
    assert!(shown.contains("jobs.check.command = \"audit\"   # line 1"), "{shown}");
    assert!(shown.contains("service.resume = true   # default"), "{shown}");
    assert!(shown.contains("sync s3://source s3://replica --delete --max-delete=5"), "{shown}");
}

#[test]
fn completions_and_man_pages_know_every_command() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&world, &["completions", shell]).exits(0).stdout;
        assert!(script.contains("max-delete-percent") && script.contains("schedule"), "{shell}");
    }
    let folder = world.state.path().join("man");
    run(&world, &["man", &folder.display().to_string()]).exits(0);
    let page = std::fs::read_to_string(folder.join("s3twin-sync.1")).expect("a page");
    assert!(page.contains("max\\-delete\\-percent") && page.contains("Examples"), "{page}");
    assert!(folder.join("s3twin-config-check.1").exists());
}
