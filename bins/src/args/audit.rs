//! `s3twin audit`.

use super::{EndpointArgs, FilterArgs, LimitArgs, OutputArgs};
use clap::{Args, ValueEnum};
use s3twin_engine::compare::Depth;
use s3twin_engine::model::Location;

/// Prove that primary and replica hold the same objects; changes nothing
///
/// Lists both sides at once and compares key by key. What the listing proves needs no further request; what
/// it leaves open is settled by stored checksums, and what cannot be proved is reported as unproven, never
/// as equal.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AuditArgs {
    /// s3://bucket or s3://bucket/prefix
    pub(crate) primary: Location,
    /// s3://bucket or s3://bucket/prefix
    pub(crate) replica: Location,
    /// How far to go for proof
    #[arg(long, value_enum, default_value_t = DepthArg::Checksums)]
    pub(crate) depth: DepthArg,
    /// Compare whole histories: every version and delete marker, in order (needs versioned buckets)
    #[arg(long, conflicts_with = "depth")]
    pub(crate) versions: bool,
    /// Differences in objects younger than this are in flight, not findings (15m, 2h)
    #[arg(long, value_name = "AGE")]
    pub(crate) grace: Option<jiff::Span>,
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
  s3twin audit s3://media s3://media-replica --replica-region eu-west-1
  s3twin audit s3://media/2026/ s3://backup/media/2026/ --exclude '*.tmp' --output json
  s3twin audit s3://media s3://media --replica-endpoint-url http://127.0.0.1:9000 --depth listing
  s3twin audit s3://media s3://media-replica --versions --grace 15m";

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DepthArg {
    /// What the listing says: size and ETag, no request per key
    Listing,
    /// Also stored checksums and part arithmetic, for the keys the listing leaves open
    Checksums,
}

impl From<DepthArg> for Depth {
    fn from(depth: DepthArg) -> Self {
        match depth {
            DepthArg::Listing => Self::Listing,
            DepthArg::Checksums => Self::Checksums,
        }
    }
}
