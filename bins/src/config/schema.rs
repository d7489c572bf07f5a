//! What may stand in the file. The doc comments are the JSON schema's descriptions.

use super::posture::Posture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;

/// s3twin.toml
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// What holds for every job that does not say otherwise
    pub(crate) defaults: Defaults,
    /// `s3twin schedule`
    pub(crate) service: Service,
    /// What a kind of bucket is held to
    pub(crate) tiers: BTreeMap<String, Tier>,
    /// Buckets by the names that pairs and jobs use
    pub(crate) buckets: BTreeMap<String, Bucket>,
    /// A primary and its replica
    pub(crate) pairs: BTreeMap<String, Pair>,
    /// What is run, and when
    pub(crate) jobs: BTreeMap<String, Job>,
    /// Who is told, and how
    pub(crate) notifications: BTreeMap<String, Notification>,
}

/// What holds for every job that does not say otherwise
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Defaults {
    /// Where runs are remembered
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Zone of the cron lines, such as Europe/Berlin; UTC if left out
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_zone: Option<String>,
    /// Flags of every job whose command knows them
    pub(crate) flags: BTreeMap<String, Flag>,
    /// Who is told of every job that names nobody
    pub(crate) notify: Vec<String>,
}

/// `s3twin schedule`
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Service {
    /// Address of the status page and of /metrics, such as 127.0.0.1:9712; none if left out
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) listen: Option<String>,
    /// Prometheus text, written after every run, for the node exporter's textfile collector
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metrics_file: Option<PathBuf>,
    /// How long running jobs may go on after SIGTERM before they are interrupted (90s, 30m, 2h)
    pub(crate) stop_wait: String,
    /// Take up interrupted runs when the service starts
    pub(crate) resume: bool,
}

impl Default for Service {
    fn default() -> Self {
        Self { listen: None, metrics_file: None, stop_wait: "0s".to_owned(), resume: true }
    }
}

/// What a kind of bucket is held to
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tier {
    /// Data younger than this may be lost: `--rpo` of lag jobs (15m)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rpo: Option<String>,
    /// Recovery must be done within this: `--rto` of drill jobs (30m)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rto: Option<String>,
    /// How its buckets must be set: `s3twin posture`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) posture: Option<Posture>,
}

/// A bucket, or a prefix of one
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bucket {
    /// s3://bucket or s3://bucket/prefix
    pub(crate) location: String,
    /// Its tier
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tier: Option<String>,
    /// Custom endpoint
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint_url: Option<String>,
    /// Region
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    /// AWS profile
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<String>,
}

/// A primary and its replica
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pair {
    /// Name of the bucket that is the truth
    pub(crate) source: String,
    /// Name of its twin
    pub(crate) replica: String,
    /// Commands that `s3twin failover run` calls for this pair, in this order
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) failover_hooks: Vec<String>,
}

/// A command that a job may run
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobCommand {
    Audit,
    Sync,
    Lag,
    Cost,
    Drill,
    Posture,
}

impl JobCommand {
    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Sync => "sync",
            Self::Lag => "lag",
            Self::Cost => "cost",
            Self::Drill => "drill",
            Self::Posture => "posture",
        }
    }

    /// Works on a pair, not on buckets.
    pub(crate) fn takes_pair(self) -> bool {
        matches!(self, Self::Audit | Self::Sync | Self::Lag)
    }

    /// The flag with which it changes nothing; `None` where it never does.
    ///
    /// # Errors
    /// Of a command that cannot do without.
    pub(crate) fn rehearsal(self) -> Result<Option<&'static str>, String> {
        match self {
            Self::Sync | Self::Posture => Ok(Some("--dry-run")),
            Self::Audit | Self::Lag | Self::Cost => Ok(None),
            Self::Drill => {
                Err("a drill writes test objects, or it proves nothing: it has no dry run".to_owned())
            }
        }
    }

    /// Takes buckets by their names in the file, and all of them when none is named.
    pub(crate) fn takes_names(self) -> bool {
        self == Self::Posture
    }
}

/// What is run, and when
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    /// The command
    pub(crate) command: JobCommand,
    /// Name of the pair it works on
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pair: Option<String>,
    /// Names of the buckets it works on, for commands that take buckets
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) buckets: Vec<String>,
    /// When: minute hour day month weekday, or six fields with seconds first; without it only `s3twin run` starts it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cron: Option<String>,
    /// Zone of the cron line, such as Europe/Berlin
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time_zone: Option<String>,
    /// Run once, late, when the service was down at the time
    #[serde(default)]
    pub(crate) catch_up: bool,
    /// Keys that take part: the last match wins
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) filters: Vec<Filter>,
    /// Flags of the command, without the dashes: brakes, thresholds, limits
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) flags: BTreeMap<String, Flag>,
    /// Names of the notifications
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) notify: Option<Vec<String>>,
    /// Overdue when the last clean run began longer ago than this (26h)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) overdue_after: Option<String>,
}

