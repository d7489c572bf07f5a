//! Who is told of a job, and when.

use crate::harness::World;
use crate::job_run::configured;
use crate::post_office::PostOffice;
use crate::sinks::Sink;
use serde_json::Value;

fn sections(notification: &str) -> String {
    format!(
        "[jobs.check]\ncommand = \"audit\"\npair = \"p\"\nnotify = [\"ops\"]\n[notifications.ops]\n{notification}\n"
    )
}

fn check(world: &World, file: &str, code: i32) {
    world.spawn(&["run", "check", "--config", file]).wait().exits(code);
}

#[test]
fn a_webhook_is_told_of_a_difference_of_a_failure_and_of_the_recovery_but_not_of_every_clean_run() {
    let world = World::pair();
    let sink = Sink::http(&[200]);
    let file = configured(&world, &sections(&format!("webhook = {{ url = \"{}\" }}", sink.url())));
    check(&world, &file, 0);
    world.put("source", "k", "v");
    check(&world, &file, 1);
    world.put("replica", "k", "v");
    check(&world, &file, 0);
    check(&world, &file, 0);
    let denial = s3twin_fixtures::Denial {
        operation: Some("ListObjectsV2".into()),
        bucket: Some("replica".into()),
        ..Default::default()
    };
    world.lab.credentials().deny(s3twin_fixtures::ACCESS_KEY, denial);
    check(&world, &file, 4);
    let messages = sink.messages(3);
    let texts: Vec<String> = messages
        .iter()
        .map(|body| {
            serde_json::from_str::<Value>(body).expect("JSON")["text"].as_str().expect("a text").to_owned()
        })
        .collect();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts[0].starts_with("s3twin check: something to look at: 1 key needs a look"), "{texts:?}");
    assert!(texts[1].starts_with("s3twin check: clean again"), "{texts:?}");
    assert!(texts[2].starts_with("s3twin check: failed") && texts[2].contains("AccessDenied"), "{texts:?}");
}

#[test]
fn a_webhook_that_fails_at_first_is_tried_again() {
    let world = World::pair();
    world.put("source", "k", "v");
    let sink = Sink::http(&[500, 200]);
    let file = configured(&world, &sections(&format!("webhook = {{ url = \"{}\" }}", sink.url())));
    check(&world, &file, 1);
    assert_eq!(sink.messages(1).len(), 1);
}

#[test]
fn a_mail_carries_the_report() {
    let world = World::pair();
    world.put("source", "only/here", "v");
    let sink = Sink::smtp(PostOffice::default());
    let smtp = format!(
        "smtp = {{ server = \"{}\", tls = \"none\", from = \"s3twin@example.com\", to = [\"ops@example.com\"] }}",
        sink.server()
    );
    let file = configured(&world, &sections(&smtp));
    check(&world, &file, 1);
    let mail = sink.messages(1).remove(0);
    for words in [
        "RCPT TO:<ops@example.com>",
        "Subject: s3twin check: something to look at",
        "Exit code: 1",
        "only/here",
    ] {
        assert!(mail.contains(words), "no {words} in {mail}");
    }
}

#[test]
fn a_notification_that_cannot_be_sent_says_so_and_the_result_stands() {
    let world = World::pair();
    world.put("source", "k", "v");
    let file = configured(&world, &sections("webhook = { url_env = \"NOT_SET_ANYWHERE\" }"));
    let done = world.spawn(&["run", "check", "--config", &file]).wait().exits(1);
    done.says(&["ops could not be told", "NOT_SET_ANYWHERE"]);
    world.spawn(&["config", "notify", "ops", "--config", &file]).wait().exits(4).says(&["NOT_SET_ANYWHERE"]);
    world.spawn(&["config", "notify", "oops", "--config", &file]).wait().exits(2).says(&["there are: ops"]);
}
