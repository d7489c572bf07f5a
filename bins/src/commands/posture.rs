//! `s3twin posture`.

use super::dossier::{Content, Dossier, Subject};
use crate::args::PostureArgs;
use crate::effort::Effort;
use crate::exit::Exit;
use crate::kind::Kind;
use crate::posture::{Counts, Held, Target, headline, json, targets, text};
use crate::{Origin, setup};
use futures::StreamExt as _;
use s3twin_engine::Error;
use s3twin_engine::report::request_cost_usd;
use s3twin_engine::run::posture::{look, mend};
use tokio_util::sync::CancellationToken;

/// Buckets asked at once.
const AT_ONCE: usize = 8;

pub(crate) async fn run(args: PostureArgs, origin: Origin) -> Exit {
    let targets = match targets(&args) {
        Ok(targets) => targets,
        Err(error) => {
            eprintln!("s3twin: {error}");
            return Exit::of(&error);
        }
    };
    setup::warn(&args.endpoints);
    let names: Vec<String> = targets.iter().map(|target| format!("s3://{}", target.bucket)).collect();
    let subject =
        Subject { kind: Kind::Posture, source: names.join(", "), replica: None, dry_run: args.dry_run };
    Dossier::keep(subject, &args.output, &origin, async |dossier| {
        Ok(Box::pin(ask_all(&args, targets, dossier)).await)
    })
    .await
}

async fn ask_all(args: &PostureArgs, targets: Vec<Target>, dossier: &Dossier) -> Content {
    let cancel = setup::cancel_on_signals();
    let fleet = setup::Fleet::new(&args.limits, &cancel);
    let apply = args.apply && !args.dry_run;
    let held = hold_all(targets, &fleet, apply, &cancel).await;
    let counts = Counts::of(&held);
    let exit = if cancel.is_cancelled() { Exit::Interrupted } else { counts.exit() };
    let mut report = json(&held, counts, apply);
    report["started_at"] = serde_json::json!(dossier.started_at());
    report["elapsed_seconds"] = dossier.elapsed_seconds().into();
    report["state"] = state_word(exit).into();
    report["exit_code"] = exit.code().into();
    report["requests"] = serde_json::json!(fleet.meter().requests());
    report["retries"] = fleet.meter().retries().into();
    report["throttled"] = fleet.meter().throttled().into();
    report["estimated_cost_usd"] = request_cost_usd(fleet.meter()).into();
    if exit == Exit::Interrupted {
        eprintln!("s3twin: interrupted: {}", headline(&held, counts));
    }
    Content { report, text: text(&held, counts), exit, effort: Effort::of(fleet.meter()) }
}

async fn hold_all(
    targets: Vec<Target>,
    fleet: &setup::Fleet<'_>,
    apply: bool,
    cancel: &CancellationToken,
) -> Vec<Held> {
    let one = |target: Target| async move {
        let rows = Box::pin(hold(&target, fleet, apply, cancel)).await;
        Held { target, rows }
    };
    futures::stream::iter(targets).map(one).buffered(AT_ONCE).collect().await
}

async fn hold(
    target: &Target,
    fleet: &setup::Fleet<'_>,
    apply: bool,
    cancel: &CancellationToken,
) -> Result<Vec<s3twin_engine::run::posture::Row>, Error> {
    if cancel.is_cancelled() {
        return Err(Error::Cancelled);
    }
    // Loading the AWS configuration has a large state.
    let store = Box::pin(fleet.bucket(&target.bucket, &target.endpoints)).await?;
    Ok(if apply {
        mend(&*store, &target.bucket, &target.wish).await
    } else {
        look(&*store, &target.bucket, &target.wish).await
    })
}

fn state_word(exit: Exit) -> &'static str {
    match exit {
        Exit::Interrupted => "interrupted",
        Exit::Incomplete => "incomplete",
        _ => "complete",
    }
}
