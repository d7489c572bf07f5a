//! `s3twin sync`.

use super::pair::Pair;
use crate::Origin;
use crate::args::{SyncArgs, Talk};
use crate::exit::Exit;
use crate::setup;
use s3twin_engine::compare::Rules;
use s3twin_engine::plan::{Brakes, Filter, SyncRules};
use s3twin_engine::report::Summary;
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
    let pair = Pair {
        command: "sync",
        source: args.source,
        replica: args.replica,
        endpoints: args.endpoints,
        limits: args.limits,
        output: args.output,
        talk,
        origin,
        dry_run,
    };
    let work = |sides, session: Session| async move {
        let copy = args.copy.options();
        let tools = setup::copy_tools(&args.copy, session.recorder.clone(), session.cancel.clone())?;
        let job = SyncJob { sides, rules, filter, sync: SyncRules { delete }, brakes, copy, dry_run };
        sync(job, tools, &session).await
    };
    pair.run(work, judge).await
}

/// A rehearsal that ran through is clean: it did what it was asked to. Otherwise whatever could not be brought
/// to the wished state needs a look.
fn judge(summary: &Summary) -> Exit {
    let undone = if summary.dry_run { 0 } else { summary.actions.failed + summary.actions.skipped };
    if undone == 0 { Exit::Clean } else { Exit::LookAt }
}
