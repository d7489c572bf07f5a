//! What can go wrong with the journal, and what the person can do about it.
//!
//! Cloneable, because a writer that failed once gives the same answer to everyone who asks afterwards.

use super::{RunId, frame};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A journal, its segments or the state directory could not be written, read or believed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// The operating system refused. From the writer it is final: the run ends with exit code 4.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What was tried, e.g. `write`.
        doing: &'static str,
        /// Why not.
        source: Arc<std::io::Error>,
    },
    /// The file does not begin as a journal does.
    #[error("{} is not a journal of s3twin", path.display())]
    NotAJournal {
        /// Which file.
        path: PathBuf,
    },
    /// The file ends within its header, which is on disk before a run does anything.
    #[error("{} ends within its header", path.display())]
    Unborn {
        /// Which file.
        path: PathBuf,
    },
    /// The header is not what was written.
    #[error("the header of {} is damaged: {what}", path.display())]
    Header {
        /// Which file.
        path: PathBuf,
        /// In which way.
        what: &'static str,
    },
    /// Written by a newer program.
    #[error("{} has journal format {found}; this program knows formats up to {}", path.display(), frame::FORMAT_VERSION)]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format version.
        found: u16,
    },
    /// A record that had reached the disk is not what was written.
    #[error("{} is damaged at byte {at}: {what}", path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// Where the damaged record begins.
        at: u64,
        /// In which way.
        what: &'static str,
    },
    /// The bytes are intact, but the record means nothing to this program.
    #[error("{}: the record at byte {at} is not understood: {message}", path.display())]
    Record {
        /// Which file.
        path: PathBuf,
        /// Where the record begins.
        at: u64,
        /// What the parser said.
        message: String,
    },
    /// Intact records that cannot all be true, e.g. two pieces that overlap.
    #[error("{} contradicts itself: {what}", path.display())]
    Contradiction {
        /// Which file.
        path: PathBuf,
        /// How.
        what: String,
    },
    /// A record to be written is larger than a reader would accept.
    #[error("a journal record of {size} bytes exceeds the limit of {} bytes", frame::MAX_RECORD)]
    TooLarge {
        /// Bytes of the record.
        size: usize,
    },
    /// A record to be written cannot be expressed, or would put a credential on disk.
    #[error("a journal record was refused: {what}")]
    Refused {
        /// Why.
        what: String,
    },
    /// The journal was closed before.
    #[error("{} is closed", path.display())]
    Closed {
        /// Which file.
        path: PathBuf,
    },
    /// Another process is writing this journal.
    #[error("{} is being written by another process", path.display())]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// A run of this id exists already.
    #[error("run {id} exists already")]
    RunExists {
        /// The id.
        id: RunId,
    },
    /// Not the name of a run.
    #[error("`{text}` is not the id of a run: {why}")]
    BadRunId {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No run has this id or begins with it.
    #[error("no run matches `{wanted}` in {}", path.display())]
    NoSuchRun {
        /// What was asked for.
        wanted: String,
        /// Where was looked.
        path: PathBuf,
    },
    /// More than one run begins with this.
    #[error("`{wanted}` could be any of {}", list(candidates))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// All that match.
        candidates: Vec<RunId>,
    },
}

impl JournalError {
    /// Wraps what the operating system said: `map_err(JournalError::io("write", path))`.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, doing, source: Arc::new(source) }
    }

    /// What the person can do, in a sentence or two.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Io { source, .. } => io_advice(source.kind()).to_owned(),
            Self::NotAJournal { .. } => "Point --state-dir at a directory that s3twin made.".to_owned(),
            Self::Unborn { .. } => {
                "The run died in its first moment and had changed nothing: start the command again."
                    .to_owned()
            }
            Self::Newer { .. } => "Go on with the newer s3twin that started this run.".to_owned(),
            Self::Header { .. } | Self::Corrupt { .. } => {
                "This was on disk and has changed since: check the disk. The run cannot be resumed safely; \
                 start the command again as a new run, it repeats nothing that is already right."
                    .to_owned()
            }
            Self::Record { .. } | Self::Contradiction { .. } | Self::TooLarge { .. } => {
                "This is a defect of s3twin: please report it. Start the command again as a new run."
                    .to_owned()
            }
            Self::Refused { .. } => "This is a defect of s3twin: please report it.".to_owned(),
            Self::Closed { .. } => "The run has already ended; resume it to go on.".to_owned(),
            Self::InUse { .. } => "The run is still going: wait for it, or stop it first.".to_owned(),
            Self::RunExists { .. } => "Try again: the next run gets another id.".to_owned(),
            Self::BadRunId { .. } | Self::NoSuchRun { .. } => {
                "`s3twin runs` lists the runs; `latest` names the newest.".to_owned()
            }
            Self::Ambiguous { .. } => "Give more characters of the id.".to_owned(),
        }
    }
}

fn io_advice(kind: std::io::ErrorKind) -> &'static str {
    use std::io::ErrorKind as Kind;
    match kind {
        Kind::StorageFull | Kind::QuotaExceeded => {
            "The disk is full: free some space (or choose another --state-dir for new runs), then `s3twin resume`."
        }
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => {
            "The state directory must be writable by this user; choose another with --state-dir."
        }
        Kind::NotFound => "Part of the state directory is gone; was it moved or cleaned up?",
        _ => "Check the disk that holds the state directory, then `s3twin resume`.",
    }
}

fn list(candidates: &[RunId]) -> String {
    candidates.iter().map(RunId::as_str).collect::<Vec<_>>().join(", ")
}
