//! `s3twin failback`: the commands of the program, with the sides turned, each a process and a run of its own.

use super::dossier::{Content, Dossier, Subject};
use crate::Origin;
use crate::args::{EndpointArgs, FailbackArgs, LogFormat, Talk};
use crate::effort::Effort;
use crate::exit::Exit;
use crate::failover::turned;
use crate::job::{Finished, Stop, hold, run_child};
use crate::kind::Kind;
use crate::page::headline_of;
use crate::run_folder;
use clap::ValueEnum as _;
use s3twin_engine::Error;
use s3twin_engine::report::Summary;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// A step that was taken.
struct Step {
    name: &'static str,
    code: Option<i32>,
    /// What it printed.
    summary: Option<Value>,
}

pub(crate) async fn run(args: FailbackArgs, talk: Talk, origin: Origin) -> Exit {
    Box::pin(prepare(&args, &talk, &origin)).await.unwrap_or_else(|error| {
        eprintln!("s3twin: {error}");
        Exit::of(&error)
    })
}

async fn prepare(args: &FailbackArgs, talk: &Talk, origin: &Origin) -> Result<Exit, Error> {
    let state = run_folder::state_dir(args.output.state_dir.as_deref()).map_err(Error::Invalid)?;
    let _lease = hold(&state, &format!("failback {} {}", args.primary, args.replica))?;
    let subject = Subject {
        kind: Kind::Failback,
        source: args.replica.to_string(),
        replica: Some(args.primary.to_string()),
        dry_run: args.dry_run,
    };
    let work = async |_: &Dossier| fail_back(args, talk, &state).await;
    Ok(Dossier::keep(subject, &args.output, origin, work).await)
}

async fn fail_back(args: &FailbackArgs, talk: &Talk, state: &Path) -> Result<Content, Error> {
    let stop = Stop::on_signals(Duration::ZERO);
    let mut plan = vec![("sync", sync_argv(args, state))];
    if !args.dry_run {
        plan.push(("audit", audit_argv(args, state)));
    }
    let mut steps = Vec::new();
    for (name, mut argv) in plan {
        if stop.asked.is_cancelled() {
            break;
        }
        argv.extend(["--output=json".to_owned(), "--no-progress".to_owned()]);
        if matches!(talk.log_format, LogFormat::Json) {
            argv.push("--log-format=json".to_owned());
        }
        let finished = run_child(&argv, name, talk.log_format, &stop).await;
        let finished =
            finished.map_err(|error| Error::Invalid(format!("the {name} cannot be started: {error}")))?;
        let step = step(name, &finished);
        let clean = step.code == Some(0);
        steps.push(step);
        if !clean {
            break;
        }
    }
    let exit = exit_of(&steps, args, &stop);
    let (go, headline) = headline(args, &steps, exit);
    let text = text(&headline, &steps);
    // The steps count what they ask, each for itself.
    Ok(Content {
        report: json_of(args, &steps, (go, &headline), exit),
        text,
        exit,
        effort: Effort::default(),
    })
}

fn step(name: &'static str, finished: &Finished) -> Step {
    Step { name, code: finished.code, summary: finished.result() }
}

fn exit_of(steps: &[Step], args: &FailbackArgs, stop: &Stop) -> Exit {
    let taken = if args.dry_run { 1 } else { 2 };
    match steps.iter().find_map(|step| (step.code != Some(0)).then_some(step.code)) {
        None if steps.len() == taken => Exit::Clean,
        None if stop.asked.is_cancelled() => Exit::Interrupted,
        Some(Some(1)) => Exit::LookAt,
        Some(Some(2)) => Exit::Usage,
        Some(Some(3)) => Exit::Refused,
        Some(Some(130)) => Exit::Interrupted,
        _ => Exit::Incomplete,
    }
}

/// The replica is the source here.
fn sync_argv(args: &FailbackArgs, state: &Path) -> Vec<String> {
    let mut argv = vec!["sync".to_owned(), args.replica.to_string(), args.primary.to_string()];
    argv.extend(common(args, &turned(&args.endpoints), state));
    argv.extend(args.dry_run.then(|| "--dry-run".to_owned()));
    argv.extend(args.delete.then(|| "--delete".to_owned()));
    argv.extend(args.max_delete.map(|most| format!("--max-delete={most}")));
    argv
}

