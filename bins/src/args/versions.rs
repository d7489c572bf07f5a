//! `s3twin versions`.

use super::moment::TimeArg;
use super::{EndpointArgs, LimitArgs, OutputFormat};
use clap::Args;
use s3twin_engine::model::Location;
use std::num::NonZero;

/// List histories, or with --at what stood at a moment; changes nothing
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VersionsArgs {
    /// s3://bucket or s3://bucket/prefix
    pub(crate) bucket: Location,
    /// Only what stood then
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<TimeArg>,
    /// The state just before that second instead of at its end
    #[arg(long, requires = "at")]
    pub(crate) before: bool,
    /// One key, relative to the location
    #[arg(long, conflicts_with = "prefix")]
    pub(crate) key: Option<String>,
    /// Only keys that begin so, relative to the location
    #[arg(long)]
    pub(crate) prefix: Option<String>,
    /// So many rows at most
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<NonZero<usize>>,
    /// What is printed on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Text, value_name = "FORMAT")]
    pub(crate) output: OutputFormat,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) endpoints: EndpointArgs,
}

const EXAMPLES: &str = "\
Examples:
  s3twin versions s3://media --key audio/a.flac
  s3twin versions s3://media/audio/ --at '2026-11-21 14:30 Europe/Berlin'
  s3twin versions s3://media --prefix 2026/ --output json
  s3twin versions s3://media --limit 20";
