//! Keeps two runs off the same pair.
//!
//! One small file per pair, locked by the operating system while the run lives. The lock dies with its process
//! however that dies, so a stale lease is simply one that is not locked: no timeouts, no guessing from process
//! ids, which are used again. What the file says is for people: who holds it, or who died holding it.
//!
//! The file is never removed: whoever opened it just before would hold a lock on a name that is gone.
//! Bounds: one small file per pair ever used, at most 64 KiB read from one. Limits: on a network file system
//! the lock is as good as that file system's locks; on one without any, acquiring is an error.

use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What a lease is for. Two runs exclude each other when all three are equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// E.g. `s3://primary/prefix`.
    pub source: String,
    /// E.g. `s3://replica/prefix`; empty for commands with one location.
    pub replica: String,
    /// Which commands exclude each other, e.g. `read` or `write`.
    pub class: String,
}

/// Who holds a lease; handed in, never looked up here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Host name.
    pub host: String,
    /// Run id.
    pub run_id: String,
    /// Tells a process id from the same one before a reboot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
}

/// A held lease; dropping it (or the process's death) releases it.
#[derive(Debug)]
pub struct Lease {
    file: File,
    died: Option<Holder>,
}

/// A lease could not be had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another run works on this pair.
    #[error("{} holds {} and {}", describe(holder.as_deref()), pair.source, pair.replica)]
    Held {
        /// For what.
        pair: Box<Pair>,
        /// By whom; `None` in the instant in which it is being taken.
        holder: Option<Box<Holder>>,
    },
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// Why not.
        source: Arc<std::io::Error>,
    },
}

impl LeaseError {
    /// What the person can do.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Held { holder: Some(holder), .. } => format!(
                "Wait for run {} or stop it (process {} on {}), then try again.",
                holder.run_id, holder.pid, holder.host
            ),
            Self::Held { holder: None, .. } => "Try again in a moment; `s3twin runs` shows it.".to_owned(),
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::Unsupported => {
                "This file system has no locks: choose a --state-dir on a local disk.".to_owned()
            }
            Self::Io { .. } => {
                "The state directory must be writable by this user; choose another with --state-dir."
                    .to_owned()
            }
        }
    }
}

impl Pair {
    /// The name of its file: as good as unique (128 bits), and says nothing about the locations. The byte
    /// between the fields cannot occur in text, so no two pairs run together.
    #[must_use]
    pub fn file_name(&self) -> String {
        let fields = [&self.source, &self.replica, &self.class].map(|field| field.as_bytes());
        format!("{:032x}.lease", xxhash_rust::xxh3::xxh3_128(&fields.join(&0xff)))
    }
}

impl Lease {
    /// Takes the lease of a pair in a directory, which is made if need be. Never waits for another run.
    ///
    /// # Errors
    /// [`LeaseError::Held`] names the run that has it; [`LeaseError::Io`].
    pub fn acquire(dir: &Path, pair: &Pair, holder: &Holder) -> Result<Self, LeaseError> {
        let path = dir.join(pair.file_name());
        let io = |doing| {
            let path = path.clone();
            move |error: std::io::Error| LeaseError::Io { path, doing, source: Arc::new(error) }
        };
        std::fs::create_dir_all(dir).map_err(io("create"))?;
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(io("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(io("lock")(error)),
            Err(TryLockError::WouldBlock) => {
                return Err(LeaseError::Held { pair: Box::new(pair.clone()), holder: holder_in(&mut file) });
            }
        }
        // Still written there: its process died, or it would have been cleared.
        let died = read(&mut file).map(|holder| *holder);
        let mut text = serde_json::to_vec(holder).map_err(|error| io("write")(error.into()))?;
        text.push(b'\n');
        let written = rewrite(&mut file, &text);
        written.map_err(io("write"))?;
        Ok(Self { file, died })
    }

    /// The run that died holding this lease, if one did: it can be resumed.
    #[must_use]
    pub fn died(&self) -> Option<&Holder> {
        self.died.as_ref()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // If clearing fails, the next holder is told of a death that was none; the lock goes all the same.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// Whoever just took the lock writes its name within the instant: look a few times.
fn holder_in(file: &mut File) -> Option<Box<Holder>> {
    (0..5).find_map(|attempt| {
        if attempt > 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        read(file)
    })
}

fn read(file: &mut File) -> Option<Box<Holder>> {
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(64 << 10).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn rewrite(file: &mut File, text: &[u8]) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text)?;
    file.sync_data()
}

fn describe(holder: Option<&Holder>) -> String {
    match holder {
        Some(holder) => format!("run {} (process {} on {})", holder.run_id, holder.pid, holder.host),
        None => "another run".to_owned(),
    }
}