/// The right way round, so that it is the pair's last audit for the next check.
fn audit_argv(args: &FailbackArgs, state: &Path) -> Vec<String> {
    let mut argv = vec!["audit".to_owned(), args.primary.to_string(), args.replica.to_string()];
    argv.extend(common(args, &args.endpoints, state));
    argv
}

fn common(args: &FailbackArgs, endpoints: &EndpointArgs, state: &Path) -> Vec<String> {
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let words = [
        ("endpoint-url", endpoints.endpoint_url.clone()),
        ("region", endpoints.region.clone()),
        ("profile", endpoints.profile.clone()),
        ("source-endpoint-url", endpoints.source_endpoint_url.clone()),
        ("source-region", endpoints.source_region.clone()),
        ("source-profile", endpoints.source_profile.clone()),
        ("replica-endpoint-url", endpoints.replica_endpoint_url.clone()),
        ("replica-region", endpoints.replica_region.clone()),
        ("replica-profile", endpoints.replica_profile.clone()),
        ("ca-bundle", path(&endpoints.ca_bundle)),
        ("compat", endpoints.compat.to_possible_value().map(|value| value.get_name().to_owned())),
        ("sse-c-key-file", path(&endpoints.sse_c_key_file)),
        ("source-sse-c-key-file", path(&endpoints.source_sse_c_key_file)),
        ("replica-sse-c-key-file", path(&endpoints.replica_sse_c_key_file)),
        ("concurrency", Some(args.limits.concurrency.to_string())),
        ("max-requests-per-second", args.limits.max_requests_per_second.map(|rate| rate.to_string())),
        ("state-dir", Some(state.display().to_string())),
    ];
    let unverified = endpoints.no_verify_ssl.then(|| "--no-verify-ssl".to_owned());
    let said = words.into_iter().filter_map(|(flag, value)| Some(format!("--{flag}={}", value?)));
    said.chain(unverified).collect()
}

fn json_of(args: &FailbackArgs, steps: &[Step], (go, headline): (bool, &str), exit: Exit) -> Value {
    let steps: Vec<Value> = steps
        .iter()
        .map(|step| json!({ "step": step.name, "exit_code": step.code, "summary": step.summary }))
        .collect();
    json!({
        "schema": "s3twin.failback/1", "command": "failback", "primary": args.primary.to_string(),
        "replica": args.replica.to_string(), "dry_run": args.dry_run, "go": go, "headline": headline,
        "exit_code": exit.code(), "steps": steps,
    })
}

fn text(headline: &str, steps: &[Step]) -> String {
    let mut text = format!("{headline}\n");
    for step in steps {
        let summary =
            step.summary.clone().and_then(|summary| serde_json::from_value::<Summary>(summary).ok());
        // Writing to a String cannot fail.
        let _ = match summary {
            Some(summary) => writeln!(
                text,
                "  {}: {}\n    s3twin report {}",
                step.name,
                headline_of(&summary),
                summary.run_id
            ),
            None => writeln!(text, "  {}: ended without a result; stderr says why", step.name),
        };
    }
    text
}

/// Go, or why not, and what then.
fn headline(args: &FailbackArgs, steps: &[Step], exit: Exit) -> (bool, String) {
    let last = steps.last().map_or("sync", |step| step.name);
    let extra = steps.iter().rev().find_map(|step| step.summary.as_ref()?["verdicts"]["missing"].as_u64());
    match exit {
        Exit::Clean if args.dry_run => (false, "A rehearsal: nothing was changed".to_owned()),
        Exit::Clean => (true, "GO: the primary holds what the replica holds, and that is proved".to_owned()),
        Exit::Interrupted => {
            (false, "NO-GO: interrupted; the same command goes on from what is there".to_owned())
        }
        Exit::LookAt if last == "audit" && extra.unwrap_or_default() > 0 => (
            false,
            format!(
                "NO-GO: {} objects are only on the primary: never replicated, or deleted on the replica meanwhile. Look at \
                 them; --delete removes them",
                extra.unwrap_or_default()
            ),
        ),
        _ => (
            false,
            format!("NO-GO: the {last} is not clean; its report says why. Then the same command again"),
        ),
    }
}
