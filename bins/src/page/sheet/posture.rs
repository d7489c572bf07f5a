//! How the fleet is set, held against its tiers.

use super::super::view::fact;
use super::parts::{Block, Body, Cell, Table, count, rows, word};
use super::{Figure, Told};
use serde_json::Value;

pub(super) const FIGURES: [Figure; 3] = [
    ("Broken", |report| report["checks"]["broken"].as_f64(), super::trend::count),
    ("Unknown", |report| report["checks"]["unknown"].as_f64(), super::trend::count),
    ("Kept", |report| report["checks"]["kept"].as_f64(), super::trend::count),
];

pub(super) fn tell(report: &Value) -> Told {
    let counts = &report["checks"];
    let sentence = match report["applied"].as_bool() {
        Some(true) => "What was mended was read again afterwards.",
        _ => "Nothing was changed.",
    };
    let facts = vec![
        fact("Kept", count(&counts["kept"]), "as wanted, or stricter"),
        fact("Broken", count(&counts["broken"]), ""),
        fact("Unknown", count(&counts["unknown"]), "the bucket would not say"),
        fact("Mended in this run", count(&counts["mended"]), "of the kept"),
        fact("Mendable", count(&counts["mendable"]), "of the broken: --apply would"),
        fact("Buckets not reached", count(&counts["unreached"]), ""),
    ];
    let mut sections = vec![
        vec![Block::new("The fleet", Body::Table(fleet(report)))],
        vec![Block::new("Checks", Body::Facts(facts)), plan(report)],
    ];
    let open = to_look_at(report);
    if !open.is_empty() {
        let table = Table::new(&["Bucket", "Check", "Found", "Wanted", "What to do"], open);
        sections.push(vec![Block::new("What is not as wanted", Body::Table(table))]);
    }
    Told { sentence: sentence.to_owned(), sections }
}

fn checks(bucket: &Value) -> impl Iterator<Item = &Value> {
    rows(&bucket["checks"])
}

fn fleet(report: &Value) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for check in rows(&report["buckets"]).flat_map(checks) {
        if !names.contains(&word(&check["check"])) {
            names.push(word(&check["check"]));
        }
    }
    let row = |bucket: &Value| {
        let first = [Cell::new(word(&bucket["bucket"])).mono(), Cell::new(word(&bucket["tier"]))];
        first.into_iter().chain(names.iter().map(|name| cell(bucket, name))).collect()
    };
    let all = rows(&report["buckets"]).map(row).collect();
    let head: Vec<&str> = ["Bucket", "Tier"].into_iter().chain(names.iter().copied()).collect();
    Table { wide: true, ..Table::new(&head, all) }
}

fn cell(bucket: &Value, name: &str) -> Cell {
    if bucket["error"].is_string() {
        return Cell::new("not reached").toned("stop");
    }
    let Some(check) = checks(bucket).find(|check| check["check"] == name) else {
        return Cell::new("–").toned("soft");
    };
    match (word(&check["verdict"]), check["mended"].as_bool()) {
        (_, Some(true)) => Cell::new("mended").toned("good"),
        ("kept", _) => Cell::new("kept").toned("good"),
        ("broken", _) => Cell::new("broken").toned("look"),
        (other, _) => Cell::new(other).toned("stop"),
    }
}

/// What `--apply` would do, or did.
fn plan(report: &Value) -> Block {
    let applied = report["applied"] == true;
    let mut steps: Vec<Vec<Cell>> = Vec::new();
    for bucket in rows(&report["buckets"]) {
        for check in checks(bucket) {
            let remedy = word(&check["remedy"]);
            let (state, tone, what) = match check["mended"].as_bool() {
                Some(true) => ("mended", "good", word(&check["check"])),
                Some(false) => ("failed", "look", remedy),
                None if !remedy.is_empty() => ("not done", "soft", remedy),
                None => continue,
            };
            let step = Cell::new(what).small(word(&check["error"]));
            let name = Cell::new(word(&bucket["bucket"])).mono();
            let state = Some(Cell::new(state).toned(tone)).filter(|_| applied);
            steps.push([Some(name), state, Some(step)].into_iter().flatten().collect());
        }
    }
    let (title, head): (_, &[&str]) = if applied {
        ("What --apply did", &["Bucket", "State", "Step"])
    } else {
        ("What --apply would do", &["Bucket", "Step"])
    };
    if steps.is_empty() {
        return Block::new(title, Body::Nothing).intro("Nothing that it may mend.");
    }
    Block::new(title, Body::Table(Table::new(head, steps)))
}

fn to_look_at(report: &Value) -> Vec<Vec<Cell>> {
    let mut open = Vec::new();
    for bucket in rows(&report["buckets"]) {
        let name = || Cell::new(word(&bucket["bucket"])).mono();
        if let Some(error) = bucket["error"].as_str() {
            let advice = Cell::new("see that it can be asked: name, region, rights");
            open.push(vec![
                name(),
                Cell::new("not reached").toned("stop"),
                Cell::new(error),
                Cell::default(),
                advice,
            ]);
        }
        for check in checks(bucket).filter(|check| check["verdict"] != "kept") {
            let tone = if check["verdict"] == "broken" { "look" } else { "stop" };
            let (remedy, advice) = (word(&check["remedy"]), word(&check["advice"]));
            let to_do = if remedy.is_empty() {
                Cell::new(advice)
            } else {
                Cell::new(format!("--apply would {remedy}")).small(advice)
            };
            open.push(vec![
                name(),
                Cell::new(word(&check["check"])).small(word(&check["verdict"])).toned(tone),
                Cell::new(word(&check["found"])).small(word(&check["error"])),
                Cell::new(word(&check["wanted"])),
                to_do,
            ]);
        }
    }
    open
}
