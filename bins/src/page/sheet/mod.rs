//! The page of a run whose result is a report of its own: verdict, facts, tables, trend. All of it comes out of
//! `summary.json` and `report.json`, so that `s3twin report` draws the same page again.

mod cost;
mod failover;
mod lag;
mod parts;
mod posture;
#[cfg(test)]
mod tests;

pub(crate) use parts::{Body, Section};

use super::headline::{Headline, Tone};
use super::text::{counted, duration, moment, sentence, visible};
use super::trend::{self, Chart};
use super::view::{self, Fact, Slice};
use crate::kind::Kind;
use crate::run_folder;
use s3twin_engine::report::{RunState, Summary};
use serde_json::Value;
use std::path::Path;

/// Name of the file with the figures.
pub(crate) const REPORT: &str = "report.json";

/// A report.
#[derive(Debug)]
pub(crate) struct Sheet {
    pub(crate) headline: Headline,
    pub(crate) error: Option<String>,
    pub(crate) source: String,
    pub(crate) replica: Option<String>,
    /// One or two blocks beside each other.
    pub(crate) sections: Vec<Section>,
    pub(crate) charts: Vec<Chart>,
    pub(crate) trend_runs: String,
    pub(crate) effort: Vec<Fact>,
    pub(crate) requests: Vec<Slice>,
    pub(crate) remarks: Vec<String>,
    pub(crate) provenance: Vec<Fact>,
    pub(crate) run_id: String,
    pub(crate) version: &'static str,
}

/// A figure of a report over the runs, and how it is written.
type Figure = (&'static str, fn(&Value) -> Option<f64>, fn(f64) -> String);

/// What a kind of report has to say.
struct Told {
    /// More than the headline does.
    sentence: String,
    sections: Vec<Section>,
}

impl Sheet {
    /// Of a run that left `report`, or `Null`. `runs` are the runs of the same thing, this one last, with the
    /// figures of each.
    pub(super) fn new(kind: Kind, summary: &Summary, report: &Value, runs: &[(Summary, Value)]) -> Self {
        let told = match (kind, report) {
            (_, Value::Null) => Told { sentence: String::new(), sections: Vec::new() },
            (Kind::Lag, _) => lag::tell(report),
            (Kind::Cost, _) => cost::tell(report),
            (Kind::Posture, _) => posture::tell(report),
            (Kind::FailoverCheck, _) => failover::tell_check(report),
            (Kind::FailoverRun, _) => failover::tell_run(report),
            (Kind::Failback, _) => failover::tell_back(report),
        };
        let mut provenance = view::provenance(summary);
        if let Some(schema) = report["schema"].as_str() {
            provenance.retain(|fact| fact.term != "Schema");
            provenance.push(view::fact("Schema", visible(schema), ""));
        }
        Self {
            headline: headline(summary, &told.sentence),
            error: summary.error.clone(),
            source: route(&summary.source),
            replica: summary.replica.as_deref().map(visible),
            sections: told.sections,
            charts: charts(kind, runs),
            trend_runs: counted(runs.len() as u64, "run", "runs"),
            effort: view::effort(summary),
            requests: view::requests(summary),
            remarks: summary.remarks.clone(),
            provenance,
            run_id: visible(&summary.run_id),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// For readers who do not see the colour.
    pub(crate) fn tone_word(&self) -> &'static str {
        self.headline.tone.word()
    }
}

/// The figures that a run left; `Null` where it left none.
pub(super) fn figures(folder: &Path) -> Value {
    let bytes = std::fs::read(folder.join(REPORT)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// The runs of the same thing, with their figures.
pub(super) fn history(state: &Path, summary: &Summary, own: &Value) -> Vec<(Summary, Value)> {
    let runs = trend::history(state, summary).into_iter();
    let figures_of = |run: &Summary| {
        if run.run_id == summary.run_id {
            return own.clone();
        }
        // A run whose folder lies elsewhere has no points.
        run_folder::by_id(state, &run.run_id).map(|folder| figures(&folder)).unwrap_or_default()
    };
    runs.map(|run| (run.clone(), figures_of(&run))).collect()
}

/// The first part of the headline is the title, the rest comes under it.
fn headline(summary: &Summary, more: &str) -> Headline {
    let occasion = format!(
        "{}{} on {}, took {}",
        if summary.dry_run { "Rehearsed " } else { "" },
        if summary.dry_run { summary.command.clone() } else { sentence(&summary.command) },
        moment(summary.started_at),
        duration(summary.elapsed_seconds)
    );
    let tone = match (summary.state, summary.exit_code) {
        (RunState::Complete, 0) => Tone::Good,
        (RunState::Complete, _) => Tone::Look,
        _ => Tone::Stop,
    };
    let Some(said) = &summary.headline else {
        let title = match summary.state {
            RunState::Interrupted => "The run was interrupted",
            _ => "The run could not finish",
        };
        let sentence = "It came to no result: start it again.".to_owned();
        return Headline { tone, title: title.to_owned(), sentence, occasion };
    };
    let said = visible(said);
    let (title, rest) = said.split_once("; ").unwrap_or((&said, ""));
    let rest = if rest.is_empty() { String::new() } else { format!("{}. ", sentence(rest)) };
    Headline {
        tone,
        title: title.to_owned(),
        sentence: format!("{rest}{more}").trim_end().to_owned(),
        occasion,
    }
}

/// A fleet is counted, not listed.
fn route(source: &str) -> String {
    match source.split(", ").count() {
        0..=3 => visible(source),
        buckets => format!("{buckets} buckets"),
    }
}

fn charts(kind: Kind, runs: &[(Summary, Value)]) -> Vec<Chart> {
    let figures: &[Figure] = match kind {
        Kind::Lag => &lag::FIGURES,
        Kind::Cost => &cost::FIGURES,
        Kind::Posture => &posture::FIGURES,
        Kind::FailoverCheck => &failover::FIGURES,
        Kind::FailoverRun | Kind::Failback => &[],
    };
    let summaries: Vec<Summary> = runs.iter().map(|(summary, _)| summary.clone()).collect();
    let of = |(title, of, words): &Figure| {
        let values: Vec<Option<f64>> = runs.iter().map(|(_, report)| of(report)).collect();
        trend::chart(&summaries, title, &values, *words)
    };
    figures.iter().filter_map(of).collect()
}
