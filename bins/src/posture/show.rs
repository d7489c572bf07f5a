//! The fleet as a table, and as JSON.

use super::{Counts, Held, headline};
use crate::page::visible;
use comfy_table::{ContentArrangement, Table, presets};
use s3twin_engine::run::posture::{Check, Mended, Remedy, Row, Verdict};
use s3twin_engine::s3::NewLifecycleRule;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Name of the schema of the JSON.
const SCHEMA: &str = "s3twin.posture/1";

pub(crate) fn json(held: &[Held], counts: Counts, apply: bool) -> Value {
    json!({
        "schema": SCHEMA,
        "command": "posture",
        "headline": headline(held, counts),
        "applied": apply,
        "checks": counts,
        "buckets": held.iter().map(bucket_json).collect::<Vec<_>>(),
    })
}

fn bucket_json(held: &Held) -> Value {
    let target = &held.target;
    let mut object = json!({ "bucket": format!("s3://{}", target.bucket), "tier": target.tier });
    match &held.rows {
        Ok(rows) => object["checks"] = rows.iter().map(row_json).collect(),
        Err(error) => object["error"] = error.to_string().into(),
    }
    object
}

fn row_json(row: &Row) -> Value {
    let mut object = json!({
        "check": row.check, "verdict": row.verdict, "wanted": row.wanted, "found": row.found,
        "reason": row.reason, "advice": row.advice, "remedy": row.remedy.as_ref().map(remedy_words),
    });
    match &row.mended {
        None => {}
        Some(Mended::Done) => object["mended"] = true.into(),
        Some(Mended::Failed(why)) => {
            object["mended"] = false.into();
            object["error"] = why.clone().into();
        }
    }
    object
}

fn remedy_words(remedy: &Remedy) -> String {
    match remedy {
        Remedy::EnableVersioning => "switch versioning on".to_owned(),
        Remedy::AddLifecycleRule(rule @ NewLifecycleRule::AbortUploads { days }) => {
            format!("add the lifecycle rule {}: abort uploads {days} days after they were begun", rule.id())
        }
        Remedy::AddLifecycleRule(rule @ NewLifecycleRule::ExpireNoncurrent { days }) => {
            format!(
                "add the lifecycle rule {}: remove versions {days} days after they were replaced",
                rule.id()
            )
        }
        Remedy::SetEncryption(wanted) => match &wanted.kms_key {
            Some(key) => format!("set default encryption to {} with {key}", wanted.algorithm),
            None => format!("set default encryption to {}", wanted.algorithm),
        },
        Remedy::BlockPublicAccess(_) => "block all public access".to_owned(),
        Remedy::Replicate(rule) => format!("add a replication rule to {} as {}", rule.destination, rule.role),
    }
}

/// Checks that some tier asks for: the columns.
fn columns(held: &[Held]) -> Vec<Check> {
    let asked =
        |check: &Check| held.iter().any(|bucket| bucket.rows.iter().flatten().any(|row| row.check == *check));
    Check::ALL.into_iter().filter(asked).collect()
}

fn cell(held: &Held, check: Check) -> &'static str {
    let Ok(rows) = &held.rows else { return "not reached" };
    match rows.iter().find(|row| row.check == check) {
        None => "-",
        Some(Row { mended: Some(Mended::Done), .. }) => "mended",
        Some(Row { verdict: Verdict::Kept, .. }) => "kept",
        Some(Row { verdict: Verdict::Broken, .. }) => "BROKEN",
        Some(Row { verdict: Verdict::Unknown, .. }) => "unknown",
    }
}

/// The headline, the fleet, and under it what is not as it should be.
pub(crate) fn text(held: &[Held], counts: Counts) -> String {
    let columns = columns(held);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["bucket", "tier"].into_iter().chain(columns.iter().map(|check| check.name())));
    for bucket in held {
        let cells = columns.iter().map(|check| cell(bucket, *check).to_owned());
        let first = [bucket.target.bucket.clone(), bucket.target.tier.clone()];
        table.add_row(first.into_iter().chain(cells));
    }
    let mut text = format!("{}\n\n{table}\n", headline(held, counts));
    for bucket in held {
        let lines = to_look_at(bucket);
        if !lines.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "\ns3://{} ({})", bucket.target.bucket, bucket.target.tier);
            for (what, then) in lines {
                let _ = writeln!(text, "  {}", visible(&what));
                for line in then {
                    let _ = writeln!(text, "      {}", visible(&line));
                }
            }
        }
    }
    text
}

/// What is not kept, and under each what is or would be done about it.
fn to_look_at(held: &Held) -> Vec<(String, Vec<String>)> {
    let rows = match &held.rows {
        Ok(rows) => rows,
        Err(error) => return vec![(format!("not reached: {error}"), Vec::new())],
    };
    let shown = rows.iter().filter(|row| row.verdict != Verdict::Kept || row.mended.is_some());
    let lines = shown.map(|row| {
        let what = match (row.verdict, &row.mended) {
            (_, Some(Mended::Done)) => format!("mended   {}: {}", row.check.name(), row.found),
            (Verdict::Unknown, _) => format!("unknown  {}: {}", row.check.name(), row.found),
            _ => format!("BROKEN   {}: {}; wanted: {}", row.check.name(), row.found, row.wanted),
        };
        let failed = match &row.mended {
            Some(Mended::Failed(why)) => Some(format!("could not be mended: {why}")),
            _ => None,
        };
        let would = row.remedy.as_ref().map(|remedy| format!("--apply would {}", remedy_words(remedy)));
        (what, failed.into_iter().chain(would).chain(row.advice.clone()).collect())
    });
    lines.collect()
}
