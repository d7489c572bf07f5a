//! The state directory: one folder per run, the leases beside them.
//!
//! ```text
//! runs/20261121T141500Z250-audit-4f3a/{journal, summary.json, findings.jsonl, report.html, segments/}
//! leases/
//! ```
//! Ids sort by time, so listing needs no index. Listing is meant to stay cheap: a run that says it is complete
//! is believed by its summary; only the others' journals are read. A run that cannot be read is listed as
//! such, it does not hide the rest. Bounds: one entry per run in memory, 1 MiB of a summary.

use super::{End, JournalError, Outcome, Record, Replay, RunId, Started, file, read_records};
use crate::model::Timestamp;
use serde::Deserialize;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A state directory.
#[derive(Clone, Debug)]
pub struct StateDir {
    root: PathBuf,
}

/// The folder of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    /// The run.
    pub id: RunId,
    root: PathBuf,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// A living process writes its journal.
    Running,
    /// Ran to its end.
    Finished {
        /// How.
        state: Outcome,
        /// Of its process.
        exit_code: u8,
    },
    /// Stopped on purpose; can be resumed.
    Interrupted,
    /// Its process died; can be resumed.
    Crashed,
    /// Died before its first record was on disk: it had done nothing, there is nothing to resume.
    NeverStarted,
    /// Its journal cannot be read; the message says why.
    Unreadable(String),
}

/// One line of `runs`.
#[derive(Clone, Debug)]
pub struct RunEntry {
    /// Its folder.
    pub dir: RunDir,
    /// How it stands.
    pub state: RunState,
    /// What was asked for, as far as it is known.
    pub started: Option<Started>,
    /// How far it came; `None` where the journal was not read to its end (running or complete).
    pub replay: Option<Replay>,
}

impl RunEntry {
    /// Milliseconds since it began, at a time handed in.
    #[must_use]
    pub fn age_millis(&self, now: Timestamp) -> Option<u64> {
        let started = self.started.as_ref()?.started_at;
        Some(u64::try_from(now.millis().saturating_sub(started.millis())).unwrap_or(0))
    }
}

impl StateDir {
    /// A state directory at `root`; nothing is created yet.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where the leases are.
    #[must_use]
    pub fn leases(&self) -> PathBuf {
        self.root.join("leases")
    }

    /// Makes the folder of a new run.
    ///
    /// # Errors
    /// [`JournalError::RunExists`]: try another random suffix; [`JournalError::Io`].
    pub fn create_run(&self, id: RunId) -> Result<RunDir, JournalError> {
        let run = self.run(id);
        let parent = self.runs();
        std::fs::create_dir_all(&parent).map_err(JournalError::io("create", &parent))?;
        match std::fs::create_dir(&run.root) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(JournalError::RunExists { id: run.id });
            }
            Err(error) => return Err(JournalError::io("create", &run.root)(error)),
        }
        file::sync_parent(&run.root)?;
        Ok(run)
    }

    /// The runs, newest first; an absent state directory has none.
    ///
    /// # Errors
    /// [`JournalError::Io`] for the directory itself; trouble with one run is in its entry.
    pub fn list(&self) -> Result<Vec<RunEntry>, JournalError> {
        Ok(self.ids()?.into_iter().map(|id| self.run(id).entry()).collect())
    }

    /// A run by its id, by the unambiguous beginning of one, or `latest`.
    ///
    /// # Errors
    /// [`JournalError::NoSuchRun`], [`JournalError::Ambiguous`], [`JournalError::Io`].
    pub fn find(&self, wanted: &str) -> Result<RunDir, JournalError> {
        let mut ids = self.ids()?;
        if wanted == "latest" {
            ids.truncate(1);
        } else if ids.iter().any(|id| id.as_str() == wanted) {
            ids.retain(|id| id.as_str() == wanted);
        } else {
            ids.retain(|id| !wanted.is_empty() && id.as_str().starts_with(wanted));
        }
        match (ids.pop(), ids.is_empty()) {
            (Some(id), true) => Ok(self.run(id)),
            (Some(id), false) => {
                ids.push(id);
                Err(JournalError::Ambiguous { wanted: wanted.to_owned(), candidates: ids })
            }
            (None, _) => Err(JournalError::NoSuchRun { wanted: wanted.to_owned(), path: self.runs() }),
        }
    }

    /// Removes a run, at once or not at all for whoever lists runs: its folder is moved aside first. Whether it may
    /// go is for the caller to say. What an earlier call could not finish is removed, too.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn forget(&self, run: &RunDir) -> Result<(), JournalError> {
        let aside = self.root.join("forgotten");
        let folder = aside.join(run.id.as_str());
        std::fs::create_dir_all(&aside).map_err(JournalError::io("create", &aside))?;
        std::fs::rename(&run.root, &folder).map_err(JournalError::io("move", &run.root))?;
        std::fs::remove_dir_all(&aside).map_err(JournalError::io("remove", &aside))
    }

    fn run(&self, id: RunId) -> RunDir {
        let root = self.runs().join(id.as_str());
        RunDir { id, root }
    }

    fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// Newest first. Folders whose name is no run's are not ours.
    fn ids(&self) -> Result<Vec<RunId>, JournalError> {
        let runs = self.runs();
        let entries = match std::fs::read_dir(&runs) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(JournalError::io("list", &runs)(error)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(JournalError::io("list", &runs))?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                ids.extend(entry.file_name().to_str().and_then(|name| name.parse::<RunId>().ok()));
            }
        }
        ids.sort_unstable_by(|a, b| b.cmp(a));
        Ok(ids)
    }
}

