//! Is the replica ready to take over? Each check is one row with its reason; together they are go or no-go.

mod facts;
mod hooks;
mod parity;
mod past;
mod probes;

pub(crate) use facts::Facts;
pub(crate) use hooks::{Calls, HookRun};

use crate::args::{EndpointArgs, FailoverCheckArgs, Skip};
use crate::effort::Effort;
use crate::page::duration;
use crate::setup::{self, Fleet};
use s3twin_engine::Error;
use s3twin_engine::list::{Side, Sides};
use s3twin_engine::model::Timestamp;
use s3twin_engine::plan::Filter;
use s3twin_engine::run::{LagJob, lag};
use s3twin_engine::s3::{Meter, Versioning};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Name of the schema of a check.
const SCHEMA: &str = "s3twin.failover/1";
/// Versions whose status is asked for at most.
const HEADS_MAX: u64 = 1000;

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Found {
    Ok,
    /// Worth knowing, and no reason to stay.
    Warning,
    NoGo,
    /// Left out, or not to be found out.
    NotChecked,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) found: Found,
    /// Why.
    pub(crate) detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

impl Check {
    fn new(name: &'static str, found: Found, detail: impl Into<String>) -> Self {
        Self { name, found, detail: detail.into(), advice: None }
    }

    fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }
}

/// All checks, schema `s3twin.failover/1`.
#[derive(Debug, Serialize)]
pub(crate) struct Readiness {
    pub(crate) schema: &'static str,
    pub(crate) command: &'static str,
    pub(crate) primary: String,
    pub(crate) replica: String,
    pub(crate) checked_at: Timestamp,
    pub(crate) go: bool,
    pub(crate) headline: String,
    pub(crate) facts: Facts,
    pub(crate) checks: Vec<Check>,
}

/// Asks everything. What goes wrong is a row of the answer.
///
/// # Errors
/// When it is interrupted.
pub(crate) async fn check(
    args: &FailoverCheckArgs,
    state: &Path,
    cancel: &CancellationToken,
) -> Result<(Readiness, Effort), Error> {
    let now = setup::clock().now();
    let mut facts = Facts::default();
    let mut checks = Vec::new();
    let mut meters = Vec::new();
    let primary = if args.primary_down {
        checks.push(Check::new("primary reached", Found::NotChecked, "it is said to be down"));
        None
    } else {
        reach(args, false, cancel, (&mut checks, &mut meters)).await?
    };
    let replica = reach(args, true, cancel, (&mut checks, &mut meters)).await?;
    if let (Some(primary), Some(replica)) = (&primary, &replica)
        && primary.same_service(replica)
        && args.primary.overlaps(&args.replica)
    {
        let words = format!("{} and {} share keys: name two places", args.primary, args.replica);
        return Err(Error::Invalid(words));
    }
    if let Some(side) = &primary {
        checks.push(probes::reads(side, "primary can be read").await);
        checks.push(probes::writes(side, "primary takes writes", !skips(args, Skip::Writes), false).await);
    }
    if let Some(side) = &replica {
        checks.push(probes::reads(side, "replica can be read").await);
        checks.push(probes::writes(side, "replica takes writes", !skips(args, Skip::Writes), true).await);
        if args.write_test {
            checks.push(probes::write_test(side).await);
        }
    }
    checks.push(versioning(primary.as_deref(), replica.as_deref()).await);
    let fleet = Fleet::new(&args.limits, cancel);
    checks.extend(parity::settings(args, primary.is_some() && replica.is_some(), &fleet).await);
    checks.push(past::audit(args, state, now, &mut facts));
    checks.push(measure_lag(args, primary, replica, cancel, &mut facts).await?);
    checks.push(past::drill(args, state, now, &mut facts));
    checks.push(
        Check::new(
            "other settings of the buckets",
            Found::NotChecked,
            "policies, public access and object lock are not compared by this command",
        )
        .advise("`s3twin posture` holds both against a tier"),
    );
    if cancel.is_cancelled() {
        return Err(Error::Cancelled);
    }
    let mut effort = Effort::of(fleet.meter());
    meters.iter().for_each(|meter| effort.add(meter));
    Ok((Readiness::of(args, now, facts, checks), effort))
}

