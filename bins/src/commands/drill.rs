//! `s3twin drill`.

use super::frame::{Frame, Target, all_done};
use crate::Origin;
use crate::args::{DrillArgs, Talk};
use crate::exit::Exit;
use crate::{run_folder, setup};
use s3twin_engine::act::CopyOptions;
use s3twin_engine::journal::{RunState, StateDir};
use s3twin_engine::list::Sides;
use s3twin_engine::report::{DrillSummary, Summary};
use s3twin_engine::run::{DrillJob, Session, clean, drill, scratch};
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;

pub(crate) async fn run(args: DrillArgs, talk: Talk, origin: Origin) -> Exit {
    let state = match run_folder::state_dir(args.output.state_dir.as_deref()) {
        Ok(state) => StateDir::new(state),
        Err(message) => {
            eprintln!("s3twin: {message}");
            return Exit::Usage;
        }
    };
    let frame = Frame {
        command: "drill",
        source: args.bucket.clone(),
        target: Target::Itself,
        writes: true,
        dry_run: false,
        endpoints: args.endpoints.clone(),
        limits: args.limits.clone(),
        output: args.output.clone(),
        talk,
        origin,
    };
    let (found, id) = (Arc::<OnceLock<DrillSummary>>::default(), Arc::<OnceLock<String>>::default());
    let (to_find, to_name) = (Arc::clone(&found), Arc::clone(&id));
    let (objects, sample, rto, allow_replicated) =
        (args.objects, args.sample, args.rto, args.allow_replicated);
    let work = |sides: Sides, session: Session, _| async move {
        // Each is set once: there is one run.
        let _ = to_name.set(session.recorder.run().id.to_string());
        let tools = setup::plain_copy_tools(&session)?;
        let job = DrillJob {
            side: sides.source,
            objects,
            sample: usize::from(sample),
            seed: fastrand::u64(..),
            rto,
            allow_replicated,
            copy: CopyOptions::default(),
            alive: Arc::new(move |run: &str| alive(&state, run)),
        };
        let (tally, summary) = Box::pin(drill(job, tools, &session)).await?;
        let _ = to_find.set(summary);
        Ok(tally)
    };
    let judge = move |summary: &mut Summary| {
        summary.drill = found.get().cloned();
        let late = summary.drill.as_ref().is_some_and(|drill| drill.rto_kept == Some(false));
        if late { Exit::LookAt } else { all_done(summary) }
    };
    let exit = Box::pin(frame.run_with(work, judge)).await;
    if let (Exit::Interrupted | Exit::Incomplete, Some(id)) = (exit, id.get()) {
        sweep(&args, id).await;
    }
    exit
}

/// `None` for a run that this state dir does not know.
fn alive(state: &StateDir, run: &str) -> Option<bool> {
    Some(state.find(run).ok()?.entry().state == RunState::Running)
}

/// A drill that was stopped cleans up with a connection that was not.
async fn sweep(args: &DrillArgs, id: &str) {
    let never = CancellationToken::new();
    let connect = setup::connect_bucket(&args.bucket, &args.endpoints, &args.limits, &never);
    let swept = match Box::pin(connect).await {
        Ok(connected) => clean(&scratch(&connected.side, id)).await,
        Err(error) => Err(error),
    };
    if let Err(error) = swept {
        eprintln!("s3twin: the drill could not clean up: {error}. The next drill of this bucket does");
    }
}
