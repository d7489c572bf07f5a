//! `s3twin sync`.

use super::frame::{Frame, Target, all_done};
use crate::Origin;
use crate::args::{Described, SyncArgs, Talk, fidelity};
use crate::exit::Exit;
use crate::setup;
use s3twin_engine::act::{AclMode, CopyOptions};
use s3twin_engine::compare::Rules;
use s3twin_engine::list::Sides;
use s3twin_engine::plan::{Filter, SyncRules};
use s3twin_engine::run::{Session, SyncJob, sync};

pub(crate) async fn run(args: SyncArgs, talk: Talk, origin: Origin) -> Exit {
    let filter = match Filter::new(&args.filter.rules) {
        Ok(filter) => filter,
        Err(error) => {
            eprintln!("s3twin: {error}");
            return Exit::Usage;
        }
    };
    let copy = match copy_options(&args) {
        Ok(copy) => copy,
        Err(message) => {
            eprintln!("s3twin: {message}");
            return Exit::Usage;
        }
    };
    let rules = Rules { depth: args.depth.into(), fidelity: fidelity(&args.compare), ..Rules::default() };
    let brakes = args.deleting.brakes();
    let (delete, dry_run) = (args.deleting.delete, args.dry_run);
    let frame = Frame {
        command: "sync",
        source: args.source,
        target: Target::Replica(args.replica),
        writes: true,
        dry_run,
        endpoints: args.endpoints,
        limits: args.limits,
        output: args.output,
        talk,
        origin,
    };
    let work = |sides: Sides, session: Session, _| async move {
        let target = sides.replica.as_ref().unwrap_or(&sides.source);
        let tools = setup::copy_tools(&args.copy, target, &session)?;
        let job = SyncJob { sides, rules, filter, sync: SyncRules { delete }, brakes, copy, dry_run };
        sync(job, tools, &session).await
    };
    frame.run(work, all_done).await
}

/// What is compared must be carried over, or it would never become equal.
fn copy_options(args: &SyncArgs) -> Result<CopyOptions, String> {
    args.copy.check(&args.endpoints)?;
    let mut copy = args.copy.options();
    let has = |what| args.compare.contains(&what);
    if has(Described::StorageClass) && copy.storage_class.is_some() {
        return Err(
            "--compare storage-class asks for the source's classes, --storage-class for another: give one"
                .into(),
        );
    }
    if has(Described::Encryption) {
        return Err(
            "a sync cannot carry encryption over: set it with --sse, and compare it with an audit".into()
        );
    }
    if has(Described::Acl) {
        match copy.acl {
            AclMode::Canned(_) => {
                return Err("--compare acl asks for the source's lists: give --acl copy, or none".into());
            }
            AclMode::Leave | AclMode::Copy => copy.acl = AclMode::Copy,
        }
    }
    copy.lock |= has(Described::Lock);
    copy.fidelity_heads |= has(Described::Metadata);
    Ok(copy)
}
