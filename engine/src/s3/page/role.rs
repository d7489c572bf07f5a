//! What an element means, by where it stands.

use super::ListKind;
use super::entry::Draft;
use super::error::{Fault, Step};
use super::head::Head;
use super::name::Name;
use crate::model::EntryKind;

/// What an open element means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The listing.
    Root,
    /// S3's error document.
    Error,
    /// Contents, Version, DeleteMarker.
    Entry(EntryKind),
    /// CommonPrefixes.
    Prefixes,
    /// RestoreStatus.
    Restore,
    /// A field: text and nothing else.
    Field(Name),
    /// Unknown, with everything in it.
    Skipped,
}

impl Role {
    /// What an element means inside another.
    #[inline]
    pub(super) fn child(self, list: ListKind, name: Name) -> Step<Role> {
        match self {
            Role::Entry(kind) if Draft::has(list, kind, name) => Ok(Role::Field(name)),
            Role::Skipped => Ok(Role::Skipped),
            _ => self.rare_child(list, name),
        }
    }

    /// The same for all that does not come several times in every entry.
    fn rare_child(self, list: ListKind, name: Name) -> Step<Role> {
        let versions = list == ListKind::Versions;
        Ok(match (self, name) {
            (Role::Root, Name::Contents) if !versions => Role::Entry(EntryKind::Object),
            (Role::Root, Name::Version) if versions => Role::Entry(EntryKind::Object),
            (Role::Root, Name::DeleteMarker) if versions => Role::Entry(EntryKind::DeleteMarker),
            (Role::Root | Role::Entry(_), Name::Contents | Name::Version | Name::DeleteMarker) => {
                return Err(Fault::malformed(0, format!("<{name:?}> has no place here")));
            }
            (Role::Root, Name::CommonPrefixes) => Role::Prefixes,
            (Role::Root, name) if Head::has(list, name) => Role::Field(name),
            (Role::Entry(_), Name::RestoreStatus) => Role::Restore,
            (Role::Prefixes, Name::Prefix)
            | (Role::Restore, Name::IsRestoreInProgress | Name::RestoreExpiryDate)
            | (Role::Error, Name::Code | Name::Message) => Role::Field(name),
            (Role::Field(field), _) => {
                return Err(Fault::malformed(0, format!("an element inside <{field:?}>")));
            }
            _ => Role::Skipped,
        })
    }
}
