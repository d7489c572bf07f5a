//! The seam: what the engine asks of an object store, in the engine's own words.
//!
//! One implementation speaks to real servers ([`super::aws`]), one wraps any other with pacing, retries and
//! meters ([`super::paced`]); tests bring their own. No type of an SDK crosses this line.

use super::object::{Attributes, Body, Encryption, Lock, Metadata, ObjectId, ObjectInfo};
use super::{CustomerKey, Kind, Operation, S3Error};
use crate::model::{Checksum, ChecksumAlgorithm, ChecksumType, ETag, Page, StorageClass, Timestamp};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;

/// The answer to a request.
pub type Answer<T> = Result<T, S3Error>;

/// One page of current objects. Pages are asked for by key, not by token: a key can be checkpointed.
#[derive(Clone, Debug, Default)]
pub struct ListObjects {
    /// Bucket.
    pub bucket: String,
    /// Only keys with this prefix.
    pub prefix: String,
    /// Exclusive lower bound; empty for the first key.
    pub start_after: String,
    /// Where to go on when a page brought no key at all to go on from; takes precedence over `start_after`.
    pub continuation_token: Option<String>,
    /// 1 to 1,000.
    pub max_keys: u16,
}

/// One page of object versions and delete markers, in document order.
#[derive(Clone, Debug, Default)]
pub struct ListVersions {
    /// Bucket.
    pub bucket: String,
    /// Only keys with this prefix.
    pub prefix: String,
    /// Go on after this key (or after one version of it, see `version_id_marker`); empty for the start.
    pub key_marker: String,
    /// Go on after this version of `key_marker`.
    pub version_id_marker: Option<String>,
    /// 1 to 1,000.
    pub max_keys: u16,
}

/// HEAD of an object.
#[derive(Clone, Debug, Default)]
pub struct HeadObject {
    /// Which.
    pub id: ObjectId,
    /// Ask for the stored checksum (needs `kms:Decrypt` on KMS objects).
    pub checksum: bool,
    /// Ask about one part: its size and checksum, and how many parts there are.
    pub part_number: Option<u32>,
}

/// A (ranged) GET.
#[derive(Clone, Debug, Default)]
pub struct GetObject {
    /// Which.
    pub id: ObjectId,
    /// Inclusive byte range.
    pub range: Option<(u64, u64)>,
    /// Only if the object still has this ETag.
    pub if_match: Option<ETag>,
}

/// Guard of a write: what must be true of the current version at the destination when the write commits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Guard {
    /// Write whatever is there. Only for servers without conditional writes.
    #[default]
    None,
    /// Nothing is there (or a delete marker).
    Absent,
    /// This ETag is there.
    Matches(ETag),
}

/// An access control list for a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acl {
    /// One of S3's ready-made lists, such as `bucket-owner-full-control`.
    Canned(String),
    /// Grantees by permission, in the form of grant headers: `id="…", uri="…"`.
    Grants(BTreeMap<String, String>),
}

/// What a written object is to have, beyond its bytes.
#[derive(Clone, Debug, Default)]
pub struct WriteAttributes {
    /// Metadata; `None` on a copy carries the source's over.
    pub metadata: Option<Metadata>,
    /// Tags; `None` on a copy carries the source's over.
    pub tags: Option<Vec<(String, String)>>,
    /// Storage class.
    pub storage_class: Option<StorageClass>,
    /// Server-side encryption to ask for.
    pub encryption: Option<Encryption>,
    /// Encrypt with this key of the customer's (SSE-C) instead.
    pub customer_key: Option<CustomerKey>,
    /// Object lock to set.
    pub lock: Option<Lock>,
    /// Access control list to set; without, the owner alone has access.
    pub acl: Option<Acl>,
    /// Checksum algorithm to store.
    pub checksum: Option<ChecksumAlgorithm>,
}

/// A server-side copy.
#[derive(Clone, Debug, Default)]
pub struct CopyObject {
    /// Which bytes.
    pub source: ObjectId,
    /// The source must still have this ETag.
    pub source_if_match: Option<ETag>,
    /// Destination bucket.
    pub bucket: String,
    /// Destination key.
    pub key: String,
    /// Condition on the destination.
    pub guard: Guard,
    /// What the copy is to have.
    pub write: WriteAttributes,
}

