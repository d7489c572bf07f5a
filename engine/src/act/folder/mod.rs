//! A local folder as the target of a restore.
//!
//! Every access goes through a handle of the folder that cannot be left, by `..`, absolute names or symbolic
//! links. A file appears under its name when it is whole and synced. Beside the data lies `.s3twin/meta`, with a
//! sidecar per file that says whose bytes it holds: a file without one was put there by somebody else, and is
//! never overwritten.

mod incoming;
mod names;
mod sidecar;

pub use incoming::Incoming;
pub use sidecar::{SIDECAR_SCHEMA, Sidecar};

use crate::verify::digest::Hasher;
use crate::verify::kind::{HashKind, Wanted};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File};
use names::{BESIDE_FOLDER, OWN, SIDECAR, path_of};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes read at a time when a file is looked at again.
const BUFFER: usize = 256 << 10;

/// Why a file could not be put where it belongs.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Something that s3twin did not write stands there.
    #[error("{path} is there already and was not written by s3twin")]
    InTheWay {
        /// Relative path.
        path: String,
    },
    /// The file system takes two keys for one: it folds case or normalises Unicode.
    #[error("{path} already holds the object {key:?}: this file system takes the two names for one")]
    Clash {
        /// Relative path.
        path: String,
        /// Whose bytes it holds.
        key: String,
    },
    /// What the system said.
    #[error("{path}: {error}")]
    Io {
        /// Relative path.
        path: String,
        /// The error.
        error: io::Error,
    },
}

impl FolderError {
    /// A stable word for reports.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::InTheWay { .. } => "in-the-way",
            Self::Clash { .. } => "name-clash",
            Self::Io { .. } => "file-error",
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::InTheWay { .. } => "move that file away, or restore into an empty folder",
            Self::Clash { .. } => "restore into a folder on a file system that tells case and accents apart",
            Self::Io { .. } => "look at the folder's rights and space, then run the restore again",
        }
    }

    /// No room: nothing else will fit either.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io { error, .. }
            if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem))
    }

    fn io(path: &str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { path: path.to_owned(), error }
    }
}

/// An open folder. All calls block.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    root: Dir,
    meta: Dir,
    partial: Dir,
    next: AtomicU64,
    /// Files are put in place one at a time: keys such as `a` and `a/b` rearrange each other's paths.
    gate: Mutex<()>,
}

impl Folder {
    /// Opens a folder, and makes it if it is not there. Leftovers of an interrupted restore are removed.
    ///
    /// # Errors
    /// What the system said.
    pub fn open(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let root = Dir::open_ambient_dir(path, ambient_authority())?;
        let own = |name: &str| {
            let place = format!("{OWN}/{name}");
            root.create_dir_all(&place)?;
            root.open_dir(&place)
        };
        let (meta, partial) = (own("meta")?, own("partial")?);
        for leftover in partial.entries()? {
            partial.remove_file(leftover?.file_name())?;
        }
        let path = std::fs::canonicalize(path)?;
        Ok(Self { path, root, meta, partial, next: AtomicU64::new(0), gate: Mutex::default() })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Is this version there already, byte for byte as it was written? The file is read.
    #[must_use]
    pub fn holds(&self, key: &str, version_id: Option<&str>, etag: Option<&str>) -> bool {
        let path = path_of(key);
        [path.clone(), path + BESIDE_FOLDER].iter().any(|path| {
            let Some(told) = self.sidecar(path) else { return false };
            let same =
                told.key == key && told.version_id.as_deref() == version_id && told.etag.as_deref() == etag;
            let is_whole = || crc_of(self.root.open(path)?, told.size);
            same && is_whole().is_ok_and(|crc| crc.as_deref() == Some(&*told.crc64nvme))
        })
    }

    /// A file to be filled, not visible under its name yet.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn begin(&self) -> Result<Incoming, FolderError> {
        let name = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let mut options = cap_std::fs::OpenOptions::new();
        let opened = self.partial.open_with(&name, options.read(true).write(true).create_new(true));
        let file = opened.map_err(FolderError::io(&format!("{OWN}/partial/{name}")))?;
        Ok(Incoming::new(name, file))
    }

