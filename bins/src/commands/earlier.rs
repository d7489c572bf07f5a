//! An earlier run: where it is, and the command line that it was started with.

use crate::args::Cli;
use crate::run_folder;
use clap::Parser as _;
use s3twin_engine::journal::{Replay, RunDir, RunState, StateDir};
use std::path::Path;

/// A run that is not at work any more.
pub(super) fn find(state_dir: Option<&Path>, wanted: &str) -> Result<RunDir, String> {
    let state = StateDir::new(run_folder::state_dir(state_dir)?);
    let run = state.find(wanted).map_err(|error| format!("{error}. What to do: {}", error.advice()))?;
    match run.entry().state {
        RunState::Running => Err(format!("run {} is still running", run.id)),
        _ => Ok(run),
    }
}

/// How it was started.
pub(super) fn command_line(run: &RunDir) -> Result<Cli, String> {
    let replay =
        Replay::read(&run.journal()).map_err(|error| format!("{error}. What to do: {}", error.advice()))?;
    let argv =
        replay.started.as_ref().and_then(|started| started.job.get("argv")).and_then(|argv| argv.as_array());
    let argv =
        argv.ok_or_else(|| format!("the journal of run {} does not say how it was started", run.id))?;
    let argv = argv.iter().filter_map(|word| word.as_str());
    Cli::try_parse_from(std::iter::once("s3twin").chain(argv)).map_err(|error| error.to_string())
}
