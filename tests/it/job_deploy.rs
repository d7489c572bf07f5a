//! `deploy`: what is printed names the job, its times and its configuration.

use crate::harness::World;
use crate::job_run::configured;

const JOBS: &str = "[defaults]\ntime_zone = \"Europe/Berlin\"\n[service]\nstop_wait = \"10m\"\n\
    [jobs.nightly]\ncommand = \"audit\"\npair = \"p\"\ncron = \"15 2 * * 1-5\"\ncatch_up = true\n\
    [jobs.odd]\ncommand = \"audit\"\npair = \"p\"\ncron = \"0 2 1 * 1\"\n\
    [jobs.often]\ncommand = \"audit\"\npair = \"p\"\ncron = \"*/30 * * * * *\"\n\
    [jobs.by-hand]\ncommand = \"audit\"\npair = \"p\"\n";

fn deploy(arguments: &[&str], code: i32) -> String {
    let world = World::pair();
    let file = configured(&world, JOBS);
    let done = world.spawn(&[&["deploy"], arguments, &["--config", &file]].concat()).wait().exits(code);
    if code == 0 { done.stdout } else { done.stderr }
}

#[track_caller]
fn assert_has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|found| found.trim() == *line), "no `{line}` in\n{text}");
    }
}

#[test]
fn systemd_gets_a_service_or_a_timer() {
    let service = deploy(&["systemd"], 0);
    assert_has(
        &service,
        &["TimeoutStopSec=720", "KillMode=mixed", "StateDirectory=s3twin", "WantedBy=multi-user.target"],
    );
    let timer = deploy(&["systemd", "--job", "nightly"], 0);
    assert_has(
        &timer,
        &["OnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 2:15:0 Europe/Berlin", "Persistent=true", "Type=oneshot"],
    );
    assert!(timer.contains("s3twin run nightly --config"), "{timer}");
    assert!(deploy(&["systemd", "--job", "odd"], 2).contains("as a service instead"));
    assert!(deploy(&["systemd", "--job", "by-hand"], 2).contains("no cron line"));
    assert!(deploy(&["systemd", "--job", "none"], 2).contains("has no job none"));
}

#[test]
fn kubernetes_gets_the_configuration_itself() {
    let service = deploy(&["kubernetes", "--image", "registry.example.com/s3twin:1"], 0);
    assert_has(
        &service,
        &[
            "kind: Deployment",
            "image: \"registry.example.com/s3twin:1\"",
            "[jobs.nightly]",
            "terminationGracePeriodSeconds: 720",
        ],
    );
    let job = deploy(&["kubernetes", "--job", "nightly"], 0);
    assert_has(
        &job,
        &[
            "kind: CronJob",
            "schedule: \"15 2 * * 1-5\"",
            "timeZone: \"Europe/Berlin\"",
            "concurrencyPolicy: Forbid",
        ],
    );
    assert!(deploy(&["kubernetes", "--job", "often"], 2).contains("has seconds"));
}

#[test]
fn ecs_gets_a_task_definition() {
    let task = deploy(&["ecs", "--job", "nightly", "--image", "repo/s3twin:1"], 0);
    let task: serde_json::Value = serde_json::from_str(&task).expect("JSON");
    assert_eq!(
        task["containerDefinitions"][0]["command"],
        serde_json::json!(["--log-format=json", "run", "nightly"])
    );
    assert_eq!(task["containerDefinitions"][0]["image"], "repo/s3twin:1");
}
