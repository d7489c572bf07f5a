//! What became of one copy. Trouble with one object is data, not an error of the run.

use crate::compare::Evidence;
use crate::model::{Checksum, ETag};
use crate::s3::{Kind, Operation, S3Error};
use std::fmt;

/// How the bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// One CopyObject.
    Copy,
    /// UploadPartCopy, part by part.
    CopyParts,
    /// One GET, one PUT.
    Put,
    /// Ranged GETs into UploadPart.
    PutParts,
}

impl Way {
    /// The bytes do not pass through this process.
    #[must_use]
    pub fn is_server_side(self) -> bool {
        matches!(self, Self::Copy | Self::CopyParts)
    }
}

/// What did not travel, or not as one would expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The destination does not know the source's storage class; its default was used.
    StorageClassRefused(String),
    /// `Expires` is no HTTP date and was left out.
    ExpiresNotADate,
    /// The ACL was to be copied, but could not be read or was refused.
    AclNotCopied,
    /// The tags could not be read.
    TagsUnreadable,
    /// The source is encrypted with a KMS key or a customer's; the copy has its bucket's default encryption.
    EncryptionNotCopied,
    /// The copy has other parts than the source: equal bytes, incomparable ETags.
    PartLayoutLost,
    /// The source's ETag is no digest of its bytes, although it looks like one.
    SourceEtagNotADigest,
    /// The server has no conditional writes: the destination was looked at just before instead.
    Unguarded,
    /// The server refused to copy by itself, so the bytes went through here.
    ServerSideRefused(String),
    /// The object stood there already when our write was to commit: by an earlier try of ours whose answer was
    /// lost, or by another writer of the same bytes.
    FoundInPlace,
}

impl Note {
    /// A stable word for reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::StorageClassRefused(_) => "storage-class-refused",
            Self::ExpiresNotADate => "expires-not-a-date",
            Self::AclNotCopied => "acl-not-copied",
            Self::TagsUnreadable => "tags-unreadable",
            Self::EncryptionNotCopied => "encryption-not-copied",
            Self::PartLayoutLost => "part-layout-lost",
            Self::SourceEtagNotADigest => "source-etag-not-a-digest",
            Self::Unguarded => "unguarded-write",
            Self::ServerSideRefused(_) => "server-side-refused",
            Self::FoundInPlace => "found-in-place",
        }
    }
}

/// What moved, failed tries included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes the service copied by itself.
    pub server_side: u64,
    /// Bytes read into this process.
    pub streamed: u64,
    /// Bytes hashed here.
    pub hashed: u64,
}

/// A finished and proved copy.
#[derive(Clone, Debug)]
pub struct Copied {
    /// Why it is the same.
    pub proof: Evidence,
    /// Bytes.
    pub size: u64,
    /// ETag at the destination.
    pub etag: Option<ETag>,
    /// Version written, on versioned buckets.
    pub version_id: Option<String>,
    /// Checksums stored with it, as far as an answer told.
    pub checksums: Vec<Checksum>,
}

/// Why an object was not copied.
#[derive(Clone, Debug)]
pub enum Failure {
    /// A request failed.
    Request(S3Error),
    /// The source's bytes are archived; known from the listing, nothing was asked.
    Archived,
    /// Somebody wrote the destination or the source meanwhile; nothing was overwritten.
    Changed(String),
    /// The copy was written, but nothing shows that it is the same.
    Unproven(String),
    /// The bytes that arrived are not the source's, again and again.
    Corrupt(String),
    /// `--copy-mode server`, but the sides do not share a service.
    NotOneService,
    /// Larger than the destination's limits allow.
    TooLarge(u64),
    /// The run was interrupted.
    Cancelled,
    /// A part of this program failed.
    Internal(String),
}

impl Failure {
    /// A stable word for reports.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Request(error) => error.reason(),
            Self::Archived => "archived",
            Self::Changed(_) => "changed-meanwhile",
            Self::Unproven(_) => "unproven-copy",
            Self::Corrupt(_) => "corrupt-transfer",
            Self::NotOneService => "not-one-service",
            Self::TooLarge(_) => "too-large",
            Self::Cancelled => "cancelled",
            Self::Internal(_) => "internal",
        }
    }

    /// What the operator can do about it, in one sentence.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Request(error) => error.advice(),
            Self::Archived => "restore the object from its archive tier first".into(),
            Self::Changed(_) => "run again: the new state will be listed and compared".into(),
            Self::Unproven(_) => "audit the key with --depth bytes".into(),
            Self::Corrupt(_) => "bytes were damaged in transit several times: check the network path".into(),
            Self::NotOneService => "use --copy-mode auto or relay".into(),
            Self::TooLarge(_) => "the destination cannot hold an object of this size".into(),
            Self::Cancelled => "`s3twin resume` goes on".into(),
            Self::Internal(_) => "please report this as a bug".into(),
        }
    }

    /// The failed request behind it.
    #[must_use]
    pub fn request(&self) -> Option<&S3Error> {
        match self {
            Self::Request(error) => Some(error),
            _ => None,
        }
    }

    /// The server does not know UploadPartCopy.
    pub(super) fn is_missing_part_copy(&self) -> bool {
        self.request().is_some_and(|error| {
            error.operation == Operation::UploadPartCopy && error.kind == Kind::Unsupported
        })
    }

    /// The server will not copy this by itself, but may well take the bytes from us.
    pub(super) fn is_refusal(&self) -> bool {
        self.request().is_some_and(|error| {
            matches!(error.kind, Kind::Denied | Kind::Unsupported | Kind::Invalid | Kind::WrongRegion(_))
        })
    }
}

impl From<S3Error> for Failure {
    fn from(error: S3Error) -> Self {
        match error.kind {
            Kind::Cancelled => Self::Cancelled,
            _ => Self::Request(error),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::Archived => f.write_str("the object is archived"),
            Self::Changed(what) => write!(f, "changed meanwhile: {what}"),
            Self::Unproven(why) => write!(f, "written, but not proved equal: {why}"),
            Self::Corrupt(why) => write!(f, "damaged in transit: {why}"),
            Self::NotOneService => f.write_str("source and destination do not share a service"),
            Self::TooLarge(size) => write!(f, "{size} bytes are more than an upload can hold"),
            Self::Cancelled => f.write_str("interrupted"),
            Self::Internal(what) => write!(f, "internal error: {what}"),
        }
    }
}

/// What became of one copy.
#[derive(Clone, Debug)]
pub struct CopyOutcome {
    /// Proved, or why not.
    pub result: Result<Copied, Failure>,
    /// The way that was gone last; `None` when nothing was tried.
    pub way: Option<Way>,
    /// The version that was written at the destination, proved or not, where the bucket has versions.
    pub written: Option<String>,
    /// What moved.
    pub traffic: Traffic,
    /// What did not travel.
    pub notes: Vec<Note>,
}
