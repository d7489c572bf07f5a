//! What the naive store answers.

use crate::faults::{Fault, mix};
use crate::model::{Author, Content, Model, Version, crc64, md5};
use crate::wire::{Passage, World};
use bytes::Bytes;
use futures::StreamExt as _;
use s3twin_engine::model::{ChecksumType, ETag, EntryKind, Page, PageBuilder, Row, StorageClass, Timestamp};
use s3twin_engine::s3::*;

pub(crate) fn entry(version: &Version, is_latest: bool) -> Row {
    let mut row = Row::default();
    row.kind = if version.is_marker() { EntryKind::DeleteMarker } else { EntryKind::Object };
    row.is_latest = is_latest;
    row.size = version.size();
    row.last_modified = Timestamp::from_seconds(version.at);
    row.etag = (!version.is_marker()).then(|| version.etag.clone());
    if let Some(checksum) = &version.checksum {
        row.algorithms.insert(checksum.algorithm);
        row.checksum_type = Some(ChecksumType::FullObject);
    }
    row
}

pub(crate) fn info(version: &Version, versioning: Versioning) -> ObjectInfo {
    ObjectInfo {
        size: version.size(),
        etag: Some(version.etag.clone()),
        version_id: (versioning != Versioning::Off).then(|| version.id.clone()),
        last_modified: Timestamp::from_seconds(version.at),
        storage_class: StorageClass::Standard,
        metadata: version.metadata.clone(),
        tag_count: u32::try_from(version.tags.len()).expect("few"),
        encryption: Encryption {
            algorithm: Some(if version.kms { "aws:kms" } else { "AES256" }.into()),
            ..Encryption::default()
        },
        ..ObjectInfo::default()
    }
}

pub(crate) fn number_of(parts: usize) -> u32 {
    u32::try_from(parts).expect("few")
}

pub(crate) fn slice(body: &Bytes, range: Option<(u64, u64)>) -> Bytes {
    let place = |offset: u64| usize::try_from(offset).expect("small");
    range.map_or_else(|| body.clone(), |(first, last)| body.slice(place(first)..=place(last)))
}

impl World {
    /// Entries a page may have.
    pub(crate) fn room(&self, passage: &Passage, max_keys: u16) -> usize {
        let room = self.page.min(usize::from(max_keys)).max(1);
        let short = usize::try_from(mix(passage.chance) % room as u64).expect("small");
        if passage.fault == Some(Fault::ShortPage) { short.max(1) } else { room }
    }

    pub(crate) fn find(&mut self, passage: &Passage, id: &ObjectId) -> Answer<(Version, Versioning)> {
        let missing = || passage.error(Kind::NotFound, Some("NoSuchKey"), 404).on_key(&id.key);
        let place = self.model.buckets.get_mut(&id.bucket).expect("a bucket");
        let versions = place.keys.get_mut(&id.key).ok_or_else(missing)?;
        let found = match &id.version_id {
            None => versions.last_mut(),
            Some(wanted) => versions.iter_mut().find(|version| version.id == *wanted),
        };
        let found = found.ok_or_else(missing)?;
        found.seen = true;
        if !found.is_marker() {
            return Ok((found.clone(), place.versioning));
        }
        Err(match id.version_id {
            None => missing(),
            Some(_) => passage.error(Kind::DeleteMarker, Some("MethodNotAllowed"), 405),
        })
    }

