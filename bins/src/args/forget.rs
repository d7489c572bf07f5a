//! `s3twin forget`.

use super::OutputFormat;
use clap::Args;
use std::path::PathBuf;

/// Remove the folders of old runs
///
/// What may still be needed stays, however old: a run that goes on, one that `resume` can take up (interrupted,
/// killed, waiting for a thaw), one that cannot be read, and the last complete run of each command and pair (for trends
/// and the failover check), with the last that left a manifest (for `audit --baseline`). What a forgotten sync or
/// restore wrote cannot be undone any more.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ForgetArgs {
    /// Forget runs that began longer ago than this (90d, 12w; m is minutes, not months)
    #[arg(long, value_name = "AGE")]
    pub(crate) older_than: jiff::Span,
    /// Only runs of this command (audit, lag, failover)
    #[arg(long, value_name = "COMMAND")]
    pub(crate) command: Option<String>,
    /// Only say which
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What is printed on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Text, value_name = "FORMAT")]
    pub(crate) output: OutputFormat,
    /// Where runs are remembered [default: $XDG_STATE_HOME/s3twin or ~/.local/state/s3twin]
    #[arg(long, value_name = "DIR", env = "S3TWIN_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  s3twin forget --older-than 90d --dry-run
  s3twin forget --older-than 14d --command lag
  17 4 * * 0  s3twin forget --older-than 400d          # in a crontab";
