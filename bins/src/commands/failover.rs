//! `s3twin failover`.

use super::dossier::{Content, Dossier, Subject};
use crate::args::{FailoverAction, FailoverCheckArgs, FailoverCommand, FailoverRunArgs, OutputFormat};
use crate::config::{Loaded, find};
use crate::exit::Exit;
use crate::failover::{Calls, Check, Found, HookRun, Readiness, check};
use crate::job::hold;
use crate::kind::Kind;
use crate::screen::out::show;
use crate::{Origin, run_folder, setup};
use comfy_table::{ContentArrangement, Table, presets};
use s3twin_engine::Error;
use s3twin_engine::model::Location;
use serde_json::{Value, json};
use std::fmt::Write as _;
use tokio_util::sync::CancellationToken;

pub(crate) async fn run(command: FailoverCommand, origin: Origin) -> Exit {
    match command.action {
        FailoverAction::Check(args) => {
            let subject = subject(Kind::FailoverCheck, &args, false);
            Dossier::keep(subject, &args.output, &origin, async |dossier| only_check(&args, dossier).await)
                .await
        }
        FailoverAction::Run(args) => prepare(&args, &origin).await.unwrap_or_else(|error| {
            eprintln!("s3twin: {error}");
            Exit::of(&error)
        }),
    }
}

fn subject(kind: Kind, args: &FailoverCheckArgs, dry_run: bool) -> Subject {
    Subject { kind, source: args.primary.to_string(), replica: Some(args.replica.to_string()), dry_run }
}

async fn only_check(args: &FailoverCheckArgs, dossier: &Dossier) -> Result<Content, Error> {
    let (readiness, effort) = Box::pin(check(args, dossier.state(), &setup::cancel_on_signals())).await?;
    let exit = if readiness.go { Exit::Clean } else { Exit::LookAt };
    let mut report = json!(readiness);
    report["exit_code"] = exit.code().into();
    Ok(Content { report, text: table(&readiness), exit, effort })
}

async fn prepare(args: &FailoverRunArgs, origin: &Origin) -> Result<Exit, Error> {
    let hooks = hooks(args)?;
    let output = &args.check.output;
    let state = run_folder::state_dir(output.state_dir.as_deref()).map_err(Error::Invalid)?;
    let (primary, replica) = (&args.check.primary, &args.check.replica);
    // Two at once would call every hook twice.
    let _lease =
        if args.dry_run { None } else { Some(hold(&state, &format!("failover {primary} {replica}"))?) };
    let subject = subject(Kind::FailoverRun, &args.check, args.dry_run);
    let work = async |dossier: &Dossier| Box::pin(fail_over(args, &hooks, dossier)).await;
    Ok(Dossier::keep(subject, output, origin, work).await)
}

async fn fail_over(args: &FailoverRunArgs, hooks: &[String], dossier: &Dossier) -> Result<Content, Error> {
    let cancel = setup::cancel_on_signals();
    let (primary, replica) = (&args.check.primary, &args.check.replica);
    let (readiness, effort) = Box::pin(check(&args.check, dossier.state(), &cancel)).await?;
    let go = readiness.go || args.force;
    if args.check.output.output == OutputFormat::Text {
        // Before the hooks: they may take their time.
        show(format_args!("{}", table(&readiness)));
    }
    if args.dry_run || !go {
        let exit = if go { Exit::Clean } else { Exit::Refused };
        let (report, text) = (plan_json(&readiness, hooks, exit), plan_text(args, &readiness, hooks, exit));
        return Ok(Content { report, text, exit, effort });
    }
    let calls = Calls::new((dossier.state(), dossier.id()), readiness, hooks, args.force);
    let mut calls = calls.map_err(|error| Error::Invalid(unwritten(&error)))?;
    let made = Box::pin(calls.make((primary, replica), &cancel)).await;
    let exit = exit_of(&calls, &cancel, made.as_ref().err());
    if let Err(error) = &made {
        eprintln!("s3twin: {}", unwritten(error));
    }
    Ok(Content { report: calls_json(&calls, exit), text: calls_text(&calls), exit, effort })
}

fn unwritten(error: &std::io::Error) -> String {
    format!("what is done cannot be recorded, so nothing more is called: {error}")
}

fn exit_of(calls: &Calls, cancel: &CancellationToken, error: Option<&std::io::Error>) -> Exit {
    match error {
        Some(_) => Exit::Incomplete,
        None if calls.hooks.iter().all(HookRun::is_done) => Exit::Clean,
        None if cancel.is_cancelled() => Exit::Interrupted,
        None => Exit::LookAt,
    }
}

