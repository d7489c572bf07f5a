//! The engine's store trait over the model.

use crate::faults::{Fault, mix};
use crate::model::{Author, Content, Model, Upload, Version, crc64, md5};
use crate::wire::{Passage, Wire, World};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use s3twin_engine::model::{ChecksumType, ETag, EntryKind, Page, PageBuilder, Row, StorageClass, Timestamp};
use s3twin_engine::s3::*;

fn entry(version: &Version, is_latest: bool) -> Row {
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

fn info(version: &Version, versioning: Versioning) -> ObjectInfo {
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

fn number_of(parts: usize) -> u32 {
    u32::try_from(parts).expect("few")
}

fn slice(body: &Bytes, range: Option<(u64, u64)>) -> Bytes {
    let place = |offset: u64| usize::try_from(offset).expect("small");
    range.map_or_else(|| body.clone(), |(first, last)| body.slice(place(first)..=place(last)))
}

impl World {
    /// Entries a page may have.
    fn room(&self, passage: &Passage, max_keys: u16) -> usize {
        let room = self.page.min(usize::from(max_keys)).max(1);
        let short = usize::try_from(mix(passage.chance) % room as u64).expect("small");
        if passage.fault == Some(Fault::ShortPage) { short.max(1) } else { room }
    }

    fn find(&mut self, passage: &Passage, id: &ObjectId) -> Answer<(Version, Versioning)> {
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

    fn check_guard(&mut self, passage: &Passage, key: &str, guard: &Guard) -> Answer<()> {
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

    fn source(&mut self, passage: &Passage, id: &ObjectId, if_match: Option<&ETag>) -> Answer<Version> {
        let (version, _) = self.find(passage, id)?;
        if if_match.is_some_and(|etag| *etag != version.etag) {
            return Err(passage.error(Kind::Changed, Some("PreconditionFailed"), 412));
        }
        Ok(version)
    }

    fn write(&mut self, bucket: &str, key: &str, content: Content) -> Written {
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

    fn delete_one(&mut self, passage: &Passage, wish: &DeleteKey) -> Deleted {
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

    fn complete(&mut self, passage: &Passage, r: &CompleteUpload) -> Answer<Written> {
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

    fn content(&self, write: &WriteAttributes, body: Bytes, parts: Vec<usize>) -> Content {
        Content {
            body,
            parts,
            kms: false,
            checksum: write.checksum.is_some(),
            metadata: write.metadata.clone().unwrap_or_default(),
            tags: write.tags.clone().unwrap_or_default(),
        }
    }

    fn part(&mut self, passage: &Passage, id: &UploadId, number: u32, body: Bytes) -> Answer<UploadedPart> {
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
fn deliver(passage: &Passage, info: ObjectInfo, body: &Bytes) -> Body {
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

fn joined(frames: &[Bytes]) -> Bytes {
    frames.concat().into()
}

#[async_trait]
impl Store for Wire {
    fn service(&self) -> &str {
        self.service
    }

    async fn list_objects(&self, r: &ListObjects) -> Answer<Page> {
        let what = format!("{} {}", r.prefix, r.start_after);
        let passage = self.enter(Operation::ListObjectsV2, &r.bucket, &what).await?;
        let page = {
            let mut world = self.world();
            let room = world.room(&passage, r.max_keys);
            let place = world.model.buckets.get_mut(&r.bucket).expect("a bucket");
            let mut builder = PageBuilder::new();
            let beyond = place.keys.iter_mut().filter(|(key, _)| {
                key.starts_with(&r.prefix) && (r.start_after.is_empty() || **key > r.start_after)
            });
            let mut found = beyond.filter_map(|(key, versions)| {
                Some((key, versions.last_mut().filter(|version| !version.is_marker())?))
            });
            for (key, version) in found.by_ref().take(room) {
                version.seen = true;
                builder.push(key, "", entry(version, true)).expect("short");
            }
            builder.page_mut().truncated = found.next().is_some();
            builder.finish()
        };
        self.leave(&passage, Ok(page)).await
    }

    async fn list_versions(&self, r: &ListVersions) -> Answer<Page> {
        let what = format!("{} {} {:?}", r.prefix, r.key_marker, r.version_id_marker);
        let passage = self.enter(Operation::ListObjectVersions, &r.bucket, &what).await?;
        let page = list_versions(&mut self.world(), &passage, r);
        self.leave(&passage, Ok(page)).await
    }

    async fn list_uploads(&self, bucket: &str, prefix: &str) -> Answer<Vec<PendingUpload>> {
        let passage = self.enter(Operation::ListMultipartUploads, bucket, prefix).await?;
        let found = {
            let world = self.world();
            let of = world.model.uploads.iter();
            let below = of.filter(|(_, upload)| upload.bucket == bucket && upload.key.starts_with(prefix));
            let named = below.map(|(id, upload)| PendingUpload {
                upload: UploadId { bucket: bucket.into(), key: upload.key.clone(), upload_id: id.clone() },
                initiated: Timestamp::from_seconds(upload.begun),
            });
            named.collect()
        };
        self.leave(&passage, Ok(found)).await
    }

    async fn head_bucket(&self, bucket: &str) -> Answer<()> {
        let passage = self.enter(Operation::HeadBucket, bucket, "").await?;
        self.leave(&passage, Ok(())).await
    }

    async fn versioning(&self, bucket: &str) -> Answer<Versioning> {
        let passage = self.enter(Operation::GetBucketVersioning, bucket, "").await?;
        let versioning = self.world().model.bucket(bucket).versioning;
        self.leave(&passage, Ok(versioning)).await
    }

    async fn head(&self, r: &HeadObject) -> Answer<ObjectInfo> {
        let what = format!("{} {:?} {:?}", r.id.key, r.id.version_id, r.part_number);
        let passage = self.enter(Operation::HeadObject, &r.id.bucket, &what).await?;
        let answer = self.world().find(&passage, &r.id).and_then(|(version, versioning)| {
            let mut info = info(&version, versioning);
            if r.checksum {
                info.checksums.extend(version.checksum.clone());
            }
            let Some(number) = r.part_number.filter(|_| !version.parts.is_empty()) else { return Ok(info) };
            let Some(size) = version.parts.get(number as usize - 1) else {
                return Err(passage.error(Kind::Invalid, Some("InvalidPart"), 400));
            };
            info.size = *size as u64;
            info.parts_count = Some(number_of(version.parts.len()));
            Ok(info)
        });
        self.leave(&passage, answer).await
    }

    async fn attributes(&self, id: &ObjectId) -> Answer<Attributes> {
        let what = format!("{} {:?}", id.key, id.version_id);
        let passage = self.enter(Operation::GetObjectAttributes, &id.bucket, &what).await?;
        let answer = self.world().find(&passage, id).map(|(version, _)| Attributes {
            size: version.size(),
            etag: Some(version.etag.clone()),
            checksums: version.checksum.clone().into_iter().collect(),
            parts_count: Some(number_of(version.parts.len())).filter(|count| *count > 0),
            ..Attributes::default()
        });
        self.leave(&passage, answer).await
    }

    async fn get(&self, r: &GetObject) -> Answer<Body> {
        let what = format!("{} {:?} {:?}", r.id.key, r.id.version_id, r.range);
        let mut passage = self.enter(Operation::GetObject, &r.id.bucket, &what).await?;
        let answer = self.world().find(&passage, &r.id).and_then(|(version, versioning)| {
            if r.if_match.as_ref().is_some_and(|etag| *etag != version.etag) {
                return Err(passage.error(Kind::Changed, Some("PreconditionFailed"), 412));
            }
            // Of bytes without any digest a wrong one cannot be told; nor of a range of a large plain object
            // without a checksum, whose ETag is that of the whole.
            let ranged = r.range.is_some() && version.parts.is_empty() && version.checksum.is_none();
            if (version.kms || ranged) && passage.fault == Some(Fault::Flipped) {
                passage.fault = None;
            }
            let body = version.body.clone().unwrap_or_default();
            Ok(deliver(&passage, info(&version, versioning), &slice(&body, r.range)))
        });
        self.leave(&passage, answer).await
    }

    async fn tags(&self, id: &ObjectId) -> Answer<Vec<(String, String)>> {
        let passage = self.enter(Operation::GetObjectTagging, &id.bucket, &id.key).await?;
        let answer = self.world().find(&passage, id).map(|(version, _)| version.tags);
        self.leave(&passage, answer).await
    }

    async fn put_tags(&self, id: &ObjectId, _: &[(String, String)]) -> Answer<()> {
        let passage = self.enter(Operation::PutObjectTagging, &id.bucket, &id.key).await?;
        Err(passage.error(Kind::Unsupported, Some("NotImplemented"), 501))
    }

    async fn acl(&self, id: &ObjectId) -> Answer<String> {
        let passage = self.enter(Operation::GetObjectAcl, &id.bucket, &id.key).await?;
        Err(passage.error(Kind::Unsupported, Some("NotImplemented"), 501))
    }

    async fn put(&self, r: &PutObject) -> Answer<Written> {
        let passage = self.enter(Operation::PutObject, &r.bucket, &r.key).await?;
        let answer = {
            let mut world = self.world();
            let body = joined(&r.frames);
            if r.checksum.as_ref().is_some_and(|checksum| *checksum != crc64(&body)) {
                world.sins.push(format!("{}: a checksum that is not that of the bytes", r.key));
            }
            world.check_guard(&passage, &r.key, &r.guard).map(|()| {
                let mut content = world.content(&r.write, body, Vec::new());
                content.checksum |= r.checksum.is_some();
                world.write(&r.bucket, &r.key, content)
            })
        };
        self.leave(&passage, answer).await
    }

    async fn copy(&self, r: &CopyObject) -> Answer<Written> {
        let passage = self.enter(Operation::CopyObject, &r.bucket, &r.key).await?;
        let answer = {
            let mut world = self.world();
            let source = world.source(&passage, &r.source, r.source_if_match.as_ref());
            source.and_then(|source| {
                world.check_guard(&passage, &r.key, &r.guard)?;
                let content = Content {
                    body: source.body.clone().unwrap_or_default(),
                    checksum: source.checksum.is_some() || r.write.checksum.is_some(),
                    metadata: r.write.metadata.clone().unwrap_or(source.metadata),
                    tags: r.write.tags.clone().unwrap_or(source.tags),
                    ..Content::default()
                };
                Ok(world.write(&r.bucket, &r.key, content))
            })
        };
        self.leave(&passage, answer).await
    }

    async fn create_upload(&self, r: &CreateUpload) -> Answer<UploadId> {
        let passage = self.enter(Operation::CreateMultipartUpload, &r.bucket, &r.key).await?;
        let id = {
            let mut world = self.world();
            world.tick();
            let upload_id = format!("u{:05}", world.model.fresh());
            let upload = Upload {
                bucket: r.bucket.clone(),
                key: r.key.clone(),
                write: r.write.clone(),
                parts: std::collections::BTreeMap::new(),
                begun: world.model.now,
                author: Author::Engine,
            };
            world.model.uploads.insert(upload_id.clone(), upload);
            UploadId { bucket: r.bucket.clone(), key: r.key.clone(), upload_id }
        };
        self.leave(&passage, Ok(id)).await
    }

    async fn upload_part(&self, r: &UploadPart) -> Answer<UploadedPart> {
        let what = format!("{} {}", r.upload.key, r.part_number);
        let passage = self.enter(Operation::UploadPart, &r.upload.bucket, &what).await?;
        let answer = {
            let mut world = self.world();
            let body = joined(&r.frames);
            if r.checksum.as_ref().is_some_and(|checksum| *checksum != crc64(&body)) {
                world.sins.push(format!("{what}: a checksum that is not that of the bytes"));
            }
            world.part(&passage, &r.upload, r.part_number, body)
        };
        self.leave(&passage, answer).await
    }

    async fn copy_part(&self, r: &CopyPart) -> Answer<UploadedPart> {
        let what = format!("{} {}", r.upload.key, r.part_number);
        let passage = self.enter(Operation::UploadPartCopy, &r.upload.bucket, &what).await?;
        let answer = {
            let mut world = self.world();
            let source = world.source(&passage, &r.source, r.source_if_match.as_ref());
            source.and_then(|source| {
                let body = slice(&source.body.unwrap_or_default(), r.range);
                world.part(&passage, &r.upload, r.part_number, body)
            })
        };
        self.leave(&passage, answer).await
    }

    async fn complete_upload(&self, r: &CompleteUpload) -> Answer<Written> {
        let bucket = &r.upload.bucket;
        let passage = self.enter(Operation::CompleteMultipartUpload, bucket, &r.upload.key).await?;
        let answer = self.world().complete(&passage, r);
        self.leave(&passage, answer).await
    }

    async fn abort_upload(&self, upload: &UploadId) -> Answer<()> {
        let bucket = &upload.bucket;
        let passage = self.enter(Operation::AbortMultipartUpload, bucket, &upload.upload_id).await?;
        let answer = {
            let mut world = self.world();
            match world.model.uploads.remove(&upload.upload_id) {
                Some(upload) if upload.author != Author::Engine => {
                    world.sins.push(format!("{}: somebody else's upload was aborted", upload.key));
                    Ok(())
                }
                Some(_) => Ok(()),
                None => Err(passage.error(Kind::NoSuchUpload, Some("NoSuchUpload"), 404)),
            }
        };
        self.leave(&passage, answer).await
    }

    async fn delete(&self, bucket: &str, keys: &[DeleteKey]) -> Answer<Vec<Deleted>> {
        let what = keys.first().map_or("", |first| first.key.as_str());
        let passage = self.enter(Operation::DeleteObjects, bucket, what).await?;
        let answer: Vec<Deleted> = {
            let mut world = self.world();
            keys.iter().map(|wish| world.delete_one(&passage, wish)).collect()
        };
        self.leave(&passage, Ok(answer)).await
    }

    async fn restore_archived(&self, r: &RestoreArchived) -> Answer<bool> {
        let passage = self.enter(Operation::RestoreObject, &r.id.bucket, &r.id.key).await?;
        Err(passage.error(Kind::Unsupported, Some("NotImplemented"), 501))
    }
}

fn list_versions(world: &mut World, passage: &Passage, r: &ListVersions) -> Page {
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
