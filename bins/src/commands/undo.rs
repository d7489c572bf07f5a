//! `s3twin undo`: the run's own command line says where it wrote, its journal what.

use super::frame::{Frame, Target, all_done};
use crate::args::{Cli, Command, EndpointArgs, Talk, UndoArgs};
use crate::exit::Exit;
use crate::{Origin, run_folder};
use clap::Parser as _;
use s3twin_engine::journal::{Replay, RunDir, RunState, StateDir};
use s3twin_engine::model::Location;
use s3twin_engine::run::{Session, UndoJob, undo};

/// Where a run wrote.
struct Place {
    target: Location,
    endpoints: EndpointArgs,
    conditional_deletes: bool,
}

pub(crate) async fn run(args: UndoArgs, talk: Talk, origin: Origin) -> Exit {
    if matches!(origin, Origin::Interrupted(_)) {
        eprintln!("s3twin: start the undo again: what it has taken back already it leaves alone");
        return Exit::Usage;
    }
    let (run, place) = match find(&args) {
        Ok(found) => found,
        Err(message) => {
            eprintln!("s3twin: {message}");
            return Exit::Usage;
        }
    };
    let frame = Frame {
        command: "undo",
        source: place.target,
        target: Target::Itself,
        writes: true,
        dry_run: args.dry_run,
        endpoints: place.endpoints,
        limits: args.limits,
        output: args.output,
        talk,
        origin,
    };
    let (journal, dry_run, conditional_deletes) = (run.journal(), args.dry_run, place.conditional_deletes);
    let work = |sides: s3twin_engine::list::Sides, session: Session, _| async move {
        let job = UndoJob { target: sides.source, journal, conditional_deletes, dry_run };
        Box::pin(undo(job, &session)).await
    };
    Box::pin(frame.run(work, all_done)).await
}

fn find(args: &UndoArgs) -> Result<(RunDir, Place), String> {
    let state = StateDir::new(run_folder::state_dir(args.output.state_dir.as_deref())?);
    let run = state.find(&args.run).map_err(|error| format!("{error}. What to do: {}", error.advice()))?;
    let id = run.id.clone();
    if run.entry().state == RunState::Running {
        return Err(format!("run {id} is still running"));
    }
    let replay =
        Replay::read(&run.journal()).map_err(|error| format!("{error}. What to do: {}", error.advice()))?;
    let argv =
        replay.started.as_ref().and_then(|started| started.job.get("argv")).and_then(|argv| argv.as_array());
    let argv = argv.ok_or_else(|| format!("the journal of run {id} does not say how it was started"))?;
    let argv = argv.iter().filter_map(|word| word.as_str());
    let cli =
        Cli::try_parse_from(std::iter::once("s3twin").chain(argv)).map_err(|error| error.to_string())?;
    let place =
        place(cli.command).ok_or_else(|| format!("run {id} changed no bucket: there is nothing to undo"))?;
    Ok((run, place))
}

fn place(command: Command) -> Option<Place> {
    let of_replica = |mut endpoints: EndpointArgs| {
        let pick = |own: Option<String>, both: &Option<String>| own.or_else(|| both.clone());
        endpoints.endpoint_url = pick(endpoints.replica_endpoint_url.take(), &endpoints.endpoint_url);
        endpoints.region = pick(endpoints.replica_region.take(), &endpoints.region);
        endpoints.profile = pick(endpoints.replica_profile.take(), &endpoints.profile);
        let key = endpoints.replica_sse_c_key_file.take().or(endpoints.sse_c_key_file);
        EndpointArgs {
            sse_c_key_file: key,
            source_endpoint_url: None,
            source_region: None,
            source_profile: None,
            source_sse_c_key_file: None,
            ..endpoints
        }
    };
    match command {
        Command::Sync(args) => Some(Place {
            target: args.replica,
            conditional_deletes: args.copy.options().conditional_deletes,
            endpoints: of_replica(args.endpoints),
        }),
        Command::Restore(args) => {
            let conditional_deletes = args.copy.options().conditional_deletes;
            match &args.to {
                Some(to) => {
                    let endpoints = of_replica(args.endpoints);
                    Some(Place { target: to.parse().ok()?, endpoints, conditional_deletes })
                }
                None => Some(Place { target: args.bucket, endpoints: args.endpoints, conditional_deletes }),
            }
        }
        _ => None,
    }
}
