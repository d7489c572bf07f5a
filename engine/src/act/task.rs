//! One object to be copied: what was seen at the source, and what stood at the destination.

use crate::model::{AlgorithmSet, ChecksumType, ETag, Entry, Restore, StorageClass, Timestamp};
use crate::s3::Guard;

/// A source object as a listing or a HEAD showed it.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Bytes.
    pub size: u64,
    /// ETag. Every request of the copy is pinned to it.
    pub etag: Option<ETag>,
    /// When it was created.
    pub last_modified: Timestamp,
    /// Version to copy; `None` for the current one.
    pub version_id: Option<String>,
    /// Storage class.
    pub storage_class: StorageClass,
    /// Whether an archived object can be read for now.
    pub restore: Option<Restore>,
    /// Algorithms of its stored checksums.
    pub algorithms: AlgorithmSet,
    /// Full-object or composite.
    pub checksum_type: Option<ChecksumType>,
}

impl Seen {
    /// What a row of a listing shows.
    #[must_use]
    pub fn listed(entry: Entry<'_>) -> Self {
        let row = entry.row;
        Self {
            size: row.size,
            etag: row.etag.clone(),
            last_modified: row.last_modified,
            version_id: entry.version_id.map(str::to_owned),
            storage_class: row.storage_class.clone(),
            restore: row.restore,
            algorithms: row.algorithms,
            checksum_type: row.checksum_type,
        }
    }

    /// Parts of a multipart object, told by its ETag.
    #[must_use]
    pub fn parts(&self) -> Option<u32> {
        self.etag.as_ref().and_then(ETag::parts)
    }

    /// Its bytes are in an archive tier and not readable, as far as a listing tells.
    #[must_use]
    pub fn is_archived(&self) -> bool {
        self.storage_class.is_archive() && !matches!(self.restore, Some(Restore::Until(_)))
    }
}

/// What stood at the destination when the copy was planned. A write that finds anything else there is not made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nobody looked: whatever is there may be overwritten. For scratch keys of our own.
    #[default]
    Unknown,
    /// Nothing, or a delete marker.
    Absent,
    /// An object.
    Present {
        /// Its ETag.
        etag: ETag,
        /// When it was created: tells our own write of equal bytes from what stood there.
        last_modified: Timestamp,
    },
}

impl Standing {
    /// The condition on the write.
    #[must_use]
    pub fn guard(&self) -> Guard {
        match self {
            Self::Unknown => Guard::None,
            Self::Absent => Guard::Absent,
            Self::Present { etag, .. } => Guard::Matches(etag.clone()),
        }
    }
}

/// One object to be copied.
#[derive(Clone, Debug, Default)]
pub struct CopyTask {
    /// Key at the source, relative to its location.
    pub key: String,
    /// Key at the destination, relative to its location; `None` for the same.
    pub target_key: Option<String>,
    /// What to copy.
    pub source: Seen,
    /// What it may replace.
    pub standing: Standing,
}