/// One filter
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Filter {
    /// Keys that take part
    Include(String),
    /// Keys left alone
    Exclude(String),
}

/// The value of a flag
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Flag {
    /// The flag is given, or not
    Switch(bool),
    /// A whole number
    Whole(i64),
    /// A number
    Number(f64),
    /// A word
    Word(String),
    /// Several, one after the other
    Words(Vec<String>),
}

/// When somebody is told
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Event {
    /// A run could not do what it should: refused, incomplete, missed
    Failure,
    /// A run found something to look at
    Difference,
    /// A run is clean after one that was not
    Recovery,
    /// Any other clean run
    Success,
}

impl Event {
    /// As in the file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Difference => "difference",
            Self::Recovery => "recovery",
            Self::Success => "success",
        }
    }
}

fn alarming() -> Vec<Event> {
    vec![Event::Failure, Event::Difference, Event::Recovery]
}

/// Who is told, and how
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notification {
    /// When
    #[serde(default = "alarming")]
    pub(crate) on: Vec<Event>,
    /// A URL that takes JSON as Slack's incoming webhooks do
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) webhook: Option<Webhook>,
    /// Mail
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) smtp: Option<Smtp>,
    /// An SNS topic
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sns: Option<Sns>,
}

impl Notification {
    /// Files of authorities that it needs.
    pub(crate) fn authorities(&self) -> impl Iterator<Item = &PathBuf> {
        let webhook = self.webhook.as_ref().and_then(|webhook| webhook.ca_bundle.as_ref());
        let smtp = self.smtp.as_ref().and_then(|smtp| smtp.ca_bundle.as_ref());
        let sns = self.sns.as_ref().and_then(|sns| sns.ca_bundle.as_ref());
        webhook.into_iter().chain(smtp).chain(sns)
    }
}

/// A URL that takes JSON as Slack's incoming webhooks do
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// The URL
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Environment variable that holds the URL, where the URL is a secret
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url_env: Option<String>,
    /// File of the authorities (PEM) that vouch for the server, instead of the system's
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_bundle: Option<PathBuf>,
}

/// Mail
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Smtp {
    /// host or host:port
    pub(crate) server: String,
    /// How the connection is protected
    #[serde(default)]
    pub(crate) tls: SmtpTls,
    /// User to log in as
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// Environment variable that holds the password
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password_env: Option<String>,
    /// File of the authorities (PEM) that vouch for the server, instead of the system's
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_bundle: Option<PathBuf>,
    /// Sender
    pub(crate) from: String,
    /// Recipients
    pub(crate) to: Vec<String>,
}

impl Smtp {
    /// Host and port, if the server is written as one; an IPv6 address with a port stands in brackets.
    pub(crate) fn address(&self) -> Option<(&str, Option<u16>)> {
        let (host, port) = match self.server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, Some(rest.strip_prefix(':')?)),
            None if self.server.parse::<Ipv6Addr>().is_ok() => (self.server.as_str(), None),
            None => match self.server.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (self.server.as_str(), None),
            },
        };
        let port = port.map(str::parse).transpose().ok()?;
        (!host.is_empty() && !host.contains([' ', '/'])).then_some((host, port))
    }

    /// Does the server run on this machine?
    pub(crate) fn is_here(&self) -> bool {
        let host = self.address().map(|(host, _)| host).unwrap_or_default();
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// How a mail connection is protected
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SmtpTls {
    /// STARTTLS, demanded (port 587)
    #[default]
    Starttls,
    /// TLS from the first byte (port 465)
    Tls,
    /// Not at all: for a relay nearby; takes a login only on loopback
    None,
}

/// An SNS topic
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sns {
    /// arn:aws:sns:region:account:name
    pub(crate) topic_arn: String,
    /// AWS profile
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<String>,
    /// Custom endpoint
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint_url: Option<String>,
    /// File of the authorities (PEM) that vouch for the server, instead of AWS_CA_BUNDLE and the system's
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_bundle: Option<PathBuf>,
}

/// The JSON schema of the file, for editors.
pub(crate) fn json_schema() -> String {
    let schema = schemars::schema_for!(Config);
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

/// Seconds of a span that was checked.
pub(crate) fn seconds(span: &str) -> u64 {
    crate::args::span(span).unwrap_or_default()
}
