//! A file while its bytes arrive, in any order.

use super::crc_of;
use crate::compare::Tap;
use crate::model::Timestamp;
use bytes::Bytes;
use cap_std::fs::{File, FileExt as _};
use std::io::{self, Seek as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A file that has no name of its own yet. Clones share it.
#[derive(Clone, Debug)]
pub struct Incoming {
    name: String,
    file: Arc<File>,
}

impl Incoming {
    pub(super) fn new(name: String, file: File) -> Self {
        Self { name, file: Arc::new(file) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Syncs and dates the file. Returns the CRC-64/NVME of what is in it.
    pub(super) fn finish(self, modified: Timestamp, size: u64) -> io::Result<String> {
        let millis = u64::try_from(modified.millis()).unwrap_or_default();
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        let crc = crc_of(file, size)?;
        let crc = crc.ok_or_else(|| io::Error::other(format!("it does not have {size} bytes")))?;
        let file = self.file.try_clone()?.into_std();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))?;
        file.sync_all()?;
        Ok(crc)
    }
}

impl Tap for Incoming {
    fn take(&self, first: u64, frames: &[Bytes]) -> io::Result<()> {
        let mut at = first;
        for frame in frames {
            self.file.write_all_at(frame, at)?;
            at += frame.len() as u64;
        }
        Ok(())
    }
}
