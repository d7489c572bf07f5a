//! `s3twin forget`: old runs are removed, what may still be needed stays.

use crate::args::{ForgetArgs, OutputFormat};
use crate::exit::Exit;
use crate::kind::is_of;
use crate::screen::grouped;
use crate::screen::out::say;
use crate::{run_folder, setup};
use s3twin_engine::Error;
use s3twin_engine::journal::{Outcome, RunEntry, RunState, StateDir};
use s3twin_engine::model::Timestamp;
use s3twin_engine::report::Summary;
use serde_json::json;
use std::collections::HashSet;

/// Name of the schema of `--output json`.
const SCHEMA: &str = "s3twin.forget/1";

/// What becomes of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Old, and nobody needs it.
    Forgotten,
    /// Not old enough, or of another command.
    Untouched,
    /// It goes on, or can be taken up, or cannot be read.
    Open,
    /// The last complete one of its command and pair, or the last of them with a manifest.
    Last,
}

pub(crate) fn run(args: &ForgetArgs) -> Exit {
    match forget(args) {
        Ok(()) => Exit::Clean,
        Err(error) => {
            eprintln!("s3twin: {error}");
            Exit::of(&error)
        }
    }
}

fn forget(args: &ForgetArgs) -> Result<(), Error> {
    let before = before(&args.older_than)?;
    let root = run_folder::state_dir(args.state_dir.as_deref()).map_err(Error::Invalid)?;
    let state = StateDir::new(root);
    let fates = fates(&state, before, args.command.as_deref())?;
    let gone: Vec<&RunEntry> =
        fates.iter().filter(|(_, fate)| *fate == Fate::Forgotten).map(|(run, _)| run).collect();
    if !args.dry_run {
        for run in &gone {
            state.forget(&run.dir)?;
        }
    }
    let count = |wanted: Fate| fates.iter().filter(|(_, fate)| *fate == wanted).count();
    let (open, last) = (count(Fate::Open), count(Fate::Last));
    match args.output {
        OutputFormat::Json => {
            let ids: Vec<&str> = gone.iter().map(|run| run.dir.id.as_str()).collect();
            say!(
                "{}",
                json!({"schema": SCHEMA, "dry_run": args.dry_run, "forgotten": ids, "kept_open": open, "kept_last": last})
            );
        }
        OutputFormat::Text => {
            if args.dry_run {
                gone.iter().for_each(|run| say!("{}", run.dir.id));
            }
            say!("{}", told(gone.len(), args.dry_run, (open, last)));
        }
    }
    Ok(())
}

fn told(gone: usize, dry_run: bool, (open, last): (usize, usize)) -> String {
    let runs = |count: usize| {
        if count == 1 { "1 run".to_owned() } else { format!("{} runs", grouped(count as u64)) }
    };
    let done = if dry_run { "would be forgotten" } else { "forgotten" };
    let mut text = format!("{} {done}", runs(gone));
    if open > 0 {
        text.push_str(&format!("; {} kept that may go on: `s3twin runs --limit 0` shows them", runs(open)));
    }
    if last > 0 {
        text.push_str(&format!("; {} kept as the last of a command and pair", runs(last)));
    }
    text
}

/// The moment before which a run is old.
fn before(age: &jiff::Span) -> Result<Timestamp, Error> {
    let age = age.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|error| {
        Error::Invalid(format!("--older-than: {error}. Say it in weeks, days or hours, such as 90d"))
    })?;
    if age.is_negative() {
        return Err(Error::Invalid("--older-than: no run began in the future. Say it as 90d".to_owned()));
    }
    let millis = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    Ok(Timestamp::from_millis(setup::clock().now().millis().saturating_sub(millis)))
}

/// What becomes of each run, newest first.
fn fates(state: &StateDir, before: Timestamp, command: Option<&str>) -> Result<Vec<(RunEntry, Fate)>, Error> {
    let mut seen = HashSet::new();
    let runs = state.list()?.into_iter();
    Ok(runs
        .map(|run| {
            let summary = run_folder::summary(run.dir.path()).ok();
            let fate = fate(&run, summary.as_ref(), (before, command), &mut seen);
            (run, fate)
        })
        .collect())
}

fn fate(
    run: &RunEntry,
    summary: Option<&Summary>,
    (before, command): (Timestamp, Option<&str>),
    seen: &mut HashSet<(String, String, Option<String>, bool)>,
) -> Fate {
    let complete = matches!(&run.state, RunState::Finished { state: Outcome::Complete, .. });
    let is_last = complete
        && summary.is_some_and(|summary| {
            // A dry run proves nothing and changed nothing: it does not stand for one that did.
            !summary.dry_run
                && seen.insert((
                    summary.command.clone(),
                    summary.source.clone(),
                    summary.replica.clone(),
                    run.dir.manifest().exists(),
                ))
        });
    let (Some(started), RunState::Finished { .. }) = (&run.started, &run.state) else { return Fate::Open };
    if started.started_at >= before || command.is_some_and(|wanted| !is_of(&started.command, wanted)) {
        return Fate::Untouched;
    }
    if summary.is_none_or(|summary| summary.awaiting_thaw > 0) {
        return Fate::Open;
    }
    if is_last { Fate::Last } else { Fate::Forgotten }
}
