//! `s3twin audit`.

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
    let prepared = Filter::new(&args.filter.rules).map_err(|error| error.to_string());
    let prepared = prepared.and_then(|filter| Ok((filter, settled_before(args.grace.as_ref())?)));
    let (filter, settled_before) = match prepared {
        Ok(prepared) => prepared,
        Err(message) => {
            eprintln!("s3twin: {message}");
            return Exit::Usage;
        }
    };
    let scrub = args.scrub;
    let fidelity = fidelity(&args.compare);
    let mut rules = Rules { depth: args.depth.into(), settled_before, fidelity, scrub: None };
    let frame = Frame {
        command: "audit",
        source: args.primary,
        target: Target::Replica(args.replica),
        writes: false,
        dry_run: false,
        endpoints: args.endpoints,
        limits: args.limits,
        output: args.output,
        talk,
        origin,
    };
    let versions = args.versions;
    let work = |sides: Sides, session: Session, _| async move {
        if let Some(wish) = scrub {
            rules.scrub = Some(scrub_arc(wish, &sides, &filter, &session).await?);
        }
        let job = AuditJob { sides, rules, filter };
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
