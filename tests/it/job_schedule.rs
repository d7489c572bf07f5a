//! The service: jobs when they are due, one of each at a time, told when missed, gone on with when interrupted.

use crate::harness::{Running, World};
use crate::job_run::{configured, history};
use crate::sinks::{Sink, request, until};
use serde_json::{Value, json};

const EVERY_SECOND: &str = "[jobs.check]\ncommand = \"audit\"\npair = \"p\"\ncron = \"* * * * * *\"\n";

fn schedule(world: &World, file: &str) -> (Running, String) {
    let service = world.spawn(&["schedule", "--config", file, "--listen", "127.0.0.1:0"]);
    let address = until("it listens", || {
        let said = service.said();
        Some(said.split_once("http://")?.1.split_once('/')?.0.to_owned())
    });
    (service, address)
}

fn runs(world: &World, job: &str) -> Vec<Value> {
    history(world, job).and_then(|history| history["runs"].as_array().cloned()).unwrap_or_default()
}

#[test]
fn a_job_runs_when_it_is_due_and_the_page_shows_it() {
    let world = World::pair();
    world.put("source", "k", "v");
    let file = configured(&world, EVERY_SECOND);
    let (service, address) = schedule(&world, &file);
    until("it ran twice", || (runs(&world, "check").len() >= 2).then_some(()));
    assert_eq!(request("GET", &address, "/healthz"), (200, "ok\n".to_owned()));
    let (status, page) = request("GET", &address, "/");
    assert_eq!(status, 200);
    for words in ["1 job needs a look", "check", "1 key needs a look", "/report.html"] {
        assert!(page.contains(words), "no {words} in {page}");
    }
    let run = &runs(&world, "check")[0]["run_id"];
    let (status, report) =
        request("GET", &address, &format!("/runs/{}/report.html", run.as_str().expect("an id")));
    assert!(status == 200 && report.contains("1 key needs a look"));
    let (_, figures) = request("GET", &address, "/metrics");
    for name in
        ["s3twin_job_running{job_name=\"check\"}", "s3twin_job_next_timestamp_seconds{job_name=\"check\"}"]
    {
        assert!(figures.contains(name), "no {name} in {figures}");
    }
    service.terminate();
    service.wait().exits(0);
}

#[test]
fn the_page_only_shows_and_escapes_what_it_shows() {
    let world = World::pair();
    let file = configured(
        &world,
        &EVERY_SECOND
            .replace("pair =", "flags = { grace = \"1s\" }\nfilters = [{ exclude = \"<b>&x\" }]\npair ="),
    );
    let (service, address) = schedule(&world, &file);
    let (_, page) = request("GET", &address, "/");
    assert!(page.contains("&#60;b&#62;&#38;x") && !page.contains("<b>&x"), "{page}");
    assert_eq!(request("POST", &address, "/").0, 405);
    for path in ["/nothing", "/runs/../jobs/check.json", "/runs/x/report.html", "/runs/../../etc/report.html"]
    {
        assert_eq!(request("GET", &address, path).0, 404, "{path}");
    }
    service.terminate();
    service.wait().exits(0);
}

#[test]
fn a_job_never_runs_twice_at_once_and_what_was_left_out_is_counted() {
    let world = World::pair();
    for number in 0..30 {
        world.put("source", &format!("k{number}"), "v");
    }
    let file = configured(&world, EVERY_SECOND);
    world.lab.set_latency(std::time::Duration::from_millis(1500));
    let (service, _) = schedule(&world, &file);
    until("one was left out", || history(&world, "check")?["overlapped"].as_u64().filter(|left| *left > 0));
    let by_hand = world.spawn(&["run", "check", "--config", &file]).wait();
    assert_eq!(by_hand.code, 3, "{}", by_hand.stderr);
    service.terminate();
    service.wait().exits(0);
}

#[test]
fn what_was_missed_is_told_and_made_up_for_where_the_job_says_so() {
    let world = World::pair();
    let sink = Sink::http(&[200]);
    let sections = format!(
        "[jobs.late]\ncommand = \"audit\"\npair = \"p\"\ncron = \"0 * * * *\"\ncatch_up = true\nnotify = [\"ops\"]\n\
         [jobs.dropped]\ncommand = \"audit\"\npair = \"p\"\ncron = \"0 * * * *\"\n\
         [jobs.new]\ncommand = \"audit\"\npair = \"p\"\ncron = \"0 * * * *\"\n\
         [notifications.ops]\nwebhook = {{ url = \"{}\" }}\n",
        sink.url()
    );
    let file = configured(&world, &sections);
    let three_hours_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(3);
    let beat = json!({ "alive_at": three_hours_ago.to_string(), "jobs": ["late", "dropped"] });
    std::fs::write(world.state.path().join("schedule.json"), beat.to_string()).expect("written");
    let (service, _) = schedule(&world, &file);
    until("it was made up for", || (runs(&world, "late").len() == 1).then_some(()));
    assert!(sink.messages(1)[0].contains("3 runs were missed"), "{:?}", sink.messages(1));
    let missed = |job: &str| history(&world, job).map(|history| history["missed"].clone());
    assert_eq!((missed("late"), missed("dropped"), missed("new")), (Some(json!(3)), Some(json!(3)), None));
    service.terminate();
    service.wait().exits(0);
    assert!(runs(&world, "dropped").is_empty());
}

#[test]
fn a_stopped_service_leaves_a_run_that_the_next_one_ends() {
    let world = World::pair();
    for number in 0..400 {
        world.put("source", &format!("k{number:03}"), "v");
    }
    let sections = "[jobs.copy]\ncommand = \"sync\"\npair = \"p\"\ncron = \"* * * * * *\"\nflags = { concurrency = 1 }\n";
    let file = configured(&world, sections);
    world.lab.set_latency(std::time::Duration::from_millis(20));
    let (service, _) = schedule(&world, &file);
    world.wait_for("CopyObject", 5);
    service.terminate();
    service.wait().exits(0);
    let first = runs(&world, "copy");
    assert_eq!(first[0]["outcome"], "interrupted", "{first:?}");
    assert!(world.store().keys("replica").len() < 400);
    world.lab.set_latency(std::time::Duration::ZERO);
    let (service, _) = schedule(&world, &file);
    until("it went on", || {
        let runs = runs(&world, "copy");
        runs.iter().find(|run| run["run_id"] == first[0]["run_id"] && run["outcome"] == "clean").map(|_| ())
    });
    service.terminate();
    service.wait().exits(0);
    world.assert_twins();
}

#[test]
fn two_services_on_one_state_dir_exclude_each_other() {
    let world = World::pair();
    let file = configured(&world, EVERY_SECOND);
    let (service, _) = schedule(&world, &file);
    world.spawn(&["schedule", "--config", &file]).wait().exits(3).says(&["schedule"]);
    service.terminate();
    service.wait().exits(0);
    let nothing = configured(&world, "[jobs.check]\ncommand = \"audit\"\npair = \"p\"\n");
    world.spawn(&["schedule", "--config", &nothing]).wait().exits(2).says(&["no job", "cron line"]);
}
