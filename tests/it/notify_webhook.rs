//! Webhooks over HTTPS: who is believed, what counts as told, and that the secret in the URL stays one.

use crate::harness::{Done, World};
use crate::job_run::configured;
use crate::sinks::{SECRET, Sink};
use crate::wire::Certificate;

fn tell(world: &World, webhook: &str) -> Done {
    let file = configured(world, &format!("[notifications.ops]\nwebhook = {{ {webhook} }}\n"));
    let shown = world.spawn(&["config", "show", "--config", &file]).wait().exits(0);
    let done = world.spawn(&["config", "notify", "ops", "--config", &file, "-vvv"]).wait();
    let all = format!("{}{}{}", shown.stdout, done.stdout, done.stderr);
    assert!(!all.contains(SECRET), "the secret was shown: {all}");
    done
}

#[test]
fn a_webhook_is_told_over_https_by_whom_it_is_believed() {
    let world = World::pair();
    let certificate = Certificate::local(world.state.path());
    let sink = Sink::https(&[200], &certificate);
    let url = format!("url = \"{}\"", sink.url());
    tell(&world, &url).exits(4).says(&["UnknownIssuer", "ca_bundle"]);
    let other = Certificate::of(world.state.path(), "elsewhere.example");
    tell(&world, &format!("{url}, ca_bundle = \"{}\"", other.path())).exits(4).says(&["ca_bundle"]);
    tell(&world, &format!("{url}, ca_bundle = \"/nowhere.pem\"")).exits(4).says(&["/nowhere.pem", "PEM"]);
    tell(&world, &format!("{url}, ca_bundle = \"{}\"", certificate.path())).exits(0);
    let messages = sink.messages(1);
    assert!(messages.len() == 1 && messages[0].contains("a trial message to ops"), "{messages:?}");
}

#[test]
fn a_server_of_another_name_is_not_believed() {
    let world = World::pair();
    let other = Certificate::of(world.state.path(), "elsewhere.example");
    let sink = Sink::https(&[200], &other);
    let webhook = format!("url = \"{}\", ca_bundle = \"{}\"", sink.url(), other.path());
    tell(&world, &webhook).exits(4).says(&["elsewhere.example", "as its certificate has it"]);
}

#[test]
fn a_redirect_has_told_nobody() {
    let world = World::pair();
    for status in [&[301][..], &[302], &[307]] {
        let sink = Sink::http(status);
        let done = tell(&world, &format!("url = \"{}\"", sink.url())).exits(4);
        done.says(&["the webhook answered 30", "give the URL that this one points to, on elsewhere.example"]);
    }
}

#[test]
fn a_webhook_that_is_gone_is_told_at_once_without_its_secret() {
    let world = World::pair();
    // A second attempt would be taken.
    let sink = Sink::http(&[404, 200]);
    let done = tell(&world, &format!("url = \"{}\"", sink.url())).exits(4);
    done.says(&["404", "cannot POST …", "whether the webhook still exists"]);
}

#[test]
fn a_webhook_that_has_too_much_to_do_is_tried_again() {
    let world = World::pair();
    let sink = Sink::http(&[429, 200]);
    tell(&world, &format!("url = \"{}\"", sink.url())).exits(0);
    assert_eq!(sink.messages(1).len(), 1);
}
