//! The folder of a run whose result is a report of its own: opened before the work, closed with what was found.
//!
//! Such a run stands in the catalogue like every other: journal, summary, page. It settles no keys, so its journal
//! only says that it began and how it ended.

use super::frame::ending::{outcome, peak_rss_bytes, stopped};
use super::frame::files::{cannot_write, unless_full};
use crate::args::{OutputArgs, OutputFormat};
use crate::effort::Effort;
use crate::exit::Exit;
use crate::kind::Kind;
use crate::screen::out::{say, show};
use crate::{Origin, page, run_folder, setup};
use s3twin_engine::Error;
use s3twin_engine::journal::{Finished, Journal, Record, RunDir, RunId, Started, StateDir};
use s3twin_engine::model::Timestamp;
use s3twin_engine::report::{RunState, Summary};
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a run looks at.
pub(super) struct Subject {
    pub(super) kind: Kind,
    pub(super) source: String,
    pub(super) replica: Option<String>,
    /// Asked to change nothing where it could.
    pub(super) dry_run: bool,
}

/// What it found.
pub(super) struct Content {
    /// The one JSON object of stdout.
    pub(super) report: Value,
    /// The same for people.
    pub(super) text: String,
    pub(super) exit: Exit,
    pub(super) effort: Effort,
}

/// An open run.
pub(super) struct Dossier {
    run: RunDir,
    journal: Journal,
    summary: Summary,
    state: PathBuf,
    output: OutputArgs,
    kind: Kind,
    begun: Instant,
}

impl Dossier {
    /// Runs `work` between opening and closing.
    pub(super) async fn keep<W>(subject: Subject, output: &OutputArgs, origin: &Origin, work: W) -> Exit
    where
        W: AsyncFnOnce(&Self) -> Result<Content, Error>,
    {
        match Self::open(subject, output, origin).await {
            Ok(dossier) => {
                let result = work(&dossier).await;
                dossier.close(result).await
            }
            Err(error) => {
                eprintln!("s3twin: {error}");
                Exit::of(&error)
            }
        }
    }

