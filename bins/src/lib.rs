//! The command line of s3twin: arguments in, engine run, results out.
//!
//! stdout carries data, stderr carries talk, the exit code carries the verdict ([`exit::Exit`]).

mod args;
mod commands;
mod config;
mod effort;
pub mod exit;
mod failover;
mod job;
mod kind;
mod logging;
mod metrics;
mod notify;
mod page;
mod posture;
mod run_folder;
mod schedule;
mod screen;
mod servers;
mod setup;

use args::{Cli, Command};
use clap::Parser as _;
use exit::Exit;
use s3twin_engine::journal::RunDir;
use std::process::ExitCode;

/// Parses the process's arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let mut cli = Cli::parse();
    if matches!(cli.command, Command::Schedule(_)) && !cli.talk.quiet {
        // Of a service the log is all there is to see.
        cli.talk.verbose = cli.talk.verbose.max(1);
    }
    logging::start(&cli.talk);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("s3twin: cannot start: {error}");
            return Exit::Incomplete.into();
        }
    };
    let origin = Origin::Fresh { argv: std::env::args().skip(1).collect() };
    let exit = runtime.block_on(dispatch(cli, origin));
    // Connections and read-ahead still in flight must not hold the process back.
    runtime.shutdown_background();
    exit.into()
}

/// Where a run comes from.
pub(crate) enum Origin {
    /// The command line, which the journal keeps so that the run can be taken up again.
    Fresh { argv: Vec<String> },
    /// An interrupted run.
    Interrupted(RunDir),
}

impl Origin {
    /// Puts a word of the command line in place of another: one that means the same wherever the run is resumed.
    pub(crate) fn replace(&mut self, word: &str, by: &str) {
        let Self::Fresh { argv } = self else { return };
        for known in argv {
            match known.split_once('=') {
                _ if known == word => by.clone_into(known),
                Some((flag, value)) if flag.starts_with("--") && value == word => {
                    *known = format!("{flag}={by}");
                }
                _ => {}
            }
        }
    }
}

async fn dispatch(cli: Cli, origin: Origin) -> Exit {
    let talk = cli.talk;
    match cli.command {
        Command::Audit(args) => commands::audit::run(*args, talk, origin).await,
        Command::Sync(args) => commands::sync::run(*args, talk, origin).await,
        Command::Repair(args) => commands::repair::run(*args, talk, origin).await,
        Command::Restore(args) => commands::restore::run(*args, talk, origin).await,
        Command::Undo(args) => commands::undo::run(*args, talk, origin).await,
        Command::Versions(args) => commands::versions::run(*args).await,
        Command::Drill(args) => commands::drill::run(*args, talk, origin).await,
        Command::Failover(args) => commands::failover::run(args, origin).await,
        Command::Failback(args) => commands::failback::run(*args, talk, origin).await,
        Command::Lag(args) => commands::lag::run(*args, talk, origin).await,
        Command::Posture(args) => commands::posture::run(*args, origin).await,
        Command::Cost(args) => commands::cost::run(*args, talk, origin).await,
        Command::Resume(args) => Box::pin(commands::resume::run(args)).await,
        Command::Runs(args) => commands::runs::run(&args),
        Command::Forget(args) => commands::forget::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Run(args) => commands::run_job::run(args, talk).await,
        Command::Schedule(args) => commands::run_job::schedule(args, talk).await,
        Command::Config(args) => commands::config::run(args).await,
        Command::Deploy(args) => commands::deploy::run(&args),
        Command::Completions(args) => commands::shell::completions(&args),
        Command::Man(args) => commands::shell::man(&args),
        Command::Lab(args) => commands::lab::run(args).await,
        Command::Demo(args) => commands::demo::run(args, talk).await,
    }
}
