//! A job: its command, run as a process of its own; what came of it, remembered and told.
//!
//! The command runs exactly as a person would run it, so every check and every default is the same, a crash
//! stays its own, and its memory is counted by itself. What this side knows of it is the contract: the exit
//! code, and the one JSON object on stdout.

mod child;
mod history;

pub(crate) use child::{Finished, Stop, run as run_child};
pub(crate) use history::{History, JobRun, Outcome};

use crate::args::{LogFormat, Talk};
use crate::config::{Event, Job, Loaded};
use crate::kind::Kind;
use crate::notify::Message;
use crate::{metrics, run_folder};
use s3twin_engine::Error;
use s3twin_engine::journal::{Holder, Lease, Pair, StateDir};
use std::path::{Path, PathBuf};

/// What jobs share.
pub(crate) struct Jobs {
    pub(crate) loaded: Loaded,
    /// Where runs and histories are.
    pub(crate) state: PathBuf,
    pub(crate) talk: Talk,
    pub(crate) metrics_file: Option<PathBuf>,
}

/// How a run ended, and the one JSON object that it printed.
pub(crate) type Ran = (JobRun, Option<serde_json::Value>);

/// What is to be run for a job.
pub(crate) enum Start {
    /// Its command, with more flags.
    Fresh(Vec<String>),
    /// Its run that did not end.
    Resume(String),
}

