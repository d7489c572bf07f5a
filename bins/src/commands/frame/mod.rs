//! What every run does around its work: prepare, watch, sum up, leave files.

pub(super) mod ending;
pub(super) mod files;
mod prepare;

use crate::args::{EndpointArgs, LimitArgs, OutputArgs, Talk};
use crate::exit::Exit;
use crate::{Origin, screen, setup};
use ending::{conclude, outcome};
use prepare::Prepared;
use s3twin_engine::Error;
use s3twin_engine::list::Sides;
use s3twin_engine::model::{Location, Timestamp};
use s3twin_engine::report::{Summary, Tally};
use s3twin_engine::run::Session;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// A run, before it starts.
pub(crate) struct Frame {
    pub(crate) command: &'static str,
    pub(crate) source: Location,
    pub(crate) target: Target,
    /// Runs that write to one place exclude each other; runs that only read need no lease.
    pub(crate) writes: bool,
    pub(crate) dry_run: bool,
    pub(crate) endpoints: EndpointArgs,
    pub(crate) limits: LimitArgs,
    pub(crate) output: OutputArgs,
    pub(crate) talk: Talk,
    pub(crate) origin: Origin,
}

/// The other side of a run.
pub(crate) enum Target {
    /// A replica: another bucket, or another prefix.
    Replica(Location),
    /// The source itself: there is one side only.
    Itself,
    /// A local folder.
    Folder(PathBuf),
    /// The source, as this manifest tells it was.
    Then(String),
}

/// How a finished run's counts turn into an exit code.
pub(crate) type Judge = fn(&Summary) -> Exit;

/// Whatever could not be brought to the wished state needs a look. A rehearsal that ran through is clean: it did
/// what it was asked to.
pub(crate) fn all_done(summary: &Summary) -> Exit {
    let undone = if summary.dry_run { 0 } else { summary.actions.failed + summary.actions.skipped };
    if undone == 0 { Exit::Clean } else { Exit::LookAt }
}

impl Frame {
    /// Runs `work` between preparation and report. It is handed the moment the run began, which is that of the
    /// first process when it is resumed.
    pub(crate) async fn run<W, F>(self, work: W, judge: Judge) -> Exit
    where
        W: FnOnce(Sides, Session, Timestamp) -> F,
        F: Future<Output = Result<Tally, Error>>,
    {
        self.run_with(work, |summary| judge(summary)).await
    }

    /// [`Self::run`] for runs whose summary has more in it than counts: `judge` adds that.
    pub(crate) async fn run_with<W, F, J>(self, work: W, judge: J) -> Exit
    where
        W: FnOnce(Sides, Session, Timestamp) -> F,
        F: Future<Output = Result<Tally, Error>>,
        J: FnOnce(&mut Summary) -> Exit,
    {
        let begun = Instant::now();
        let started_at = self.started_at();
        let Prepared { sides, session, servers, _lease } = match self.prepare(started_at).await {
            Ok(prepared) => prepared,
            Err(error) => {
                eprintln!("s3twin: {error}");
                return Exit::of(&error);
            }
        };
        let (recorder, progress) = (Arc::clone(&session.recorder), Arc::clone(&session.progress));
        let clock = session.clock.clone();
        let bar = screen::show_progress(Arc::clone(&progress), &self.talk);
        let result = work(sides, session, started_at).await;
        drop(bar);
        // What was settled before an error is still worth a report.
        let (tally, result) = match result {
            Ok(tally) => (tally, Ok(())),
            Err(error) => (recorder.tally(), Err(error)),
        };
        let mut summary = self.summary(recorder.run().id.to_string(), started_at, &tally, &progress);
        servers.remember();
        summary.remarks = servers.remarks();
        summary.elapsed_seconds = begun.elapsed().as_secs_f64();
        let exit = conclude(&mut summary, &tally, result, judge);
        let ended = recorder.finish(clock.now(), outcome(summary.state), exit.code()).await;
        match ended.and_then(|()| self.publish(&summary, recorder.run())) {
            Ok(()) => exit,
            Err(error) => {
                eprintln!("s3twin: {error}");
                Exit::Incomplete
            }
        }
    }

    fn started_at(&self) -> Timestamp {
        let earlier = match &self.origin {
            Origin::Interrupted(run) => run.entry().started.map(|started| started.started_at),
            Origin::Fresh { .. } => None,
        };
        earlier.unwrap_or_else(|| setup::clock().now())
    }

    /// Where the run writes, or would.
    fn target_name(&self) -> String {
        match &self.target {
            Target::Replica(location) => location.to_string(),
            Target::Itself | Target::Then(_) => self.source.to_string(),
            Target::Folder(path) => path.display().to_string(),
        }
    }
}
