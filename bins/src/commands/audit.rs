//! `s3twin audit`.

use super::baseline::{Baseline, rule_texts};
use super::earlier;
use super::frame::{Frame, Target};
use crate::Origin;
use crate::args::{AuditArgs, Talk, fidelity};
use crate::exit::Exit;
use crate::setup;
use s3twin_engine::compare::Rules;
use s3twin_engine::list::Sides;
use s3twin_engine::model::Timestamp;
use s3twin_engine::plan::Filter;
use s3twin_engine::report::Summary;
use s3twin_engine::run::{AuditJob, Session, audit, audit_versions, scrub_arc};

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
}

fn check(args: &AuditArgs) -> Result<Checked, String> {
    let filter = Filter::new(&args.filter.rules).map_err(|error| error.to_string())?;
    let settled_before = settled_before(args.grace.as_ref())?;
    let fidelity = fidelity(&args.compare);
    let rules = Rules { depth: args.depth.into(), settled_before, fidelity, scrub: None };
    let baseline = args.baseline.as_deref().map(|wanted| Baseline::find(wanted, args)).transpose()?;
    Ok(Checked { filter, rules, baseline })
}

async fn carry_out(args: AuditArgs, checked: Checked, talk: Talk, mut origin: Origin) -> Exit {
    let Checked { filter, mut rules, baseline } = checked;
    if let Some((baseline, wanted)) = baseline.as_ref().zip(args.baseline.as_deref())
        && let Some(run) = &baseline.run
    {
        origin = earlier::pinned(origin, wanted, run);
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
        if let Some(wish) = scrub {
            rules.scrub = Some(scrub_arc(wish, &sides, &filter, &session).await?);
        }
        if let Some(baseline) = baseline {
            sides = baseline.sides(sides);
        }
        let job = AuditJob { sides, rules, filter, manifest };
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
    let duration = grace.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|error| {
        format!("--grace: {error}. Say it in days, hours, minutes or seconds, such as 15m")
    })?;
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Ok(Some(Timestamp::from_millis(setup::clock().now().millis().saturating_sub(millis))))
}
