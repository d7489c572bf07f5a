//! `s3twin cost`.

use super::{EndpointArgs, LimitArgs, OutputArgs};
use clap::Args;
use s3twin_engine::model::Location;
use std::path::PathBuf;

/// Count what buckets hold, and price it: each month, what rules would save, what runs would cost; changes nothing
///
/// Lists every version once (1,000 for one LIST), and the parts of uploads that never ended. Prices are list
/// prices of one region until you give your own.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CostArgs {
    /// s3://bucket or s3://bucket/prefix
    #[arg(required = true, value_name = "BUCKET")]
    pub(crate) buckets: Vec<Location>,
    /// Your prices; `s3twin cost --print-prices s3://any` prints the built-in ones as a file to begin with
    #[arg(long, value_name = "FILE")]
    pub(crate) prices: Option<PathBuf>,
    /// Print the prices that would be used, and do nothing
    #[arg(long)]
    pub(crate) print_prices: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) endpoints: EndpointArgs,
}

const EXAMPLES: &str = "\
Examples:
  s3twin cost s3://media
  s3twin cost s3://media s3://media-replica --output json
  s3twin cost s3://media --print-prices > prices.toml
  s3twin cost s3://media --prices prices.toml";
