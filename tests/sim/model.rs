//! A naive object store: buckets of keys with their versions, oldest first. Right because it is simple; it
//! shares no code with the engine, whose types appear only where the two meet.

use bytes::Bytes;
use s3twin_engine::model::{Checksum, ChecksumAlgorithm, ETag};
use s3twin_engine::s3::{Metadata, Versioning, WriteAttributes};
use s3twin_fixtures::{checksum, etag};
use std::collections::BTreeMap;

/// Who wrote a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    /// There before any run.
    History,
    /// The run.
    Engine,
    /// Somebody else, during the run.
    Writer,
}

#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) id: String,
    /// `None` for a delete marker.
    pub(crate) body: Option<Bytes>,
    /// Sizes of the parts, when it was uploaded in parts.
    pub(crate) parts: Vec<usize>,
    /// Encrypted with a key of its own: the ETag is no digest.
    pub(crate) kms: bool,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) etag: ETag,
    pub(crate) metadata: Metadata,
    pub(crate) tags: Vec<(String, String)>,
    /// Seconds.
    pub(crate) at: i64,
    pub(crate) author: Author,
    /// The engine was told of it.
    pub(crate) seen: bool,
}

/// One line: a failure shows whole histories.
impl std::fmt::Debug for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} by {:?} at {}", self.id, self.author, self.at % 1_000)?;
        match &self.body {
            None => f.write_str(" marker"),
            Some(body) => {
                write!(f, " {} bytes {:?}", body.len(), body.slice(..body.len().min(8)))?;
                let (kms, checksum) = (self.kms, self.checksum.is_some());
                write!(f, " parts {:?} kms {kms} checksum {checksum} etag {}", self.parts, self.etag)
            }
        }
    }
}

impl Version {
    pub(crate) fn size(&self) -> u64 {
        self.body.as_ref().map_or(0, |body| body.len() as u64)
    }

    pub(crate) fn is_marker(&self) -> bool {
        self.body.is_none()
    }
}

/// What is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub(crate) body: Bytes,
    pub(crate) parts: Vec<usize>,
    pub(crate) kms: bool,
    pub(crate) checksum: bool,
    pub(crate) metadata: Metadata,
    pub(crate) tags: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Bucket {
    pub(crate) versioning: Versioning,
    /// Everything written is encrypted with a key of its own.
    pub(crate) kms: bool,
    pub(crate) keys: BTreeMap<String, Vec<Version>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) write: WriteAttributes,
    pub(crate) parts: BTreeMap<u32, Bytes>,
    pub(crate) begun: i64,
    pub(crate) author: Author,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) buckets: BTreeMap<String, Bucket>,
    pub(crate) uploads: BTreeMap<String, Upload>,
    /// Seconds.
    pub(crate) now: i64,
    pub(crate) counter: u64,
}

pub(crate) fn md5(body: &Bytes) -> [u8; 16] {
    etag::md5_of(std::slice::from_ref(body))
}

pub(crate) fn crc64(body: &Bytes) -> Checksum {
    let text = checksum::Algorithm::Crc64Nvme.value(std::slice::from_ref(body));
    Checksum::parse(ChecksumAlgorithm::Crc64nvme, &text).expect("a checksum")
}

fn etag_of(content: &Content, salt: u64) -> ETag {
    if content.kms {
        let hidden = Bytes::from(format!("sealed {salt}"));
        return match content.parts.len() {
            0 => ETag::Plain(md5(&hidden)),
            parts => ETag::Multipart { digest: md5(&hidden), parts: u32::try_from(parts).expect("few") },
        };
    }
    if content.parts.is_empty() {
        return ETag::Plain(md5(&content.body));
    }
    let mut rest = content.body.clone();
    let md5s: Vec<[u8; 16]> = content.parts.iter().map(|size| md5(&rest.split_to(*size))).collect();
    ETag::parse(&etag::multipart(&md5s))
}

impl Bucket {
    /// The current object; a delete marker is none.
    pub(crate) fn current(&self, key: &str) -> Option<&Version> {
        self.keys.get(key)?.last().filter(|version| !version.is_marker())
    }

    /// All current objects below a prefix, by relative key.
    pub(crate) fn objects(&self, prefix: &str) -> BTreeMap<String, &Version> {
        let below = self.keys.keys().filter_map(|key| key.strip_prefix(prefix));
        let current = below.filter_map(|relative| {
            Some((relative.to_owned(), self.current(&format!("{prefix}{relative}"))?))
        });
        current.collect()
    }
}

impl Model {
    pub(crate) fn bucket(&self, name: &str) -> &Bucket {
        &self.buckets[name]
    }

    pub(crate) fn fresh(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Puts a version on top.
    pub(crate) fn put(&mut self, bucket: &str, key: &str, mut content: Content, author: Author) -> Version {
        let number = self.fresh();
        let at = self.now;
        let place = self.buckets.get_mut(bucket).expect("a bucket");
        content.kms |= place.kms;
        let version = Version {
            id: String::new(),
            etag: etag_of(&content, number),
            checksum: content.checksum.then(|| crc64(&content.body)),
            body: Some(content.body),
            parts: content.parts,
            kms: content.kms,
            metadata: content.metadata,
            tags: content.tags,
            at,
            author,
            seen: false,
        };
        place.push(key, version, number)
    }

    /// DELETE without a version.
    pub(crate) fn delete(&mut self, bucket: &str, key: &str, author: Author) -> Option<String> {
        let number = self.fresh();
        let at = self.now;
        let place = self.buckets.get_mut(bucket).expect("a bucket");
        if place.versioning == Versioning::Off {
            place.keys.remove(key);
            return None;
        }
        let marker = Version {
            id: String::new(),
            body: None,
            parts: Vec::new(),
            kms: false,
            checksum: None,
            etag: ETag::Opaque("".into()),
            metadata: Metadata::default(),
            tags: Vec::new(),
            at,
            author,
            seen: false,
        };
        Some(place.push(key, marker, number).id)
    }

    /// DELETE of one version, for good.
    pub(crate) fn remove(&mut self, bucket: &str, key: &str, id: &str) {
        let place = self.buckets.get_mut(bucket).expect("a bucket");
        if let Some(versions) = place.keys.get_mut(key) {
            versions.retain(|version| version.id != id);
            if versions.is_empty() {
                place.keys.remove(key);
            }
        }
    }
}

impl Bucket {
    fn push(&mut self, key: &str, mut version: Version, number: u64) -> Version {
        let versions = self.keys.entry(key.to_owned()).or_default();
        version.id = match self.versioning {
            Versioning::Enabled => format!("v{number:05}"),
            Versioning::Suspended => {
                versions.retain(|version| version.id != "null");
                "null".to_owned()
            }
            Versioning::Off => {
                versions.clear();
                "null".to_owned()
            }
        };
        versions.push(version.clone());
        version
    }
}
