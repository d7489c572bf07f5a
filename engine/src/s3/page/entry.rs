//! One entry under construction: Contents, Version or DeleteMarker.

use super::ListKind;
use super::error::{Fault, Step};
use super::field;
use super::name::Name;
use crate::model::{
    ChecksumAlgorithm, ChecksumType, ETag, EntryKind, PageBuilder, Restore, Row, StorageClass, Timestamp,
};

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
    pub(super) fn has(list: ListKind, kind: EntryKind, name: Name) -> bool {
        match name {
            Name::Key | Name::LastModified => true,
            Name::VersionId | Name::IsLatest => list == ListKind::Versions,
            Name::ETag | Name::Size | Name::StorageClass | Name::ChecksumAlgorithm | Name::ChecksumType => {
                kind == EntryKind::Object
            }
            _ => false,
        }
    }

    /// Starts over.
    pub(super) fn begin(&mut self, kind: EntryKind) {
        self.key.clear();
        self.version_id.clear();
        self.row = Row::default();
        self.row.kind = kind;
        self.seen = 0;
    }

    fn mark(&mut self, name: Name) -> Step<()> {
        if self.seen & name.bit() != 0 {
            return Err(Fault::malformed(0, format!("<{name:?}> twice in one entry (key `{}`)", self.key)));
        }
        self.seen |= name.bit();
        Ok(())
    }

    /// Where the key belongs, once.
    pub(super) fn key_mut(&mut self) -> Step<&mut String> {
        self.mark(Name::Key)?;
        Ok(&mut self.key)
    }

    /// Takes an ETag.
    pub(super) fn set_etag(&mut self, etag: Option<ETag>) -> Step<()> {
        self.mark(Name::ETag)?;
        self.row.etag = etag;
        Ok(())
    }

    /// Takes any field but the key.
    pub(super) fn assign(&mut self, name: Name, text: &str) -> Step<()> {
        if name == Name::ChecksumAlgorithm {
            // The one field that may be repeated. An algorithm we do not know we cannot use either.
            if let Some(algorithm) = ChecksumAlgorithm::from_name(text.trim_ascii()) {
                self.row.algorithms.insert(algorithm);
            }
            return Ok(());
        }
        if name == Name::ETag {
            let tag = text.trim_ascii();
            return self.set_etag((!tag.trim_matches('"').is_empty()).then(|| ETag::parse(tag)));
        }
        self.mark(name)?;
        let value = text.trim_ascii();
        let good = match name {
            Name::Size => field::number(value.as_bytes()).map(|size| self.row.size = size),
            Name::LastModified => {
                field::timestamp(value.as_bytes()).map(|time| self.row.last_modified = time)
            }
            Name::IsLatest => field::flag(value.as_bytes()).map(|latest| self.row.is_latest = latest),
            Name::IsRestoreInProgress => {
                field::flag(value.as_bytes()).map(|running| self.restore_in_progress = running)
            }
            Name::RestoreExpiryDate => {
                field::timestamp(value.as_bytes()).map(|time| self.restore_expiry = Some(time))
            }
            Name::StorageClass => {
                self.row.storage_class = StorageClass::from_name(value);
                Some(())
            }
            Name::ChecksumType => {
                self.row.checksum_type = match value {
                    "FULL_OBJECT" => Some(ChecksumType::FullObject),
                    "COMPOSITE" => Some(ChecksumType::Composite),
                    _ => None,
                };
                Some(())
            }
            Name::VersionId => {
                self.version_id.push_str(text);
                Some(())
            }
            _ => Some(()),
        };
        good.ok_or_else(|| Fault::malformed(0, format!("<{name:?}> with a value that cannot be read")))
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
