//! Verdicts, evidence and reasons: the words of the report.

use serde::{Deserialize, Serialize};

/// What an audit concludes about one key. Every key ends in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Proved equal; the evidence says how.
    Identical,
    /// Proved different; the reason says in what.
    Different,
    /// On the primary only.
    Missing,
    /// On the replica only.
    Extra,
    /// Neither equality nor difference could be proved.
    Unproven,
    /// Younger than the grace window: replication may still be on its way.
    InFlight,
    /// Could not be read although it is listed.
    Unreadable,
}

/// How equality was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Equal ETags: the same MD5, or the same part layout with the same part MD5s.
    Etag,
    /// Equal stored checksums of the same algorithm and type.
    Checksum,
    /// Part checksums, combined or compared part by part.
    Parts,
    /// The bytes were read.
    Bytes,
    /// Both are empty: there is nothing to differ in.
    Size,
}

impl Evidence {
    /// The name in `summary.json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Etag => "etag",
            Self::Checksum => "checksum",
            Self::Parts => "parts",
            Self::Bytes => "bytes",
            Self::Size => "size",
        }
    }
}

/// How far up the ladder an audit may climb.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// What the listing says; no request per key.
    Listing,
    /// Stored checksums and part arithmetic for the keys that the listing left open.
    #[default]
    Checksums,
    /// Read the bytes of what is still open.
    Bytes,
}

/// Why a key is not identical. The codes are stable: programs match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Reason {
    NotOnReplica,
    NotOnSource,
    SizeDiffers,
    EtagDiffers,
    ChecksumDiffers,
    BytesDiffer,
    MetadataDiffers,
    TagsDiffer,
    StorageClassDiffers,
    LockDiffers,
    EncryptionDiffers,
    AclDiffers,
    /// Multipart with another part layout, and nothing else to compare.
    PartLayoutOnly,
    /// At least one ETag is no MD5 because of encryption, and no checksum is shared.
    EncryptedNoSharedChecksum,
    /// The server gives neither comparable ETags nor shared checksums.
    NoSharedChecksum,
    Archived,
    AccessDenied,
    Vanished,
    ChangedMeanwhile,
    ServerError,
    GraceWindow,
    VersionMissing,
    VersionExtra,
    VersionsDiffer,
    DeleteMarkerDiffers,
    VersionOrderDiffers,
    /// The bytes are not those that the object's own ETag or checksum was taken of.
    BitRot,
    /// The server stores nothing about the object that could be computed from its bytes.
    NothingStored,
    /// A restore cannot tell from the listing what stood at the moment asked for.
    PastUncertain,
}

impl Reason {
    /// Every reason, for the documentation.
    pub const ALL: [Self; 29] = [
        Self::NotOnReplica,
        Self::NotOnSource,
        Self::SizeDiffers,
        Self::EtagDiffers,
        Self::ChecksumDiffers,
        Self::BytesDiffer,
        Self::MetadataDiffers,
        Self::TagsDiffer,
        Self::StorageClassDiffers,
        Self::LockDiffers,
        Self::EncryptionDiffers,
        Self::AclDiffers,
        Self::PartLayoutOnly,
        Self::EncryptedNoSharedChecksum,
        Self::NoSharedChecksum,
        Self::Archived,
        Self::AccessDenied,
        Self::Vanished,
        Self::ChangedMeanwhile,
        Self::ServerError,
        Self::GraceWindow,
        Self::VersionMissing,
        Self::VersionExtra,
        Self::VersionsDiffer,
        Self::DeleteMarkerDiffers,
        Self::VersionOrderDiffers,
        Self::BitRot,
        Self::NothingStored,
        Self::PastUncertain,
    ];

    /// What to do about it, in one sentence.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::NotOnReplica => "copy it: `s3twin repair`, or `s3twin sync`",
            Self::NotOnSource => {
                "deleted on the source or written to the replica by somebody: `s3twin repair --delete` removes it"
            }
            Self::SizeDiffers | Self::EtagDiffers | Self::ChecksumDiffers | Self::BytesDiffer => {
                "the bytes are not the same: check which side is right, then `s3twin repair`; its --direction says which"
            }
            Self::MetadataDiffers | Self::TagsDiffer => {
                "the bytes agree, what describes them does not: `s3twin repair` copies the object again"
            }
            Self::StorageClassDiffers => {
                "`s3twin repair` copies it again in the source's class, if it matters"
            }
            Self::LockDiffers => "set retention or legal hold on the replica, or `s3twin repair --copy-lock`",
            Self::EncryptionDiffers => "check the default encryption of both buckets",
            Self::AclDiffers => "check object ownership and ACLs of both buckets",
            Self::PartLayoutOnly => {
                "sizes agree, ETags cannot be compared across part layouts and no checksum is shared: audit with --depth bytes"
            }
            Self::EncryptedNoSharedChecksum => {
                "under SSE-KMS or SSE-C the ETag is no MD5 and no checksum is shared: audit with --depth bytes"
            }
            Self::NoSharedChecksum => "the two carry nothing that can be compared: audit with --depth bytes",
            Self::Archived => "restore it from its archive tier to compare or copy the bytes",
            Self::AccessDenied => "grant s3:GetObject (and kms:Decrypt) on this key",
            Self::Vanished => "it was removed after it was listed: run again",
            Self::ChangedMeanwhile => "it was written while this run looked at it: run again",
            Self::ServerError => "the server failed on it repeatedly: run again",
            Self::GraceWindow => "younger than --grace: expected to arrive; a later audit will tell",
            Self::VersionMissing => "a version of the primary is not in the replica's history",
            Self::VersionExtra => "the replica's history holds a version that the primary's does not",
            Self::VersionsDiffer => "a version has other bytes on the replica",
            Self::DeleteMarkerDiffers => {
                "a delete marker is on one side only: check whether delete markers are replicated"
            }
            Self::VersionOrderDiffers => "the same versions in another order",
            Self::BitRot => {
                "the bytes have changed since they were written: take the object from its replica, or an older version"
            }
            Self::NothingStored => {
                "nothing is stored to hold its bytes against: copy it onto itself, which stores a checksum, or audit it against its replica with --scrub"
            }
            Self::PastUncertain => "look at the key's versions, then restore one by --key and --version-id",
        }
    }
}

/// A conclusion about one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What.
    pub verdict: Verdict,
    /// How equality was proved; only with [`Verdict::Identical`].
    pub evidence: Option<Evidence>,
    /// Why not identical.
    pub reason: Option<Reason>,
}

impl Judgement {
    /// Proved equal.
    #[must_use]
    pub const fn identical(evidence: Evidence) -> Self {
        Self { verdict: Verdict::Identical, evidence: Some(evidence), reason: None }
    }

    /// Proved different.
    #[must_use]
    pub const fn different(reason: Reason) -> Self {
        Self::because(Verdict::Different, reason)
    }

    /// Not provable.
    #[must_use]
    pub const fn unproven(reason: Reason) -> Self {
        Self::because(Verdict::Unproven, reason)
    }

    /// Any verdict but identical.
    #[must_use]
    pub const fn because(verdict: Verdict, reason: Reason) -> Self {
        Self { verdict, evidence: None, reason: Some(reason) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_stable() {
        let codes: Vec<String> = Reason::ALL
            .iter()
            .map(|reason| serde_json::to_string(reason).unwrap().replace('"', ""))
            .collect();
        assert_eq!(codes[3], "etag-differs");
        assert!(codes.contains(&"encrypted-no-shared-checksum".to_owned()));
        assert_eq!(codes.iter().collect::<std::collections::BTreeSet<_>>().len(), Reason::ALL.len());
    }
}
