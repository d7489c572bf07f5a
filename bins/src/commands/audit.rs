//! `s3twin audit`.

use super::baseline::{Baseline, rule_texts};
use super::frame::{Frame, Target};
use crate::Origin;
use crate::args::{AuditArgs, Talk, fidelity};
use crate::exit::Exit;
use crate::setup;
use s3twin_engine::compare::Rules;
use s3twin_engine::journal::Pair;
use s3twin_engine::list::{Side, Sides};
use s3twin_engine::model::Timestamp;
use s3twin_engine::plan::Filter;
use s3twin_engine::report::{Ledger, Summary};
use s3twin_engine::run::{AuditJob, ProofWindow, Session, audit, audit_versions, scrub_arc, scrub_stalest};
use std::path::Path;

pub(crate) async fn run(args: AuditArgs, talk: Talk, origin: Origin) -> Exit {
    match check(&args) {
        Ok(checked) => Box::pin(carry_out(args, checked, talk, origin)).await,
        Err(message) => {
            eprintln!("s3twin: {message}");
            Exit::Usage
        }
    }
}

/// What clap cannot say.
struct Checked {
    filter: Filter,
    rules: Rules,
    baseline: Option<Baseline>,
    window_seconds: u64,
}

fn check(args: &AuditArgs) -> Result<Checked, String> {
    let filter = Filter::new(&args.filter.rules).map_err(|error| error.to_string())?;
    let settled_before = settled_before(args.grace.as_ref())?;
    let fidelity = fidelity(&args.compare);
    let rules = Rules { depth: args.depth.into(), settled_before, fidelity, scrub: None };
    let baseline = args.baseline.as_deref().map(|wanted| Baseline::find(wanted, args)).transpose()?;
    let window_seconds = match &args.proved_within {
        None => 0,
        Some(span) => match u64::try_from(milliseconds("--proved-within", span)? / 1000) {
            Ok(seconds) if seconds > 0 => seconds,
            _ => return Err("--proved-within: say an age of a second or more, such as 30d".to_owned()),
        },
    };
    Ok(Checked { filter, rules, baseline, window_seconds })
}

async fn carry_out(args: AuditArgs, checked: Checked, talk: Talk, mut origin: Origin) -> Exit {
    let Checked { filter, mut rules, baseline, window_seconds } = checked;
    if let Some((baseline, wanted)) = baseline.as_ref().zip(args.baseline.as_deref())
        && let Some(run) = &baseline.run
    {
        // `latest` is another run as soon as this one has begun.
        origin.replace(wanted, run.id.as_str());
    }
    let target = match (&baseline, args.replica) {
        (Some(baseline), _) => Target::Then(baseline.name()),
        (None, Some(replica)) => Target::Replica(replica),
        (None, None) => Target::Itself,
    };
    let manifest = args.write_manifest.then(|| rule_texts(&args.filter.rules));
    let frame = Frame {
        command: "audit",
        source: args.primary,
        target,
        writes: false,
        dry_run: false,
        endpoints: args.endpoints,
        limits: args.limits,
        output: args.output,
        talk,
        origin,
    };
    let (versions, scrub) = (args.versions, args.scrub);
    let work = |mut sides: Sides, session: Session, _| async move {
        let ledger = ledger_of(&sides, &session);
        rules.scrub = match scrub {
            Some(wish) if window_seconds > 0 => {
                Some(scrub_stalest(wish, &sides, &filter, &ledger, &session).await?)
            }
            Some(wish) => Some(scrub_arc(wish, &sides, &filter, &session).await?),
            None => None,
        };
        let mut window = Some(ProofWindow { ledger, window_seconds });
        if let Some(baseline) = baseline {
            (sides, window) = (baseline.sides(sides), None);
        }
        let job = AuditJob { sides, rules, filter, manifest, ledger: window };
        if versions { audit_versions(job, &session).await } else { audit(job, &session).await }
    };
    frame.run(work, judge).await
}

/// In flight is excused: the operator asked for the grace window.
fn judge(summary: &Summary) -> Exit {
    if summary.verdicts.to_look_at() == 0 { Exit::Clean } else { Exit::LookAt }
}

fn settled_before(grace: Option<&jiff::Span>) -> Result<Option<Timestamp>, String> {
    let Some(grace) = grace else { return Ok(None) };
    let millis = milliseconds("--grace", grace)?;
    Ok(Some(Timestamp::from_millis(setup::clock().now().millis().saturating_sub(millis))))
}

fn milliseconds(flag: &str, span: &jiff::Span) -> Result<i64, String> {
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|error| {
        format!("{flag}: {error}. Say it in days, hours, minutes or seconds, such as 15m")
    })?;
    Ok(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

/// Where it is remembered when each key of this pair was last proved by reading: beside the runs.
fn ledger_of(sides: &Sides, session: &Session) -> Ledger {
    let name = |side: &Side| format!("{} {}", side.store.service(), side.location);
    let pair = Pair {
        source: name(&sides.source),
        replica: sides.replica.as_deref().map(name).unwrap_or_default(),
        class: "proofs".to_owned(),
    };
    let state = session.recorder.run().path().ancestors().nth(2).unwrap_or(Path::new("."));
    Ledger::at(state.join("proofs").join(pair.file_name()).with_extension("jsonl"))
}
