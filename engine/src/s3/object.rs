//! What an object is to the engine: its name, what is known of it, its bytes.

use super::{Answer, CustomerKey};
use crate::model::{Checksum, ChecksumType, ETag, StorageClass, Timestamp};
use bytes::Bytes;
use futures::stream::BoxStream;
use std::collections::BTreeMap;

/// Names one object or one version of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectId {
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
    /// Version; `None` for the current one.
    pub version_id: Option<String>,
    /// What opens it, if it is encrypted with a key of the customer's (SSE-C).
    pub customer_key: Option<CustomerKey>,
}

impl ObjectId {
    /// The current version of a key.
    #[must_use]
    pub fn current(bucket: &str, key: impl Into<String>) -> Self {
        Self { bucket: bucket.to_owned(), key: key.into(), ..Self::default() }
    }
}

/// How an object is encrypted at rest, as HEAD tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub algorithm: Option<String>,
    /// KMS key, if any.
    pub kms_key_id: Option<String>,
    /// SSE-C was used: the key is the customer's.
    pub customer_key: bool,
}

impl Encryption {
    /// Can an ETag still be the MD5 of the content? Not under SSE-KMS, DSSE or SSE-C.
    #[must_use]
    pub fn keeps_md5(&self) -> bool {
        !self.customer_key && self.algorithm.as_deref().is_none_or(|algorithm| algorithm == "AES256")
    }
}

/// Metadata that a PUT, a multipart creation or a replacing copy can set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Content-Type.
    pub content_type: Option<String>,
    /// Cache-Control.
    pub cache_control: Option<String>,
    /// Content-Disposition.
    pub content_disposition: Option<String>,
    /// Content-Encoding.
    pub content_encoding: Option<String>,
    /// Content-Language.
    pub content_language: Option<String>,
    /// Expires, verbatim.
    pub expires: Option<String>,
    /// `x-amz-website-redirect-location`.
    pub website_redirect: Option<String>,
    /// `x-amz-meta-*` without the prefix.
    pub user: BTreeMap<String, String>,
}

/// Object lock settings of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: Option<String>,
    /// Retain until then.
    pub retain_until: Option<Timestamp>,
    /// Legal hold is on.
    pub legal_hold: bool,
}

/// What HEAD or GET tells about an object.
#[derive(Clone, Debug, Default)]
pub struct ObjectInfo {
    /// Bytes: of the whole object, or of the part asked about.
    pub size: u64,
    /// ETag of the whole object.
    pub etag: Option<ETag>,
    /// Version id, on versioned buckets.
    pub version_id: Option<String>,
    /// Whole seconds.
    pub last_modified: Timestamp,
    /// Storage class.
    pub storage_class: StorageClass,
    /// Stored checksums, where asked for.
    pub checksums: Vec<Checksum>,
    /// Full-object or composite, where the server says.
    pub checksum_type: Option<ChecksumType>,
    /// Parts of a multipart object; only known when a part number was asked for.
    pub parts_count: Option<u32>,
    /// Encryption at rest.
    pub encryption: Encryption,
    /// System and user metadata.
    pub metadata: Metadata,
    /// Number of tags, if any.
    pub tag_count: u32,
    /// Object lock.
    pub lock: Lock,
    /// `x-amz-replication-status`.
    pub replication_status: Option<String>,
    /// `x-amz-archive-status` of INTELLIGENT_TIERING.
    pub archive_status: Option<String>,
    /// `x-amz-restore`, verbatim.
    pub restore: Option<String>,
}

/// One part of a completed multipart object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartInfo {
    /// 1 to 10,000.
    pub number: u32,
    /// Bytes.
    pub size: u64,
    /// Its checksums.
    pub checksums: Vec<Checksum>,
}

/// What GetObjectAttributes tells.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    /// Bytes.
    pub size: u64,
    /// ETag.
    pub etag: Option<ETag>,
    /// Stored checksums of the whole object.
    pub checksums: Vec<Checksum>,
    /// Full-object or composite.
    pub checksum_type: Option<ChecksumType>,
    /// Number of parts of a multipart object.
    pub parts_count: Option<u32>,
    /// The parts, if the server lists them (it does when they carry checksums).
    pub parts: Vec<PartInfo>,
}

/// A body being read. Chunks arrive as the network delivers them; an error ends the stream.
pub struct Body {
    /// What the headers say.
    pub info: ObjectInfo,
    /// Bytes that follow.
    pub length: u64,
    /// The bytes.
    pub chunks: BoxStream<'static, Answer<Bytes>>,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("length", &self.length).finish_non_exhaustive()
    }
}
