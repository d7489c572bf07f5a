//! `s3twin resume`.

use clap::Args;
use std::path::PathBuf;

/// Go on after an interruption, or when archived bytes are there
///
/// For audits, syncs, restores and undos. Finished parts are not listed again, proved copies not repeated, uploads
/// that were left open are aborted, also those of which nobody learned the id.
/// The findings come out complete and in order, as if the run had never stopped.
///
/// A restore that asked for archived versions ends with exit code 1 and says how many it waits for. Resuming it looks
/// at each of them, restores those that can be read by now, and leaves the others waiting: do it again until it ends
/// with 0. A version whose time ran out before that is asked for again.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ResumeArgs {
    /// Run id, the beginning of one, or `latest`
    pub(crate) run: String,
    /// Where runs are remembered [default: $XDG_STATE_HOME/s3twin or ~/.local/state/s3twin]
    #[arg(long, value_name = "DIR", env = "S3TWIN_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  s3twin resume latest
  s3twin resume 20261121T1415";
