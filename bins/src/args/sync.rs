//! `s3twin sync`.

use super::audit::{DepthArg, Described};
use super::{CopyArgs, DeleteArgs, EndpointArgs, FilterArgs, LimitArgs, OutputArgs};
use clap::Args;
use s3twin_engine::model::Location;

/// Make the replica equal to the source
///
/// Copies what is missing or different, server-side where the server can, and proves each copy. Deletes only
/// when told to, and only after both listings were read to their end and the brakes agree. Nobody else's
/// write is overwritten: every write is conditional on what was listed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SyncArgs {
    /// s3://bucket or s3://bucket/prefix
    pub(crate) source: Location,
    /// s3://bucket or s3://bucket/prefix
    pub(crate) replica: Location,
    /// Show what would be done; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How far to go to find out whether an object must be copied
    #[arg(long, value_enum, default_value_t = DepthArg::Checksums)]
    pub(crate) depth: DepthArg,
    /// What must be equal beyond the bytes; what differs is set right: tags in place, the rest by a copy
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    pub(crate) compare: Vec<Described>,
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
    #[command(flatten)]
    pub(crate) endpoints: EndpointArgs,
}

const EXAMPLES: &str = "\
Examples:
  s3twin sync s3://media s3://media-replica --dry-run
  s3twin sync s3://media s3://media-replica --replica-region eu-west-1 --delete --max-delete 1000
  s3twin sync s3://media/2026/ s3://archive/2026/ --include 'audio/**'
  s3twin sync s3://media s3://media-replica --compare metadata,tags,storage-class
  s3twin sync s3://media s3://vault --source-sse-c-key-file old.key --replica-sse-c-key-file new.key
  s3twin sync s3://media s3://backup --replica-endpoint-url https://s3.example.net --acl bucket-owner-full-control";
