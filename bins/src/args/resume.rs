//! `s3twin resume`.

use clap::Args;
use std::path::PathBuf;

/// Go on after an interruption, where the run stood
///
/// For audits, syncs, restores and undos. Finished parts are not listed again, proved copies not repeated, uploads
/// that were left open are aborted, also those of which nobody learned the id.
/// The findings come out complete and in order, as if the run had never stopped.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// Run id, the beginning of one, or `latest`
    pub(crate) run: String,
    /// Where runs are remembered [default: $XDG_STATE_HOME/s3twin or ~/.local/state/s3twin]
    #[arg(long, value_name = "DIR", env = "S3TWIN_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}
