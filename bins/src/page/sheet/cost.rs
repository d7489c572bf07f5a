//! What buckets hold, and what that costs.

use super::super::view::{Fact, fact};
use super::parts::{Block, Body, Cell, Table, count, money, number, rows, size, word};
use super::{Figure, Section, Told, visible};
use crate::page::dollars;
use crate::screen::{bytes, grouped};
use serde_json::Value;

pub(super) const FIGURES: [Figure; 3] = [
    ("Each month", |report| report["monthly_usd"].as_f64(), dollars),
    ("Older versions, each month", |report| part(report, "noncurrent_usd"), dollars),
    ("Bytes", held, super::trend::size),
];

/// A run that came to no result has none, which is not the same as zero.
fn part(report: &Value, name: &str) -> Option<f64> {
    report["buckets"].as_array()?.iter().map(|bucket| bucket["month"][name].as_f64()).sum()
}

#[allow(clippy::cast_precision_loss)]
fn held(report: &Value) -> Option<f64> {
    Some(report["buckets"].as_array()?.iter().map(|bucket| totals(bucket).1).sum::<u64>() as f64)
}

/// Objects and bytes of a bucket, older versions included.
fn totals(bucket: &Value) -> (u64, u64) {
    let classes = bucket["held"]["classes"].as_object();
    let amounts = classes.into_iter().flatten().flat_map(|(_, used)| [&used["current"], &used["noncurrent"]]);
    amounts.fold((0, 0), |(objects, bytes), amount| {
        (objects + number(&amount["objects"]), bytes + number(&amount["bytes"]))
    })
}

pub(super) fn tell(report: &Value) -> Told {
    let buckets: Vec<&Value> = rows(&report["buckets"]).collect();
    let mut sections: Vec<Section> = Vec::new();
    if buckets.len() > 1 {
        let rows = buckets.iter().map(|bucket| overview(bucket)).collect();
        let table = Table::new(&["Bucket", "Objects and versions", "Bytes", "Each month"], rows);
        sections.push(vec![Block::new("Buckets", Body::Table(table.numbers_from(1)))]);
    }
    for bucket in &buckets {
        sections.extend(of_bucket(bucket, buckets.len() > 1));
    }
    let sentence =
        format!("Prices: {}. Without taxes, discounts and free tiers.", visible(word(&report["prices"])));
    Told { sentence, sections }
}

fn overview(bucket: &Value) -> Vec<Cell> {
    let (objects, size) = totals(bucket);
    vec![
        Cell::new(word(&bucket["bucket"])).mono(),
        Cell::new(grouped(objects)),
        Cell::new(bytes(size)),
        Cell::new(money(&bucket["month"]["total_usd"])),
    ]
}

fn of_bucket(bucket: &Value, named: bool) -> Vec<Section> {
    let name = visible(word(&bucket["bucket"]));
    let title = |what: &str| if named { format!("{name}: {what}") } else { super::sentence(what) };
    let classes = Table::new(
        &["Class", "Objects", "Bytes", "Older versions", "Bytes of those", "Each month"],
        classes(bucket),
    );
    let saved = savings(bucket);
    let savings = if saved.is_empty() {
        Block::new(title("what rules would save"), Body::Nothing)
            .intro("No lifecycle rule would save anything.")
    } else {
        let table = Table::new(&["Rule", "Concerns", "Saves each month"], saved).numbers_from(1);
        Block::new(title("what rules would save"), Body::Table(table))
    };
    let head = ["A run over it and an equal replica", "Writes", "Reads", "Bytes", "Cost", "Across regions"];
    let runs = Table::new(&head, runs(bucket)).numbers_from(1);
    vec![
        vec![Block::new(title("held, by storage class"), Body::Table(classes.numbers_from(1)))],
        vec![Block::new(title("each month"), Body::Facts(month(bucket))), savings],
        vec![Block::new(title("what runs would cost"), Body::Table(runs))],
    ]
}

fn classes(bucket: &Value) -> Vec<Vec<Cell>> {
    let row = |(name, used): (&String, &Value)| {
        let (current, older) = (&used["current"], &used["noncurrent"]);
        let unpriced = rows(&bucket["month"]["unpriced"]).any(|class| class == name.as_str());
        let price = if unpriced {
            Cell::new("no price").toned("look")
        } else {
            Cell::new(money(&bucket["month"]["classes_usd"][name]))
        };
        vec![
            Cell::new(name),
            Cell::new(count(&current["objects"])),
            Cell::new(size(&current["bytes"])),
            Cell::new(count(&older["objects"])),
            Cell::new(size(&older["bytes"])),
            price,
        ]
    };
    bucket["held"]["classes"].as_object().into_iter().flatten().map(row).collect()
}

fn month(bucket: &Value) -> Vec<Fact> {
    let (month, held) = (&bucket["month"], &bucket["held"]);
    let uploads = &held["uploads"];
    let begun = format!("{} begun, {}", count(&uploads["uploads"]), size(&uploads["bytes"]));
    let uploads = match number(&uploads["unweighed"]) {
        0 => begun,
        unweighed => format!("{begun}; the bytes of {} are not known and missing here", grouped(unweighed)),
    };
    vec![
        fact("Current versions", money(&month["current_usd"]), format!("{} keys", count(&held["keys"]))),
        fact("Older versions", money(&month["noncurrent_usd"]), ""),
        fact("Uploads that never ended", money(&month["uploads_usd"]), uploads),
        fact("Delete markers", money(&month["markers_usd"]), count(&held["markers"])),
        fact("All", money(&month["total_usd"]), "a month"),
    ]
}

fn savings(bucket: &Value) -> Vec<Vec<Cell>> {
    let row = |saving: &Value| {
        let once = match saving["once_usd"].as_f64() {
            Some(once) if once > 0.0 => format!("{} once", dollars(once)),
            _ => String::new(),
        };
        vec![
            Cell::new(word(&saving["rule"])),
            Cell::new(count(&saving["objects"])).small(size(&saving["bytes"])),
            Cell::new(money(&saving["monthly_usd"])).small(once),
        ]
    };
    rows(&bucket["savings"]).map(row).collect()
}

fn runs(bucket: &Value) -> Vec<Vec<Cell>> {
    let row = |run: &Value| {
        let across = match run["transfer_usd"].as_f64() {
            Some(usd) if usd > 0.0 => Cell::new(dollars(usd)),
            _ => Cell::new("–").toned("soft"),
        };
        vec![
            Cell::new(word(&run["run"])),
            Cell::new(count(&run["writes"])),
            Cell::new(count(&run["reads"])),
            Cell::new(size(&run["bytes"])),
            Cell::new(money(&run["usd"])),
            across,
        ]
    };
    rows(&bucket["runs"]).map(row).collect()
}
