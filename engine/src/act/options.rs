//! What the operator may decide about copies, with defaults that suit S3 itself.

use crate::model::StorageClass;
use crate::s3::Encryption;

/// `--copy-mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CopyMode {
    /// Server-side where both sides share a service, through this process where they do not or it is refused.
    #[default]
    Auto,
    /// Server-side only: what cannot be copied so fails.
    Server,
    /// Through this process only.
    Relay,
}

/// `--acl`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AclMode {
    /// The owner alone has access, as S3 makes it.
    #[default]
    Leave,
    /// The source's grants (one more request per object).
    Copy,
    /// This ready-made list.
    Canned(String),
}

/// The service's limits. Settable, because compatible servers differ and tests cannot move gigabytes.
#[derive(Clone, Debug)]
pub struct CopyLimits {
    /// Largest source of one CopyObject. S3: 5 GB, meant as 5×10^9 to be safe (S3 facts, section 4.1).
    pub copy: u64,
    /// Parts of an upload at most. S3: 10,000.
    pub parts: u64,
    /// Largest part. S3: 5 GiB.
    pub part: u64,
}

impl Default for CopyLimits {
    fn default() -> Self {
        Self { copy: 5_000_000_000, parts: 10_000, part: 5 << 30 }
    }
}

/// How to copy.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // Independent switches, each its own flag or probe result.
pub struct CopyOptions {
    /// Who moves the bytes.
    pub mode: CopyMode,
    /// The service's limits.
    pub limits: CopyLimits,
    /// Part size of server-side copies whose source has no layout to keep. Large: no byte passes through here.
    pub server_part: u64,
    /// Part size of relays whose source has no layout to keep. Small, so that many parts are hashed at once.
    pub relay_part: u64,
    /// Relays up to this size are one GET and one PUT, which keeps a plain ETag plain.
    pub single_put: u64,
    /// Parts of one object in flight at once.
    pub parts_in_flight: usize,
    /// Storage class of the copies; `None` keeps each source's.
    pub storage_class: Option<StorageClass>,
    /// Encryption of the copies; `None` leaves it to the bucket's default.
    pub encryption: Option<Encryption>,
    /// Carry tags over.
    pub tags: bool,
    /// Carry object lock retention and legal hold over (one HEAD per object).
    pub lock: bool,
    /// Access control lists of the copies.
    pub acl: AclMode,
    /// HEAD each source before a CopyObject, to carry what that neither copies nor a listing shows: the website
    /// redirect. Off, that is done for empty objects only: it doubles the requests of small objects for a header
    /// that hardly any object with content has.
    pub fidelity_heads: bool,
    /// The server has If-Match and If-None-Match on writes. Without, the destination is looked at before each
    /// write, which narrows the race but does not close it.
    pub conditional_writes: bool,
    /// The server has If-Match on deletes.
    pub conditional_deletes: bool,
    /// The server knows `x-amz-checksum-*`: ask it to store and verify them.
    pub request_checksums: bool,
    /// Where nothing stored proves a server-side copy, read the source once and hash it.
    pub read_to_prove: bool,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            mode: CopyMode::Auto,
            limits: CopyLimits::default(),
            server_part: 128 << 20,
            relay_part: 8 << 20,
            single_put: 32 << 20,
            parts_in_flight: 16,
            storage_class: None,
            encryption: None,
            tags: true,
            lock: false,
            acl: AclMode::Leave,
            fidelity_heads: false,
            conditional_writes: true,
            conditional_deletes: true,
            request_checksums: true,
            read_to_prove: false,
        }
    }
}
