//! The engine's store trait over the model.

use crate::answers::{deliver, entry, info, joined, list_versions, number_of, slice};
use crate::faults::Fault;
use crate::model::{Author, Content, Upload, crc64};
use crate::wire::Wire;
use async_trait::async_trait;
use s3twin_engine::model::{Page, PageBuilder, Timestamp};
use s3twin_engine::s3::*;

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
