//! What a run that changes one bucket does around its work: prepare, watch, sum up, leave files.

use crate::args::{EndpointArgs, LimitArgs, OutputArgs, OutputFormat, Talk};
use crate::exit::Exit;
use crate::{Origin, page, run_folder, screen, setup};
use s3twin_engine::Error;
use s3twin_engine::journal::{Holder, Lease, Outcome, Pair as LeasePair, RunId, Started, StateDir, resume};
use s3twin_engine::list::Sides;
use s3twin_engine::model::{Location, Timestamp};
use s3twin_engine::observe::Progress;
use s3twin_engine::report::{Keys, ListedBytes, RunState, SUMMARY_SCHEMA, Summary, Tally, request_cost_usd};
use s3twin_engine::run::{Recorder, Session};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// A run on a bucket, before it starts.
pub(crate) struct Single {
    pub(crate) command: &'static str,
    pub(crate) bucket: Location,
    /// Where it writes, unless to the bucket itself.
    pub(crate) target: Option<Location>,
    pub(crate) endpoints: EndpointArgs,
    pub(crate) limits: LimitArgs,
    pub(crate) output: OutputArgs,
    pub(crate) talk: Talk,
    pub(crate) origin: Origin,
    pub(crate) dry_run: bool,
}

struct Prepared {
    sides: Sides,
    session: Session,
    /// Held for as long as the run lives.
    _lease: Option<Lease>,
}

