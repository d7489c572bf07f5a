//! `s3twin drill`.

use super::moment::span;
use super::{EndpointArgs, LimitArgs, OutputArgs};
use clap::Args;
use s3twin_engine::model::Location;

/// Prove that the bucket can be recovered, and measure how long it would take
///
/// Writes test objects below .s3twin-drill/, overwrites and deletes them, and restores them to the moment before;
/// then restores a sample of the real objects to the same folder and reckons how long all of them would take.
/// Everything it wrote is removed for good at the end; what a killed drill left, the next one removes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DrillArgs {
    /// s3://bucket or s3://bucket/prefix, with versioning
    pub(crate) bucket: Location,
    /// Recovery of everything may take this long (30m, 4h); exit code 1 if it would take longer
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(crate) rto: Option<u64>,
    /// Test objects
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub(crate) objects: u32,
    /// Real objects to restore to scratch
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) sample: u16,
    /// Go on although a replication rule carries the test objects to the replica, where you remove them
    #[arg(long)]
    pub(crate) allow_replicated: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) endpoints: EndpointArgs,
}

const EXAMPLES: &str = "\
Examples:
  s3twin drill s3://media --rto 30m
  s3twin drill s3://media/audio/ --sample 1000 --output json
  s3twin drill s3://media-replica --region eu-west-1 --rto 4h";
