//! Earlier runs of the same thing: small charts of what changed from run to run.

use super::text::duration;
use crate::run_folder;
use crate::screen::{bytes, grouped};
use s3twin_engine::report::{RunState, Summary};
use std::path::Path;

/// Runs in a chart, this one included.
const RUNS: usize = 30;
/// Folders looked at to find them.
const LOOKED_AT: usize = 1000;
/// The drawing area.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 56.0;
const MARGIN: f64 = 6.0;

/// Runs of the same command over the same pair, oldest first, this one last. Alone it is no trend.
pub(crate) fn history(state: &Path, summary: &Summary) -> Vec<Summary> {
    let mut found = vec![summary.clone()];
    // A frequent job must not crowd the others out: only folders of this command are looked at.
    let named = format!("-{}-", summary.command.replace(' ', "-"));
    let folders = run_folder::all(state).unwrap_or_default().into_iter();
    for folder in folders.filter(|folder| run_folder::name(folder).contains(&named)).take(LOOKED_AT) {
        if found.len() == RUNS {
            break;
        }
        // A run that cannot be read is no part of the trend; `s3twin runs` tells.
        match run_folder::summary(&folder) {
            Ok(past) if is_earlier(&past, summary) => found.push(past),
            _ => {}
        }
    }
    found.sort_by(|a, b| a.started_at.cmp(&b.started_at).then_with(|| a.run_id.cmp(&b.run_id)));
    found
}

fn is_earlier(past: &Summary, this: &Summary) -> bool {
    past.run_id != this.run_id
        && past.started_at <= this.started_at
        && past.command == this.command
        && past.source == this.source
        && past.replica == this.replica
        && past.dry_run == this.dry_run
}

/// One figure over the runs.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    pub(crate) latest: String,
    pub(crate) range: String,
    /// Points of the line.
    pub(crate) line: String,
    pub(crate) dots: Vec<Dot>,
}

/// One run in a chart.
#[derive(Clone, Debug)]
pub(crate) struct Dot {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) label: String,
    /// Ran to its end.
    pub(crate) complete: bool,
    /// The run of this page.
    pub(crate) last: bool,
}

type Figure = (&'static str, fn(&Summary) -> f64, fn(f64) -> String);

/// The charts; none for fewer than two runs.
pub(crate) fn charts(runs: &[Summary]) -> Vec<Chart> {
    let Some(this) = runs.last().filter(|_| runs.len() > 1) else { return Vec::new() };
    let first: Figure = if this.command == "audit" {
        ("Keys to look at", |run| float(run.verdicts.to_look_at()), count)
    } else {
        ("Objects changed", |run| float(run.actions.total() - run.actions.failed), count)
    };
    let figures: [Figure; 4] = [
        first,
        ("Keys", |run| float(run.keys.union), count),
        ("Bytes on the source", |run| float(run.listed_bytes.source), size),
        ("Time", |run| run.elapsed_seconds, duration),
    ];
    let of = |(title, of, words): &Figure| {
        let values: Vec<Option<f64>> = runs.iter().map(|run| Some(of(run))).collect();
        chart(runs, title, &values, *words)
    };
    figures.iter().filter_map(of).collect()
}

/// One figure over the runs; of a run that does not know it there is no point. `None` where it takes two to make a
/// line.
pub(super) fn chart(
    runs: &[Summary],
    title: &'static str,
    values: &[Option<f64>],
    words: fn(f64) -> String,
) -> Option<Chart> {
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    if known.len() < 2 {
        return None;
    }
    let low = known.iter().copied().fold(f64::INFINITY, f64::min);
    let high = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let step = (WIDTH - 2.0 * MARGIN) / float(values.len().saturating_sub(1).max(1) as u64);
    let place = |index: usize, value: f64| {
        // A flat line runs through the middle.
        let height = if high > low { (value - low) / (high - low) } else { 0.5 };
        let (x, y) =
            (MARGIN + step * float(index as u64), HEIGHT - MARGIN - height * (HEIGHT - 2.0 * MARGIN));
        (format!("{x:.1}"), format!("{y:.1}"))
    };
    let dot = |(index, (run, value)): (usize, (&Summary, &Option<f64>))| {
        let (x, y) = place(index, (*value)?);
        let complete = run.state == RunState::Complete;
        let label = format!("{}: {}", super::text::moment(run.started_at), words((*value)?));
        Some(Dot { x, y, label, complete, last: index + 1 == runs.len() })
    };
    let dots: Vec<Dot> = runs.iter().zip(values).enumerate().filter_map(dot).collect();
    Some(Chart {
        title,
        latest: values.last().copied().flatten().map_or_else(|| "not known".to_owned(), words),
        range: if high > low { format!("{} to {}", words(low), words(high)) } else { "unchanged".to_owned() },
        line: dots.iter().map(|dot| format!("{},{}", dot.x, dot.y)).collect::<Vec<_>>().join(" "),
        dots,
    })
}

pub(super) fn count(value: f64) -> String {
    grouped(whole(value))
}

pub(super) fn size(value: f64) -> String {
    bytes(whole(value))
}

#[allow(clippy::cast_precision_loss)]
fn float(number: u64) -> f64 {
    number as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: f64) -> u64 {
    number as u64
}