    /// Makes the folder, and writes down what begins. A state dir that cannot be written ends the run here: a
    /// result that leaves no trace is none.
    async fn open(subject: Subject, output: &OutputArgs, origin: &Origin) -> Result<Self, Error> {
        let (begun, started_at) = (Instant::now(), setup::clock().now());
        let state = run_folder::state_dir(output.state_dir.as_deref()).map_err(Error::Invalid)?;
        let id = RunId::new(started_at, &subject.kind.slug(), fastrand::u16(..))?;
        let run = StateDir::new(&state).create_run(id)?;
        let journal = Journal::create(&run.journal(), run.id.as_str())?;
        let argv = match origin {
            Origin::Fresh { argv } => argv.as_slice(),
            Origin::Interrupted(_) => &[],
        };
        let started = Started {
            command: subject.kind.command().to_owned(),
            job: serde_json::json!({ "argv": argv }),
            started_at,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        journal.append(&Record::Started(started)).await?;
        journal.durable().await?;
        let sides = (subject.source, subject.replica);
        let mut summary = Summary::begun(run.id.to_string(), subject.kind.command(), sides, started_at);
        summary.dry_run = subject.dry_run;
        Ok(Self { run, journal, summary, state, output: output.clone(), kind: subject.kind, begun })
    }

    pub(super) fn id(&self) -> &RunId {
        &self.run.id
    }

    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    pub(super) fn started_at(&self) -> Timestamp {
        self.summary.started_at
    }

    pub(super) fn elapsed_seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Leaves the files, prints the result, and says how the process ends.
    async fn close(mut self, result: Result<Content, Error>) -> Exit {
        if let Err(error) = &result {
            eprintln!("s3twin: {error}");
        }
        if matches!(&result, Err(Error::Invalid(_))) {
            return self.withdraw().await;
        }
        let exit = self.sum_up(&result);
        let finished = Finished {
            at: setup::clock().now(),
            state: outcome(self.summary.state),
            exit_code: self.summary.exit_code,
        };
        let left = match self.end_journal(Record::Finished(finished)).await {
            Ok(()) => self.leave(result.ok()),
            Err(error) => Err(error),
        };
        match left {
            Ok(()) => exit,
            Err(error) => {
                eprintln!("s3twin: {error}");
                Exit::Incomplete
            }
        }
    }

    /// Wrong arguments start nothing, so they leave nothing.
    async fn withdraw(self) -> Exit {
        let closed = self.journal.close().await.map_err(|error| error.to_string());
        let gone = std::fs::remove_dir_all(self.run.path()).map_err(|error| error.to_string());
        if let Err(error) = closed.and(gone) {
            eprintln!("s3twin: the empty run {} could not be taken back: {error}", self.run.id);
        }
        Exit::Usage
    }

    async fn end_journal(&self, last: Record) -> Result<(), Error> {
        self.journal.append(&last).await?;
        Ok(self.journal.close().await?)
    }

    fn sum_up(&mut self, result: &Result<Content, Error>) -> Exit {
        let summary = &mut self.summary;
        let exit = match result {
            Ok(found) => {
                let effort = found.effort.clone();
                summary.requests = effort.requests;
                (summary.retries, summary.throttled) = (effort.retries, effort.throttled);
                summary.estimated_cost_usd = effort.usd;
                summary.headline = found.report["headline"].as_str().map(str::to_owned);
                summary.state = state_of(found);
                found.exit
            }
            Err(error) => {
                summary.state = stopped(error);
                summary.error = Some(error.to_string());
                Exit::of(error)
            }
        };
        summary.exit_code = exit.code();
        summary.elapsed_seconds = self.begun.elapsed().as_secs_f64();
        summary.peak_rss_bytes = peak_rss_bytes();
        exit
    }

    fn leave(&self, found: Option<Content>) -> Result<(), Error> {
        let found = found.map(|mut found| {
            found.report["run_id"] = self.run.id.as_str().into();
            found
        });
        let folder = self.run.path();
        if let Some(found) = &found {
            write_json(&folder.join("report.json"), &found.report)?;
        }
        let summary =
            serde_json::to_value(&self.summary).map_err(|error| Error::Internal(error.to_string()))?;
        write_json(&self.run.summary(), &summary)?;
        unless_full(self.leave_pages(), folder)?;
        let shown = self.output.report.as_deref().unwrap_or(folder);
        if shown != folder {
            self.copy(shown)?;
        }
        match (found, self.output.output) {
            (None, _) => {}
            (Some(found), OutputFormat::Json) => say!("{}", found.report),
            (Some(found), OutputFormat::Text) => {
                show(format_args!("{}", found.text));
                say!("  report     {}", shown.display());
            }
        }
        Ok(())
    }

    fn leave_pages(&self) -> std::io::Result<()> {
        let folder = self.run.path();
        let source = page::Source { summary: &self.summary, folder, state: Some(&self.state) };
        source.leave()?;
        let markdown = source.markdown()?;
        run_folder::write_whole(&folder.join("report.md"), |file| file.write_all(markdown.as_bytes()))
    }

    /// Under the name of the command: the folder may be that of an audit, too.
    fn copy(&self, to: &Path) -> Result<(), Error> {
        std::fs::create_dir_all(to).map_err(|error| cannot_write(to, &error))?;
        let slug = self.kind.slug();
        for extension in ["json", "html", "md"] {
            let file = self.run.path().join(format!("report.{extension}"));
            let copy = to.join(format!("{slug}.{extension}"));
            if file.exists() {
                std::fs::copy(&file, &copy).map_err(|error| cannot_write(&copy, &error))?;
            }
        }
        Ok(())
    }
}

/// As the report says it, else by the exit code.
fn state_of(found: &Content) -> RunState {
    let said = serde_json::from_value(found.report["state"].clone()).ok();
    said.unwrap_or(match found.exit {
        Exit::Clean | Exit::LookAt => RunState::Complete,
        Exit::Refused => RunState::Refused,
        Exit::Interrupted => RunState::Interrupted,
        Exit::Usage | Exit::Incomplete => RunState::Incomplete,
    })
}

fn write_json(path: &Path, value: &Value) -> Result<(), Error> {
    run_folder::write_whole(path, |file| writeln!(file, "{value:#}"))
        .map_err(|error| cannot_write(path, &error))
}