/// What a write answered.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// ETag of what was written.
    pub etag: Option<ETag>,
    /// New version id, on versioned buckets.
    pub version_id: Option<String>,
    /// Version of the source that was copied.
    pub source_version_id: Option<String>,
    /// Checksums of what was written, as far as the answer has them.
    pub checksums: Vec<Checksum>,
    /// When, if the answer says.
    pub last_modified: Option<Timestamp>,
}

/// A PUT of a whole object, held as frames so that nothing is copied together.
#[derive(Clone, Debug, Default)]
pub struct PutObject {
    /// Destination bucket.
    pub bucket: String,
    /// Destination key.
    pub key: String,
    /// The bytes.
    pub frames: Vec<Bytes>,
    /// Checksum of the bytes, computed by the caller.
    pub checksum: Option<Checksum>,
    /// Condition on the destination.
    pub guard: Guard,
    /// What the object is to have.
    pub write: WriteAttributes,
}

/// Creation of a multipart upload.
#[derive(Clone, Debug, Default)]
pub struct CreateUpload {
    /// Destination bucket.
    pub bucket: String,
    /// Destination key.
    pub key: String,
    /// What the object is to have.
    pub write: WriteAttributes,
    /// FULL_OBJECT or COMPOSITE, with `write.checksum`.
    pub checksum_type: Option<ChecksumType>,
}

/// A multipart upload.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct UploadId {
    /// Destination bucket.
    pub bucket: String,
    /// Destination key.
    pub key: String,
    /// The server's id.
    pub upload_id: String,
}

/// A part copied from another object on the same service.
#[derive(Clone, Debug, Default)]
pub struct CopyPart {
    /// The upload.
    pub upload: UploadId,
    /// 1 to 10,000.
    pub part_number: u32,
    /// Which object.
    pub source: ObjectId,
    /// The source must still have this ETag, on every part, or parts could mix two objects.
    pub source_if_match: Option<ETag>,
    /// Inclusive byte range of the source; `None` for all of it. S3 takes ranges only of sources above 5 MB.
    pub range: Option<(u64, u64)>,
    /// The key the upload was begun with, if it was begun with one.
    pub customer_key: Option<CustomerKey>,
}

/// A part sent from here.
#[derive(Clone, Debug, Default)]
pub struct UploadPart {
    /// The upload.
    pub upload: UploadId,
    /// 1 to 10,000.
    pub part_number: u32,
    /// The bytes.
    pub frames: Vec<Bytes>,
    /// Checksum of the bytes, computed by the caller.
    pub checksum: Option<Checksum>,
    /// The key the upload was begun with, if it was begun with one.
    pub customer_key: Option<CustomerKey>,
}

/// A part that is there.
#[derive(Clone, Debug, Default)]
pub struct UploadedPart {
    /// 1 to 10,000.
    pub part_number: u32,
    /// Bytes.
    pub size: u64,
    /// ETag of the part.
    pub etag: Option<ETag>,
    /// Checksums of the part.
    pub checksums: Vec<Checksum>,
}

/// Completion of a multipart upload.
#[derive(Clone, Debug, Default)]
pub struct CompleteUpload {
    /// The upload.
    pub upload: UploadId,
    /// Its parts, ascending.
    pub parts: Vec<UploadedPart>,
    /// Total bytes: the server refuses when its sum differs.
    pub size: u64,
    /// Full-object checksum, if known.
    pub checksum: Option<Checksum>,
    /// Condition on the destination.
    pub guard: Guard,
    /// The key the upload was begun with, if it was begun with one.
    pub customer_key: Option<CustomerKey>,
}

/// One key of a DeleteObjects call.
#[derive(Clone, Debug, Default)]
pub struct DeleteKey {
    /// Key.
    pub key: String,
    /// Version; `None` deletes the current version (a delete marker on versioned buckets).
    pub version_id: Option<String>,
    /// Only if the current version has this ETag.
    pub if_match: Option<ETag>,
}

/// What became of one key.
#[derive(Clone, Debug)]
pub struct Deleted {
    /// Key.
    pub key: String,
    /// Version id of the delete marker made, or of what was removed.
    pub version_id: Option<String>,
    /// A delete marker was made (or removed).
    pub delete_marker: bool,
    /// Why it was not deleted.
    pub error: Option<S3Error>,
}