impl Single {
    /// Runs `work` between preparation and report. It is handed the moment the run began, which is that of the
    /// first process when it is resumed.
    pub(crate) async fn run<W, F>(self, work: W) -> Exit
    where
        W: FnOnce(Sides, Session, Timestamp) -> F,
        F: Future<Output = Result<Tally, Error>>,
    {
        let begun = Instant::now();
        let started_at = self.started_at();
        let Prepared { sides, session, _lease } = match self.prepare(started_at).await {
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
        let (tally, result) = match result {
            Ok(tally) => (tally, Ok(())),
            Err(error) => (recorder.tally(), Err(error)),
        };
        let mut summary = self.summary(recorder.run().id.to_string(), started_at, &tally, &progress);
        summary.elapsed_seconds = begun.elapsed().as_secs_f64();
        let exit = conclude(&mut summary, &tally, result);
        let ended = recorder.finish(clock.now(), outcome(summary.state), exit.code()).await;
        match ended.and_then(|()| self.publish(&summary, &recorder)) {
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

    async fn prepare(&self, started_at: Timestamp) -> Result<Prepared, Error> {
        let state = run_folder::state_dir(self.output.state_dir.as_deref()).map_err(Error::Invalid)?;
        let state = StateDir::new(state);
        let cancel = setup::cancel_on_signals();
        let target = self.target.as_ref().unwrap_or(&self.bucket);
        let connected =
            Box::pin(setup::connect((&self.bucket, target), &self.endpoints, &self.limits, &cancel)).await?;
        let mut sides = connected.sides;
        self.check_overlap(&sides)?;
        let id = match &self.origin {
            Origin::Fresh { .. } => RunId::new(started_at, self.command, fastrand::u16(..))?,
            Origin::Interrupted(run) => run.id.clone(),
        };
        let lease = self.lease(&state, &sides, &id)?;
        if self.target.is_none() {
            sides.replica = None;
        }
        let recorder = Arc::new(self.recorder(&state, id, started_at).await?);
        let session = Session {
            clock: setup::clock(),
            cancel,
            progress: connected.progress,
            recorder,
            ranges_max: setup::RANGES_MAX,
        };
        Ok(Prepared { sides, session, _lease: lease })
    }

    async fn recorder(&self, state: &StateDir, id: RunId, started_at: Timestamp) -> Result<Recorder, Error> {
        let version = env!("CARGO_PKG_VERSION");
        match &self.origin {
            Origin::Fresh { argv } => {
                let started = Started {
                    command: self.command.to_owned(),
                    job: serde_json::json!({ "argv": argv }),
                    started_at,
                    version: version.to_owned(),
                };
                Recorder::begin(state.create_run(id)?, started).await
            }
            Origin::Interrupted(run) => {
                let taken_up = resume(&run.journal(), &run.segments(), setup::clock().now(), version)?;
                Recorder::go_on(run.clone(), taken_up)
            }
        }
    }

    /// Two runs that write to one place exclude each other.
    fn lease(&self, state: &StateDir, sides: &Sides, id: &RunId) -> Result<Option<Lease>, Error> {
        if self.dry_run {
            return Ok(None);
        }
        let target = self.target.as_ref().unwrap_or(&self.bucket);
        let service = sides.replica.as_ref().unwrap_or(&sides.source).store.service().to_owned();
        let pair = LeasePair {
            source: format!("{} {}", sides.source.store.service(), self.bucket),
            replica: format!("{service} {target}"),
            class: "write".to_owned(),
        };
        let read = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
        let holder = Holder {
            pid: std::process::id(),
            host: read("/proc/sys/kernel/hostname").unwrap_or_default(),
            run_id: id.to_string(),
            boot_id: read("/proc/sys/kernel/random/boot_id"),
        };
        Ok(Some(Lease::acquire(&state.leases(), &pair, &holder)?))
    }

    fn check_overlap(&self, sides: &Sides) -> Result<(), Error> {
        let Some(target) = &self.target else { return Ok(()) };
        let same = sides.replica.as_ref().is_some_and(|replica| sides.source.same_service(replica));
        if same && self.bucket.overlaps(target) {
            return Err(Error::Invalid(format!(
                "{} and {target} share keys: restore to another bucket or prefix, or with --in-place",
                self.bucket
            )));
        }
        Ok(())
    }

    fn summary(&self, run_id: String, started_at: Timestamp, tally: &Tally, progress: &Progress) -> Summary {
        let meter = &progress.meter;
        let mut summary = Summary {
            schema: SUMMARY_SCHEMA.to_owned(),
            run_id,
            command: self.command.to_owned(),
            state: RunState::Complete,
            exit_code: 0,
            source: self.bucket.to_string(),
            replica: Some(self.target.as_ref().unwrap_or(&self.bucket).to_string()),
            started_at,
            elapsed_seconds: 0.0,
            keys: Keys::default(),
            verdicts: tally.verdicts,
            evidence: tally.evidence,
            actions: tally.actions,
            bytes: tally.bytes,
            requests: meter.requests().into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
            retries: meter.retries(),
            throttled: meter.throttled(),
            estimated_cost_usd: request_cost_usd(meter),
            peak_rss_bytes: peak_rss_bytes(),
            listed_bytes: ListedBytes::default(),
            dry_run: self.dry_run,
            scrub: None,
            error: None,
        };
        summary.count(tally);
        summary
    }

    /// Leaves the files and prints the result.
    fn publish(&self, summary: &Summary, recorder: &Recorder) -> Result<(), Error> {
        if let Some(error) = &summary.error {
            eprintln!("s3twin: {error}");
        }
        let json =
            serde_json::to_string_pretty(summary).map_err(|error| Error::Internal(error.to_string()))?;
        let run = recorder.run();
        write(&run.summary(), json.as_bytes())?;
        let state = run_folder::state_dir(self.output.state_dir.as_deref()).ok();
        if let Err(error) = (page::Source { summary, folder: run.path(), state: state.as_deref() }).leave() {
            eprintln!("s3twin: the report page could not be written: {error}. The result stands");
        }
        let folder = match &self.output.report {
            None => run.path().to_owned(),
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))?;
                for name in ["summary.json", "findings.jsonl", "plan.jsonl", "report.html"] {
                    let (from, to) = (run.path().join(name), folder.join(name));
                    if from.exists() {
                        std::fs::copy(from, &to).map_err(|error| cannot_write(&to, &error))?;
                    }
                }
                folder.clone()
            }
        };
        match self.output.output {
            OutputFormat::Json => println!("{json}"),
            OutputFormat::Text => {
                screen::print_findings(&folder.join("findings.jsonl"), 20);
                screen::print_summary(summary, &folder);
            }
        }
        Ok(())
    }
}

/// Decides state and exit code. A rehearsal that ran through is clean; otherwise whatever could not be brought to
/// the wished state needs a look. Counts that do not balance are a failure whatever they say.
fn conclude(summary: &mut Summary, tally: &Tally, result: Result<(), Error>) -> Exit {
    let undone = if summary.dry_run { 0 } else { summary.actions.failed + summary.actions.skipped };
    let exit = match result
        .and_then(|()| summary.check(tally).map_err(|error| Error::Internal(error.to_string())))
    {
        Ok(()) if undone == 0 => Exit::Clean,
        Ok(()) => Exit::LookAt,
        Err(error) => {
            summary.state = match error {
                Error::Brake(_) | Error::Invalid(_) => RunState::Refused,
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

fn outcome(state: RunState) -> Outcome {
    match state {
        RunState::Complete => Outcome::Complete,
        RunState::Incomplete => Outcome::Incomplete,
        RunState::Refused => Outcome::Refused,
        RunState::Interrupted => Outcome::Interrupted,
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Error {
    Error::Invalid(format!("writing {} failed: {error}. Make room, or name another folder", path.display()))
}

/// The most memory this process ever held, from the kernel's books; 0 where there are none.
fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
