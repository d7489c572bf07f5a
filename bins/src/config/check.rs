//! What the form alone does not show: names that lead nowhere, cron lines, flags, spans, addresses.

use super::layers::Origin;
use super::line::{dashed, job_argv, knows, subcommand};
use super::schema::{Config, Job, Notification, Smtp, SmtpTls};
use super::trouble::{Text, Trouble};
use crate::schedule::Timetable;
use clap::Parser as _;
use clap::error::{ContextKind, ContextValue};
use s3twin_engine::model::Location;
use s3twin_engine::run::posture::Policy;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Flags that a job gets from the program itself.
const OURS: [(&str, &str); 6] = [
    ("output", "the job reads the summary itself"),
    ("state-dir", "set defaults.state_dir, so that `s3twin schedule` finds the runs"),
    ("report", "the report is in the run's folder"),
    ("include", "write filters = [{ include = \"…\" }], whose order counts"),
    ("exclude", "write filters = [{ exclude = \"…\" }], whose order counts"),
    ("dry-run", "rehearse with `s3twin run JOB --dry-run`"),
];

/// Checks everything.
///
/// # Errors
/// All troubles, rendered one after the other.
pub(crate) fn check(
    config: &Config,
    text: &Text<'_>,
    origins: &BTreeMap<String, Origin>,
) -> Result<(), String> {
    let mut found = Troubles::default();
    found.service(config);
    found.places(config);
    for (name, job) in &config.jobs {
        found.job(config, name, job);
    }
    for (name, notification) in &config.notifications {
        found.notification(name, notification);
    }
    if found.0.is_empty() {
        return Ok(());
    }
    let shown = found.0.iter().map(|trouble| match origins.get(&trouble.path.join(".")) {
        // The line in the file is not what is wrong.
        Some(origin @ (Origin::Environment(_) | Origin::Flag)) => {
            format!("{} (from {origin}): {}. {}", trouble.path.join("."), trouble.message, trouble.help)
        }
        _ => text.render(trouble),
    });
    Err(shown.collect::<Vec<_>>().join("\n\n"))
}

#[derive(Default)]
struct Troubles(Vec<Trouble>);

impl Troubles {
    fn add(&mut self, path: &[&str], message: impl Into<String>, help: impl Into<String>) {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        self.0.push(Trouble { path, message: message.into(), help: help.into() });
    }

    fn name<T>(&mut self, path: &[&str], kind: &str, name: &str, there: &BTreeMap<String, T>) {
        if there.contains_key(name) {
            return;
        }
        let names: Vec<&str> = there.keys().map(String::as_str).collect();
        let help = match names.as_slice() {
            [] => format!("add a section [{kind}.{name}]"),
            _ => format!("there are: {}; or add a section [{kind}.{name}]", names.join(", ")),
        };
        self.add(path, format!("{kind} has no {name}"), help);
    }

    fn span(&mut self, path: &[&str], span: Option<&String>) {
        if let Some(span) = span
            && let Err(help) = crate::args::span(span)
        {
            self.add(path, format!("{span} is no span of time"), help);
        }
    }

    fn service(&mut self, config: &Config) {
        if let Some(listen) = &config.service.listen
            && listen.parse::<SocketAddr>().is_err()
        {
            let help = "write it as 127.0.0.1:9712";
            self.add(&["service", "listen"], format!("{listen} is no address and port"), help);
        }
        self.span(&["service", "stop_wait"], Some(&config.service.stop_wait));
        for name in &config.defaults.notify {
            self.name(&["defaults", "notify"], "notifications", name, &config.notifications);
        }
    }

