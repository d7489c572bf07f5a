//! `s3twin run` and `s3twin schedule`.

use crate::args::{OutputFormat, RunArgs, ScheduleArgs, Talk};
use crate::config::{Loaded, seconds};
use crate::exit::Exit;
use crate::job::{JobRun, Jobs, Outcome, Start, Stop, hold};
use crate::schedule::{Listener, Service};
use crate::screen::out::say;
use crate::{run_folder, screen};
use s3twin_engine::report::Summary;
use serde_json::Value;
use std::time::Duration;

pub(crate) async fn run(args: RunArgs, talk: Talk) -> Exit {
    let jobs = Loaded::read(args.config.config.as_deref(), &args.config.set)
        .and_then(|loaded| loaded.job(&args.job).map(|_| ()).map(|()| loaded))
        .and_then(|loaded| Jobs::new(loaded, talk, args.metrics_file));
    let jobs = match jobs {
        Ok(jobs) => jobs,
        Err(message) => {
            eprintln!("{message}");
            return Exit::Usage;
        }
    };
    let stop = Stop::on_signals(Duration::ZERO);
    let ran = if args.dry_run {
        jobs.rehearse(&args.job, args.more, &stop).await
    } else {
        jobs.run(&args.job, Start::Fresh(args.more), &stop).await
    };
    match ran {
        Ok((run, result)) => {
            show(&jobs, result, args.output);
            exit_of(&run)
        }
        Err(error) => {
            eprintln!("s3twin: {error}");
            Exit::of(&error)
        }
    }
}

/// The command's own result, as the command would have shown it.
fn show(jobs: &Jobs, result: Option<Value>, output: OutputFormat) {
    // Without a result it ended before it had one, and stderr says why.
    let Some(result) = result else { return };
    if output == OutputFormat::Json {
        say!("{result}");
        return;
    }
    let folder = |id: &str| jobs.state.join("runs").join(id);
    if let Ok(summary) = serde_json::from_value::<Summary>(result.clone()) {
        let folder = folder(&summary.run_id);
        screen::print_findings(&folder.join("findings.jsonl"), 20);
        screen::print_summary(&summary, &folder);
        return;
    }
    match (result["headline"].as_str(), result["run_id"].as_str()) {
        (Some(headline), Some(id)) => say!("{headline}\n  report     {}", folder(id).display()),
        _ => say!("{result:#}"),
    }
}

fn exit_of(run: &JobRun) -> Exit {
    match (run.outcome, run.exit_code) {
        (Outcome::Clean, _) => Exit::Clean,
        (Outcome::Difference, _) => Exit::LookAt,
        (Outcome::Refused, _) => Exit::Refused,
        (Outcome::Interrupted, _) => Exit::Interrupted,
        (Outcome::Failure, Some(2)) => Exit::Usage,
        (Outcome::Failure, _) => Exit::Incomplete,
    }
}

pub(crate) async fn schedule(args: ScheduleArgs, talk: Talk) -> Exit {
    match prepare(args, talk).await {
        Ok(Prepared { service, listener, _lease }) => {
            service.run(listener).await;
            Exit::Clean
        }
        Err((exit, message)) => {
            eprintln!("{message}");
            exit
        }
    }
}

struct Prepared {
    service: Service,
    listener: Option<Listener>,
    /// One service per state dir: two would both start every job.
    _lease: s3twin_engine::journal::Lease,
}

async fn prepare(args: ScheduleArgs, talk: Talk) -> Result<Prepared, (Exit, String)> {
    let usage = |message: String| (Exit::Usage, message);
    let loaded = Loaded::read(args.config.config.as_deref(), &args.config.set).map_err(usage)?;
    let jobs = Jobs::new(loaded, talk, args.metrics_file).map_err(usage)?;
    run_folder::make(&jobs.state).map_err(usage)?;
    let lease =
        hold(&jobs.state, "schedule").map_err(|error| (Exit::of(&error), format!("s3twin: {error}")))?;
    let config = &jobs.loaded.config;
    if config.jobs.values().all(|job| job.cron.is_none()) {
        let path = jobs.loaded.path.display();
        return Err(usage(format!("s3twin: no job in {path} has a cron line: there is nothing to schedule")));
    }
    let patience = Duration::from_secs(seconds(&config.service.stop_wait));
    let address = args.listen.or_else(|| config.service.listen.as_ref()?.parse().ok());
    let listener = match address {
        None => None,
        Some(address) => {
            let listener =
                Listener::bind(address).await.map_err(|error| usage(format!("s3twin: {error}")))?;
            if let Some(bound) = listener.address() {
                eprintln!("s3twin: status page on http://{bound}/");
            }
            Some(listener)
        }
    };
    let stop = Stop::on_signals(patience);
    Ok(Prepared { service: Service::new(jobs, stop), listener, _lease: lease })
}
