//! `s3twin lag`.

use super::moment::{TimeArg, span};
use super::{EndpointArgs, FilterArgs, LimitArgs, OutputArgs};
use clap::Args;
use s3twin_engine::model::Location;

/// Measure how far the replica is behind; changes nothing
///
/// Lists both histories once. A copy made by a sync tells when it came; replication rules keep the original's
/// time, so there only what has not arrived can be dated. What has not arrived is asked for its replication
/// status, one HEAD each. Exit code 1 when --rpo is broken or replication gave up on something.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LagArgs {
    /// s3://bucket or s3://bucket/prefix
    pub(crate) primary: Location,
    /// s3://bucket or s3://bucket/prefix
    pub(crate) replica: Location,
    /// Data younger than this may be missing on the replica (15m, 2h)
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(crate) rpo: Option<u64>,
    /// Measure only what was written since (an age such as 7d, or a time)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<TimeArg>,
    /// Ask for the status of so many versions at most; the others count as unknown
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) max_heads: u64,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) endpoints: EndpointArgs,
}

const EXAMPLES: &str = "\
Examples:
  s3twin lag s3://media s3://media-replica --rpo 15m
  s3twin lag s3://media s3://media-replica --since 1d --replica-region eu-west-1
  s3twin lag s3://media s3://media-replica --output json";
