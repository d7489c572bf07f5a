//! `s3twin posture`.

use crate::args::{OutputFormat, PostureArgs};
use crate::exit::Exit;
use crate::posture::{Counts, Held, Target, headline, json, markdown, targets, text};
use crate::{run_folder, setup};
use futures::StreamExt as _;
use s3twin_engine::Error;
use s3twin_engine::report::request_cost_usd;
use s3twin_engine::run::posture::{look, mend};
use serde_json::Value;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// Buckets asked at once.
const AT_ONCE: usize = 8;

pub(crate) async fn run(args: PostureArgs) -> Exit {
    let (begun, now) = (Instant::now(), setup::clock().now());
    let targets = match targets(&args) {
        Ok(targets) => targets,
        Err(error) => {
            eprintln!("s3twin: {error}");
            return Exit::of(&error);
        }
    };
    setup::warn(&args.endpoints);
    let cancel = setup::cancel_on_signals();
    let fleet = setup::Fleet::new(&args.limits, &cancel);
    let held = Box::pin(hold_all(targets, &fleet, args.apply, &cancel)).await;
    let counts = Counts::of(&held);
    let exit = if cancel.is_cancelled() { Exit::Interrupted } else { counts.exit() };
    let mut result = json(&held, counts, args.apply);
    result["started_at"] = serde_json::json!(now);
    result["elapsed_seconds"] = begun.elapsed().as_secs_f64().into();
    result["state"] = state_word(exit).into();
    result["exit_code"] = exit.code().into();
    result["requests"] = serde_json::json!(fleet.meter().requests());
    result["retries"] = fleet.meter().retries().into();
    result["throttled"] = fleet.meter().throttled().into();
    result["estimated_cost_usd"] = request_cost_usd(fleet.meter()).into();
    if let Some(folder) = &args.report
        && let Err(error) = leave(folder, &result, &markdown(&held, counts))
    {
        eprintln!("s3twin: the report in {} cannot be written: {error}", folder.display());
        return Exit::Incomplete;
    }
    let shown = match args.output {
        OutputFormat::Json => format!("{result}\n"),
        OutputFormat::Text => text(&held, counts),
    };
    // A reader that has gone away has seen enough.
    let _ = io::stdout().write_all(shown.as_bytes());
    if exit == Exit::Interrupted {
        eprintln!("s3twin: interrupted: {}", headline(&held, counts));
    }
    exit
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

fn leave(folder: &Path, result: &Value, markdown: &str) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    run_folder::write_whole(&folder.join("posture.json"), |file| writeln!(file, "{result:#}"))?;
    run_folder::write_whole(&folder.join("posture.md"), |file| file.write_all(markdown.as_bytes()))
}
