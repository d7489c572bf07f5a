//! What every run over two sides does around its work: prepare, watch, sum up, leave files.

use crate::args::{EndpointArgs, LimitArgs, OutputArgs, OutputFormat, Talk};
use crate::exit::Exit;
use crate::{page, run_folder, screen, setup};
use s3twin_engine::Error;
use s3twin_engine::list::Sides;
use s3twin_engine::model::{Location, Timestamp};
use s3twin_engine::observe::Progress;
use s3twin_engine::report::{RunState, SUMMARY_SCHEMA, Summary, Tally};
use s3twin_engine::run::{Recorder, Session};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// A run over two sides, before it starts.
pub(crate) struct Pair {
    pub(crate) command: &'static str,
    pub(crate) source: Location,
    pub(crate) replica: Location,
    pub(crate) endpoints: EndpointArgs,
    pub(crate) limits: LimitArgs,
    pub(crate) output: OutputArgs,
    pub(crate) talk: Talk,
    pub(crate) dry_run: bool,
}

/// How a finished run's counts turn into an exit code.
pub(crate) type Judge = fn(&Summary) -> Exit;

impl Pair {
    /// Runs `work` between preparation and report.
    pub(crate) async fn run<W, F>(self, work: W, judge: Judge) -> Exit
    where
        W: FnOnce(Sides, Session) -> F,
        F: Future<Output = Result<Tally, Error>>,
    {
        let clock = setup::clock();
        let started_at = clock.now();
        let run_id = run_folder::run_id(jiff::Timestamp::now(), self.command);
        let folder = match self.folder(&run_id) {
            Ok(folder) => folder,
            Err(message) => return fail(&message, Exit::Usage),
        };
        let cancel = setup::cancel_on_signals();
        let begun = Instant::now();
        let connected =
            setup::connect((&self.source, &self.replica), &self.endpoints, &self.limits, &cancel).await;
        let connected = match connected.and_then(|connected| self.check_overlap(connected)) {
            Ok(connected) => connected,
            Err(error) => return fail(&error.to_string(), Exit::of(&error)),
        };
        let recorder = match Recorder::new(&folder) {
            Ok(recorder) => Arc::new(recorder),
            Err(error) => return fail(&error.to_string(), Exit::of(&error)),
        };
        let progress = connected.progress;
        let session = Session {
            clock,
            cancel,
            progress: Arc::clone(&progress),
            recorder: Arc::clone(&recorder),
            ranges_max: setup::RANGES_MAX,
        };
        let bar = screen::show_progress(Arc::clone(&progress), &self.talk);
        let result = work(connected.sides, session).await;
        drop(bar);
        let tally = match &result {
            Ok(tally) => *tally,
            // What was settled before the end is still worth a report.
            Err(_) => recorder.finish().await.unwrap_or_default(),
        };
        let mut summary = self.summary(run_id, started_at, &tally, &progress);
        summary.elapsed_seconds = begun.elapsed().as_secs_f64();
        let exit = self.conclude(&mut summary, &tally, result, judge);
        self.publish(summary, &folder, exit)
    }

    fn folder(&self, run_id: &str) -> Result<PathBuf, String> {
        match &self.output.report {
            Some(folder) => Ok(folder.clone()),
            None => Ok(run_folder::state_dir(self.output.state_dir.as_deref())?.join("runs").join(run_id)),
        }
    }

    fn check_overlap(&self, connected: setup::Connected) -> Result<setup::Connected, Error> {
        let sides = &connected.sides;
        let same = sides.replica.as_ref().is_some_and(|replica| sides.source.same_service(replica));
        if same && self.source.overlaps(&self.replica) {
            return Err(Error::Invalid(format!(
                "{} and {} share keys: the replica must be another bucket, or prefixes of which neither starts \
                 with the other",
                self.source, self.replica
            )));
        }
        Ok(connected)
    }

