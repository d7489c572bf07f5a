//! `s3twin failover` and `s3twin failback`.

use super::jobs::ConfigArgs;
use super::moment::span;
use super::{EndpointArgs, LimitArgs, OutputArgs};
use clap::{Args, Subcommand, ValueEnum};
use s3twin_engine::model::Location;

/// Can the replica take over? Check it, or do it with hooks of yours
///
/// `check` says go or no-go with reasons. `run` checks, then calls your commands in order: those that move
/// traffic, stop writers, tell people. What moves traffic is yours; that nothing is moved to a replica that is
/// not ready is ours.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FailoverCommand {
    #[command(subcommand)]
    pub(crate) action: FailoverAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FailoverAction {
    /// Say go (exit code 0) or no-go (1), with reasons; changes nothing
    ///
    /// Both sides are reached and their rights tried, without writing: the right to write is seen in how the
    /// server refuses a part for an upload that does not exist. The last audit and the last drill are those in the
    /// state dir, known by their locations. Lag is measured: both histories are listed.
    #[command(after_help = EXAMPLES)]
    Check(Box<FailoverCheckArgs>),
    /// Check, then call hooks in order; stop at the first that fails
    ///
    /// Hooks are run by `sh -c`, with the facts in S3TWIN_FAILOVER_* variables. Each one's output, exit code and
    /// times are recorded below `failovers` in the state dir. On no-go nothing is called (exit code 3), unless
    /// --force. Exit code 1 when a hook failed.
    #[command(after_help = EXAMPLES)]
    Run(Box<FailoverRunArgs>),
}

/// What is asked, and how much is enough.
#[derive(Debug, Args)]
pub(crate) struct FailoverCheckArgs {
    /// s3://bucket or s3://bucket/prefix
    pub(crate) primary: Location,
    /// s3://bucket or s3://bucket/prefix
    pub(crate) replica: Location,
    /// The last audit may be this old
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "24h")]
    pub(crate) max_audit_age: u64,
    /// Nothing may have waited longer than this for its arrival
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "15m")]
    pub(crate) rpo: u64,
    /// The last recovery drill may be this old
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "30d")]
    pub(crate) max_drill_age: u64,
    /// Leave a check out; it is shown as not checked
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CHECK")]
    pub(crate) skip: Vec<Skip>,
    /// The primary is gone: ask it nothing, and do not hold that against the replica
    #[arg(long)]
    pub(crate) primary_down: bool,
    /// Also write a tiny object to the replica, see it and remove it
    #[arg(long)]
    pub(crate) write_test: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) endpoints: EndpointArgs,
}

/// A check that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Skip {
    /// May objects be written?
    Writes,
    /// The last audit
    Audit,
    /// What has not arrived
    Lag,
    /// The last recovery drill
    Drill,
}

#[derive(Debug, Args)]
pub(crate) struct FailoverRunArgs {
    #[command(flatten)]
    pub(crate) check: FailoverCheckArgs,
    /// A command, run by the shell (repeatable, in this order) [default: failover_hooks of the pair in s3twin.toml]
    #[arg(long, value_name = "CMD")]
    pub(crate) hook: Vec<String>,
    /// Show what would be called; call nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go on a no-go
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

const EXAMPLES: &str = "\
Examples:
  s3twin failover check s3://media s3://media-replica
  s3twin failover check s3://media s3://media-replica --max-audit-age 26h --rpo 1h --skip drill --output json
  s3twin failover run s3://media s3://media-replica --hook './stop-writers.sh' --hook './switch-dns.sh' --dry-run
  s3twin failover run s3://media s3://media-replica --primary-down --hook './switch-dns.sh'
  s3twin failback s3://media s3://media-replica";

/// Bring home what the replica received meanwhile, prove it, and only then say go
///
/// A sync with the sides turned, from the replica to the primary; then an audit of the pair. Each is a run of its
/// own with its report. Exit code 0 and GO only when both are clean. Objects that only the primary has stay, and
/// make it a no-go, until you looked at them and said --delete. Flags that say source mean the primary, here as
/// everywhere. Stop what writes to the replica first.
#[derive(Debug, Args)]
#[command(after_help = FAILBACK_EXAMPLES)]
pub(crate) struct FailbackArgs {
    /// s3://bucket or s3://bucket/prefix, to be brought up to date
    pub(crate) primary: Location,
    /// s3://bucket or s3://bucket/prefix, which has the truth
    pub(crate) replica: Location,
    /// Show what the sync would do; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Remove from the primary what the replica does not have
    #[arg(long, help_heading = "Deleting")]
    pub(crate) delete: bool,
    /// Refuse to start if more than N objects would be deleted
    #[arg(long, value_name = "N", requires = "delete", help_heading = "Deleting")]
    pub(crate) max_delete: Option<u64>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) endpoints: EndpointArgs,
}

const FAILBACK_EXAMPLES: &str = "\
Examples:
  s3twin failback s3://media s3://media-replica --dry-run
  s3twin failback s3://media s3://media-replica --source-region eu-central-1 --replica-region eu-west-1
  s3twin failback s3://media s3://media-replica --delete --max-delete 100 --output json";
