//! What earlier runs proved: the last audit of the pair, the last drill.

use super::{Check, Facts, Found, skips, span_words};
use crate::args::{FailoverCheckArgs, Skip};
use crate::run_folder;
use s3twin_engine::journal::StateDir;
use s3twin_engine::model::Timestamp;
use s3twin_engine::report::{RunState, Summary};
use std::path::Path;

pub(super) fn audit(args: &FailoverCheckArgs, state: &Path, now: Timestamp, facts: &mut Facts) -> Check {
    const NAME: &str = "last audit";
    if skips(args, Skip::Audit) {
        return Check::new(NAME, Found::NotChecked, "left out by --skip");
    }
    let (primary, replica) = (args.primary.to_string(), args.replica.to_string());
    let of_pair = |run: &Summary| run.source == primary && run.replica.as_deref() == Some(&*replica);
    let again = format!("`s3twin audit {primary} {replica}`");
    let Some(run) = last(state, "audit", of_pair) else {
        let detail = format!("there is none of this pair in {}", state.display());
        return Check::new(NAME, Found::NoGo, detail).advise(format!("{again}; or name its --state-dir"));
    };
    let age = age(&run, now);
    facts.audit_run = Some(run.run_id.clone());
    facts.audit_age_seconds = Some(age);
    let ago = format!("{} ago", span_words(age));
    let (verdicts, report) = (run.verdicts, format!("look at it with `s3twin report {}`", run.run_id));
    if run.state != RunState::Complete {
        return Check::new(NAME, Found::NoGo, format!("{ago}; it could not run to its end")).advise(again);
    }
    if verdicts.to_look_at() > 0 {
        let detail =
            format!("{ago}; {} of {} keys are not proved identical", verdicts.to_look_at(), run.keys.union);
        return Check::new(NAME, Found::NoGo, detail)
            .advise(format!("{report}, then `s3twin repair {}`", run.run_id));
    }
    if age > args.max_audit_age {
        let detail = format!("{ago}, more than {}", span_words(args.max_audit_age));
        return Check::new(NAME, Found::NoGo, detail).advise(again);
    }
    if is_partial(state, &run.run_id) {
        let detail = format!("{ago}; clean, but it left keys out by --include or --exclude");
        return Check::new(NAME, Found::Warning, detail).advise(again);
    }
    Check::new(
        NAME,
        Found::Ok,
        format!("{ago}; all {} keys proved identical", run.keys.union - verdicts.in_flight),
    )
}

/// A drill of either bucket counts; one of the replica shows more, and is looked for first.
pub(super) fn drill(args: &FailoverCheckArgs, state: &Path, now: Timestamp, facts: &mut Facts) -> Check {
    const NAME: &str = "last drill";
    if skips(args, Skip::Drill) {
        return Check::new(NAME, Found::NotChecked, "left out by --skip");
    }
    let again = format!("`s3twin drill {}`", args.replica);
    let of = |place: String| last(state, "drill", move |run| run.source == place);
    let Some(run) = of(args.replica.to_string()).or_else(|| of(args.primary.to_string())) else {
        return Check::new(NAME, Found::NoGo, format!("there is none in {}", state.display())).advise(again);
    };
    let age = age(&run, now);
    facts.drill_run = Some(run.run_id.clone());
    facts.drill_age_seconds = Some(age);
    facts.drill_rto_seconds = run.drill.as_ref().map(|drill| drill.rto_seconds);
    let which = format!("of {}, {} ago", run.source, span_words(age));
    if run.state != RunState::Complete || run.exit_code != 0 {
        let detail = format!("{which}; it ended with exit code {}", run.exit_code);
        return Check::new(NAME, Found::NoGo, detail)
            .advise(format!("`s3twin report {}`, then {again}", run.run_id));
    }
    if age > args.max_drill_age {
        let detail = format!("{which}, more than {}", span_words(args.max_drill_age));
        return Check::new(NAME, Found::NoGo, detail).advise(again);
    }
    let takes =
        facts.drill_rto_seconds.map(|rto| format!("; recovering everything was reckoned at {rto:.0} s"));
    Check::new(NAME, Found::Ok, format!("{which}{}", takes.unwrap_or_default()))
}

/// The newest run of a command that left a summary, rehearsals aside.
fn last(state: &Path, command: &str, wanted: impl Fn(&Summary) -> bool) -> Option<Summary> {
    let folders = run_folder::all(state).ok()?;
    let named = format!("-{command}-");
    let of_command = folders.into_iter().filter(|folder| run_folder::name(folder).contains(&named));
    let mut summaries = of_command.filter_map(|folder| run_folder::summary(&folder).ok());
    summaries.find(|run| run.command == command && !run.dry_run && wanted(run))
}

/// Since its beginning: what was written while it ran it may not have seen.
fn age(run: &Summary, now: Timestamp) -> u64 {
    u64::try_from(now.millis().saturating_sub(run.started_at.millis()) / 1000).unwrap_or_default()
}

/// Did its command line filter keys?
fn is_partial(state: &Path, run: &str) -> bool {
    let started = StateDir::new(state).find(run).ok().and_then(|run| run.entry().started);
    let argv = started.and_then(|started| started.job.get("argv")?.as_array().cloned()).unwrap_or_default();
    let filters = |word: &str| word.starts_with("--include") || word.starts_with("--exclude");
    argv.iter().any(|word| word.as_str().is_some_and(filters))
}
