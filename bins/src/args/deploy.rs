//! `s3twin deploy`.

use super::jobs::ConfigArgs;
use clap::{Args, ValueEnum};

/// Print what a platform needs to run the jobs of s3twin.toml: units, manifests, a task definition
///
/// Goes to stdout, to be read, changed and applied; nothing is installed. With --job it is for that job alone, started
/// by the platform at its times; without, for the schedule as a service.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DeployArgs {
    /// Where it is to run
    #[arg(value_enum)]
    pub(crate) platform: Platform,
    /// Only this job, started by the platform [default: the schedule, as a service]
    #[arg(long)]
    pub(crate) job: Option<String>,
    /// Container image, for kubernetes and ecs
    #[arg(long, value_name = "IMAGE", default_value = "s3twin:latest")]
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Platform {
    /// A service unit; with --job also a timer
    Systemd,
    /// A Deployment with its configuration and storage; with --job a CronJob
    Kubernetes,
    /// A task definition for Fargate; its times are EventBridge Scheduler's
    Ecs,
}

const EXAMPLES: &str = "\
Examples:
  s3twin deploy systemd > s3twin.service
  s3twin deploy systemd --job nightly-audit
  s3twin deploy kubernetes --image registry.example.com/s3twin:1 > s3twin.yaml
  s3twin deploy ecs --image 123456789012.dkr.ecr.eu-central-1.amazonaws.com/s3twin:1 > task.json";