    fn summary(&self, run_id: String, started_at: Timestamp, tally: &Tally, progress: &Progress) -> Summary {
        let meter = &progress.meter;
        let mut summary = Summary {
            schema: SUMMARY_SCHEMA.to_owned(),
            run_id,
            command: self.command.to_owned(),
            state: RunState::Complete,
            exit_code: 0,
            source: self.source.to_string(),
            replica: Some(self.replica.to_string()),
            started_at,
            elapsed_seconds: 0.0,
            keys: s3twin_engine::report::Keys::default(),
            verdicts: tally.verdicts,
            evidence: tally.evidence,
            actions: tally.actions,
            bytes: tally.bytes,
            requests: meter.requests().into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
            retries: meter.retries(),
            throttled: meter.throttled(),
            estimated_cost_usd: s3twin_engine::report::request_cost_usd(meter),
            peak_rss_bytes: peak_rss_bytes(),
            listed_bytes: s3twin_engine::report::ListedBytes::default(),
            dry_run: self.dry_run,
            error: None,
        };
        summary.count(tally);
        summary
    }

    /// Decides state and exit code. Counts that do not balance are a failure whatever they say.
    fn conclude(
        &self,
        summary: &mut Summary,
        tally: &Tally,
        result: Result<Tally, Error>,
        judge: Judge,
    ) -> Exit {
        let exit = match result {
            Ok(_) => match summary.check(tally) {
                Ok(()) => judge(summary),
                Err(unbalanced) => {
                    summary.state = RunState::Incomplete;
                    summary.error = Some(unbalanced.to_string());
                    Exit::Incomplete
                }
            },
            Err(error) => {
                summary.state = match error {
                    Error::Brake(_) => RunState::Refused,
                    Error::Cancelled => RunState::Interrupted,
                    _ => RunState::Incomplete,
                };
                summary.error = Some(error.to_string());
                Exit::of(&error)
            }
        };
        summary.exit_code = exit.code();
        exit
    }

    fn publish(&self, mut summary: Summary, folder: &Path, mut exit: Exit) -> Exit {
        if let Some(error) = &summary.error {
            eprintln!("s3twin: {error}");
        }
        let path = folder.join("summary.json");
        // The summary first: the page must not stand between a result and its reader.
        if let Err(error) = write_summary(&path, &summary) {
            return fail(&format!("writing {} failed: {error}", path.display()), Exit::Incomplete);
        }
        if let Err(full) = self.leave_page(&summary, folder)
            && summary.state == RunState::Complete
        {
            (summary.state, summary.error, exit) = (RunState::Incomplete, Some(full), Exit::Incomplete);
            summary.exit_code = exit.code();
            // If there is no room for this either, the earlier summary stands and the exit code tells.
            let _ = write_summary(&path, &summary);
        }
        match self.output.output {
            OutputFormat::Json => match serde_json::to_string_pretty(&summary) {
                Ok(json) => println!("{json}"),
                Err(error) => return fail(&format!("cannot print the summary: {error}"), Exit::Incomplete),
            },
            OutputFormat::Text => {
                screen::print_findings(&folder.join("findings.jsonl"), 20);
                screen::print_summary(&summary, folder);
            }
        }
        exit
    }

    /// Writes the page. A page that cannot be written is a warning; only a full disk is an `Err`, because then
    /// the other files cannot be trusted either.
    fn leave_page(&self, summary: &Summary, folder: &Path) -> Result<(), String> {
        let state = run_folder::state_dir(self.output.state_dir.as_deref()).ok();
        let written = page::Source { summary, folder, state: state.as_deref() }.leave();
        let Err(error) = written else { return Ok(()) };
        let message = format!("writing {} failed: {error}", folder.join("report.html").display());
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                eprintln!("s3twin: {message}");
                Err(message)
            }
            _ => {
                eprintln!(
                    "s3twin: {message}. The result stands; `s3twin report {}` tries again",
                    folder.display()
                );
                Ok(())
            }
        }
    }
}

fn write_summary(path: &Path, summary: &Summary) -> std::io::Result<()> {
    let json = serde_json::to_vec_pretty(summary)?;
    run_folder::write_whole(path, |file| file.write_all(&json))
}

/// Says why nothing was started.
fn fail(message: &str, exit: Exit) -> Exit {
    eprintln!("s3twin: {message}");
    exit
}

/// The most memory this process ever held, from the kernel's books; 0 where there are none.
fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