    fn places(&mut self, config: &Config) {
        for (name, tier) in &config.tiers {
            self.span(&["tiers", name, "rpo"], tier.rpo.as_ref());
            self.span(&["tiers", name, "rto"], tier.rto.as_ref());
            for (field, message, help) in tier.posture.iter().flat_map(|posture| posture.troubles(name)) {
                self.add(&["tiers", name, "posture", field], message, help);
            }
        }
        for (name, bucket) in &config.buckets {
            if let Err(error) = bucket.location.parse::<Location>() {
                self.add(&["buckets", name, "location"], error.to_string(), "");
            }
            // A built-in tier needs no section.
            if let Some(tier) = bucket.tier.as_ref().filter(|tier| Policy::built_in(tier).is_none()) {
                self.name(&["buckets", name, "tier"], "tiers", tier, &config.tiers);
            }
        }
        for (name, pair) in &config.pairs {
            self.name(&["pairs", name, "source"], "buckets", &pair.source, &config.buckets);
            self.name(&["pairs", name, "replica"], "buckets", &pair.replica, &config.buckets);
        }
    }

    fn job(&mut self, config: &Config, name: &str, job: &Job) {
        let before = self.0.len();
        if name.is_empty()
            || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        {
            let help = "it becomes the name of a file: use letters, digits, - and _";
            self.add(&["jobs", name], format!("`{name}` cannot be the name of a job"), help);
        }
        let command = job.command.name();
        match (&job.pair, job.command.takes_pair()) {
            (Some(pair), true) => self.name(&["jobs", name, "pair"], "pairs", pair, &config.pairs),
            (None, true) => {
                self.add(&["jobs", name], format!("{command} works on a pair"), "add pair = \"…\"");
            }
            (Some(_), false) => {
                let help = "write buckets = [\"…\"] instead";
                self.add(&["jobs", name, "pair"], format!("{command} works on buckets"), help);
            }
            (None, false) if job.buckets.is_empty() && !job.command.takes_names() => {
                self.add(&["jobs", name], format!("{command} works on buckets"), "add buckets = [\"…\"]");
            }
            (None, false) => {}
        }
        self.buckets(config, name, job);
        let notify = job.notify.iter().flatten();
        for notification in notify {
            self.name(&["jobs", name, "notify"], "notifications", notification, &config.notifications);
        }
        self.span(&["jobs", name, "overdue_after"], job.overdue_after.as_ref());
        if let Err(error) = Timetable::of(config, job) {
            let field = if error.is_zone { "time_zone" } else { "cron" };
            self.add(&["jobs", name, field], error.message, error.help);
        }
        self.flags(name, job);
        if self.0.len() == before {
            self.line(config, name, job);
        }
    }

    fn buckets(&mut self, config: &Config, name: &str, job: &Job) {
        let path = ["jobs", name, "buckets"];
        for bucket in &job.buckets {
            self.name(&path, "buckets", bucket, &config.buckets);
        }
        if job.command.takes_names() {
            return;
        }
        let reached = job.buckets.iter().filter_map(|name| config.buckets.get(name));
        let mut ways = reached.map(|bucket| (&bucket.endpoint_url, &bucket.profile));
        let first = ways.next();
        if ways.any(|way| Some(way) != first) {
            let help = "give each endpoint and each profile a job of its own";
            self.add(&path, "the buckets of one job are reached by one endpoint_url and one profile", help);
        }
    }

    fn flags(&mut self, name: &str, job: &Job) {
        let Some(command) = subcommand(job.command.name()) else { return };
        for flag in job.flags.keys() {
            let (path, flag) = (["jobs", name, "flags", flag], dashed(flag));
            if let Some((_, help)) = OURS.iter().find(|(ours, _)| *ours == flag) {
                self.add(&path, format!("{flag} is not for a job to set"), *help);
            } else if !knows(&command, &flag) {
                let help = format!("`s3twin help {}` lists the flags", command.get_name());
                self.add(&path, format!("{} has no flag --{flag}", command.get_name()), help);
            }
        }
    }

