//! `s3twin restore`.

use super::frame::{Frame, Target, all_done};
use crate::Origin;
use crate::args::{RestoreArgs, StrategyArg, Talk};
use crate::exit::Exit;
use crate::setup;
use s3twin_engine::list::Sides;
use s3twin_engine::model::{ParseLocationError, Timestamp};
use s3twin_engine::plan::{DoubtRules, Filter, Goal, Moment, PlanRules};
use s3twin_engine::run::{RestoreJob, Session, ThawRules, restore};
use std::time::Duration;

pub(crate) async fn run(args: RestoreArgs, talk: Talk, mut origin: Origin) -> Exit {
    let (filter, target) = match check(&args) {
        Ok(checked) => checked,
        Err(message) => {
            eprintln!("s3twin: {message}");
            return Exit::Usage;
        }
    };
    let folder = match &target {
        Target::Folder(path) => Some(path.clone()),
        _ => None,
    };
    if let (Some(folder), Some(given)) = (&folder, &args.to) {
        origin.replace(given, &folder.display().to_string());
    }
    let frame = Frame {
        command: "restore",
        source: args.bucket.clone(),
        target,
        writes: true,
        dry_run: args.dry_run,
        endpoints: args.endpoints.clone(),
        limits: args.limits.clone(),
        output: args.output.clone(),
        talk,
        origin,
    };
    let work = |sides: Sides, session: Session, started_at| async move {
        let target = sides.replica.as_ref().unwrap_or(&sides.source);
        let tools = setup::copy_tools(&args.copy, target, &session)?;
        let job = RestoreJob {
            sides,
            rules: rules(&args, started_at),
            folder,
            filter,
            prune: args.prune,
            copy: args.copy.options(),
            thaw: ThawRules {
                tier: args.thaw_tier,
                days: args.thaw_days,
                wait: args.wait,
                poll: Duration::from_secs(args.thaw_poll),
            },
            one: args.key.zip(args.version_id),
            plan: args.plan,
            dry_run: args.dry_run,
        };
        Box::pin(restore(job, tools, &session)).await
    };
    Box::pin(frame.run(work, all_done)).await
}

/// What clap cannot say.
fn check(args: &RestoreArgs) -> Result<(Filter, Target), String> {
    args.copy.check(&args.endpoints)?;
    let filter = Filter::new(&args.filter.rules).map_err(|error| error.to_string())?;
    if args.strategy == StrategyArg::RemoveNewer && !args.yes_delete_versions && !args.dry_run {
        return Err("--strategy remove-newer removes versions for good, which nothing can take back: look at it with \
                    --dry-run, then add --yes-delete-versions"
            .into());
    }
    let target = match &args.to {
        Some(text) if text.starts_with("s3://") => {
            Target::Replica(text.parse().map_err(|error: ParseLocationError| error.to_string())?)
        }
        Some(_) if args.prune => {
            return Err(
                "--prune is for buckets: to have exactly what stood then as files, restore into an empty \
                        folder"
                    .into(),
            );
        }
        Some(text) => {
            let path = std::path::absolute(text);
            Target::Folder(path.map_err(|error| format!("--to {text}: {error}"))?)
        }
        None if args.in_place || args.dry_run => Target::Itself,
        None => {
            return Err(
                "say where to: --in-place, or --to s3://other/prefix, or --dry-run for the plan only".into(),
            );
        }
    };
    Ok((filter, target))
}

fn rules(args: &RestoreArgs, started_at: Timestamp) -> PlanRules {
    let goal = match args.at {
        Some(at) => Goal::State(Moment { at: at.resolve(started_at), inclusive: !args.before }),
        None => Goal::Undelete(args.since.map(|since| since.resolve(started_at))),
    };
    PlanRules {
        goal,
        strategy: args.strategy.into(),
        uncertain: args.uncertain.into(),
        doubts: DoubtRules {
            multipart_window_seconds: args.multipart_window,
            replication_window_seconds: args.replication_window,
        },
        keep_new: args.keep_new,
    }
}