/// Versioning of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versioning {
    /// Never switched on.
    #[default]
    Off,
    /// On.
    Enabled,
    /// Switched off after having been on: PUT and DELETE overwrite the `null` version.
    Suspended,
}

/// A request for the bytes of an archived version.
#[derive(Clone, Debug, Default)]
pub struct RestoreArchived {
    /// Which.
    pub id: ObjectId,
    /// Days the temporary copy stays readable.
    pub days: u32,
    /// `Expedited`, `Standard` or `Bulk`.
    pub tier: String,
}

/// A multipart upload in progress on the server.
#[derive(Clone, Debug)]
pub struct PendingUpload {
    /// Which.
    pub upload: UploadId,
    /// When it was begun.
    pub initiated: Timestamp,
}

/// An object store. All calls are cancel-safe in the sense of S3: dropping the future may or may not have had
/// the effect, which is why writes are guarded and ambiguous ends are read back.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Two stores with equal service names can copy between each other server-side.
    fn service(&self) -> &str;

    /// One page of current objects in key order.
    async fn list_objects(&self, request: &ListObjects) -> Answer<Page>;
    /// One page of versions and delete markers in document order.
    async fn list_versions(&self, request: &ListVersions) -> Answer<Page>;
    /// One page (at most 1,000) of uploads in progress below a prefix.
    async fn list_uploads(&self, bucket: &str, prefix: &str) -> Answer<Vec<PendingUpload>>;

    /// Does the bucket exist, and may we list it?
    async fn head_bucket(&self, bucket: &str) -> Answer<()>;
    /// Versioning state.
    async fn versioning(&self, bucket: &str) -> Answer<Versioning>;

    /// HEAD.
    async fn head(&self, request: &HeadObject) -> Answer<ObjectInfo>;
    /// GetObjectAttributes with all its part pages (one request per 1,000 parts).
    async fn attributes(&self, id: &ObjectId) -> Answer<Attributes>;
    /// (Ranged) GET.
    async fn get(&self, request: &GetObject) -> Answer<Body>;
    /// Tags, in the server's order.
    async fn tags(&self, id: &ObjectId) -> Answer<Vec<(String, String)>>;
    /// Replaces the tags of a version.
    async fn put_tags(&self, id: &ObjectId, tags: &[(String, String)]) -> Answer<()>;
    /// The access control list, as a canonical text that can be compared.
    async fn acl(&self, id: &ObjectId) -> Answer<String>;

    /// PUT.
    async fn put(&self, request: &PutObject) -> Answer<Written>;
    /// Server-side copy of a whole object.
    async fn copy(&self, request: &CopyObject) -> Answer<Written>;
    /// Begins a multipart upload.
    async fn create_upload(&self, request: &CreateUpload) -> Answer<UploadId>;
    /// Sends a part.
    async fn upload_part(&self, request: &UploadPart) -> Answer<UploadedPart>;
    /// Copies a part server-side.
    async fn copy_part(&self, request: &CopyPart) -> Answer<UploadedPart>;
    /// Completes a multipart upload.
    async fn complete_upload(&self, request: &CompleteUpload) -> Answer<Written>;
    /// Aborts a multipart upload.
    async fn abort_upload(&self, upload: &UploadId) -> Answer<()>;

    /// Deletes up to 1,000 keys; one [`Deleted`] per key, errors inside the 200 included.
    async fn delete(&self, bucket: &str, keys: &[DeleteKey]) -> Answer<Vec<Deleted>>;
    /// Deletes one key, for servers that have no other way. Gone is as good as deleted.
    async fn delete_one(&self, bucket: &str, key: &DeleteKey) -> Answer<Deleted> {
        let nothing =
            || S3Error::local(Kind::Protocol, Operation::DeleteObject, bucket, "no answer for the key");
        let deleted = self.delete(bucket, std::slice::from_ref(key)).await?.pop().ok_or_else(nothing)?;
        match deleted.error {
            Some(error) => Err(error),
            None => Ok(deleted),
        }
    }
    /// Asks for an archived version's bytes. `Ok(true)` when they are readable already.
    async fn restore_archived(&self, request: &RestoreArchived) -> Answer<bool>;
}
