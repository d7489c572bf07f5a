//! The first findings as a table; the file has them all.

use super::bytes;
use crate::screen::out::say;
use comfy_table::{ContentArrangement, Table, presets};
use s3twin_engine::report::Finding;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

/// Prints up to `limit` findings of a run: those that still need somebody first, then what was done. A file that
/// cannot be read prints nothing: the summary names it.
pub(crate) fn print_findings(path: &Path, limit: usize) {
    let Ok(file) = std::fs::File::open(path) else { return };
    let (mut open, mut done, mut all) = (Vec::new(), Vec::new(), 0);
    let (mut lines, mut line) = (BufReader::with_capacity(256 << 10, file), Vec::new());
    while lines.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        all += 1;
        // Past so many of both nothing more can be shown; counting goes on.
        if open.len() < limit && !(done.len() == limit && Finding::settled_line(&line)) {
            match serde_json::from_slice::<Finding>(&line) {
                Ok(finding) if finding.is_settled() => done.push(finding),
                Ok(finding) => open.push(finding),
                Err(_) => {}
            }
        }
        line.clear();
    }
    let shown: Vec<Finding> = open.into_iter().chain(done).take(limit).collect();
    if shown.is_empty() {
        return;
    }
    say!("{}", table(&shown));
    if all > shown.len() {
        let more = super::grouped((all - shown.len()) as u64);
        say!("and {more} more in {}", path.display());
    }
}

fn table(findings: &[Finding]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["key", "verdict", "why", "source", "replica"]);
    for finding in findings {
        let side = |facts: &Option<_>| facts.as_ref().map_or_else(|| "-".to_owned(), side_text);
        let why = finding.action.clone().or_else(|| finding.reason.map(|reason| word(&reason)));
        table.add_row([
            // Control characters in keys must not reach the terminal.
            finding.key.escape_debug().to_string(),
            word(&finding.verdict),
            why.unwrap_or_default(),
            side(&finding.source),
            side(&finding.replica),
        ]);
    }
    table
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