impl Readiness {
    fn of(args: &FailoverCheckArgs, now: Timestamp, facts: Facts, checks: Vec<Check>) -> Self {
        let count = |found| checks.iter().filter(|check| check.found == found).count();
        let (against, warnings, open) = (count(Found::NoGo), count(Found::Warning), count(Found::NotChecked));
        let go = against == 0;
        let verdict = if go { "GO".to_owned() } else { format!("NO-GO for {}", counted(against, "reason")) };
        let headline = format!("{verdict}; {}, {open} not checked", counted(warnings, "warning"));
        Self {
            schema: SCHEMA,
            command: "failover check",
            primary: args.primary.to_string(),
            replica: args.replica.to_string(),
            checked_at: now,
            go,
            headline,
            facts,
            checks,
        }
    }
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn skips(args: &FailoverCheckArgs, what: Skip) -> bool {
    args.skip.contains(&what)
}

/// The same settings with the sides exchanged.
pub(crate) fn turned(args: &EndpointArgs) -> EndpointArgs {
    EndpointArgs {
        source_endpoint_url: args.replica_endpoint_url.clone(),
        source_region: args.replica_region.clone(),
        source_profile: args.replica_profile.clone(),
        source_sse_c_key_file: args.replica_sse_c_key_file.clone(),
        replica_endpoint_url: args.source_endpoint_url.clone(),
        replica_region: args.source_region.clone(),
        replica_profile: args.source_profile.clone(),
        replica_sse_c_key_file: args.source_sse_c_key_file.clone(),
        ..args.clone()
    }
}

/// Each side by itself: one that is gone must not hide how the other stands.
async fn reach(
    args: &FailoverCheckArgs,
    replica: bool,
    cancel: &CancellationToken,
    (checks, meters): (&mut Vec<Check>, &mut Vec<Arc<Meter>>),
) -> Result<Option<Arc<Side>>, Error> {
    let (name, location, endpoints) = if replica {
        ("replica reached", &args.replica, turned(&args.endpoints))
    } else {
        ("primary reached", &args.primary, args.endpoints.clone())
    };
    match Box::pin(setup::connect(location, None, &endpoints, &args.limits, cancel)).await {
        Ok(connected) => {
            meters.push(Arc::clone(&connected.progress.meter));
            let side = connected.sides.source;
            checks.push(Check::new(
                name,
                Found::Ok,
                format!("{location} on {}", side.store.service().trim_end_matches('|')),
            ));
            Ok(Some(side))
        }
        Err(error @ (Error::Invalid(_) | Error::Cancelled)) => Err(error),
        Err(_) if cancel.is_cancelled() => Err(Error::Cancelled),
        Err(error) => {
            let (words, remedy) = match &error {
                Error::Side { error, .. } => (error.to_string(), error.advice()),
                other => (other.to_string(), "check the name, the region and the endpoint".to_owned()),
            };
            let remedy = if replica {
                remedy
            } else {
                format!("{remedy}; if that is why you fail over: --primary-down")
            };
            checks.push(Check::new(name, Found::NoGo, words).advise(remedy));
            Ok(None)
        }
    }
}

async fn versioning(primary: Option<&Side>, replica: Option<&Side>) -> Check {
    const NAME: &str = "versioning";
    let Some(replica) = replica else {
        return Check::new(NAME, Found::NotChecked, "the replica is not reached");
    };
    let word = |state: Versioning| match state {
        Versioning::Enabled => "enabled",
        Versioning::Suspended => "suspended",
        Versioning::Off => "off",
    };
    let there = match replica.store.versioning(replica.bucket()).await {
        Ok(state) => state,
        Err(error) => return Check::new(NAME, Found::Warning, error.to_string()).advise(error.advice()),
    };
    let Some(primary) = primary else {
        let detail = format!("{} on the replica, the primary was not asked", word(there));
        return Check::new(NAME, Found::NotChecked, detail);
    };
    match primary.store.versioning(primary.bucket()).await {
        Err(error) => Check::new(NAME, Found::Warning, error.to_string()).advise(error.advice()),
        Ok(here) if here != there => {
            let detail = format!("{} on the primary, {} on the replica", word(here), word(there));
            Check::new(NAME, Found::NoGo, detail).advise("give both the same")
        }
        Ok(Versioning::Enabled) => Check::new(NAME, Found::Ok, "enabled on both"),
        Ok(state) => Check::new(NAME, Found::Warning, format!("{} on both", word(state)))
            .advise("without it, nothing that is overwritten after the failover can be brought back"),
    }
}

async fn measure_lag(
    args: &FailoverCheckArgs,
    primary: Option<Arc<Side>>,
    replica: Option<Arc<Side>>,
    cancel: &CancellationToken,
    facts: &mut Facts,
) -> Result<Check, Error> {
    const NAME: &str = "lag";
    if skips(args, Skip::Lag) {
        return Ok(Check::new(NAME, Found::NotChecked, "left out by --skip"));
    }
    let (Some(source), Some(replica)) = (primary, replica) else {
        return Ok(Check::new(NAME, Found::NotChecked, "it takes both sides")
            .advise("the last audit and `s3twin lag` reports say what the replica had"));
    };
    let sides = Sides { source, replica: Some(replica) };
    let ranges_max = setup::ranges_max(&sides);
    let filter = Filter::default();
    let job = LagJob { sides, filter, since: None, heads_max: HEADS_MAX, ranges_max };
    let found = match Box::pin(lag(job, &setup::clock(), &Arc::default(), cancel.clone())).await {
        Ok(found) => found,
        Err(Error::Cancelled) => return Err(Error::Cancelled),
        Err(error) => return Ok(Check::new(NAME, Found::NoGo, format!("it cannot be measured: {error}"))),
    };
    let oldest = found.oldest().map(|open| open.age_seconds);
    facts.lag_oldest_seconds = Some(oldest.unwrap_or_default());
    facts.lag_failed = Some(found.counts.failed);
    let waits = match oldest {
        None => "nothing waits".to_owned(),
        Some(age) => format!("the oldest waits for {}", span_words(age)),
    };
    let rpo = span_words(args.rpo);
    if oldest.is_some_and(|age| age > args.rpo) {
        let advice =
            format!("`s3twin sync {} {}` brings it; `s3twin lag` names it", args.primary, args.replica);
        return Ok(Check::new(NAME, Found::NoGo, format!("{waits}, longer than {rpo}")).advise(advice));
    }
    if found.counts.failed > 0 {
        let detail = format!("replication gave up on {}; {waits}", found.counts.failed);
        return Ok(Check::new(NAME, Found::NoGo, detail).advise("a sync or Batch Replication brings them"));
    }
    Ok(Check::new(NAME, Found::Ok, format!("{waits}; {rpo} are allowed")))
}

/// Seconds for people.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn span_words(seconds: u64) -> String {
    duration(seconds as f64)
}
