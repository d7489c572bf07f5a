//! `s3twin config`, `s3twin run` and `s3twin schedule`.

use clap::{Args, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Which configuration.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigArgs {
    /// The file [default: ./s3twin.toml, then s3twin/s3twin.toml below $XDG_CONFIG_HOME or ~/.config]
    #[arg(long, global = true, value_name = "FILE", env = "S3TWIN_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// A value over the file and the environment: jobs.nightly.cron='15 2 * * *' (repeatable)
    #[arg(long, global = true, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
}

/// Look at s3twin.toml: check it, show every value with its origin, print its schema or an example
///
/// A value comes from the file; above it the environment, with the path in capitals and two underscores between
/// its parts (S3TWIN__JOBS__NIGHTLY__CRON); above that --set.
#[derive(Debug, Args)]
#[command(after_help = CONFIG_EXAMPLES)]
pub(crate) struct ConfigCommand {
    #[command(subcommand)]
    pub(crate) action: ConfigAction,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Say everything that is wrong, each at its line; exit code 2 if anything is
    Check,
    /// Print every value with where it comes from, and each job's command line
    Show,
    /// Print the JSON schema, for editors
    Schema,
    /// Print a file to begin with
    Example,
    /// Send a trial message to a notification
    Notify {
        /// Its name in the file
        name: String,
    },
}

const CONFIG_EXAMPLES: &str = "\
Examples:
  s3twin config example > s3twin.toml
  s3twin config check
  s3twin config show --set service.listen=127.0.0.1:9712
  s3twin config notify ops
  s3twin config schema > s3twin.schema.json";

/// Run one job of s3twin.toml, now
///
/// Just what the schedule would start: the job's command with its flags, one run of a job at a time, whoever
/// starts it. The exit code is the command's. Flags after -- come after the job's own and win over them.
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    /// Its name in the file
    pub(crate) job: String,
    /// Show what the job would change, and change nothing; not counted as a run of the job
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// More flags for the job's command, after --
    #[arg(last = true, value_name = "FLAGS")]
    pub(crate) more: Vec<String>,
    /// Write the figures of all jobs there as Prometheus text, for the node exporter's textfile collector
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics_file: Option<PathBuf>,
    /// What is printed on stdout at the end
    #[arg(long, value_enum, default_value_t = super::OutputFormat::Text, value_name = "FORMAT")]
    pub(crate) output: super::OutputFormat,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

const RUN_EXAMPLES: &str = "\
Examples:
  s3twin run nightly-audit
  s3twin run nightly-sync --dry-run
  s3twin run nightly-sync -- --max-delete 50
  s3twin run nightly-audit --metrics-file /var/lib/node_exporter/s3twin.prom   (from cron)";

/// Run the jobs of s3twin.toml by their cron lines, until told to stop
///
/// One run of each job at a time. What was missed while the service was down is told, and made up for where the
/// job says catch_up. SIGTERM interrupts running jobs where they stand (or waits, see service.stop_wait); the
/// next start goes on with them. --listen serves a status page, /healthz and /metrics, which only show.
#[derive(Debug, Args)]
#[command(after_help = SCHEDULE_EXAMPLES)]
pub(crate) struct ScheduleArgs {
    /// Address of the status page, /healthz and /metrics; over service.listen
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Write the figures of all jobs there after every run, as Prometheus text; over service.metrics_file
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

const SCHEDULE_EXAMPLES: &str = "\
Examples:
  s3twin schedule
  s3twin schedule --listen 127.0.0.1:9712 --log-format json
  curl http://127.0.0.1:9712/metrics";
