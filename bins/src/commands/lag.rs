//! `s3twin lag`.

use super::dossier::{Content, Dossier, Subject};
use crate::Origin;
use crate::args::{LagArgs, Talk};
use crate::effort::Effort;
use crate::exit::Exit;
use crate::kind::Kind;
use crate::page::{duration, visible};
use crate::screen::{self, grouped};
use crate::setup;
use s3twin_engine::Error;
use s3twin_engine::model::Timestamp;
use s3twin_engine::plan::Filter;
use s3twin_engine::report::{LAG_SCHEMA, Lag, request_cost_usd};
use s3twin_engine::run::{LagJob, lag};
use s3twin_engine::s3::Meter;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

pub(crate) async fn run(args: LagArgs, talk: Talk, origin: Origin) -> Exit {
    let subject = Subject {
        kind: Kind::Lag,
        source: args.primary.to_string(),
        replica: Some(args.replica.to_string()),
        dry_run: false,
    };
    Dossier::keep(subject, &args.output, &origin, async |dossier| {
        let now = dossier.started_at();
        let (lag, meter) = Box::pin(measure(&args, &talk, now)).await?;
        let verdict = Verdict::of(&lag, args.rpo);
        Ok(Content {
            report: result(&args, &lag, &verdict, &meter, (now, dossier.elapsed_seconds())),
            text: text(&args, &lag, &verdict),
            exit: verdict.exit,
            effort: Effort::of(&meter),
        })
    })
    .await
}

async fn measure(args: &LagArgs, talk: &Talk, now: Timestamp) -> Result<(Lag, Arc<Meter>), Error> {
    let filter = Filter::new(&args.filter.rules).map_err(|error| Error::Invalid(error.to_string()))?;
    let cancel = setup::cancel_on_signals();
    let connect = setup::connect(&args.primary, Some(&args.replica), &args.endpoints, &args.limits, &cancel);
    // Loading the AWS configuration has a large state.
    let connected = Box::pin(connect).await?;
    let ranges_max = setup::ranges_max(&connected.sides);
    let job = LagJob {
        sides: connected.sides,
        filter,
        since: args.since.map(|since| since.resolve(now)),
        heads_max: args.max_heads,
        ranges_max,
    };
    let bar = screen::show_progress(Arc::clone(&connected.progress), talk);
    let found = lag(job, &setup::clock(), &connected.progress, cancel).await;
    drop(bar);
    Ok((found?, Arc::clone(&connected.progress.meter)))
}

/// What the figures mean.
struct Verdict {
    /// `None` where no RPO was asked for.
    kept: Option<bool>,
    exit: Exit,
    headline: String,
}

impl Verdict {
    fn of(lag: &Lag, rpo: Option<u64>) -> Self {
        let oldest = lag.oldest().map(|open| open.age_seconds);
        let kept = rpo.map(|rpo| oldest.is_none_or(|age| age <= rpo));
        let failed = lag.counts.failed;
        let waits = match oldest {
            None => "nothing waits".to_owned(),
            Some(age) => format!("the oldest waits for {}", duration(as_float(age))),
        };
        let headline = match (kept, failed) {
            (Some(false), _) => format!("RPO broken: {waits}"),
            (_, failed) if failed > 0 => {
                let versions = if failed == 1 {
                    "1 version".to_owned()
                } else {
                    format!("{} versions", grouped(failed))
                };
                format!("Replication gave up on {versions}; {waits}")
            }
            (Some(true), _) => format!("RPO kept: {waits}"),
            (None, _) => sentence(&waits),
        };
        let exit = if kept == Some(false) || failed > 0 { Exit::LookAt } else { Exit::Clean };
        Self { kept, exit, headline }
    }
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn result(
    args: &LagArgs,
    lag: &Lag,
    verdict: &Verdict,
    meter: &Meter,
    (now, elapsed): (Timestamp, f64),
) -> Value {
    let age = |time: Timestamp| now.millis().saturating_sub(time.millis()) / 1000;
    json!({
        "schema": LAG_SCHEMA,
        "command": "lag",
        "source": args.primary.to_string(),
        "replica": args.replica.to_string(),
        "started_at": now,
        "elapsed_seconds": elapsed,
        "exit_code": verdict.exit.code(),
        "headline": verdict.headline,
        "rpo_seconds": args.rpo,
        "rpo_kept": verdict.kept,
        "versions": lag.counts,
        "lag_seconds": lag.percentiles(),
        "lag_histogram": lag.histogram(),
        "youngest_arrived_age_seconds": lag.youngest_arrived.map(age),
        "oldest_open": lag.oldest(),
        "open": lag.open,
        "requests": meter.requests(),
        "retries": meter.retries(),
        "throttled": meter.throttled(),
        "estimated_cost_usd": request_cost_usd(meter),
    })
}

fn text(args: &LagArgs, lag: &Lag, verdict: &Verdict) -> String {
    let counts = &lag.counts;
    let mut out = format!("{}\n  lag        {} -> {}\n", verdict.headline, args.primary, args.replica);
    // Writing to a String cannot fail.
    match lag.percentiles() {
        Some(p) => {
            let [p50, p95, p99, max] =
                [p.p50, p.p95, p.p99, p.max].map(|seconds| duration(as_float(seconds)));
            let _ = writeln!(
                out,
                "  measured   p50 {p50}, p95 {p95}, p99 {p99}, max {max} ({} versions)",
                grouped(counts.measured)
            );
        }
        None if counts.arrived > 0 => {
            let _ = writeln!(
                out,
                "  measured   nothing: replication keeps the original's time, so when it came is not known"
            );
        }
        None => {}
    }
    for (name, count) in [
        ("arrived", counts.arrived),
        ("by size", counts.by_size),
        ("pending", counts.pending),
        ("failed", counts.failed),
        ("gone", counts.gone),
        ("no rule", counts.no_rule),
        ("unknown", counts.unknown),
        ("deletes", counts.deletes),
    ] {
        if count > 0 {
            let _ = writeln!(out, "  {name:<10} {}", grouped(count));
        }
    }
    for open in lag.open.iter().take(10) {
        let age = duration(as_float(open.age_seconds));
        let status = serde_json::to_value(open.status).unwrap_or_default();
        let status = status.as_str().unwrap_or_default().to_owned();
        let _ = writeln!(out, "  {age:>12}  {status:<8} {}", visible(&open.key));
    }
    out
}

#[allow(clippy::cast_precision_loss)]
fn as_float(seconds: u64) -> f64 {
    seconds as f64
}
