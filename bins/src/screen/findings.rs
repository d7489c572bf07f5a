//! The first findings as a table; the file has them all.

use super::bytes;
use comfy_table::{ContentArrangement, Table, presets};
use s3twin_engine::report::Finding;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

/// Prints up to `limit` findings of a run. A file that cannot be read prints nothing: the summary names it.
pub(crate) fn print_findings(path: &Path, limit: usize) {
    let Ok(file) = std::fs::File::open(path) else { return };
    let mut lines = BufReader::new(file).lines().map_while(Result::ok);
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["key", "verdict", "why", "source", "replica"]);
    let mut shown = 0;
    for finding in lines.by_ref().take(limit).filter_map(|line| serde_json::from_str::<Finding>(&line).ok()) {
        shown += 1;
        let side = |facts: &Option<_>| facts.as_ref().map_or_else(|| "-".to_owned(), side_text);
        table.add_row([
            // Control characters in keys must not reach the terminal.
            finding.key.escape_debug().to_string(),
            word(&finding.verdict),
            finding
                .action
                .clone()
                .unwrap_or_else(|| finding.reason.map(|reason| word(&reason)).unwrap_or_default()),
            side(&finding.source),
            side(&finding.replica),
        ]);
    }
    if shown == 0 {
        return;
    }
    println!("{table}");
    let rest = lines.count();
    if rest > 0 {
        println!("and {} more in {}", super::grouped(rest as u64), path.display());
    }
}

fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn side_text(facts: &s3twin_engine::compare::listing::FactsRow) -> String {
    let etag = facts.etag.as_deref().unwrap_or("no ETag");
    let (digest, parts) = etag.split_once('-').map_or((etag, None), |(digest, parts)| (digest, Some(parts)));
    let short: String = digest.chars().take(6).collect();
    match parts {
        Some(parts) => format!("{} {short}…-{parts}", bytes(facts.size)),
        None => format!("{} {short}…", bytes(facts.size)),
    }
}
