//! `s3twin runs` and `s3twin report`.

use super::OutputFormat;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// List the runs in the state dir, newest first
#[derive(Debug, Args)]
#[command(after_help = RUNS_EXAMPLES)]
pub(crate) struct RunsArgs {
    /// Runs shown at most; 0 shows all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Only runs of this command (audit, lag, failover)
    #[arg(long, value_name = "COMMAND")]
    pub(crate) command: Option<String>,
    /// What is printed on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Text, value_name = "FORMAT")]
    pub(crate) output: OutputFormat,
    /// Where runs are remembered [default: $XDG_STATE_HOME/s3twin or ~/.local/state/s3twin]
    #[arg(long, value_name = "DIR", env = "S3TWIN_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

const RUNS_EXAMPLES: &str = "\
Examples:
  s3twin runs
  s3twin runs --command audit --limit 5
  s3twin runs --output json";

/// Render the report of a finished run again
#[derive(Debug, Args)]
#[command(after_help = REPORT_EXAMPLES)]
pub(crate) struct ReportArgs {
    /// Run id, the beginning of one, `latest`, or the folder of a run
    pub(crate) run: String,
    /// html writes report.html into the run's folder and prints its path; the others go to stdout
    #[arg(long, value_enum, default_value_t = ReportFormat::Html, value_name = "FORMAT")]
    pub(crate) format: ReportFormat,
    /// Write to this file instead; - is stdout
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Where runs are remembered [default: $XDG_STATE_HOME/s3twin or ~/.local/state/s3twin]
    #[arg(long, value_name = "DIR", env = "S3TWIN_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

const REPORT_EXAMPLES: &str = "\
Examples:
  s3twin report latest
  s3twin report 20261121T1415 --format markdown | mail -s 'Nightly audit' ops@example.com
  s3twin report ./audit-folder --out /srv/www/audit.html";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// One self-contained page
    Html,
    /// For mails and tickets
    Markdown,
    /// What --output json of the run printed, as it lies there
    Json,
}
