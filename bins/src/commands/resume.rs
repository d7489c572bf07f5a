//! `s3twin resume`: the own command line, with its journal, of a run that was interrupted or waits for thaws.

use crate::args::{Cli, ResumeArgs};
use crate::exit::Exit;
use crate::kind::Kind;
use crate::{Origin, run_folder};
use clap::Parser as _;
use s3twin_engine::journal::{Replay, RunDir, RunState, StateDir};
use s3twin_engine::report::Tally;

pub(crate) async fn run(args: ResumeArgs) -> Exit {
    match interrupted(&args) {
        Ok((cli, origin)) => crate::dispatch(cli, origin).await,
        Err(message) => {
            eprintln!("s3twin: {message}");
            Exit::Usage
        }
    }
}

/// Archived versions that a restore asked for and still waits for.
fn awaited_thaws(run: &RunDir, replay: Option<&Replay>) -> u64 {
    match (run_folder::summary(run.path()), replay) {
        (Ok(summary), _) => summary.awaiting_thaw,
        // It died between its end and its summary.
        (Err(_), Some(replay)) => {
            let mut sum = Tally::default();
            replay.tallies::<Tally>().filter_map(Result::ok).for_each(|tally| sum.add(&tally));
            sum.settled().awaiting_thaw
        }
        (Err(_), None) => 0,
    }
}

fn interrupted(args: &ResumeArgs) -> Result<(Cli, Origin), String> {
    let state = StateDir::new(run_folder::state_dir(args.state_dir.as_deref())?);
    let run = state.find(&args.run).map_err(|error| format!("{error}. What to do: {}", error.advice()))?;
    let entry = run.entry();
    let id = &run.id;
    let command = entry.started.as_ref().map_or("", |started| &started.command);
    if Kind::of(command).is_some() && entry.state != RunState::Running {
        return Err(format!("run {id} keeps nothing to go on from: start `s3twin {command}` again"));
    }
    match entry.state {
        RunState::Interrupted | RunState::Crashed => {}
        // A run that could not reach the end stands where it stopped.
        RunState::Finished { exit_code, .. }
            if exit_code == Exit::Incomplete.code() || exit_code == Exit::Interrupted.code() => {}
        RunState::Finished { .. } if awaited_thaws(&run, entry.replay.as_ref()) > 0 => {}
        RunState::Finished { .. } => {
            return Err(format!("run {id} ran to its end: there is nothing to resume"));
        }
        RunState::Running => return Err(format!("run {id} is still running")),
        RunState::NeverStarted => return Err(format!("run {id} had not done anything yet: start it again")),
        RunState::Unreadable(why) => return Err(format!("run {id} cannot be read: {why}")),
    }
    let argv =
        entry.started.as_ref().and_then(|started| started.job.get("argv")).and_then(|argv| argv.as_array());
    let argv = argv.ok_or_else(|| format!("the journal of run {id} does not say how it was started"))?;
    let argv = argv.iter().filter_map(|word| word.as_str());
    let cli =
        Cli::try_parse_from(std::iter::once("s3twin").chain(argv)).map_err(|error| error.to_string())?;
    Ok((cli, Origin::Interrupted(run)))
}
