//! Whether and how much a run may delete.

use clap::Args;
use s3twin_engine::plan::Brakes;

/// The brakes of a run that deletes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Deleting")]
pub(crate) struct DeleteArgs {
    /// Remove from the changed side what the other does not have
    #[arg(long)]
    pub(crate) delete: bool,
    /// Refuse to start if more than N objects would be deleted
    #[arg(long, value_name = "N", requires = "delete")]
    max_delete: Option<u64>,
    /// Refuse to start if more than this share of the changed side would be deleted
    #[arg(long, value_name = "PERCENT", requires = "delete", default_value_t = 50.0)]
    max_delete_percent: f64,
}

impl DeleteArgs {
    /// What refuses to start.
    pub(crate) fn brakes(&self) -> Brakes {
        Brakes { max_delete: self.max_delete, max_delete_percent: self.max_delete_percent }
    }
}
