//! What the checks found out, for programs: fields of the JSON, variables of the hooks.

use super::Readiness;
use s3twin_engine::model::Location;
use serde::Serialize;

/// Figures; `None` where they were not found out.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Facts {
    pub(crate) audit_run: Option<String>,
    pub(crate) audit_age_seconds: Option<u64>,
    pub(crate) lag_oldest_seconds: Option<u64>,
    pub(crate) lag_failed: Option<u64>,
    pub(crate) drill_run: Option<String>,
    pub(crate) drill_age_seconds: Option<u64>,
    pub(crate) drill_rto_seconds: Option<f64>,
}

/// The environment of every hook. A fact that is not known is there, and empty.
pub(super) fn variables(
    readiness: &Readiness,
    (primary, replica): (&Location, &Location),
    forced: bool,
) -> Vec<(&'static str, String)> {
    let facts = &readiness.facts;
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    vec![
        ("S3TWIN_FAILOVER_PRIMARY", primary.to_string()),
        ("S3TWIN_FAILOVER_PRIMARY_BUCKET", primary.bucket.to_string()),
        ("S3TWIN_FAILOVER_REPLICA", replica.to_string()),
        ("S3TWIN_FAILOVER_REPLICA_BUCKET", replica.bucket.to_string()),
        ("S3TWIN_FAILOVER_VERDICT", if readiness.go { "go" } else { "no-go" }.to_owned()),
        ("S3TWIN_FAILOVER_FORCED", if forced { "1" } else { "0" }.to_owned()),
        ("S3TWIN_FAILOVER_HEADLINE", readiness.headline.clone()),
        ("S3TWIN_FAILOVER_AUDIT_RUN", facts.audit_run.clone().unwrap_or_default()),
        ("S3TWIN_FAILOVER_AUDIT_AGE_SECONDS", number(facts.audit_age_seconds)),
        ("S3TWIN_FAILOVER_LAG_OLDEST_SECONDS", number(facts.lag_oldest_seconds)),
        ("S3TWIN_FAILOVER_DRILL_RUN", facts.drill_run.clone().unwrap_or_default()),
    ]
}
