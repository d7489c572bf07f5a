//! Mail over TLS and with a login; and that nothing is said in the clear that should not be.

use crate::harness::{Done, World};
use crate::job_run::configured;
use crate::post_office::PostOffice;
use crate::sinks::Sink;
use crate::wire::Certificate;
use std::sync::Arc;

const PASSWORD: &str = "s3cret-word";

/// `config notify ops` by mail: `settings` of the mail beside server, sender and recipients.
fn tell(world: &World, sink: &Sink, settings: &str, password: &str) -> Done {
    let smtp = format!(
        "[notifications.ops]\nsmtp = {{ server = \"{}\", from = \"s3twin@example.com\", to = [\"ops@example.com\"], \
         {settings} }}\n",
        sink.server()
    );
    let file = configured(world, &smtp);
    let arguments = ["config", "notify", "ops", "--config", &file, "-vvv"];
    let done = world.spawn_with(&arguments, &[("MAIL_PASSWORD", password)]).wait();
    let all = format!("{}{}", done.stdout, done.stderr);
    assert!(!all.contains(password), "the password was shown: {all}");
    done
}

fn login(certificate: &Certificate) -> String {
    format!("user = \"ops\", password_env = \"MAIL_PASSWORD\", ca_bundle = \"{}\"", certificate.path())
}

fn world() -> (World, Certificate) {
    let world = World::pair();
    let certificate = Certificate::local(world.state.path());
    (world, certificate)
}

#[test]
fn a_mail_with_a_login_goes_through_starttls_and_through_tls() {
    let (world, certificate) = world();
    let config = Some(Arc::clone(&certificate.config));
    let offices = [
        ("starttls", PostOffice { starttls: config.clone(), implicit: None, login: true }),
        ("tls", PostOffice { starttls: None, implicit: config, login: true }),
    ];
    for (tls, office) in offices {
        let sink = Sink::smtp(office);
        tell(&world, &sink, &format!("tls = \"{tls}\", {}", login(&certificate)), PASSWORD).exits(0);
        let visit = sink.messages(1).remove(0);
        for words in [
            "secured AUTH PLAIN",
            "secured RCPT TO:<ops@example.com>",
            "a trial message to ops",
            "Message-ID: <",
        ] {
            assert!(visit.contains(words), "{tls}: no {words} in {visit}");
        }
        let clear: Vec<&str> = visit.lines().filter_map(|line| line.strip_prefix("clear ")).collect();
        assert!(clear.iter().all(|line| line.starts_with("EHLO") || *line == "STARTTLS"), "{clear:?}");
    }
}

#[test]
fn a_wrong_password_is_told_and_not_tried_again() {
    let (world, certificate) = world();
    let config = Some(Arc::clone(&certificate.config));
    let sink = Sink::smtp(PostOffice { starttls: config, implicit: None, login: true });
    let done = tell(&world, &sink, &login(&certificate), "not-the-password").exits(4);
    let done = done.says(&["535", "check user and the password", "password_env"]);
    // The server repeated what it was sent.
    assert!(!done.stderr.contains("AG9wcwBub3QtdGhlLXBhc3N3b3Jk"), "{}", done.stderr);
    assert_eq!(sink.messages(1).len(), 1);
}

#[test]
fn without_starttls_nothing_is_sent_in_the_clear() {
    let (world, certificate) = world();
    let sink = Sink::smtp(PostOffice { login: true, ..PostOffice::default() });
    tell(&world, &sink, &login(&certificate), PASSWORD)
        .exits(4)
        .says(&["offers no STARTTLS", "tls = \"tls\""]);
    let visit = sink.messages(1).remove(0);
    assert!(visit.lines().all(|line| line.starts_with("clear EHLO") || line == "clear QUIT"), "{visit}");
}

#[test]
fn a_stranger_gets_no_mail_and_the_way_out_is_named() {
    let (world, certificate) = world();
    let config = Some(Arc::clone(&certificate.config));
    let sink = Sink::smtp(PostOffice { starttls: config, implicit: None, login: true });
    let credentials = "user = \"ops\", password_env = \"MAIL_PASSWORD\"";
    tell(&world, &sink, credentials, PASSWORD).exits(4).says(&["UnknownIssuer", "ca_bundle"]);
    let other = Certificate::of(world.state.path(), "elsewhere.example");
    tell(&world, &sink, &login(&other), PASSWORD).exits(4).says(&["ca_bundle"]);
    for visit in sink.messages(2) {
        assert!(!visit.contains("AUTH") && !visit.contains("MAIL"), "{visit}");
    }
}

#[test]
fn a_certificate_for_another_name_is_told_as_that() {
    let world = World::pair();
    let other = Certificate::of(world.state.path(), "elsewhere.example");
    let config = Some(Arc::clone(&other.config));
    let sink = Sink::smtp(PostOffice { starttls: None, implicit: config, login: true });
    let settings = format!("tls = \"tls\", {}", login(&other));
    tell(&world, &sink, &settings, PASSWORD)
        .exits(4)
        .says(&["elsewhere.example", "as its certificate has it"]);
}

#[test]
fn a_file_without_authorities_is_told() {
    let (world, _) = world();
    let sink = Sink::smtp(PostOffice::default());
    let wrong = world.state.path().join("s3twin.toml").display().to_string();
    for (path, why) in [(wrong.as_str(), "no certificate"), ("/nowhere.pem", "/nowhere.pem")] {
        let settings = format!("ca_bundle = \"{path}\"");
        tell(&world, &sink, &settings, PASSWORD).exits(4).says(&[why, "PEM"]);
    }
}

#[test]
fn a_password_is_not_meant_to_go_in_the_clear() {
    let (world, _) = world();
    let smtp = |server: &str| {
        let smtp = format!(
            "[notifications.ops]\nsmtp = {{ server = \"{server}\", tls = \"none\", from = \"a@example.com\", \
             to = [\"b@example.com\"], user = \"ops\", password_env = \"MAIL_PASSWORD\" }}\n"
        );
        let file = configured(&world, &smtp);
        world.spawn(&["config", "check", "--config", &file]).wait()
    };
    smtp("mail.example.com:25").exits(2).says(&["in the clear", "starttls"]);
    smtp("mail.example.com:smtp").exits(2).says(&["is no server", "mail.example.com:587"]);
    smtp("[::1]:2525").exits(0);
    smtp("localhost").exits(0);
}