impl RunDir {
    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// The findings while the run goes on.
    #[must_use]
    pub fn segments(&self) -> PathBuf {
        self.root.join("segments")
    }

    /// `summary.json`.
    #[must_use]
    pub fn summary(&self) -> PathBuf {
        self.root.join("summary.json")
    }

    /// `findings.jsonl`.
    #[must_use]
    pub fn findings(&self) -> PathBuf {
        self.root.join("findings.jsonl")
    }

    /// `manifest.jsonl`, if the run was asked for one.
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        self.root.join("manifest.jsonl")
    }

    /// `report.html`.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }

    /// How the run stands. Never fails: what cannot be read is [`RunState::Unreadable`].
    #[must_use]
    pub fn entry(&self) -> RunEntry {
        let entry = |state, started, replay| RunEntry { dir: self.clone(), state, started, replay };
        match self.look() {
            Ok((state, started, replay)) => entry(state, started, replay),
            Err(JournalError::Unborn { .. }) => entry(RunState::NeverStarted, None, None),
            Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                entry(RunState::NeverStarted, None, None)
            }
            Err(error) => entry(RunState::Unreadable(error.to_string()), None, None),
        }
    }

    fn look(&self) -> Result<(RunState, Option<Started>, Option<Replay>), JournalError> {
        let journal = self.journal();
        if file::in_use(&journal)? {
            return Ok((RunState::Running, first_of(&journal)?, None));
        }
        if let Some(Summary { state: state @ (Outcome::Complete | Outcome::Refused), exit_code }) =
            self.ended()
        {
            return Ok((RunState::Finished { state, exit_code }, first_of(&journal).ok().flatten(), None));
        }
        let replay = Replay::read(&journal)?;
        let state = match &replay.end {
            _ if replay.started.is_none() => RunState::NeverStarted,
            End::Open => RunState::Crashed,
            End::Interrupted(_) => RunState::Interrupted,
            End::Finished(end) => RunState::Finished { state: end.state, exit_code: end.exit_code },
        };
        Ok((state, replay.started.clone(), Some(replay)))
    }

    /// What the summary says; one that is absent or unreadable says nothing.
    fn ended(&self) -> Option<Summary> {
        let mut text = Vec::new();
        std::fs::File::open(self.summary()).ok()?.take(1 << 20).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

#[derive(Deserialize)]
struct Summary {
    state: Outcome,
    exit_code: u8,
}

/// The first record, without reading on.
fn first_of(journal: &Path) -> Result<Option<Started>, JournalError> {
    match read_records(journal)?.next().transpose()? {
        Some((_, Record::Started(started))) => Ok(Some(started)),
        _ => Ok(None),
    }
}
