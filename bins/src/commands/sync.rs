//! `s3twin sync`.

use super::frame::{Frame, Target, all_done};
use crate::Origin;
use crate::args::{SyncArgs, Talk};
use crate::exit::Exit;
use crate::setup;
use s3twin_engine::compare::Rules;
use s3twin_engine::plan::{Brakes, Filter, SyncRules};
use s3twin_engine::run::{Session, SyncJob, sync};

pub(crate) async fn run(args: SyncArgs, talk: Talk, origin: Origin) -> Exit {
    let filter = match Filter::new(&args.filter.rules) {
        Ok(filter) => filter,
        Err(error) => {
            eprintln!("s3twin: {error}");
            return Exit::Usage;
        }
    };
    let rules = Rules { depth: args.depth.into(), ..Rules::default() };
    let brakes = Brakes { max_delete: args.max_delete, max_delete_percent: args.max_delete_percent };
    let (delete, dry_run) = (args.delete, args.dry_run);
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
    let work = |sides, session: Session, _| async move {
        let copy = args.copy.options();
        let tools = setup::copy_tools(&args.copy, session.recorder.clone(), session.cancel.clone())?;
        let job = SyncJob { sides, rules, filter, sync: SyncRules { delete }, brakes, copy, dry_run };
        sync(job, tools, &session).await
    };
    frame.run(work, all_done).await
}