    /// Gives a whole file its name, date and sidecar. Returns its path, relative to the folder.
    ///
    /// # Errors
    /// [`FolderError`]; the file is gone then, and what stood there stands.
    pub fn commit(&self, incoming: Incoming, mut sidecar: Sidecar) -> Result<String, FolderError> {
        let name = incoming.name().to_owned();
        let placed = self.place(incoming, &mut sidecar);
        if placed.is_err() {
            // The first error is the one to tell; leftovers are removed at the next start.
            let _ = self.partial.remove_file(&name);
        }
        placed
    }

    fn place(&self, incoming: Incoming, sidecar: &mut Sidecar) -> Result<String, FolderError> {
        let name = incoming.name().to_owned();
        let written = incoming.finish(sidecar.last_modified, sidecar.size);
        sidecar.crc64nvme = written.map_err(FolderError::io(&format!("{OWN}/partial/{name}")))?;
        let _gate = self.gate();
        let path = self.make_way(&path_of(&sidecar.key))?;
        self.check_free(&path, &sidecar.key)?;
        let text = serde_json::to_vec(sidecar).map_err(|error| FolderError::io(&path)(error.into()))?;
        self.write_sidecar(&path, &text).map_err(FolderError::io(&path))?;
        self.partial.rename(&name, &self.root, &path).map_err(FolderError::io(&path))?;
        Ok(path)
    }

    /// Makes the folders above a path; a file where a folder must be steps aside. Returns the path to use.
    fn make_way(&self, path: &str) -> Result<String, FolderError> {
        for (at, _) in path.match_indices('/') {
            let above = path.get(..at).unwrap_or_default();
            let is_own_file = self.root.symlink_metadata(above).is_ok_and(|found| found.is_file());
            if is_own_file && self.sidecar(above).is_some() {
                let aside = format!("{above}{BESIDE_FOLDER}");
                let moved = self
                    .rename_sidecar(above, &aside)
                    .and_then(|()| self.root.rename(above, &self.root, &aside));
                moved.map_err(FolderError::io(above))?;
            }
        }
        if let Some((folder, _)) = path.rsplit_once('/') {
            match self.root.create_dir_all(folder) {
                Err(error)
                    if error.kind() == ErrorKind::AlreadyExists
                        || error.kind() == ErrorKind::NotADirectory =>
                {
                    return Err(FolderError::InTheWay { path: folder.to_owned() });
                }
                made => made.map_err(FolderError::io(folder))?,
            }
        }
        let is_folder = self.root.symlink_metadata(path).is_ok_and(|found| found.is_dir());
        Ok(if is_folder { format!("{path}{BESIDE_FOLDER}") } else { path.to_owned() })
    }

    fn check_free(&self, path: &str, key: &str) -> Result<(), FolderError> {
        match self.sidecar(path) {
            Some(told) if told.key != key => Err(FolderError::Clash { path: path.to_owned(), key: told.key }),
            Some(_) => Ok(()),
            None if self.root.symlink_metadata(path).is_ok() => {
                Err(FolderError::InTheWay { path: path.to_owned() })
            }
            None => Ok(()),
        }
    }

    fn sidecar(&self, path: &str) -> Option<Sidecar> {
        let text = self.meta.read(format!("{path}{SIDECAR}")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn write_sidecar(&self, path: &str, text: &[u8]) -> io::Result<()> {
        let place = format!("{path}{SIDECAR}");
        if let Some((folder, _)) = place.rsplit_once('/') {
            self.meta.create_dir_all(folder)?;
        }
        let part = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        self.partial.write(&part, text)?;
        self.partial.rename(&part, &self.meta, &place)
    }

    fn rename_sidecar(&self, from: &str, to: &str) -> io::Result<()> {
        self.meta.rename(format!("{from}{SIDECAR}"), &self.meta, format!("{to}{SIDECAR}"))
    }

    /// No code panics under the gate, and what it guards is on the disk.
    fn gate(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// CRC-64/NVME of a file in hexadecimal; `None` when it has another size.
fn crc_of(mut file: File, size: u64) -> io::Result<Option<String>> {
    let mut hasher = Hasher::new(Wanted::NONE.with(HashKind::Crc64Nvme));
    let (mut buffer, mut seen) = (vec![0; BUFFER], 0);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        seen += read as u64;
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
    let digests = hasher.finish();
    Ok(digests.get(HashKind::Crc64Nvme).filter(|_| seen == size).map(hex::encode))
}

#[cfg(test)]
mod tests;
