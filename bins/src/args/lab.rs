//! `s3twin lab` and `s3twin demo`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Serve an S3 to play with, on loopback and in memory
///
/// A versioned S3 server with checksums, multipart uploads, conditional writes and archive classes. Everything
/// is gone when it stops.
#[derive(Debug, Args)]
#[command(after_help = LAB_EXAMPLES)]
pub(crate) struct LabArgs {
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = 9711)]
    pub(crate) port: u16,
    /// What the buckets hold at the start
    #[arg(long, value_enum, default_value_t = LabData::Empty)]
    pub(crate) data: LabData,
    /// Delay before every answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) latency_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LabData {
    /// No buckets
    Empty,
    /// A little content platform in `media`, and its damaged replica in `media-replica`
    Demo,
}

/// The whole story in under a minute, on an embedded server: fill, damage, audit, sync, audit again
#[derive(Debug, Args)]
#[command(after_help = DEMO_EXAMPLES)]
pub(crate) struct DemoArgs {
    /// Folder for the report [default: a new one in the temporary directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    /// Seed of the data and of the damage
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

const LAB_EXAMPLES: &str = "\
Examples:
  s3twin lab
  s3twin lab --data demo --latency-ms 30";

const DEMO_EXAMPLES: &str = "\
Examples:
  s3twin demo
  s3twin demo --report ./demo";
