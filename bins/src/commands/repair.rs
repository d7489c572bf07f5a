//! `s3twin repair`: the audit's own command line says which pair, its findings which keys.

use super::earlier;
use super::frame::{Frame, Target, all_done};
use crate::args::{AuditArgs, Command, DirectionArg, RepairArgs, Talk, fidelity};
use crate::exit::Exit;
use crate::{Origin, run_folder, setup};
use s3twin_engine::act::AclMode;
use s3twin_engine::compare::{Rules, Scrub, ScrubWish};
use s3twin_engine::journal::RunDir;
use s3twin_engine::list::Sides;
use s3twin_engine::model::Location;
use s3twin_engine::plan::{Direction, Filter, HealRules};
use s3twin_engine::report::RunState;
use s3twin_engine::run::{RepairJob, Session, repair};

/// The audit that a repair heals.
pub(super) struct Audited {
    pub(super) run: RunDir,
    pub(super) args: AuditArgs,
    pub(super) replica: Location,
}

pub(crate) async fn run(args: RepairArgs, talk: Talk, origin: Origin) -> Exit {
    let prepared = audited(&args).and_then(|audited| {
        let filter = Filter::new(&args.filter.rules).map_err(|error| error.to_string())?;
        let counts = counts(&audited.run, &args)?;
        Ok((audited, filter, counts))
    });
    match prepared {
        Ok((audited, filter, counts)) => Box::pin(heal(args, audited, filter, counts, talk, origin)).await,
        Err(message) => {
            eprintln!("s3twin: {message}");
            Exit::Usage
        }
    }
}

/// Finds the audit.
pub(super) fn audited(args: &RepairArgs) -> Result<Audited, String> {
    let run = earlier::find(args.output.state_dir.as_deref(), &args.run)?;
    let id = &run.id;
    let Command::Audit(audit) = earlier::command_line(&run)?.command else {
        return Err(format!("run {id} was no audit: `s3twin runs --command audit` lists those"));
    };
    if audit.versions {
        return Err(format!(
            "run {id} compared whole histories, and histories cannot be copied: audit without --versions, then \
             repair that run"
        ));
    }
    if audit.baseline.is_some() {
        return Err(format!(
            "run {id} held a bucket against a manifest, which has no bytes to heal it from: `s3twin restore` does"
        ));
    }
    let Some(replica) = audit.replica.clone() else {
        return Err(format!(
            "run {id} audited one bucket, so there is nothing to heal it from: audit it against its replica with \
             --scrub all, then repair that run"
        ));
    };
    Ok(Audited { args: *audit, replica, run })
}

/// What the audit counted on the right and on the wrong side.
fn counts(run: &RunDir, args: &RepairArgs) -> Result<(u64, u64), String> {
    let id = &run.id;
    if !run.findings().is_file() {
        return Err(format!("run {id} left no findings: `s3twin resume {id}` brings it to its end"));
    }
    let summary = run_folder::summary(run.path());
    let complete = summary.as_ref().is_ok_and(|summary| summary.state == RunState::Complete);
    if args.deleting.delete && !complete {
        return Err(format!(
            "run {id} did not come to its end, so --delete could remove what it never saw: `s3twin resume {id}` first"
        ));
    }
    let keys = summary.map(|summary| summary.keys).unwrap_or_default();
    Ok(match args.direction {
        DirectionArg::SourceToReplica => (keys.source, keys.replica),
        DirectionArg::ReplicaToSource => (keys.replica, keys.source),
    })
}

async fn heal(
    args: RepairArgs,
    audited: Audited,
    filter: Filter,
    counts: (u64, u64),
    talk: Talk,
    mut origin: Origin,
) -> Exit {
    let Audited { run, args: audit, replica } = audited;
    // `latest` is another run as soon as this one has begun.
    origin.replace(&args.run, run.id.as_str());
    let rules = as_audited(&audit);
    let endpoints = args.endpoints.clone().or(audit.endpoints);
    let frame = Frame {
        command: "repair",
        source: audit.primary,
        target: Target::Replica(replica),
        writes: true,
        dry_run: args.dry_run,
        endpoints,
        limits: args.limits.clone(),
        output: args.output.clone(),
        talk,
        origin,
    };
    let direction = Direction::from(args.direction);
    let work = |sides: Sides, session: Session, _| async move {
        let sides = turned(sides, direction);
        let target = sides.replica.as_ref().unwrap_or(&sides.source);
        let tools = setup::copy_tools(&args.copy, target, &session)?;
        let mut copy = args.copy.options();
        copy.fidelity_heads |= rules.fidelity.metadata;
        let job = RepairJob {
            sides,
            findings: run.findings(),
            rules,
            heal: HealRules {
                direction,
                delete: args.deleting.delete,
                acl: copy.acl != AclMode::Leave,
                lock: copy.lock,
                encryption: copy.encryption.is_some(),
            },
            filter,
            audited: counts,
            brakes: args.deleting.brakes(),
            copy,
            dry_run: args.dry_run,
        };
        Box::pin(repair(job, tools, &session)).await
    };
    Box::pin(frame.run(work, all_done)).await
}

/// The right side first.
fn turned(sides: Sides, direction: Direction) -> Sides {
    match (direction, sides) {
        (Direction::ReplicaToSource, Sides { source, replica: Some(replica) }) => {
            Sides { source: replica, replica: Some(source) }
        }
        (_, sides) => sides,
    }
}

/// As deep as the audit went. A share that moves on from day to day is not taken up again: what it found by reading is
/// read again, whatever day it is.
fn as_audited(audit: &AuditArgs) -> Rules {
    let scrub = match audit.scrub {
        Some(ScrubWish::All) => Some(Scrub::ALL),
        Some(ScrubWish::Slice(k, n)) => Scrub::slice(k, n),
        _ => None,
    };
    Rules { depth: audit.depth.into(), settled_before: None, fidelity: fidelity(&audit.compare), scrub }
}
