//! What a file cannot hold of its object, as JSON in the folder's `.s3twin/meta`.

use crate::model::Timestamp;
use crate::s3::{Encryption, Lock, Metadata, ObjectInfo};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the schema.
pub const SIDECAR_SCHEMA: &str = "s3twin.object/1";

/// One object version that became a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar {
    /// [`SIDECAR_SCHEMA`].
    pub schema: String,
    /// The key, relative to the location that was restored.
    pub key: String,
    /// Version id.
    pub version_id: Option<String>,
    /// Bytes.
    pub size: u64,
    /// ETag without quotes.
    pub etag: Option<String>,
    /// When it was written; the file has the same date.
    pub last_modified: Timestamp,
    /// Storage class.
    pub storage_class: String,
    /// CRC-64/NVME of the file's bytes, in hexadecimal: what tells later whether it is still as it was written.
    pub crc64nvme: String,
    /// How the bytes were proved, when they were.
    pub proof: Option<String>,
    /// System headers by their names.
    pub headers: BTreeMap<String, String>,
    /// User metadata.
    pub metadata: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Object lock: `mode`, `retain-until`, `legal-hold`.
    pub lock: BTreeMap<String, String>,
    /// Encryption at rest: `algorithm`, `kms-key-id`.
    pub encryption: BTreeMap<String, String>,
}

impl Sidecar {
    /// Of a version that was read.
    #[must_use]
    pub fn new(key: &str, info: &ObjectInfo, tags: Vec<(String, String)>) -> Self {
        Self {
            schema: SIDECAR_SCHEMA.to_owned(),
            key: key.to_owned(),
            version_id: info.version_id.clone(),
            size: info.size,
            etag: info.etag.as_ref().map(ToString::to_string),
            last_modified: info.last_modified,
            storage_class: info.storage_class.name().to_owned(),
            crc64nvme: String::new(),
            proof: None,
            headers: headers(&info.metadata),
            metadata: info.metadata.user.clone(),
            tags: tags.into_iter().collect(),
            lock: lock(&info.lock),
            encryption: encryption(&info.encryption),
        }
    }
}

fn present<const N: usize>(fields: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn headers(metadata: &Metadata) -> BTreeMap<String, String> {
    present([
        ("content-type", metadata.content_type.clone()),
        ("cache-control", metadata.cache_control.clone()),
        ("content-disposition", metadata.content_disposition.clone()),
        ("content-encoding", metadata.content_encoding.clone()),
        ("content-language", metadata.content_language.clone()),
        ("expires", metadata.expires.clone()),
        ("x-amz-website-redirect-location", metadata.website_redirect.clone()),
    ])
}

fn lock(lock: &Lock) -> BTreeMap<String, String> {
    present([
        ("mode", lock.mode.clone()),
        ("retain-until", lock.retain_until.map(|until| until.to_string())),
        ("legal-hold", lock.legal_hold.then(|| "ON".to_owned())),
    ])
}

fn encryption(encryption: &Encryption) -> BTreeMap<String, String> {
    present([
        ("algorithm", encryption.algorithm.clone()),
        ("kms-key-id", encryption.kms_key_id.clone()),
        ("customer-key", encryption.customer_key.then(|| "true".to_owned())),
    ])
}
