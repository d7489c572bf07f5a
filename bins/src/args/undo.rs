//! `s3twin undo`.

use super::{LimitArgs, OutputArgs};
use clap::Args;

/// Take a restore, a repair, or a sync to a versioned replica, back
///
/// Removes the versions and delete markers that the run made, and hides again what it uncovered; only where
/// what the run left is still on top. What somebody wrote since is left alone and reported.
#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    /// Run id, the beginning of one, or `latest`
    pub(crate) run: String,
    /// Show what would be taken back; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
