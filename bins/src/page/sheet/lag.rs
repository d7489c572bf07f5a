//! How far the replica is behind.

use super::super::text::counted;
use super::super::view::{Fact, Slice, fact, slices};
use super::parts::{Block, Body, Cell, Table, count, number, rows, span, waits, when, word};
use super::{Figure, Section, Told};
use crate::page::duration;
use crate::screen::grouped;
use serde_json::Value;

/// Versions named on the page; the file names more.
const SHOWN: usize = 20;

pub(super) const FIGURES: [Figure; 4] = [
    ("Lag, p99", |report| report["lag_seconds"]["p99"].as_f64(), duration),
    ("Lag, p50", |report| report["lag_seconds"]["p50"].as_f64(), duration),
    ("Oldest that waits", oldest, waits),
    ("Not arrived", |report| open(report).map(float), super::trend::count),
];

/// Nothing waiting is no time at all, not an unknown one.
fn oldest(report: &Value) -> Option<f64> {
    report["versions"].as_object()?;
    Some(report["oldest_open"]["age_seconds"].as_f64().unwrap_or_default())
}

fn open(report: &Value) -> Option<u64> {
    let versions = Some(&report["versions"]).filter(|versions| versions.is_object())?;
    Some(["pending", "failed", "gone", "no_rule", "unknown"].map(|name| number(&versions[name])).iter().sum())
}

#[allow(clippy::cast_precision_loss)]
fn float(number: u64) -> f64 {
    number as f64
}

pub(super) fn tell(report: &Value) -> Told {
    let measured = number(&report["versions"]["measured"]);
    let p = &report["lag_seconds"];
    let mut sentence = match (measured, number(&report["versions"]["arrived"])) {
        (0, 0) => "Nothing has arrived that could be measured.".to_owned(),
        (0, _) => "Replication keeps the original's time: when it came is not known.".to_owned(),
        _ => format!(
            "Of {} whose arrival is known, 99% were there within {}, the slowest after {}.",
            counted(measured, "version", "versions"),
            span(&p["p99"]),
            span(&p["max"])
        ),
    };
    if report["rpo_seconds"].is_u64() {
        sentence.push_str(&format!(" Up to {} are allowed.", span(&report["rpo_seconds"])));
    }
    let mut sections: Vec<Section> = vec![
        vec![
            Block::new("How long it took", Body::Facts(times(report))),
            Block::new("How it stands", Body::Facts(standing(report))),
        ],
        vec![distribution(report), Block::new("Versions", Body::Bars(versions(report)))],
    ];
    sections.extend(waiting(report).map(|block| vec![block]));
    Told { sentence, sections }
}

fn times(report: &Value) -> Vec<Fact> {
    let p = &report["lag_seconds"];
    vec![
        fact("p50", span(&p["p50"]), "half were there by then"),
        fact("p95", span(&p["p95"]), ""),
        fact("p99", span(&p["p99"]), ""),
        fact("Longest", span(&p["max"]), ""),
        fact("Measured", count(&report["versions"]["measured"]), "versions whose arrival can be dated"),
    ]
}

fn standing(report: &Value) -> Vec<Fact> {
    let rpo = match (report["rpo_kept"].as_bool(), &report["rpo_seconds"]) {
        (Some(true), rpo) => fact("RPO", format!("{}: kept", span(rpo)), ""),
        (Some(false), rpo) => fact("RPO", format!("{}: broken", span(rpo)), "something waits for longer"),
        (None, _) => fact("RPO", "none asked for", "--rpo holds the replica to one"),
    };
    let oldest = &report["oldest_open"];
    let waits = if oldest.is_null() {
        fact("Waits longest", "nothing waits", "")
    } else {
        fact("Waits longest", span(&oldest["age_seconds"]), super::visible(word(&oldest["key"])))
    };
    vec![
        rpo,
        waits,
        fact("Not arrived", grouped(open(report).unwrap_or_default()), "versions; their status is below"),
        fact("Replication gave up on", count(&report["versions"]["failed"]), ""),
        fact(
            "Youngest that arrived",
            span(&report["youngest_arrived_age_seconds"]),
            "ago: what was written then is there",
        ),
    ]
}

fn distribution(report: &Value) -> Block {
    let classes: Vec<(String, u64)> = rows(&report["lag_histogram"])
        .map(|class| {
            let label = match class["upto_seconds"].as_f64() {
                Some(upto) => format!("up to {}", round(upto)),
                None => "longer than that".to_owned(),
            };
            (label, number(&class["versions"]))
        })
        .collect();
    // From the class before the first that has any to the last.
    let first = classes.iter().position(|(_, count)| *count > 0).map(|first| first.saturating_sub(1));
    let last = classes.iter().rposition(|(_, count)| *count > 0);
    let some = first.zip(last).and_then(|(first, last)| classes.get(first..=last)).unwrap_or_default();
    if some.is_empty() {
        return Block::new("How the lag is spread", Body::Nothing).intro("No lag could be measured.");
    }
    let bars = slices(some.iter().map(|(label, count)| ("size", label.as_str(), "", *count)));
    Block::new("How the lag is spread", Body::Bars(bars))
}

/// A bound of a class: `15 s`, `5 min`, `4 h`, `7 d`.
fn round(seconds: f64) -> String {
    let units = [(86_400.0, "d"), (3600.0, "h"), (60.0, "min")];
    let unit = units.into_iter().find(|(unit, _)| seconds >= *unit).unwrap_or((1.0, "s"));
    format!("{:.0} {}", seconds / unit.0, unit.1)
}

fn versions(report: &Value) -> Vec<Slice> {
    let named = [
        ("arrived", "Arrived"),
        ("arrived_before", "Arrived, since replaced"),
        ("pending", "Pending"),
        ("failed", "Failed"),
        ("gone", "Gone since"),
        ("no_rule", "Wait for a sync"),
        ("unknown", "Unknown"),
        ("superseded", "Replaced before a sync"),
        ("deletes", "Deletes not known there"),
    ];
    let counted = named.iter().map(|(code, label)| ("size", *label, "", number(&report["versions"][*code])));
    slices(counted.filter(|part| part.3 > 0))
}

fn waiting(report: &Value) -> Option<Block> {
    let row = |open: &Value| {
        let status = word(&open["status"]).replace('-', " ");
        let tone = if status == "failed" { "look" } else { "" };
        vec![
            Cell::new(word(&open["key"])).mono(),
            Cell::new(span(&open["age_seconds"])),
            Cell::new(status).toned(tone),
            Cell::new(when(&open["since"])).toned("soft"),
        ]
    };
    let all = rows(&report["open"]).count();
    let shown: Vec<Vec<Cell>> = rows(&report["open"]).take(SHOWN).map(row).collect();
    let table = Table::new(&["Key", "Waits for", "Status", "Since"], shown);
    let block = Block::new("What waits longest", Body::Table(table));
    let more = all.checked_sub(SHOWN).filter(|more| *more > 0);
    (all > 0).then(|| match more {
        Some(_) => block.intro(format!("The first {SHOWN}; report.json names {all}.")),
        None => block,
    })
}
