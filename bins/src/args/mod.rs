//! Arguments: what the user may say. One file per family; no effect happens here.

mod audit;
mod common;
mod cost;
mod delete;
mod deploy;
mod drill;
mod failover;
mod forget;
mod jobs;
mod lab;
mod lag;
mod moment;
mod posture;
mod repair;
mod restore;
mod resume;
mod runs;
mod shell;
mod sync;
mod undo;
mod versions;

pub(crate) use audit::{AuditArgs, Described, fidelity};
pub(crate) use common::{
    Compat, CopyArgs, EndpointArgs, FilterArgs, LimitArgs, LogFormat, OutputArgs, OutputFormat, Talk,
};
pub(crate) use cost::CostArgs;
pub(crate) use delete::DeleteArgs;
pub(crate) use deploy::{DeployArgs, Platform};
pub(crate) use drill::DrillArgs;
pub(crate) use failover::{
    FailbackArgs, FailoverAction, FailoverCheckArgs, FailoverCommand, FailoverRunArgs, Skip,
};
pub(crate) use forget::ForgetArgs;
pub(crate) use jobs::{ConfigAction, ConfigCommand, RunArgs, ScheduleArgs};
pub(crate) use lab::{DemoArgs, LabArgs, LabData};
pub(crate) use lag::LagArgs;
pub(crate) use moment::span;
pub(crate) use posture::PostureArgs;
pub(crate) use repair::{DirectionArg, RepairArgs};
pub(crate) use restore::{RestoreArgs, StrategyArg};
pub(crate) use resume::ResumeArgs;
pub(crate) use runs::{ReportArgs, ReportFormat, RunsArgs};
pub(crate) use shell::{CompletionsArgs, ManArgs};
pub(crate) use sync::SyncArgs;
pub(crate) use undo::UndoArgs;
pub(crate) use versions::VersionsArgs;

use clap::{Parser, Subcommand};

/// Keeps an S3 bucket and its twin true: audits primary against replica, syncs source to replica.
#[derive(Debug, Parser)]
#[command(name = "s3twin", version, about, max_term_width = 110, args_override_self = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) talk: Talk,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    clean: proved identical, or every object brought to the wished state and verified
  1    finished, and there is something to look at
  2    wrong arguments or configuration: nothing was started
  3    a safety brake refused: nothing was changed
  4    could not run to the end: the result is incomplete
  130  interrupted

Try it without an account:  s3twin demo";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Audit(Box<AuditArgs>),
    Sync(Box<SyncArgs>),
    Repair(Box<RepairArgs>),
    Restore(Box<RestoreArgs>),
    Undo(Box<UndoArgs>),
    Versions(Box<VersionsArgs>),
    Lag(Box<LagArgs>),
    Drill(Box<DrillArgs>),
    Failover(FailoverCommand),
    Failback(Box<FailbackArgs>),
    Posture(Box<PostureArgs>),
    Cost(Box<CostArgs>),
    Resume(ResumeArgs),
    Runs(RunsArgs),
    Forget(ForgetArgs),
    Report(ReportArgs),
    Run(RunArgs),
    Schedule(ScheduleArgs),
    Config(ConfigCommand),
    Deploy(DeployArgs),
    Lab(LabArgs),
    Demo(DemoArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

#[cfg(test)]
mod tests;
