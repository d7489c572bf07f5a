//! `s3twin undo`: the run's own command line says where it wrote, its journal what.

use super::frame::{Frame, Target, all_done};
use super::{earlier, repair};
use crate::Origin;
use crate::args::{Command, DirectionArg, EndpointArgs, RepairArgs, Talk, UndoArgs};
use crate::exit::Exit;
use s3twin_engine::journal::RunDir;
use s3twin_engine::model::Location;
use s3twin_engine::run::{Session, UndoJob, undo};

/// Where a run wrote.
struct Place {
    target: Location,
    endpoints: EndpointArgs,
    conditional_deletes: bool,
}

pub(crate) async fn run(args: UndoArgs, talk: Talk, origin: Origin) -> Exit {
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
        origin: naming(origin, &args.run, &run),
    };
    let (journal, dry_run, conditional_deletes) = (run.journal(), args.dry_run, place.conditional_deletes);
    let work = |sides: s3twin_engine::list::Sides, session: Session, _| async move {
        let job = UndoJob { target: sides.source, journal, conditional_deletes, dry_run };
        Box::pin(undo(job, &session)).await
    };
    Box::pin(frame.run(work, all_done)).await
}

/// The undo's journal names the run by its whole id: `latest` would be the undo itself when it is resumed.
fn naming(origin: Origin, wanted: &str, run: &RunDir) -> Origin {
    match origin {
        Origin::Fresh { argv } => {
            let name = |word: String| if word == wanted { run.id.to_string() } else { word };
            Origin::Fresh { argv: argv.into_iter().map(name).collect() }
        }
        interrupted => interrupted,
    }
}

fn find(args: &UndoArgs) -> Result<(RunDir, Place), String> {
    let run = earlier::find(args.output.state_dir.as_deref(), &args.run)?;
    let command = earlier::command_line(&run)?.command;
    let nothing = || format!("run {} changed no bucket: there is nothing to undo", run.id);
    let place = match command {
        Command::Repair(mut repair) => {
            repair.output.state_dir.clone_from(&args.output.state_dir);
            place_of_repair(&repair)?
        }
        other => place(other).ok_or_else(nothing)?,
    };
    Ok((run, place))
}

/// Endpoints of a run with two sides, as those of the one that it wrote to.
fn of_replica(endpoints: EndpointArgs) -> EndpointArgs {
    EndpointArgs {
        endpoint_url: endpoints.replica_endpoint_url.or(endpoints.endpoint_url),
        region: endpoints.replica_region.or(endpoints.region),
        profile: endpoints.replica_profile.or(endpoints.profile),
        sse_c_key_file: endpoints.replica_sse_c_key_file.or(endpoints.sse_c_key_file),
        ca_bundle: endpoints.ca_bundle,
        no_verify_ssl: endpoints.no_verify_ssl,
        credentials: endpoints.credentials,
        ..EndpointArgs::default()
    }
}

fn of_source(endpoints: EndpointArgs) -> EndpointArgs {
    EndpointArgs {
        endpoint_url: endpoints.source_endpoint_url.or(endpoints.endpoint_url),
        region: endpoints.source_region.or(endpoints.region),
        profile: endpoints.source_profile.or(endpoints.profile),
        sse_c_key_file: endpoints.source_sse_c_key_file.or(endpoints.sse_c_key_file),
        ca_bundle: endpoints.ca_bundle,
        no_verify_ssl: endpoints.no_verify_ssl,
        credentials: endpoints.credentials,
        ..EndpointArgs::default()
    }
}

fn place_of_repair(args: &RepairArgs) -> Result<Place, String> {
    let audited = repair::audited(args)?;
    let endpoints = args.endpoints.clone().or(audited.args.endpoints);
    let conditional_deletes = args.copy.options().conditional_deletes;
    let (target, endpoints) = match args.direction {
        DirectionArg::SourceToReplica => (audited.replica, of_replica(endpoints)),
        DirectionArg::ReplicaToSource => (audited.args.primary, of_source(endpoints)),
    };
    Ok(Place { target, endpoints, conditional_deletes })
}

fn place(command: Command) -> Option<Place> {
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
