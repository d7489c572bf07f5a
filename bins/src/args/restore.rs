//! `s3twin restore`.

use super::moment::{TimeArg, span};
use super::{CopyArgs, EndpointArgs, FilterArgs, LimitArgs, OutputArgs};
use clap::{ArgGroup, Args, ValueEnum};
use s3twin_engine::model::Location;
use s3twin_engine::plan::{Strategy, Uncertain};
use std::path::PathBuf;

/// Bring a bucket, a prefix or a key back to what stood at a moment
///
/// Reads the history once, plans each key, carries the plan out, and looks again: what counts as restored was
/// seen to stand there. Nobody else's write is overwritten. In place nothing is removed but delete markers,
/// unless told to; `s3twin undo` takes it back.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("what").required(true).args(["at", "undelete", "plan", "version_id"]))]
pub(crate) struct RestoreArgs {
    /// s3://bucket or s3://bucket/prefix, with versioning
    pub(crate) bucket: Location,
    /// The moment: 2026-11-21T14:30:00Z, '2026-11-21 14:30 Europe/Berlin', or an age such as 2h
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<TimeArg>,
    /// The state just before that second instead of at its end
    #[arg(long, requires = "at")]
    pub(crate) before: bool,
    /// Bring back what is hidden by delete markers; leave everything else alone
    #[arg(long)]
    pub(crate) undelete: bool,
    /// Undelete only what was deleted since
    #[arg(long, value_name = "TIME", requires = "undelete")]
    pub(crate) since: Option<TimeArg>,
    /// Apply a plan that a --dry-run wrote; rows may have been removed from it
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// One key, relative to the location
    #[arg(long, requires = "version_id")]
    pub(crate) key: Option<String>,
    /// The version of that key to bring back
    #[arg(long, value_name = "ID", requires = "key")]
    pub(crate) version_id: Option<String>,
    /// Restore onto the keys themselves
    #[arg(long, conflicts_with = "to", help_heading = "Where")]
    pub(crate) in_place: bool,
    /// Restore to another bucket or prefix (s3://other/prefix), or to files in a local folder
    #[arg(long, value_name = "LOCATION", help_heading = "Where")]
    pub(crate) to: Option<String>,
    /// Remove what did not exist then from there
    #[arg(long, requires = "to", help_heading = "Where")]
    pub(crate) prune: bool,
    /// Write the plan and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// In place: how versions are brought back
    #[arg(long, value_enum, default_value_t = StrategyArg::Fewest, help_heading = "How")]
    pub(crate) strategy: StrategyArg,
    /// Release --strategy remove-newer: newer versions are removed for good
    #[arg(long, help_heading = "How")]
    pub(crate) yes_delete_versions: bool,
    /// Leave keys alone that did not exist then
    #[arg(long, help_heading = "How")]
    pub(crate) keep_new: bool,
    /// Keys whose past is in doubt
    #[arg(long, value_enum, default_value_t = UncertainArg::Skip, help_heading = "How")]
    pub(crate) uncertain: UncertainArg,
    /// Multipart uploads begun within so long before the moment are in doubt
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "24h", help_heading = "How")]
    pub(crate) multipart_window: u64,
    /// Replicas dated within so long before the moment are in doubt (a HEAD each): replication keeps the source's date
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "15m", help_heading = "How")]
    pub(crate) replication_window: u64,
    /// Retrieval tier of archived versions
    #[arg(long, value_name = "TIER", default_value = "Standard", value_parser = ["Expedited", "Standard", "Bulk"], help_heading = "Archives")]
    pub(crate) thaw_tier: String,
    /// Days that thawed bytes stay readable
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Archives")]
    pub(crate) thaw_days: u32,
    /// Wait for thaws instead of reporting them
    #[arg(long, help_heading = "Archives")]
    pub(crate) wait: bool,
    /// While waiting: pause between two looks
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "30s", requires = "wait", help_heading = "Archives")]
    pub(crate) thaw_poll: u64,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StrategyArg {
    /// The cheapest step per key
    Fewest,
    /// Always a copy on top
    CopyUp,
    /// Remove newer versions for good; needs --yes-delete-versions
    RemoveNewer,
}

impl From<StrategyArg> for Strategy {
    fn from(arg: StrategyArg) -> Self {
        match arg {
            StrategyArg::Fewest => Self::Fewest,
            StrategyArg::CopyUp => Self::CopyUp,
            StrategyArg::RemoveNewer => Self::RemoveNewer,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UncertainArg {
    /// Leave them alone and report them
    Skip,
    /// Bring back what the listing says
    Include,
    /// Change nothing at all if there is one
    Fail,
}

impl From<UncertainArg> for Uncertain {
    fn from(arg: UncertainArg) -> Self {
        match arg {
            UncertainArg::Skip => Self::Skip,
            UncertainArg::Include => Self::Include,
            UncertainArg::Fail => Self::Fail,
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  s3twin restore s3://media --at 2h --dry-run
  s3twin restore s3://media/audio/ --at '2026-11-21 14:30 Europe/Berlin' --in-place
  s3twin restore s3://media --at 2026-11-21T13:30:00Z --to s3://media-as-it-was
  s3twin restore s3://media/contracts/ --at 3d --to ./contracts-as-of-tuesday
  s3twin restore s3://media --undelete --since 1d --in-place
  s3twin restore s3://media --plan plan.jsonl --in-place
  s3twin restore s3://media --key audio/a.flac --version-id 3sL4kqtJlcpXroDTDmJ --in-place";