    pub(crate) fn check_guard(&mut self, passage: &Passage, key: &str, guard: &Guard) -> Answer<()> {
        let current = self.model.bucket(&passage.bucket).current(key);
        let failed = || Err(passage.error(Kind::Changed, Some("PreconditionFailed"), 412).on_key(key));
        match (guard, current) {
            (Guard::Matches(_), None) => Err(passage.error(Kind::NotFound, Some("NoSuchKey"), 404)),
            (Guard::Absent, Some(_)) => failed(),
            (Guard::Matches(etag), Some(version)) if version.etag != *etag => failed(),
            (Guard::None, _) => {
                self.check_not_blind(&passage.bucket, key);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn source(
        &mut self,
        passage: &Passage,
        id: &ObjectId,
        if_match: Option<&ETag>,
    ) -> Answer<Version> {
        let (version, _) = self.find(passage, id)?;
        if if_match.is_some_and(|etag| *etag != version.etag) {
            return Err(passage.error(Kind::Changed, Some("PreconditionFailed"), 412));
        }
        Ok(version)
    }

    pub(crate) fn write(&mut self, bucket: &str, key: &str, content: Content) -> Written {
        self.tick();
        let version = self.model.put(bucket, key, content, Author::Engine);
        let versioned = self.model.bucket(bucket).versioning != Versioning::Off;
        Written {
            etag: Some(version.etag),
            version_id: versioned.then_some(version.id),
            checksums: version.checksum.into_iter().collect(),
            ..Written::default()
        }
    }

    pub(crate) fn delete_one(&mut self, passage: &Passage, wish: &DeleteKey) -> Deleted {
        let mut deleted = Deleted {
            key: wish.key.clone(),
            version_id: wish.version_id.clone(),
            delete_marker: false,
            error: None,
        };
        let first = self.faults.draw(
            Operation::DeleteObject,
            &format!("{} {:?}", wish.key, wish.version_id),
            self.number,
            self.epoch,
        );
        if first.0 == Some(Fault::Internal) && first.1.is_multiple_of(2) {
            deleted.error = Some(passage.error(Kind::Transient, Some("InternalError"), 500));
            return deleted;
        }
        if let Some(id) = &wish.version_id {
            self.model.remove(&passage.bucket, &wish.key, id);
            return deleted;
        }
        let current = self.model.bucket(&passage.bucket).current(&wish.key);
        match (&wish.if_match, current) {
            (Some(etag), Some(version)) if version.etag != *etag => {
                deleted.error = Some(passage.error(Kind::Changed, Some("PreconditionFailed"), 412));
                return deleted;
            }
            (Some(_), None) => {
                deleted.error = Some(passage.error(Kind::NotFound, Some("NoSuchKey"), 404));
                return deleted;
            }
            (None, _) => self.check_not_blind(&passage.bucket, &wish.key),
            _ => {}
        }
        self.tick();
        deleted.version_id = self.model.delete(&passage.bucket, &wish.key, Author::Engine);
        deleted.delete_marker = deleted.version_id.is_some();
        deleted
    }

    pub(crate) fn complete(&mut self, passage: &Passage, r: &CompleteUpload) -> Answer<Written> {
        let gone = || passage.error(Kind::NoSuchUpload, Some("NoSuchUpload"), 404);
        let upload = self.model.uploads.get(&r.upload.upload_id).cloned().ok_or_else(gone)?;
        self.check_guard(passage, &upload.key, &r.guard)?;
        let mut body = Vec::new();
        let mut parts = Vec::new();
        for part in &r.parts {
            let bytes = upload.parts.get(&part.part_number);
            let bytes = bytes.filter(|bytes| part.etag == Some(ETag::Plain(md5(bytes))));
            let invalid = || passage.error(Kind::Invalid, Some("InvalidPart"), 400);
            let bytes = bytes.ok_or_else(invalid)?;
            body.extend_from_slice(bytes);
            parts.push(bytes.len());
        }
        let body = Bytes::from(body);
        if r.size != body.len() as u64 || r.checksum.as_ref().is_some_and(|sum| *sum != crc64(&body)) {
            return Err(passage.error(Kind::Invalid, Some("InvalidRequest"), 400));
        }
        self.model.uploads.remove(&r.upload.upload_id);
        let content = self.content(&upload.write, body, parts);
        Ok(self.write(&upload.bucket, &upload.key, content))
    }

    pub(crate) fn content(&self, write: &WriteAttributes, body: Bytes, parts: Vec<usize>) -> Content {
        Content {
            body,
            parts,
            kms: false,
            checksum: write.checksum.is_some(),
            metadata: write.metadata.clone().unwrap_or_default(),
            tags: write.tags.clone().unwrap_or_default(),
        }
    }

    pub(crate) fn part(
        &mut self,
        passage: &Passage,
        id: &UploadId,
        number: u32,
        body: Bytes,
    ) -> Answer<UploadedPart> {
        let gone = || passage.error(Kind::NoSuchUpload, Some("NoSuchUpload"), 404);
        let upload = self.model.uploads.get_mut(&id.upload_id).ok_or_else(gone)?;
        let part = UploadedPart {
            part_number: number,
            size: body.len() as u64,
            etag: Some(ETag::Plain(md5(&body))),
            checksums: upload.write.checksum.map(|_| crc64(&body)).into_iter().collect(),
        };
        upload.parts.insert(number, body);
        Ok(part)
    }
}

/// A body as the network delivers it: in a few pieces, perhaps not all of them, perhaps not as they were sent.
pub(crate) fn deliver(passage: &Passage, info: ObjectInfo, body: &Bytes) -> Body {
    let mut bytes = body.to_vec();
    let chance = |salt: u64, below: usize| {
        usize::try_from(mix(passage.chance ^ salt) % below.max(1) as u64).expect("small")
    };
    let mut length = bytes.len() as u64;
    let mut broken = None;
    match passage.fault {
        Some(Fault::Truncated) if !bytes.is_empty() => {
            bytes.truncate(chance(1, bytes.len()));
            broken = (chance(2, 2) == 0).then(|| passage.error(Kind::Transient, None, 0));
        }
        Some(Fault::Flipped) if !bytes.is_empty() => {
            let place = chance(3, bytes.len());
            bytes[place] ^= 1 << chance(4, 8);
        }
        Some(Fault::WrongLength) => length += 1 + chance(5, 9) as u64,
        _ => {}
    }
    let bytes = Bytes::from(bytes);
    let half = chance(6, bytes.len() + 1);
    let pieces = [bytes.slice(..half), bytes.slice(half..)].into_iter().map(Ok);
    let chunks = futures::stream::iter(pieces.chain(broken.map(Err)).collect::<Vec<_>>()).boxed();
    Body { info, length, chunks }
}

pub(crate) fn joined(frames: &[Bytes]) -> Bytes {
    frames.concat().into()
}

pub(crate) fn list_versions(world: &mut World, passage: &Passage, r: &ListVersions) -> Page {
    let room = world.room(passage, r.max_keys);
    let Model { buckets, .. } = &mut world.model;
    let place = buckets.get_mut(&r.bucket).expect("a bucket");
    let mut all = Vec::new();
    for (key, versions) in place.keys.iter_mut().filter(|(key, _)| key.starts_with(&r.prefix)) {
        let mut newest_first: Vec<_> = versions.iter_mut().rev().enumerate().collect();
        if **key < *r.key_marker {
            continue;
        }
        if *key == r.key_marker {
            let Some(marker) = &r.version_id_marker else { continue };
            let place = newest_first.iter().position(|(_, version)| version.id == *marker);
            let rest = place.map_or(0, |place| place + 1);
            newest_first.drain(..rest);
        }
        all.extend(newest_first.into_iter().map(|(age, version)| (key, age == 0, version)));
    }
    let mut builder = PageBuilder::new();
    let truncated = all.len() > room;
    let mut last = None;
    for (key, is_latest, version) in all.into_iter().take(room) {
        version.seen = true;
        builder.push(key, &version.id, entry(version, is_latest)).expect("short");
        last = Some((key.clone(), version.id.clone()));
    }
    let page = builder.page_mut();
    page.truncated = truncated;
    if let Some((key, id)) = last.filter(|_| truncated) {
        page.next_key_marker = Some(key.into());
        page.next_version_id_marker = Some(id.into());
    }
    builder.finish()
}