    /// The command itself says whether its line is right.
    fn line(&mut self, config: &Config, name: &str, job: &Job) {
        let argv = job_argv(config, job);
        let parsed = crate::args::Cli::try_parse_from(std::iter::once("s3twin".to_owned()).chain(argv));
        let Err(error) = parsed else { return };
        // `--max-delete <N>`: the name says which line is meant.
        let about = match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(argument)) => argument.trim_start_matches('-').split([' ', '=']).next(),
            _ => None,
        };
        let flag = about.and_then(|about| job.flags.keys().find(|flag| dashed(flag) == about));
        let (message, tip) = said(&error);
        let help = tip.unwrap_or_else(|| format!("`s3twin help {}` explains it", job.command.name()));
        match flag {
            Some(flag) => self.add(&["jobs", name, "flags", flag], message, help),
            None => self.add(&["jobs", name], message, help),
        }
    }

    fn notification(&mut self, name: &str, notification: &Notification) {
        if notification.webhook.is_none() && notification.smtp.is_none() && notification.sns.is_none() {
            let help = format!("add [notifications.{name}.webhook], .smtp or .sns");
            self.add(&["notifications", name], format!("{name} says to tell nobody"), help);
        }
        if let Some(webhook) = &notification.webhook {
            let path = ["notifications", name, "webhook"];
            match (&webhook.url, &webhook.url_env) {
                (Some(url), None) if !url.starts_with("http://") && !url.starts_with("https://") => {
                    self.add(
                        &[&path[..], &["url"]].concat(),
                        format!("{url} is no URL"),
                        "begin it with https://",
                    );
                }
                (Some(_), None) | (None, Some(_)) => {}
                _ => self.add(
                    &path,
                    "exactly one of url and url_env says where",
                    "url_env keeps a secret URL out of the file",
                ),
            }
        }
        if let Some(smtp) = &notification.smtp {
            self.smtp(name, smtp);
        }
        if let Some(sns) = &notification.sns
            && !(sns.topic_arn.starts_with("arn:") && sns.topic_arn.split(':').count() == 6)
        {
            let help = "write it as arn:aws:sns:eu-central-1:123456789012:alerts";
            self.add(
                &["notifications", name, "sns", "topic_arn"],
                format!("{} is no topic", sns.topic_arn),
                help,
            );
        }
    }

    fn smtp(&mut self, name: &str, smtp: &Smtp) {
        let path = ["notifications", name, "smtp"];
        let mut wrong = |field: &'static str, message: String, help: &str| {
            self.add(&[&path[..], &[field]].concat(), message, help);
        };
        if smtp.address().is_none() {
            wrong("server", format!("{} is no server", smtp.server), "write it as mail.example.com:587");
        }
        for (field, address) in
            std::iter::once(("from", &smtp.from)).chain(smtp.to.iter().map(|to| ("to", to)))
        {
            if address.parse::<lettre::message::Mailbox>().is_err() {
                let help = "write it as ops@example.com or 'Ops <ops@example.com>'";
                wrong(field, format!("{address} is no mail address"), help);
            }
        }
        if smtp.to.is_empty() {
            wrong("to", "nobody gets the mail".to_owned(), "add to = [\"ops@example.com\"]");
        }
        if smtp.tls == SmtpTls::None && smtp.user.is_some() && !smtp.is_here() {
            let help = "use tls = \"starttls\" (587) or \"tls\" (465)";
            wrong("tls", "the password would go over the network in the clear".to_owned(), help);
        }
        if smtp.user.is_some() != smtp.password_env.is_some() {
            self.add(
                &path,
                "user and password_env go together",
                "password_env names the environment variable that holds the password",
            );
        }
    }
}

/// What clap says, in one line, and its tip.
fn said(error: &clap::Error) -> (String, Option<String>) {
    let shown = error.to_string();
    let mut lines = shown.lines().map(str::trim).filter(|line| !line.is_empty());
    let about = |line: &&str| !["tip:", "Usage:", "For more"].iter().any(|start| line.starts_with(start));
    let message: Vec<&str> = lines.clone().take_while(about).collect();
    let tip = lines.find_map(|line| line.strip_prefix("tip: ")).map(str::to_owned);
    (message.join(" ").trim_start_matches("error: ").to_owned(), tip)
}
