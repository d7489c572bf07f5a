//! `s3twin posture`.

use super::jobs::ConfigArgs;
use super::{EndpointArgs, LimitArgs, OutputArgs};
use clap::Args;
use s3twin_engine::model::Location;

/// Hold the settings of buckets against the policy of their tier; mend what is safe to mend with --apply
///
/// Versioning, MFA delete, replication, lifecycle, encryption, TLS, public access, object lock, access logging:
/// each ends as kept, broken or unknown. Without --apply nothing is changed, and what would be is shown. With it,
/// versioning, lifecycle rules, encryption, the public access block and replication (given a role) are set, never
/// to something weaker: each setting is read again before it is written and once more after. Built-in tiers:
/// critical, standard, basic; s3twin.toml changes them and adds others. Exit code 0: everything is kept.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PostureArgs {
    /// s3://bucket, or the name of a bucket in s3twin.toml [default: all buckets in s3twin.toml]
    #[arg(value_name = "BUCKET")]
    pub(crate) buckets: Vec<String>,
    /// Hold them against this tier [default: the bucket's tier in s3twin.toml, else standard]
    #[arg(long, value_name = "NAME")]
    pub(crate) tier: Option<String>,
    /// Mend what may be mended
    #[arg(long, help_heading = "Mending")]
    pub(crate) apply: bool,
    /// Only show what --apply would do; wins over it
    #[arg(long, help_heading = "Mending")]
    pub(crate) dry_run: bool,
    /// Role that S3 may use to replicate; without it no replication rule is added
    #[arg(long, value_name = "ARN", value_parser = role, help_heading = "Mending")]
    pub(crate) replication_role: Option<String>,
    /// Where the bucket is to be replicated to [default: its replica in s3twin.toml]
    #[arg(long, value_name = "BUCKET", help_heading = "Mending")]
    pub(crate) replicate_to: Option<Location>,
    /// Also add rules by which S3 removes older versions, for good
    #[arg(long, help_heading = "Mending")]
    pub(crate) expire_versions: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) endpoints: EndpointArgs,
}

fn role(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "iam", _, _, name] if name.starts_with("role/") => Ok(text.to_owned()),
        _ => Err("write it as arn:aws:iam::123456789012:role/NAME".to_owned()),
    }
}

const EXAMPLES: &str = "\
Examples:
  s3twin posture s3://media
  s3twin posture s3://media --tier critical --output json
  s3twin posture                                   (every bucket of s3twin.toml, by its tier)
  s3twin posture s3://media --apply --dry-run
  s3twin posture s3://media --apply
  s3twin posture s3://media --apply --replicate-to s3://copy --replication-role arn:aws:iam::123456789012:role/copy";
