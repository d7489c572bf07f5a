//! Could the replica take over, what was called when it did, and the way back.

use super::super::view::{Fact, fact};
use super::parts::{Block, Body, Cell, Table, rows, span, waits, when, word};
use super::{Figure, Told, visible};
use crate::page::duration;
use s3twin_engine::journal::RunId;
use s3twin_engine::model::Timestamp;
use serde_json::Value;

pub(super) const FIGURES: [Figure; 3] = [
    ("Reasons against", against, super::trend::count),
    ("Waits longest", |report| report["facts"]["lag_oldest_seconds"].as_f64(), waits),
    ("Age of the last audit", |report| report["facts"]["audit_age_seconds"].as_f64(), duration),
];

/// A run that came to no result has none, which is not the same as zero.
#[allow(clippy::cast_precision_loss)]
fn against(report: &Value) -> Option<f64> {
    let checks = report["checks"].as_array()?;
    Some(checks.iter().filter(|check| check["found"] == "no-go").count() as f64)
}

pub(super) fn tell_check(report: &Value) -> Told {
    let sentence = if report["go"] == true {
        "Nothing that was checked speaks against the replica taking over."
    } else {
        "The replica should not take over before this is mended, or meant."
    };
    Told { sentence: sentence.to_owned(), sections: vec![vec![checks(report)], vec![facts(report)]] }
}

/// What speaks against it comes first.
fn checks(report: &Value) -> Block {
    let rank = |check: &Value| match word(&check["found"]) {
        "no-go" => 0,
        "warning" => 1,
        "ok" => 2,
        _ => 3,
    };
    let mut all: Vec<&Value> = rows(&report["checks"]).collect();
    all.sort_by_key(|check| rank(check));
    let row = |check: &Value| {
        let (word_of, tone) = match word(&check["found"]) {
            "no-go" => ("no-go", "look"),
            "warning" => ("warning", "stop"),
            "ok" => ("ok", "good"),
            _ => ("not checked", "soft"),
        };
        // Advice for a check that is fine is advice for another day.
        let advice = if rank(check) == 2 { "" } else { word(&check["advice"]) };
        vec![
            Cell::new(word_of).toned(tone),
            Cell::new(word(&check["name"])),
            Cell::new(word(&check["detail"])),
            Cell::new(advice),
        ]
    };
    let table = Table::new(&["Found", "Check", "Why", "What to do"], all.into_iter().map(row).collect());
    Block::new("Go or no-go, and why", Body::Table(table))
}

fn facts(report: &Value) -> Block {
    let known = &report["facts"];
    let of_run = |age: &Value, run: &Value| -> (String, String) {
        match run.as_str() {
            Some(run) => (format!("{} ago", span(age)), visible(run)),
            None => ("none known".to_owned(), String::new()),
        }
    };
    let audit = of_run(&known["audit_age_seconds"], &known["audit_run"]);
    let drill = of_run(&known["drill_age_seconds"], &known["drill_run"]);
    let oldest = known["lag_oldest_seconds"].as_f64().map_or_else(|| "not known".to_owned(), waits);
    let list: Vec<Fact> = vec![
        fact("Last audit", audit.0, audit.1),
        fact("Waits longest", oldest, "for its arrival on the replica"),
        fact(
            "Replication gave up on",
            known["lag_failed"].as_u64().map_or_else(|| "not known".to_owned(), |failed| failed.to_string()),
            "",
        ),
        fact("Last drill", drill.0, drill.1),
        fact("Recovering everything", span(&known["drill_rto_seconds"]), "as that drill reckoned it"),
        fact("Checked at", when(&report["checked_at"]), ""),
    ];
    Block::new("Facts", Body::Facts(list))
}

pub(super) fn tell_run(report: &Value) -> Told {
    let check = &report["check"];
    let sentence = match (word(&report["state"]), report["forced"] == true) {
        ("refused", _) => "No hook was called.".to_owned(),
        ("dry-run", _) => "A rehearsal: no hook was called.".to_owned(),
        (_, true) => format!("Forced. The check said: {}", visible(word(&check["headline"]))),
        _ => format!("The check said: {}", visible(word(&check["headline"]))),
    };
    let logs =
        report["folder"].as_str().map(|folder| format!("What they printed is in {}.", visible(folder)));
    let block = Block::new("Hooks", Body::Table(hooks(report))).intro(logs.unwrap_or_default());
    let mut sections = vec![vec![block]];
    sections.extend([vec![checks(check)], vec![facts(check)]]);
    Told { sentence, sections }
}

fn hooks(report: &Value) -> Table {
    let row = |(index, hook): (usize, &Value)| {
        let (end, tone) = match (hook["started_at"].is_string(), hook["exit_code"].as_i64()) {
            (false, _) => ("not called".to_owned(), "soft"),
            (_, Some(0)) => ("done".to_owned(), "good"),
            (_, Some(code)) => (format!("exit code {code}"), "look"),
            (_, None) => ("ended by a signal".to_owned(), "stop"),
        };
        vec![
            Cell::new((index + 1).to_string()),
            Cell::new(word(&hook["command"])).mono(),
            Cell::new(end).toned(tone),
            Cell::new(when(&hook["started_at"])).small(took(hook)),
            Cell::new(if tone == "soft" { "" } else { word(&hook["output"]) }).mono(),
        ]
    };
    let all = rows(&report["hooks"]).enumerate().map(row).collect();
    Table::new(&["Nr", "Command", "End", "Started", "Output in"], all)
}

#[allow(clippy::cast_precision_loss)]
fn took(hook: &Value) -> String {
    let time = |name: &str| serde_json::from_value::<Timestamp>(hook[name].clone()).ok();
    let span = time("started_at").zip(time("ended_at")).map(|(began, ended)| ended.millis() - began.millis());
    span.map(|millis| format!("took {}", duration(millis as f64 / 1000.0))).unwrap_or_default()
}

pub(super) fn tell_back(report: &Value) -> Told {
    let row = |step: &Value| {
        let summary = &step["summary"];
        let run = word(&summary["run_id"]);
        let tone = if step["exit_code"] == 0 { "good" } else { "look" };
        let code = step["exit_code"].as_i64().map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        let words = serde_json::from_value(summary.clone()).map(|summary| crate::page::headline_of(&summary));
        // An id is never a way out of the folder.
        let link = run.parse::<RunId>().ok().map(|run| format!("../{run}/report.html"));
        vec![
            Cell::new(word(&step["step"])),
            Cell::new(code).toned(tone),
            Cell::new(words.unwrap_or_else(|_| "ended without a result".to_owned())),
            Cell { link, ..Cell::new(run).mono() },
        ]
    };
    let steps = rows(&report["steps"]).map(row).collect();
    let table = Table::new(&["Step", "Exit code", "Result", "Run"], steps);
    let block = Block::new("Steps", Body::Table(table)).intro("Each is a run of its own, with its report.");
    Told { sentence: String::new(), sections: vec![vec![block]] }
}
