//! A scripted store in memory: enough of S3 to try the copy engine's decisions, and faults on demand.

use crate::list::Side;
use crate::model::{Checksum, ChecksumAlgorithm, ChecksumType, ETag, Page, StorageClass, Timestamp};
use crate::s3::*;
use crate::verify::digest::digest;
use crate::verify::kind::{HashKind, Wanted};
use crate::verify::multipart::multipart_etag;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

/// What happens to the next request of an operation.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// Nothing happens to this one.
    Pass,
    /// Refused without effect.
    Refuse(Kind, &'static str),
    /// Takes effect, but no answer arrives.
    Lose,
    /// Neither effect nor answer.
    Drop,
    /// The body of a GET breaks after so many bytes.
    Break(usize),
    /// The body of a GET has a byte changed.
    Flip,
    /// Another writer puts this object before the request is served.
    Overtake(&'static str, &'static [u8]),
}

/// What kind of server it is.
#[derive(Clone, Debug)]
pub(super) struct Traits {
    pub(super) conditional: bool,
    pub(super) copies: bool,
    pub(super) part_numbers: bool,
    pub(super) attributes: bool,
    pub(super) checksums: bool,
    /// ETags are no digests.
    pub(super) kms: bool,
    pub(super) versioned: bool,
}

impl Default for Traits {
    fn default() -> Self {
        Self {
            conditional: true,
            copies: true,
            part_numbers: true,
            attributes: true,
            checksums: true,
            kms: false,
            versioned: true,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Stored {
    pub(super) body: Vec<u8>,
    pub(super) etag: Option<ETag>,
    pub(super) version: String,
    pub(super) parts: Vec<u64>,
    pub(super) checksums: Vec<Checksum>,
    pub(super) write: WriteAttributes,
    pub(super) marker: bool,
    pub(super) at: i64,
}

#[derive(Default)]
struct Upload {
    create: CreateUpload,
    parts: BTreeMap<u32, Vec<u8>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<(String, String), Vec<Stored>>,
    uploads: BTreeMap<String, Upload>,
    faults: VecDeque<(Operation, Fault)>,
    log: Vec<Operation>,
    now: i64,
}

pub(super) struct Double {
    service: &'static str,
    pub(super) traits: Mutex<Traits>,
    state: Mutex<State>,
}

fn md5(body: &[u8]) -> [u8; 16] {
    digest(Wanted::MD5, body).md5().unwrap()
}

pub(super) fn crc64(body: &[u8]) -> Checksum {
    let digests = digest(Wanted::of(HashKind::Crc64Nvme), body);
    let value = digests.get(HashKind::Crc64Nvme).unwrap().into();
    Checksum { algorithm: ChecksumAlgorithm::Crc64nvme, value, parts: None }
}

impl Double {
    pub(super) fn new(service: &'static str) -> Arc<Self> {
        Arc::new(Self { service, traits: Mutex::default(), state: Mutex::default() })
    }

    pub(super) fn side(self: &Arc<Self>, location: &str) -> Side {
        Side::new(Arc::clone(self) as Arc<dyn Store>, location.parse().unwrap())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn script(&self, operation: Operation, fault: Fault) {
        self.state().faults.push_back((operation, fault));
    }

    /// Operations so far, and forgets them.
    pub(super) fn log(&self) -> Vec<Operation> {
        std::mem::take(&mut self.state().log)
    }

    pub(super) fn open_uploads(&self) -> usize {
        self.state().uploads.len()
    }

    /// All versions, oldest first.
    pub(super) fn versions(&self, bucket: &str, key: &str) -> Vec<Stored> {
        self.state().objects.get(&(bucket.into(), key.into())).cloned().unwrap_or_default()
    }

    pub(super) fn current(&self, bucket: &str, key: &str) -> Option<Stored> {
        self.versions(bucket, key).pop().filter(|stored| !stored.marker)
    }

    /// Puts an object there; with part sizes as a multipart one.
    pub(super) fn put_there(&self, bucket: &str, key: &str, body: &[u8], parts: &[u64]) -> Stored {
        self.put_with(bucket, key, body, parts, WriteAttributes::default())
    }

    pub(super) fn put_with(
        &self,
        bucket: &str,
        key: &str,
        body: &[u8],
        parts: &[u64],
        write: WriteAttributes,
    ) -> Stored {
        let traits = self.traits.lock().unwrap().clone();
        self.state().store(&traits, (bucket, key), body.to_vec(), parts.to_vec(), write)
    }

    /// Gives the current version another ETag.
    pub(super) fn set_etag(&self, bucket: &str, key: &str, etag: &str) {
        let mut state = self.state();
        let versions = state.objects.get_mut(&(bucket.into(), key.into())).unwrap();
        versions.last_mut().unwrap().etag = Some(ETag::parse(etag));
    }

    /// Takes the next fault of the operation and logs it.
    fn enter(&self, operation: Operation, bucket: &str) -> Answer<Fault> {
        let fault = {
            let mut state = self.state();
            state.log.push(operation);
            let place = state.faults.iter().position(|(at, _)| *at == operation);
            place.and_then(|place| state.faults.remove(place)).map_or(Fault::Pass, |(_, fault)| fault)
        };
        match fault {
            Fault::Refuse(kind, code) => {
                let mut error = S3Error::local(kind, operation, bucket, "scripted");
                error.code = Some(code.into());
                Err(error)
            }
            Fault::Drop => Err(lost(operation, bucket)),
            Fault::Overtake(key, body) => {
                self.put_there(bucket, key, body, &[]);
                Ok(Fault::Pass)
            }
            other => Ok(other),
        }
    }

    fn find(&self, operation: Operation, id: &ObjectId) -> Answer<Stored> {
        let versions = self.versions(&id.bucket, &id.key);
        let found = match &id.version_id {
            None => versions.last(),
            Some(version) => versions.iter().find(|stored| stored.version == *version),
        };
        found.filter(|stored| !stored.marker).cloned().ok_or_else(|| {
            let mut error = S3Error::local(Kind::NotFound, operation, &id.bucket, "none").on_key(&id.key);
            error.status = Some(404);
            error
        })
    }

    fn check_guard(&self, operation: Operation, bucket: &str, key: &str, guard: &Guard) -> Answer<()> {
        if *guard == Guard::None {
            return Ok(());
        }
        let current = self.current(bucket, key);
        if !self.traits.lock().unwrap().conditional {
            return Err(coded(Kind::Unsupported, "NotImplemented", operation, bucket));
        }
        match (guard, current) {
            (Guard::Matches(_), None) => Err(coded(Kind::NotFound, "NoSuchKey", operation, bucket)),
            (Guard::Absent, Some(_)) => Err(coded(Kind::Changed, "PreconditionFailed", operation, bucket)),
            (Guard::Matches(etag), Some(stored)) if stored.etag.as_ref() != Some(etag) => {
                Err(coded(Kind::Changed, "PreconditionFailed", operation, bucket))
            }
            _ => Ok(()),
        }
    }

    fn source(&self, operation: Operation, id: &ObjectId, if_match: Option<&ETag>) -> Answer<Stored> {
        if !self.traits.lock().unwrap().copies {
            return Err(coded(Kind::Unsupported, "NotImplemented", operation, &id.bucket));
        }
        let source = self.find(operation, id)?;
        if if_match.is_some() && if_match != source.etag.as_ref() {
            return Err(coded(Kind::Changed, "PreconditionFailed", operation, &id.bucket));
        }
        Ok(source)
    }

    fn write(
        &self,
        fault: &Fault,
        operation: Operation,
        (bucket, key): (&str, &str),
        (body, parts): (Vec<u8>, Vec<u64>),
        write: WriteAttributes,
    ) -> Answer<Written> {
        let traits = self.traits.lock().unwrap().clone();
        let stored = self.state().store(&traits, (bucket, key), body, parts, write);
        if matches!(fault, Fault::Lose) {
            return Err(lost(operation, bucket));
        }
        Ok(Written {
            etag: stored.etag,
            version_id: traits.versioned.then_some(stored.version),
            checksums: stored.checksums,
            ..Written::default()
        })
    }

    fn with_upload<T>(
        &self,
        id: &UploadId,
        operation: Operation,
        use_it: impl FnOnce(&mut Upload) -> T,
    ) -> Answer<T> {
        match self.state().uploads.get_mut(&id.upload_id) {
            Some(upload) => Ok(use_it(upload)),
            None => Err(coded(Kind::NoSuchUpload, "NoSuchUpload", operation, &id.bucket)),
        }
    }

    fn take_part(
        &self,
        fault: &Fault,
        operation: Operation,
        id: &UploadId,
        number: u32,
        body: Vec<u8>,
    ) -> Answer<UploadedPart> {
        let part = UploadedPart {
            part_number: number,
            size: body.len() as u64,
            etag: Some(ETag::Plain(md5(&body))),
            checksums: self.traits.lock().unwrap().checksums.then(|| crc64(&body)).into_iter().collect(),
        };
        self.with_upload(id, operation, |upload| upload.parts.insert(number, body))?;
        if matches!(fault, Fault::Lose) { Err(lost(operation, &id.bucket)) } else { Ok(part) }
    }

    fn info(&self, stored: &Stored) -> ObjectInfo {
        let traits = self.traits.lock().unwrap();
        ObjectInfo {
            size: stored.body.len() as u64,
            etag: stored.etag.clone(),
            version_id: traits.versioned.then(|| stored.version.clone()),
            last_modified: Timestamp::from_seconds(stored.at),
            storage_class: stored.write.storage_class.clone().unwrap_or(StorageClass::Standard),
            metadata: stored.write.metadata.clone().unwrap_or_default(),
            tag_count: stored.write.tags.as_ref().map_or(0, |tags| u32::try_from(tags.len()).unwrap()),
            encryption: Encryption {
                algorithm: Some(if traits.kms { "aws:kms" } else { "AES256" }.into()),
                ..Encryption::default()
            },
            ..ObjectInfo::default()
        }
    }
}

fn lost(operation: Operation, bucket: &str) -> S3Error {
    S3Error::local(Kind::Transient, operation, bucket, "connection reset")
}

fn coded(kind: Kind, code: &str, operation: Operation, bucket: &str) -> S3Error {
    let mut error = S3Error::local(kind, operation, bucket, code);
    error.code = Some(code.into());
    error
}

impl State {
    fn store(
        &mut self,
        traits: &Traits,
        (bucket, key): (&str, &str),
        body: Vec<u8>,
        parts: Vec<u64>,
        write: WriteAttributes,
    ) -> Stored {
        self.now += 1;
        let etag = if traits.kms {
            ETag::Plain(md5(format!("kms {}", self.now).as_bytes()))
        } else if parts.is_empty() {
            ETag::Plain(md5(&body))
        } else {
            let mut rest = &body[..];
            let md5s = parts.iter().map(|size| {
                let (part, after) = rest.split_at(usize::try_from(*size).unwrap());
                rest = after;
                md5(part)
            });
            ETag::parse(&multipart_etag(&md5s.collect::<Vec<_>>()))
        };
        let checksums = traits.checksums.then(|| crc64(&body)).into_iter().collect();
        let version = format!("v{}", self.now);
        let stored =
            Stored { body, etag: Some(etag), version, parts, checksums, write, marker: false, at: self.now };
        let versions = self.objects.entry((bucket.into(), key.into())).or_default();
        if !traits.versioned {
            versions.clear();
        }
        versions.push(stored.clone());
        stored
    }
}

#[async_trait]
impl Store for Double {
    fn service(&self) -> &str {
        self.service
    }

    async fn list_objects(&self, r: &ListObjects) -> Answer<Page> {
        Err(coded(Kind::Unsupported, "NotImplemented", Operation::ListObjectsV2, &r.bucket))
    }

    async fn list_versions(&self, r: &ListVersions) -> Answer<Page> {
        Err(coded(Kind::Unsupported, "NotImplemented", Operation::ListObjectVersions, &r.bucket))
    }

    async fn list_uploads(&self, bucket: &str, _: &str) -> Answer<Vec<PendingUpload>> {
        Err(coded(Kind::Unsupported, "NotImplemented", Operation::ListMultipartUploads, bucket))
    }

    async fn head_bucket(&self, _: &str) -> Answer<()> {
        Ok(())
    }

    async fn versioning(&self, _: &str) -> Answer<Versioning> {
        Ok(Versioning::Enabled)
    }

    async fn head(&self, r: &HeadObject) -> Answer<ObjectInfo> {
        self.enter(Operation::HeadObject, &r.id.bucket)?;
        let stored = self.find(Operation::HeadObject, &r.id)?;
        let mut info = self.info(&stored);
        let numbers = self.traits.lock().unwrap().part_numbers;
        match r.part_number.filter(|_| numbers) {
            Some(number) if !stored.parts.is_empty() => {
                let Some(size) = stored.parts.get(number as usize - 1) else {
                    return Err(coded(Kind::Invalid, "InvalidPart", Operation::HeadObject, &r.id.bucket));
                };
                info.size = *size;
                info.parts_count = u32::try_from(stored.parts.len()).ok();
            }
            _ if r.checksum => info.checksums = stored.checksums,
            _ => {}
        }
        Ok(info)
    }

    async fn attributes(&self, id: &ObjectId) -> Answer<Attributes> {
        self.enter(Operation::GetObjectAttributes, &id.bucket)?;
        if !self.traits.lock().unwrap().attributes {
            return Err(coded(
                Kind::Unsupported,
                "NotImplemented",
                Operation::GetObjectAttributes,
                &id.bucket,
            ));
        }
        let stored = self.find(Operation::GetObjectAttributes, id)?;
        let parts = (1..).zip(&stored.parts);
        Ok(Attributes {
            size: stored.body.len() as u64,
            parts: parts.map(|(number, size)| PartInfo { number, size: *size, checksums: vec![] }).collect(),
            ..Attributes::default()
        })
    }

    async fn get(&self, r: &GetObject) -> Answer<Body> {
        let fault = self.enter(Operation::GetObject, &r.id.bucket)?;
        let stored = self.find(Operation::GetObject, &r.id)?;
        if r.if_match.is_some() && r.if_match != stored.etag {
            return Err(coded(Kind::Changed, "PreconditionFailed", Operation::GetObject, &r.id.bucket));
        }
        let mut info = self.info(&stored);
        let mut body = match r.range {
            None => stored.body,
            Some((first, last)) => {
                stored.body[usize::try_from(first).unwrap()..=usize::try_from(last).unwrap()].to_vec()
            }
        };
        info.size = body.len() as u64;
        let length = info.size;
        let mut chunks = Vec::new();
        match fault {
            Fault::Break(after) if after < body.len() => {
                body.truncate(after);
                chunks.push(Err(lost(Operation::GetObject, &r.id.bucket)));
            }
            Fault::Flip => body[0] ^= 1,
            _ => {}
        }
        let frames: Vec<_> = body.chunks(3).map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
        let chunks = frames.into_iter().chain(chunks);
        Ok(Body { info, length, chunks: futures::stream::iter(chunks.collect::<Vec<_>>()).boxed() })
    }

    async fn tags(&self, id: &ObjectId) -> Answer<Vec<(String, String)>> {
        self.enter(Operation::GetObjectTagging, &id.bucket)?;
        Ok(self.find(Operation::GetObjectTagging, id)?.write.tags.unwrap_or_default())
    }

    async fn put_tags(&self, id: &ObjectId, _: &[(String, String)]) -> Answer<()> {
        Err(coded(Kind::Unsupported, "NotImplemented", Operation::PutObjectTagging, &id.bucket))
    }

    async fn acl(&self, id: &ObjectId) -> Answer<String> {
        Err(coded(Kind::Unsupported, "NotImplemented", Operation::GetObjectAcl, &id.bucket))
    }

    async fn put(&self, r: &PutObject) -> Answer<Written> {
        let operation = Operation::PutObject;
        let fault = self.enter(operation, &r.bucket)?;
        self.check_guard(operation, &r.bucket, &r.key, &r.guard)?;
        self.write(&fault, operation, (&r.bucket, &r.key), (r.frames.concat(), vec![]), r.write.clone())
    }

    async fn copy(&self, r: &CopyObject) -> Answer<Written> {
        let operation = Operation::CopyObject;
        let fault = self.enter(operation, &r.bucket)?;
        let source = self.source(operation, &r.source, r.source_if_match.as_ref())?;
        self.check_guard(operation, &r.bucket, &r.key, &r.guard)?;
        let mut write = r.write.clone();
        write.metadata = write.metadata.or(source.write.metadata);
        write.tags = write.tags.or(source.write.tags);
        self.write(&fault, operation, (&r.bucket, &r.key), (source.body, vec![]), write)
    }

    async fn create_upload(&self, r: &CreateUpload) -> Answer<UploadId> {
        self.enter(Operation::CreateMultipartUpload, &r.bucket)?;
        let mut state = self.state();
        state.now += 1;
        let upload_id = format!("u{}", state.now);
        state.uploads.insert(upload_id.clone(), Upload { create: r.clone(), parts: BTreeMap::new() });
        Ok(UploadId { bucket: r.bucket.clone(), key: r.key.clone(), upload_id })
    }

    async fn upload_part(&self, r: &UploadPart) -> Answer<UploadedPart> {
        let fault = self.enter(Operation::UploadPart, &r.upload.bucket)?;
        let body = r.frames.concat();
        if r.checksum
            .as_ref()
            .is_some_and(|c| c.algorithm == ChecksumAlgorithm::Crc64nvme && *c != crc64(&body))
        {
            return Err(coded(Kind::Corrupt, "BadDigest", Operation::UploadPart, &r.upload.bucket));
        }
        self.take_part(&fault, Operation::UploadPart, &r.upload, r.part_number, body)
    }

    async fn copy_part(&self, r: &CopyPart) -> Answer<UploadedPart> {
        let operation = Operation::UploadPartCopy;
        let fault = self.enter(operation, &r.upload.bucket)?;
        let mut body = self.source(operation, &r.source, r.source_if_match.as_ref())?.body;
        if let Some((first, last)) = r.range {
            body = body[usize::try_from(first).unwrap()..=usize::try_from(last).unwrap()].to_vec();
        }
        self.take_part(&fault, operation, &r.upload, r.part_number, body)
    }

    async fn complete_upload(&self, r: &CompleteUpload) -> Answer<Written> {
        let operation = Operation::CompleteMultipartUpload;
        let fault = self.enter(operation, &r.upload.bucket)?;
        let body = self.with_upload(&r.upload, operation, |upload| {
            let named = r.parts.iter().map(|part| upload.parts[&part.part_number].clone());
            (named.collect::<Vec<_>>(), upload.create.write.clone(), upload.create.checksum_type)
        })?;
        let (parts, write, kind) = body;
        let sizes = parts.iter().map(|part| part.len() as u64).collect::<Vec<_>>();
        assert_eq!(sizes.iter().sum::<u64>(), r.size);
        assert_ne!(kind, Some(ChecksumType::Composite), "this double stores full-object checksums only");
        let body = parts.concat();
        if r.checksum
            .as_ref()
            .is_some_and(|c| c.algorithm == ChecksumAlgorithm::Crc64nvme && *c != crc64(&body))
        {
            return Err(coded(Kind::Corrupt, "BadDigest", operation, &r.upload.bucket));
        }
        self.check_guard(operation, &r.upload.bucket, &r.upload.key, &r.guard)?;
        self.state().uploads.remove(&r.upload.upload_id);
        self.write(&fault, operation, (&r.upload.bucket, &r.upload.key), (body, sizes), write)
    }

    async fn abort_upload(&self, upload: &UploadId) -> Answer<()> {
        self.enter(Operation::AbortMultipartUpload, &upload.bucket)?;
        self.state().uploads.remove(&upload.upload_id);
        Ok(())
    }

    async fn delete(&self, bucket: &str, keys: &[DeleteKey]) -> Answer<Vec<Deleted>> {
        let operation = Operation::DeleteObjects;
        let fault = self.enter(operation, bucket)?;
        let mut answers = Vec::new();
        for key in keys {
            let guard = key.if_match.clone().map_or(Guard::None, Guard::Matches);
            let slow = matches!(fault, Fault::Break(_)) && answers.len() % 2 == 1;
            let error = match self.check_guard(operation, bucket, &key.key, &guard) {
                Ok(()) if slow => Some(coded(Kind::Transient, "InternalError", operation, bucket)),
                other => other.err(),
            };
            let mut version_id = key.version_id.clone();
            if error.is_none() {
                let mut state = self.state();
                state.now += 1;
                let marker = Stored { marker: true, version: format!("m{}", state.now), ..Stored::default() };
                let versions = state.objects.entry((bucket.into(), key.key.clone())).or_default();
                match &key.version_id {
                    Some(version) => versions.retain(|stored| stored.version != *version),
                    None => {
                        version_id = Some(marker.version.clone());
                        versions.push(marker);
                    }
                }
            }
            answers.push(Deleted { key: key.key.clone(), version_id, delete_marker: error.is_none(), error });
        }
        if matches!(fault, Fault::Lose) { Err(lost(operation, bucket)) } else { Ok(answers) }
    }

    async fn restore_archived(&self, r: &RestoreArchived) -> Answer<bool> {
        Err(coded(Kind::Unsupported, "NotImplemented", Operation::RestoreObject, &r.id.bucket))
    }
}
