//! `s3twin repair`.

use super::{CopyArgs, DeleteArgs, EndpointArgs, FilterArgs, LimitArgs, OutputArgs};
use clap::{Args, ValueEnum};
use s3twin_engine::plan::Direction;

/// Heal what an audit found, and prove it again
///
/// Works on the keys in the audit's findings and on no others: copies what is missing or different (bytes, metadata,
/// tags, storage class, bit rot), server-side where the server can. A key that somebody wrote since the audit is left
/// alone and reported. Each copy is proved as deeply as the audit went. Endpoints, regions and profiles are the
/// audit's unless others are given. `s3twin undo` takes a repair back where the
/// changed bucket has versions.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RepairArgs {
    /// The audit: its run id, the beginning of one, or `latest`
    pub(crate) run: String,
    /// Which side is right, and which is changed
    #[arg(long, value_enum, default_value_t = DirectionArg::SourceToReplica)]
    pub(crate) direction: DirectionArg,
    /// Show what would be done; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) deleting: DeleteArgs,
    #[command(flatten)]
    pub(crate) copy: CopyArgs,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Where nothing is said, the audit's.
    #[command(flatten)]
    pub(crate) endpoints: EndpointArgs,
}

const EXAMPLES: &str = "\
Examples:
  s3twin audit s3://media s3://media-replica --scrub all --compare metadata,tags
  s3twin repair latest --dry-run
  s3twin repair 20261121T141500 --delete --max-delete 100
  s3twin repair latest --direction replica-to-source --include 'audio/**'";

/// Which side is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DirectionArg {
    /// The audit's primary: the replica is changed
    SourceToReplica,
    /// The replica: the primary is changed
    ReplicaToSource,
}

impl From<DirectionArg> for Direction {
    fn from(direction: DirectionArg) -> Self {
        match direction {
            DirectionArg::SourceToReplica => Self::SourceToReplica,
            DirectionArg::ReplicaToSource => Self::ReplicaToSource,
        }
    }
}