/// Those of the command line; else those of the pair in s3twin.toml.
fn hooks(args: &FailoverRunArgs) -> Result<Vec<String>, Error> {
    if !args.hook.is_empty() {
        return Ok(args.hook.clone());
    }
    let none = |why: String| {
        Error::Invalid(format!(
            "there is nothing to call: {why}. Say --hook CMD, or failover_hooks = [\"CMD\"] in the pair's section of s3twin.toml"
        ))
    };
    let given = args.config.config.as_deref();
    if given.is_none() && find(None).is_err() {
        return Err(none("no --hook, and no s3twin.toml".to_owned()));
    }
    let loaded = Loaded::read(given, &args.config.set).map_err(Error::Invalid)?;
    let config = &loaded.config;
    let is_at = |bucket: &str, location: &Location| {
        config.buckets.get(bucket).is_some_and(|bucket| bucket.location == location.to_string())
    };
    let (primary, replica) = (&args.check.primary, &args.check.replica);
    let pair =
        config.pairs.values().find(|pair| is_at(&pair.source, primary) && is_at(&pair.replica, replica));
    match pair {
        Some(pair) if !pair.failover_hooks.is_empty() => Ok(pair.failover_hooks.clone()),
        Some(_) => Err(none(format!("the pair in {} has no hooks", loaded.path.display()))),
        None => Err(none(format!("{} has no pair of {primary} and {replica}", loaded.path.display()))),
    }
}

fn plan_json(readiness: &Readiness, hooks: &[String], exit: Exit) -> Value {
    let planned: Vec<_> = hooks.iter().map(|hook| json!({ "command": hook })).collect();
    let state = if exit == Exit::Refused { "refused" } else { "dry-run" };
    json!({
        "schema": "s3twin.failover-run/1", "command": "failover run", "state": state, "exit_code": exit.code(),
        "headline": readiness.headline, "check": readiness, "hooks": planned,
    })
}

/// Nothing was called: why, or what would be.
fn plan_text(args: &FailoverRunArgs, readiness: &Readiness, hooks: &[String], exit: Exit) -> String {
    let mut text = String::new();
    if exit == Exit::Refused {
        eprintln!(
            "s3twin: the replica is not ready, so no hook is called: {}. Mend what is named, --skip a check, or --force",
            readiness.headline
        );
    }
    if args.dry_run {
        let condition = if exit == Exit::Refused { " if it were a go" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\nWould be called{condition}, in this order:");
        for (index, hook) in hooks.iter().enumerate() {
            let _ = writeln!(text, "  {}. {hook}", index + 1);
        }
    }
    text
}

fn done(calls: &Calls) -> String {
    let done = calls.hooks.iter().filter(|hook| hook.is_done()).count();
    format!("{done} of {} hooks done", calls.hooks.len())
}

fn calls_json(calls: &Calls, exit: Exit) -> Value {
    let mut result = json!(calls);
    let state = match exit {
        Exit::Clean => "complete",
        Exit::Interrupted => "interrupted",
        _ => "incomplete",
    };
    result["command"] = "failover run".into();
    result["state"] = state.into();
    result["exit_code"] = exit.code().into();
    result["headline"] = done(calls).into();
    result["folder"] = calls.folder.display().to_string().into();
    result
}

fn calls_text(calls: &Calls) -> String {
    let mut text = format!("\n{}\n", done(calls));
    for (index, hook) in calls.hooks.iter().enumerate() {
        let end = match (hook.started_at, hook.exit_code) {
            (None, _) => "not called".to_owned(),
            (_, Some(0)) => "done".to_owned(),
            (_, Some(code)) => format!("failed with exit code {code}; see {}", hook.output),
            (_, None) => format!("ended by a signal; see {}", hook.output),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}. {}: {end}", index + 1, hook.command);
    }
    let _ = writeln!(text, "Recorded in {}", calls.folder.display());
    text
}

/// The verdict, then a row for each check, then what to do.
fn table(readiness: &Readiness) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    for check in &readiness.checks {
        table.add_row([word(check), check.name, &check.detail]);
    }
    let mut text = format!("{}\n\n{table}\n", readiness.headline);
    let to_do = readiness.checks.iter().filter(|check| matches!(check.found, Found::NoGo | Found::Warning));
    for check in to_do {
        if let Some(advice) = &check.advice {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {}: {advice}", check.name);
        }
    }
    text
}

fn word(check: &Check) -> &'static str {
    match check.found {
        Found::Ok => "ok",
        Found::Warning => "warning",
        Found::NoGo => "NO-GO",
        Found::NotChecked => "not checked",
    }
}
