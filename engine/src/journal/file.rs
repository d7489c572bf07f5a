//! The journal's file: created once, locked while a process writes it, and the little that a writer needs of
//! it, so that tests can put a failing disk in its place.
//!
//! The lock is the operating system's advisory one: it goes away with the process, however it dies. So a
//! journal that is locked belongs to a living run, and one that is not locked does not.

use super::JournalError;
use super::frame::{FORMAT_VERSION, Header};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// What a writer needs of a file.
pub(super) trait Disk: Send + 'static {
    /// Appends all of it.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()>;
    /// Returns when all that was written survives a power loss.
    fn sync(&mut self) -> std::io::Result<()>;
}

impl Disk for File {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.sync_data()
    }
}

/// Creates and locks a journal; its header is durable on return.
pub(super) fn create(path: &Path, run_id: &str) -> Result<File, JournalError> {
    let header = Header { format: FORMAT_VERSION, run_id: run_id.to_owned() }.encode()?;
    let mut options = OpenOptions::new();
    let file = options.read(true).append(true).create_new(true).open(path);
    let mut file = file.map_err(JournalError::io("create", path))?;
    lock(&file, path)?;
    file.write_all(&header).map_err(JournalError::io("write", path))?;
    file.sync_all().map_err(JournalError::io("write", path))?;
    sync_parent(path)?;
    Ok(file)
}

/// Opens and locks a journal to append to it.
pub(super) fn open(path: &Path) -> Result<File, JournalError> {
    let file = OpenOptions::new().read(true).append(true).open(path);
    let file = file.map_err(JournalError::io("open", path))?;
    lock(&file, path)?;
    Ok(file)
}

/// Is a living process writing it? A file that is not there is not being written.
pub(super) fn in_use(path: &Path) -> Result<bool, JournalError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(JournalError::io("open", path)(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(JournalError::io("lock", path)(error)),
    }
}

/// A process that lists runs holds a shared lock for an instant; a few more tries see past it.
fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    const TRIES: u32 = 5;
    for attempt in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if attempt + 1 < TRIES => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(JournalError::io("lock", path)(error)),
        }
    }
    Err(JournalError::InUse { path: path.to_path_buf() })
}

/// Makes the directory entry of a new or renamed file survive a power loss.
pub(super) fn sync_parent(path: &Path) -> Result<(), JournalError> {
    // Elsewhere directories cannot be opened, and the file system orders this by itself.
    #[cfg(unix)]
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let synced = File::open(parent).and_then(|dir| dir.sync_all());
        synced.map_err(JournalError::io("write", parent))?;
    }
    Ok(())
}
