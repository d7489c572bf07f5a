//! What came of a job's runs: `jobs/NAME.json` in the state dir.

use super::child::Finished;
use crate::page::headline_of;
use crate::run_folder;
use s3twin_engine::model::Timestamp;
use s3twin_engine::report::Summary;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Runs remembered of a job.
const RUNS: usize = 100;
const SCHEMA: &str = "s3twin.job/1";

/// How a run of a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// Exit code 0.
    Clean,
    /// Exit code 1: something to look at.
    Difference,
    /// Exit code 3: a brake.
    Refused,
    /// It could not start or not end.
    Failure,
    /// Exit code 130.
    Interrupted,
}

impl Outcome {
    pub(crate) const ALL: [Self; 5] =
        [Self::Clean, Self::Difference, Self::Refused, Self::Failure, Self::Interrupted];

    fn of(code: Option<i32>) -> Self {
        match code {
            Some(0) => Self::Clean,
            Some(1) => Self::Difference,
            Some(3) => Self::Refused,
            Some(130) => Self::Interrupted,
            _ => Self::Failure,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Difference => "difference",
            Self::Refused => "refused",
            Self::Failure => "failure",
            Self::Interrupted => "interrupted",
        }
    }
}

/// One run of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct JobRun {
    /// Of a run that left a folder.
    pub(crate) run_id: Option<String>,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    /// `None` if a signal ended it.
    pub(crate) exit_code: Option<i32>,
    pub(crate) outcome: Outcome,
    /// In a few words.
    pub(crate) headline: String,
}

impl JobRun {
    pub(super) fn of(finished: &Finished, started_at: Timestamp, ended_at: Timestamp) -> Self {
        let result = finished.result();
        let summary = result.clone().and_then(|result| serde_json::from_value::<Summary>(result).ok());
        let said = finished.said.iter().rev().find(|line| !line.trim().is_empty());
        let said = said.map(|line| line.trim_start_matches("s3twin: ").to_owned());
        let word = |name: &str| result.as_ref()?.get(name)?.as_str().map(str::to_owned);
        let headline = match &summary {
            Some(summary) if summary.error.is_none() => Some(headline_of(summary)),
            Some(summary) => summary.error.clone(),
            None => word("headline"),
        };
        let silent = || match finished.code {
            Some(code) => format!("ended with exit code {code} and said nothing"),
            None => "a signal ended it".to_owned(),
        };
        Self {
            run_id: word("run_id"),
            started_at,
            ended_at,
            exit_code: finished.code,
            outcome: Outcome::of(finished.code),
            headline: headline.or(said).unwrap_or_else(silent),
        }
    }

    pub(crate) fn seconds(&self) -> f64 {
        #[allow(clippy::cast_precision_loss)]
        let millis = (self.ended_at.millis() - self.started_at.millis()) as f64;
        millis / 1000.0
    }
}

/// What is remembered of a job. Totals never shrink: they are counters to whoever reads the metrics.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct History {
    pub(crate) schema: String,
    /// Newest first.
    pub(crate) runs: Vec<JobRun>,
    /// Runs ever, by outcome.
    pub(crate) totals: BTreeMap<String, u64>,
    /// Due times at which nothing ran.
    pub(crate) missed: u64,
    /// Due times at which it was still running.
    pub(crate) overlapped: u64,
    /// Notifications that could not be sent.
    pub(crate) untold: u64,
    /// When the last clean run began.
    pub(crate) last_clean: Option<Timestamp>,
    /// What the last run that printed a result printed.
    pub(crate) last_result: Option<serde_json::Value>,
}

impl History {
    /// Of a job; empty for one that never ran. A file that cannot be read is set aside, not overwritten.
    pub(crate) fn read(state: &Path, job: &str) -> Self {
        let path = path(state, job);
        let Ok(bytes) = std::fs::read(&path) else { return Self::default() };
        serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            let aside = path.with_extension("json.unreadable");
            eprintln!("s3twin: {} cannot be read ({error}): kept as {}", path.display(), aside.display());
            // If it cannot be moved either, the next write says so.
            let _ = std::fs::rename(&path, &aside);
            Self::default()
        })
    }

    pub(super) fn add(&mut self, run: JobRun, result: Option<serde_json::Value>) {
        *self.totals.entry(run.outcome.name().to_owned()).or_default() += 1;
        if run.outcome == Outcome::Clean {
            self.last_clean = Some(run.started_at);
        }
        if result.is_some() {
            self.last_result = result;
        }
        self.runs.insert(0, run);
        self.runs.truncate(RUNS);
    }

    pub(super) fn write(&self, state: &Path, job: &str) -> io::Result<()> {
        let path = path(state, job);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let json = serde_json::to_vec_pretty(&Self { schema: SCHEMA.to_owned(), ..self.clone() })?;
        run_folder::write_whole(&path, |file| file.write_all(&json))
    }
}

fn path(state: &Path, job: &str) -> PathBuf {
    state.join("jobs").join(format!("{job}.json"))
}
