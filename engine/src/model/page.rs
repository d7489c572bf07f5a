//! One page of a listing, compact: keys and version ids in one text buffer, fixed-size rows beside it.
//!
//! A run holds a few pages per range and nothing else of the bucket, so the size of a row is the size of the
//! program: about 90 bytes plus the key, and no allocation per row for what S3 itself sends.

use super::{AlgorithmSet, ChecksumType, ETag, StorageClass, Timestamp};

/// What a row of a listing stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// An object (ListObjects) or an object version (ListObjectVersions).
    Object,
    /// A delete marker.
    DeleteMarker,
}

/// RestoreStatus of an archived object (`x-amz-optional-object-attributes: RestoreStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restore {
    /// A restore is running.
    InProgress,
    /// A temporary copy can be read until then.
    Until(Timestamp),
}

/// Where the text of a row lies in its page: the key, then the version id.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TextSpan {
    start: u32,
    key: u16,
    version: u16,
}

/// The fixed-size part of an entry. Text lives in the page.
#[derive(Clone, Debug)]
pub struct Row {
    /// Where its text lies; set by the builder.
    pub(crate) text: TextSpan,
    /// Object or delete marker.
    pub kind: EntryKind,
    /// Current version; true for every row of ListObjects.
    pub is_latest: bool,
    /// Bytes; 0 for a delete marker.
    pub size: u64,
    /// When it was created; for a multipart upload, when the upload was *begun*.
    pub last_modified: Timestamp,
    /// The ETag; `None` for a delete marker.
    pub etag: Option<ETag>,
    /// Storage class as listed.
    pub storage_class: StorageClass,
    /// Algorithms for which S3 stores a checksum. The value is never in a listing.
    pub algorithms: AlgorithmSet,
    /// Full-object or composite, where the listing says.
    pub checksum_type: Option<ChecksumType>,
    /// Restore status, where asked for and present.
    pub restore: Option<Restore>,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            text: TextSpan::default(),
            kind: EntryKind::Object,
            is_latest: true,
            size: 0,
            last_modified: Timestamp::default(),
            etag: None,
            storage_class: StorageClass::Standard,
            algorithms: AlgorithmSet::default(),
            checksum_type: None,
            restore: None,
        }
    }
}

/// A row together with its text, borrowed from the page.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The key, decoded.
    pub key: &'a str,
    /// The version id; `None` in ListObjects, `Some("null")` for the null version.
    pub version_id: Option<&'a str>,
    /// Everything else.
    pub row: &'a Row,
}

/// One page of ListObjects or ListObjectVersions, in document order.
#[derive(Clone, Debug, Default)]
pub struct Page {
    text: String,
    rows: Vec<Row>,
    /// CommonPrefixes, decoded; empty unless a delimiter was asked for.
    pub common_prefixes: Vec<Box<str>>,
    /// More follows.
    pub truncated: bool,
    /// Where ListObjectVersions goes on: NextKeyMarker, decoded; for ListObjects V1 its NextMarker.
    pub next_key_marker: Option<Box<str>>,
    /// Where ListObjectVersions goes on inside one key: NextVersionIdMarker, verbatim.
    pub next_version_id_marker: Option<Box<str>>,
    /// Where ListObjectsV2 goes on. Wanted only where a truncated page has no key to start after.
    pub next_continuation_token: Option<Box<str>>,
}

impl Page {
    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True for a page without entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The entry at a position in document order.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Entry<'_>> {
        self.rows.get(index).and_then(|row| self.entry(row))
    }

    /// All entries in document order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Entry<'_>> {
        self.rows.iter().filter_map(|row| self.entry(row))
    }

    fn entry<'a>(&'a self, row: &'a Row) -> Option<Entry<'a>> {
        let start = row.text.start as usize;
        let key_end = start + usize::from(row.text.key);
        let version_end = key_end + usize::from(row.text.version);
        let key = self.text.get(start..key_end)?;
        let version_id = self.text.get(key_end..version_end).filter(|id| !id.is_empty());
        Some(Entry { key, version_id, row })
    }
}

/// Fills a [`Page`] row by row.
#[derive(Debug, Default)]
pub struct PageBuilder {
    page: Page,
}

/// A key or version id longer than anything S3 allows, or a page beyond 4 GiB of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key or version id is longer than a listing may carry")]
pub struct TextTooLong;

impl PageBuilder {
    /// A builder with room for a page of the usual thousand rows.
    #[must_use]
    pub fn new() -> Self {
        Self {
            page: Page {
                rows: Vec::with_capacity(1000),
                text: String::with_capacity(48 << 10),
                ..Page::default()
            },
        }
    }

    /// Appends an entry.
    ///
    /// # Errors
    /// [`TextTooLong`] when a length does not fit: S3 caps keys and version ids at 1,024 bytes.
    pub fn push(&mut self, key: &str, version_id: &str, mut row: Row) -> Result<(), TextTooLong> {
        row.text = TextSpan {
            start: u32::try_from(self.page.text.len()).map_err(|_| TextTooLong)?,
            key: u16::try_from(key.len()).map_err(|_| TextTooLong)?,
            version: u16::try_from(version_id.len()).map_err(|_| TextTooLong)?,
        };
        self.page.text.push_str(key);
        self.page.text.push_str(version_id);
        self.page.rows.push(row);
        Ok(())
    }

    /// The page under construction, for its non-row fields.
    pub fn page_mut(&mut self) -> &mut Page {
        &mut self.page
    }

    /// The finished page.
    #[must_use]
    pub fn finish(self) -> Page {
        self.page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_small() {
        assert!(size_of::<Row>() <= 96, "{}", size_of::<Row>());
    }

    #[test]
    fn text_is_shared_and_exact() {
        let mut builder = PageBuilder::new();
        builder.push("a b+%é\n", "null", Row::default()).unwrap();
        builder.push("z", "", Row::default()).unwrap();
        let page = builder.finish();
        let entries: Vec<_> = page.iter().map(|e| (e.key, e.version_id)).collect();
        assert_eq!(entries, [("a b+%é\n", Some("null")), ("z", None)]);
    }
}
