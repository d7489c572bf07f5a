//! What every run over two sides does around its work: prepare, watch, sum up, leave files.

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
use std::io::ErrorKind;
use std::path::Path;
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
    pub(crate) origin: Origin,
    pub(crate) dry_run: bool,
}

/// How a finished run's counts turn into an exit code.
pub(crate) type Judge = fn(&Summary) -> Exit;

/// What is ready before the work begins.
struct Prepared {
    sides: Sides,
    session: Session,
    /// Held for as long as the run lives.
    _lease: Option<Lease>,
}

impl Pair {
    /// Runs `work` between preparation and report.
    pub(crate) async fn run<W, F>(self, work: W, judge: Judge) -> Exit
    where
        W: FnOnce(Sides, Session) -> F,
        F: Future<Output = Result<Tally, Error>>,
    {
        let begun = Instant::now();
        let started_at = setup::clock().now();
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
        let result = work(sides, session).await;
        drop(bar);
        // What was settled before an error is still worth a report.
        let (tally, result) = match result {
            Ok(tally) => (tally, Ok(())),
            Err(error) => (recorder.assemble().unwrap_or_else(|_| recorder.tally()), Err(error)),
        };
        let mut summary = self.summary(recorder.run().id.to_string(), started_at, &tally, &progress);
        summary.elapsed_seconds = begun.elapsed().as_secs_f64();
        let exit = conclude(&mut summary, &tally, result, judge);
        let ended = recorder.finish(clock.now(), outcome(summary.state), exit.code()).await;
        let published = ended.and_then(|()| self.publish(&summary, &recorder));
        match published {
            Ok(()) => exit,
            Err(error) => {
                eprintln!("s3twin: {error}");
                Exit::Incomplete
            }
        }
    }

    async fn prepare(&self, started_at: Timestamp) -> Result<Prepared, Error> {
        let state = run_folder::state_dir(self.output.state_dir.as_deref()).map_err(Error::Invalid)?;
        let state = StateDir::new(state);
        let cancel = setup::cancel_on_signals();
        // Loading the AWS configuration has a large state; it is needed once.
        let connected =
            Box::pin(setup::connect((&self.source, &self.replica), &self.endpoints, &self.limits, &cancel))
                .await?;
        self.check_overlap(&connected.sides)?;
        let id = match &self.origin {
            Origin::Fresh { .. } => RunId::new(started_at, self.command, fastrand::u16(..))?,
            Origin::Interrupted(run) => run.id.clone(),
        };
        let lease = self.lease(&state, &connected.sides, &id)?;
        let recorder = Arc::new(self.recorder(&state, id, started_at).await?);
        let session = Session {
            clock: setup::clock(),
            cancel,
            progress: connected.progress,
            recorder,
            ranges_max: setup::RANGES_MAX,
        };
        Ok(Prepared { sides: connected.sides, session, _lease: lease })
    }

    async fn recorder(&self, state: &StateDir, id: RunId, started_at: Timestamp) -> Result<Recorder, Error> {
        match &self.origin {
            Origin::Fresh { argv } => {
                let started = Started {
                    command: self.command.to_owned(),
                    job: serde_json::json!({ "argv": argv }),
                    started_at,
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                };
                Recorder::begin(state.create_run(id)?, started).await
            }
            Origin::Interrupted(run) => {
                let version = env!("CARGO_PKG_VERSION");
                let taken_up = resume(&run.journal(), &run.segments(), started_at, version)?;
                Recorder::go_on(run.clone(), taken_up)
            }
        }
    }

    /// Two runs that write to one pair exclude each other; runs that only read need no lease.
    fn lease(&self, state: &StateDir, sides: &Sides, id: &RunId) -> Result<Option<Lease>, Error> {
        if self.command == "audit" || self.dry_run {
            return Ok(None);
        }
        let service = |location: &Location, service: &str| format!("{service} {location}");
        let replica = sides
            .replica
            .as_ref()
            .map_or_else(String::new, |side| service(&self.replica, side.store.service()));
        let pair = LeasePair {
            source: service(&self.source, sides.source.store.service()),
            replica,
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
        let same = sides.replica.as_ref().is_some_and(|replica| sides.source.same_service(replica));
        if same && self.source.overlaps(&self.replica) {
            return Err(Error::Invalid(format!(
                "{} and {} share keys: the replica must be another bucket, or prefixes of which neither starts \
                 with the other",
                self.source, self.replica
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
            source: self.source.to_string(),
            replica: Some(self.replica.to_string()),
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
            scrub: None,
            dry_run: self.dry_run,
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
        // The summary first: nothing must stand between a result and its reader.
        write(&run.summary(), json.as_bytes())?;
        self.leave_page(summary, run.path())?;
        let folder = self.output.report.as_deref().unwrap_or(run.path());
        if folder != run.path() {
            std::fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))?;
            for file in [run.summary(), run.findings(), run.report()].into_iter().filter(|file| file.exists())
            {
                let Some(name) = file.file_name() else { continue };
                let copy = folder.join(name);
                std::fs::copy(&file, &copy).map_err(|error| cannot_write(&copy, &error))?;
            }
        }
        match self.output.output {
            OutputFormat::Json => println!("{json}"),
            OutputFormat::Text => {
                screen::print_findings(&folder.join("findings.jsonl"), 20);
                screen::print_summary(summary, folder);
            }
        }
        Ok(())
    }

    /// A page that cannot be written is a warning, unless the disk is full: then nothing can be trusted.
    fn leave_page(&self, summary: &Summary, folder: &Path) -> Result<(), Error> {
        let state = run_folder::state_dir(self.output.state_dir.as_deref()).ok();
        let written = page::Source { summary, folder, state: state.as_deref() }.leave();
        let Err(error) = written else { return Ok(()) };
        if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
            return Err(cannot_write(&folder.join("report.html"), &error));
        }
        eprintln!("s3twin: the report page could not be written: {error}. The result stands");
        Ok(())
    }
}

/// Decides state and exit code. Counts that do not balance are a failure whatever they say.
fn conclude(summary: &mut Summary, tally: &Tally, result: Result<(), Error>, judge: Judge) -> Exit {
    let exit = match result {
        Ok(()) => match summary.check(tally) {
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
