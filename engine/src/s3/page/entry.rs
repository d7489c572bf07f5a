//! One entry under construction: Contents, Version or DeleteMarker.

use super::ListKind;
use super::entity;
use super::error::{Fault, Step};
use super::field;
use super::name::Name;
use super::time;
use crate::model::{ETag, EntryKind, PageBuilder, Restore, Row, StorageClass, Timestamp};

/// Gathers the fields of an entry, whatever their order, and refuses it if they do not make one.
#[derive(Debug, Default)]
pub(super) struct Draft {
    key: String,
    version_id: String,
    row: Row,
    /// Fields given, by [`Name::bit`].
    seen: u64,
    restore_in_progress: bool,
    restore_expiry: Option<Timestamp>,
}

impl Draft {
    /// Is it a field of such an entry? Others are skipped.
    #[inline]
    pub(super) fn has(list: ListKind, kind: EntryKind, name: Name) -> bool {
        const MARKER: u64 = Name::Key.bit() | Name::LastModified.bit();
        const OBJECT: u64 = MARKER
            | Name::ETag.bit()
            | Name::Size.bit()
            | Name::StorageClass.bit()
            | Name::ChecksumAlgorithm.bit()
            | Name::ChecksumType.bit();
        const VERSION: u64 = Name::VersionId.bit() | Name::IsLatest.bit();
        let fields = if kind == EntryKind::Object { OBJECT } else { MARKER };
        let more = if list == ListKind::Versions { VERSION } else { 0 };
        (fields | more) & name.bit() != 0
    }

    /// Starts over.
    pub(super) fn begin(&mut self, kind: EntryKind) {
        self.key.clear();
        self.version_id.clear();
        self.row = Row::default();
        self.row.kind = kind;
        self.seen = 0;
    }

    #[inline]
    fn mark(&mut self, name: Name) -> Step<()> {
        if self.seen & name.bit() != 0 {
            return Err(self.twice(name));
        }
        self.seen |= name.bit();
        Ok(())
    }

    #[cold]
    fn twice(&self, name: Name) -> Box<Fault> {
        Fault::malformed(0, format!("<{name:?}> twice in one entry (key `{}`)", self.key))
    }

    /// Where the key belongs, once.
    pub(super) fn key_mut(&mut self) -> Step<&mut String> {
        self.mark(Name::Key)?;
        Ok(&mut self.key)
    }

    /// Takes a field as it stands in the document, if it is in the form that S3 writes. `false`: decode it, then
    /// [`Draft::assign`].
    pub(super) fn assign_raw(&mut self, name: Name, raw: &[u8]) -> Step<bool> {
        let taken = match name {
            Name::ETag => field::etag(raw).map(|etag| self.row.etag = Some(etag)),
            Name::VersionId => entity::plain(raw).map(|id| self.version_id.push_str(id)),
            _ => self.parse(name, raw),
        };
        if taken.is_none() {
            return Ok(false);
        }
        // The one field that may be repeated.
        if name != Name::ChecksumAlgorithm {
            self.mark(name)?;
        }
        Ok(true)
    }

    /// Takes any field but the key, decoded.
    pub(super) fn assign(&mut self, name: Name, text: &str) -> Step<()> {
        let value = text.trim_ascii();
        match name {
            Name::ETag => {
                let blank = value.trim_matches('"').is_empty();
                self.row.etag = if blank { None } else { Some(ETag::parse(value)) };
            }
            Name::VersionId => self.version_id.push_str(text),
            _ if self.parse(name, value.as_bytes()).is_some() => {}
            Name::StorageClass => self.row.storage_class = StorageClass::from_name(value),
            // What we do not know we cannot use: it is as if the listing had not said.
            Name::ChecksumAlgorithm | Name::ChecksumType => {}
            _ => return Err(Fault::malformed(0, format!("<{name:?}> with a value that cannot be read"))),
        }
        if name == Name::ChecksumAlgorithm { Ok(()) } else { self.mark(name) }
    }

    /// Fields whose values are ASCII and need no decoding.
    fn parse(&mut self, name: Name, value: &[u8]) -> Option<()> {
        match name {
            Name::Size => self.row.size = field::number(value)?,
            Name::LastModified => self.row.last_modified = time::timestamp(value)?,
            Name::IsLatest => self.row.is_latest = field::flag(value)?,
            Name::StorageClass => self.row.storage_class = field::storage_class(value)?,
            Name::ChecksumAlgorithm => self.row.algorithms.insert(field::checksum_algorithm(value)?),
            Name::ChecksumType => self.row.checksum_type = Some(field::checksum_type(value)?),
            Name::IsRestoreInProgress => self.restore_in_progress = field::flag(value)?,
            Name::RestoreExpiryDate => self.restore_expiry = Some(time::timestamp(value)?),
            _ => return None,
        }
        Some(())
    }

    /// RestoreStatus begins.
    pub(super) fn begin_restore(&mut self) -> Step<()> {
        self.mark(Name::RestoreStatus)?;
        self.restore_in_progress = false;
        self.restore_expiry = None;
        Ok(())
    }

    /// RestoreStatus ends. One that says neither "running" nor "until" says nothing.
    pub(super) fn finish_restore(&mut self) -> Step<()> {
        self.row.restore = match (self.restore_in_progress, self.restore_expiry) {
            (true, _) => Some(Restore::InProgress),
            (false, Some(expiry)) => Some(Restore::Until(expiry)),
            (false, None) => None,
        };
        Ok(())
    }

    /// Appends the entry to the page.
    pub(super) fn finish(&mut self, list: ListKind, builder: &mut PageBuilder) -> Step<()> {
        let kind = self.row.kind;
        if self.key.is_empty() {
            return Err(Fault::malformed(0, "an entry without a <Key>"));
        }
        let mut required = Name::LastModified.bit();
        if kind == EntryKind::Object {
            required |= Name::Size.bit();
        }
        if list == ListKind::Versions {
            required |= Name::VersionId.bit() | Name::IsLatest.bit();
        }
        let missing = required & !self.seen;
        let no_version_id = list == ListKind::Versions && self.version_id.is_empty();
        if missing != 0 || no_version_id {
            let fields = [Name::LastModified, Name::Size, Name::IsLatest];
            let first = fields.into_iter().find(|name| missing & name.bit() != 0).unwrap_or(Name::VersionId);
            return Err(Fault::malformed(0, format!("no <{first:?}> in the entry of key `{}`", self.key)));
        }
        builder
            .push(&self.key, &self.version_id, std::mem::take(&mut self.row))
            .map_err(|error| Fault::malformed(0, format!("{error}: {} bytes", self.key.len())))
    }
}