impl Jobs {
    /// Finds the state dir.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn new(loaded: Loaded, talk: Talk, metrics_file: Option<PathBuf>) -> Result<Self, String> {
        let given = loaded.config.defaults.state_dir.clone();
        let given = given.or_else(|| std::env::var_os("S3TWIN_STATE_DIR").map(PathBuf::from));
        let state = run_folder::state_dir(given.as_deref())?;
        let metrics_file = metrics_file.or_else(|| loaded.config.service.metrics_file.clone());
        Ok(Self { loaded, state, talk, metrics_file })
    }

    /// Runs a job to its end, and remembers how it ended. Returns that, and what it printed.
    ///
    /// # Errors
    /// When it is running already, or nothing could be started.
    pub(crate) async fn run(&self, name: &str, start: Start, stop: &Stop) -> Result<Ran, Error> {
        let job = self.loaded.job(name).map_err(Error::Invalid)?;
        let _lease = self.lease(name)?;
        let (run, result) = self.carry_out(name, &self.command_line(job, start), stop).await?;
        let mut history = History::read(&self.state, name);
        let event = history.event(&run);
        history.add(run.clone(), result.clone());
        self.remember(name, &history);
        if let Some(event) = event {
            self.tell(name, &Message::of_run(name, event, &run, &self.state)).await;
        }
        Ok((run, result))
    }

    /// Its dry run. It is no run of the job: nobody is told, and it makes nothing clean.
    ///
    /// # Errors
    /// When the command has no dry run, or nothing could be started.
    pub(crate) async fn rehearse(&self, name: &str, more: Vec<String>, stop: &Stop) -> Result<Ran, Error> {
        let job = self.loaded.job(name).map_err(Error::Invalid)?;
        let flag = job.command.rehearsal().map_err(Error::Invalid)?;
        let more = more.into_iter().chain(flag.map(str::to_owned)).collect();
        self.carry_out(name, &self.command_line(job, Start::Fresh(more)), stop).await
    }

    async fn carry_out(&self, name: &str, argv: &[String], stop: &Stop) -> Result<Ran, Error> {
        let started_at = crate::setup::clock().now();
        let finished = child::run(argv, name, self.talk.log_format, stop).await;
        let finished =
            finished.map_err(|error| Error::Invalid(format!("job {name} cannot be started: {error}")))?;
        let run = JobRun::of(&finished, started_at, crate::setup::clock().now());
        Ok((run, finished.result()))
    }

    /// Nothing was run when it should have been.
    pub(crate) async fn missed(&self, name: &str, count: usize, last_due: jiff::Timestamp) {
        let mut history = History::read(&self.state, name);
        history.missed += count as u64;
        tracing::warn!(job = name, count, %last_due, "runs were missed");
        self.remember(name, &history);
        self.tell(name, &Message::of_missed(name, count, last_due)).await;
    }

    /// It was due while it was still running.
    pub(crate) fn overlapped(&self, name: &str) {
        tracing::warn!(job = name, "still running when it was due again: that run is left out");
        let mut history = History::read(&self.state, name);
        history.overlapped += 1;
        self.remember(name, &history);
    }

    /// The newest run of a job's command line, if that did not end and can be gone on with.
    pub(crate) fn unended(&self, name: &str) -> Option<String> {
        use s3twin_engine::journal::RunState;
        let job = self.loaded.config.jobs.get(name).filter(|job| Kind::of(job.command.name()).is_none())?;
        let argv = self.loaded.argv(job);
        let runs = StateDir::new(&self.state).list().ok()?;
        let newest = runs.into_iter().find(|run| {
            let said = run.started.as_ref().and_then(|started| started.job.get("argv")?.as_array().cloned());
            let said = said.unwrap_or_default();
            said.len() >= argv.len() && said.iter().zip(&argv).all(|(said, word)| said.as_str() == Some(word))
        })?;
        let interrupted = crate::exit::Exit::Interrupted.code();
        let unended = match newest.state {
            RunState::Interrupted | RunState::Crashed => true,
            RunState::Finished { exit_code, .. } => exit_code == interrupted,
            _ => false,
        };
        unended.then(|| newest.dir.id.to_string())
    }

    fn command_line(&self, job: &Job, start: Start) -> Vec<String> {
        let mut argv = match start {
            Start::Resume(run) => {
                vec!["resume".to_owned(), run, format!("--state-dir={}", self.state.display())]
            }
            Start::Fresh(more) => {
                let mut argv = self.loaded.argv(job);
                argv.push("--output=json".to_owned());
                argv.extend(more);
                argv
            }
        };
        argv.push("--no-progress".to_owned());
        if matches!(self.talk.log_format, LogFormat::Json) {
            argv.push("--log-format=json".to_owned());
        }
        let verbose = usize::from(self.talk.verbose);
        argv.extend((verbose > 0).then(|| format!("-{}", "v".repeat(verbose))));
        argv
    }

    /// One run of a job at a time, whoever started it.
    fn lease(&self, name: &str) -> Result<Lease, Error> {
        hold(&self.state, &format!("job {name}"))
    }

    async fn tell(&self, name: &str, message: &Message) {
        let config = &self.loaded.config;
        let names =
            config.jobs.get(name).and_then(|job| job.notify.as_ref()).unwrap_or(&config.defaults.notify);
        for notification in names {
            let Some(to) = config.notifications.get(notification).filter(|to| to.on.contains(&message.event))
            else {
                continue;
            };
            if let Err(why) = crate::notify::send(to, message).await {
                eprintln!("s3twin: {notification} could not be told of job {name}: {why}");
                // Telling takes a while: others may have written meanwhile.
                let mut history = History::read(&self.state, name);
                history.untold += 1;
                self.remember(name, &history);
            }
        }
    }

    fn remember(&self, name: &str, history: &History) {
        let written = history.write(&self.state, name).and_then(|()| match &self.metrics_file {
            Some(path) => metrics::write(path, &self.loaded.config, &self.state),
            None => Ok(()),
        });
        if let Err(error) = written {
            eprintln!("s3twin: what came of job {name} could not be written down: {error}");
        }
    }
}

/// Takes a lease of the state dir by name.
///
/// # Errors
/// Says who holds it.
pub(crate) fn hold(state: &Path, what: &str) -> Result<Lease, Error> {
    let pair = Pair { source: what.to_owned(), replica: String::new(), class: "job".to_owned() };
    let read = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let holder = Holder {
        pid: std::process::id(),
        host: read("/proc/sys/kernel/hostname").unwrap_or_default(),
        run_id: what.to_owned(),
        boot_id: read("/proc/sys/kernel/random/boot_id"),
    };
    Ok(Lease::acquire(&StateDir::new(state).leases(), &pair, &holder)?)
}

impl History {
    /// Whom a run concerns, judged by the one before it.
    fn event(&self, run: &JobRun) -> Option<Event> {
        let before = self.runs.iter().find(|run| run.outcome != Outcome::Interrupted);
        match run.outcome {
            // Whoever stopped it knows.
            Outcome::Interrupted => None,
            Outcome::Failure | Outcome::Refused => Some(Event::Failure),
            Outcome::Difference => Some(Event::Difference),
            Outcome::Clean if before.is_some_and(|before| before.outcome != Outcome::Clean) => {
                Some(Event::Recovery)
            }
            Outcome::Clean => Some(Event::Success),
        }
    }
}
