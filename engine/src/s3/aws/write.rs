//! Writes: PUT, server-side copies, multipart uploads, deletes, restores from archive.

use super::AwsStore;
use super::classify::Target;
use super::convert::{
    self, stored_checksums, with_checksum, with_key, with_metadata, with_placement, with_source_key,
};
use crate::model::{ChecksumAlgorithm, ChecksumType, ETag, Timestamp};
use crate::s3::{
    Answer, CompleteUpload, CopyObject, CopyPart, CreateUpload, DeleteKey, Deleted, Guard, Kind, ObjectId,
    Operation, PutObject, RestoreArchived, S3Error, UploadId, UploadPart, UploadedPart, Written,
};
use aws_sdk_s3::types;

/// `If-Match` and `If-None-Match` out of a guard.
fn conditions(guard: &Guard) -> (Option<String>, Option<String>) {
    match guard {
        Guard::None => (None, None),
        Guard::Absent => (None, Some("*".to_owned())),
        Guard::Matches(etag) => (Some(etag.quoted()), None),
    }
}

fn length(frames: &[bytes::Bytes]) -> i64 {
    i64::try_from(frames.iter().map(bytes::Bytes::len).sum::<usize>()).unwrap_or(i64::MAX)
}

fn part_number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub(super) async fn put(store: &AwsStore, r: &PutObject) -> Answer<Written> {
    let target = Target::key(Operation::PutObject, &r.bucket, &r.key);
    let (if_match, if_none_match) = conditions(&r.guard);
    let request = store
        .client
        .put_object()
        .bucket(&r.bucket)
        .key(&r.key)
        .set_if_match(if_match)
        .set_if_none_match(if_none_match)
        .content_length(length(&r.frames))
        .set_tagging(r.write.tags.as_deref().filter(|tags| !tags.is_empty()).map(convert::tagging));
    let request = with_checksum!(request, r.checksum.as_ref());
    let request = with_placement!(request, &r.write);
    let request = match &r.write.metadata {
        Some(metadata) => with_metadata!(request, metadata),
        None => request,
    };
    let sent = request.body(convert::body(&r.frames)).customize().disable_payload_signing().send();
    let output = sent.await.map_err(|error| target.classify(&error))?;
    Ok(Written {
        etag: convert::etag(output.e_tag()),
        version_id: output.version_id().map(str::to_owned),
        source_version_id: None,
        checksums: stored_checksums!(&output),
        last_modified: None,
    })
}

pub(super) async fn copy(store: &AwsStore, r: &CopyObject) -> Answer<Written> {
    let target = Target::key(Operation::CopyObject, &r.bucket, &r.key);
    let (if_match, if_none_match) = conditions(&r.guard);
    let request = store
        .client
        .copy_object()
        .bucket(&r.bucket)
        .key(&r.key)
        .copy_source(convert::copy_source(&r.source))
        .set_copy_source_if_match(r.source_if_match.as_ref().map(ETag::quoted))
        .set_if_match(if_match)
        .set_if_none_match(if_none_match)
        .set_checksum_algorithm(r.write.checksum.map(convert::sdk_algorithm));
    let request = with_placement!(with_source_key!(request, r.source.customer_key), &r.write);
    let request = match &r.write.metadata {
        None => request,
        Some(metadata) => {
            with_metadata!(request.metadata_directive(types::MetadataDirective::Replace), metadata)
        }
    };
    let request = match &r.write.tags {
        None => request,
        Some(tags) => {
            request.tagging_directive(types::TaggingDirective::Replace).tagging(convert::tagging(tags))
        }
    };
    let output = request.send().await.map_err(|error| target.classify(&error))?;
    let Some(result) = output.copy_object_result() else {
        return Err(target.error(Kind::Transient, "the answer names no result"));
    };
    Ok(Written {
        etag: convert::etag(result.e_tag()),
        version_id: output.version_id().map(str::to_owned),
        source_version_id: output.copy_source_version_id().map(str::to_owned),
        checksums: stored_checksums!(result),
        last_modified: result.last_modified().and_then(|at| at.to_millis().ok()).map(Timestamp::from_millis),
    })
}

pub(super) async fn create_upload(store: &AwsStore, r: &CreateUpload) -> Answer<UploadId> {
    let target = Target::key(Operation::CreateMultipartUpload, &r.bucket, &r.key);
    let request = store
        .client
        .create_multipart_upload()
        .bucket(&r.bucket)
        .key(&r.key)
        .set_checksum_algorithm(r.write.checksum.map(convert::sdk_algorithm))
        .set_checksum_type(r.checksum_type.map(convert::sdk_checksum_type))
        .set_tagging(r.write.tags.as_deref().filter(|tags| !tags.is_empty()).map(convert::tagging));
    let request = with_placement!(request, &r.write);
    let request = match &r.write.metadata {
        Some(metadata) => with_metadata!(request, metadata),
        None => request,
    };
    let output = request.send().await.map_err(|error| target.classify(&error))?;
    match output.upload_id() {
        Some(id) => Ok(UploadId { bucket: r.bucket.clone(), key: r.key.clone(), upload_id: id.to_owned() }),
        None => Err(target.error(Kind::Protocol, "the answer names no upload id")),
    }
}

pub(super) async fn upload_part(store: &AwsStore, r: &UploadPart) -> Answer<UploadedPart> {
    let target = Target::key(Operation::UploadPart, &r.upload.bucket, &r.upload.key);
    let request = store
        .client
        .upload_part()
        .bucket(&r.upload.bucket)
        .key(&r.upload.key)
        .upload_id(&r.upload.upload_id)
        .part_number(part_number(r.part_number))
        .content_length(length(&r.frames));
    let request = with_key!(with_checksum!(request, r.checksum.as_ref()), r.customer_key);
    let sent = request.body(convert::body(&r.frames)).customize().disable_payload_signing().send();
    let output = sent.await.map_err(|error| target.classify(&error))?;
    Ok(UploadedPart {
        part_number: r.part_number,
        size: convert::size(Some(length(&r.frames))),
        etag: convert::etag(output.e_tag()),
        checksums: stored_checksums!(&output),
    })
}

pub(super) async fn copy_part(store: &AwsStore, r: &CopyPart) -> Answer<UploadedPart> {
    let target = Target::key(Operation::UploadPartCopy, &r.upload.bucket, &r.upload.key);
    let request = store
        .client
        .upload_part_copy()
        .bucket(&r.upload.bucket)
        .key(&r.upload.key)
        .upload_id(&r.upload.upload_id)
        .part_number(part_number(r.part_number))
        .copy_source(convert::copy_source(&r.source))
        .set_copy_source_range(r.range.map(|(first, last)| format!("bytes={first}-{last}")))
        .set_copy_source_if_match(r.source_if_match.as_ref().map(ETag::quoted));
    let request = with_key!(with_source_key!(request, r.source.customer_key), r.customer_key);
    let output = request.send().await.map_err(|error| target.classify(&error))?;
    let Some(result) = output.copy_part_result() else {
        return Err(target.error(Kind::Transient, "the answer names no result"));
    };
    Ok(UploadedPart {
        part_number: r.part_number,
        // The answer does not say; without a range only the caller knows.
        size: r.range.map_or(0, |(first, last)| last.saturating_sub(first).saturating_add(1)),
        etag: convert::etag(result.e_tag()),
        checksums: stored_checksums!(result),
    })
}

pub(super) async fn complete_upload(store: &AwsStore, r: &CompleteUpload) -> Answer<Written> {
    let target = Target::key(Operation::CompleteMultipartUpload, &r.upload.bucket, &r.upload.key);
    let parts = r.parts.iter().map(|part| {
        let builder = types::CompletedPart::builder()
            .part_number(part_number(part.part_number))
            .set_e_tag(part.etag.as_ref().map(ETag::quoted));
        with_checksum!(builder, part.checksums.first()).build()
    });
    let upload = types::CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
    let (if_match, if_none_match) = conditions(&r.guard);
    let request = store
        .client
        .complete_multipart_upload()
        .bucket(&r.upload.bucket)
        .key(&r.upload.key)
        .upload_id(&r.upload.upload_id)
        .multipart_upload(upload)
        .set_mpu_object_size(i64::try_from(r.size).ok())
        .set_if_match(if_match)
        .set_if_none_match(if_none_match);
    let request = with_key!(request, r.customer_key);
    let request = match &r.checksum {
        None => request,
        Some(checksum) => with_checksum!(
            request.checksum_type(convert::sdk_checksum_type(ChecksumType::FullObject)),
            Some(checksum)
        ),
    };
    let output = request.send().await.map_err(|error| target.classify(&error))?;
    Ok(Written {
        etag: convert::etag(output.e_tag()),
        version_id: output.version_id().map(str::to_owned),
        source_version_id: None,
        checksums: stored_checksums!(&output),
        last_modified: None,
    })
}

pub(super) async fn abort_upload(store: &AwsStore, upload: &UploadId) -> Answer<()> {
    let target = Target::key(Operation::AbortMultipartUpload, &upload.bucket, &upload.key);
    let sent = store
        .client
        .abort_multipart_upload()
        .bucket(&upload.bucket)
        .key(&upload.key)
        .upload_id(&upload.upload_id)
        .send();
    match sent.await.map_err(|error| target.classify(&error)) {
        // Gone is what we wanted.
        Err(error) if error.kind == Kind::NoSuchUpload => Ok(()),
        other => other.map(|_| ()),
    }
}

pub(super) async fn put_tags(store: &AwsStore, id: &ObjectId, tags: &[(String, String)]) -> Answer<()> {
    let target = Target::key(Operation::PutObjectTagging, &id.bucket, &id.key);
    let set = tags.iter().map(|(name, value)| types::Tag::builder().key(name).value(value).build());
    let set =
        set.collect::<Result<Vec<_>, _>>().map_err(|error| target.error(Kind::Invalid, error.to_string()))?;
    let tagging = types::Tagging::builder().set_tag_set(Some(set)).build();
    let tagging = tagging.map_err(|error| target.error(Kind::Invalid, error.to_string()))?;
    let sent = store
        .client
        .put_object_tagging()
        .bucket(&id.bucket)
        .key(&id.key)
        .set_version_id(id.version_id.clone())
        .tagging(tagging)
        .send();
    sent.await.map_err(|error| target.classify(&error))?;
    Ok(())
}

pub(super) async fn delete(store: &AwsStore, bucket: &str, keys: &[DeleteKey]) -> Answer<Vec<Deleted>> {
    let target = Target::bucket(Operation::DeleteObjects, bucket);
    let objects = keys.iter().map(|key| {
        types::ObjectIdentifier::builder()
            .key(&key.key)
            .set_version_id(key.version_id.clone())
            .set_e_tag(key.if_match.as_ref().map(ETag::quoted))
            .build()
    });
    let objects = objects
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| target.error(Kind::Invalid, error.to_string()))?;
    let request = types::Delete::builder().set_objects(Some(objects)).build();
    let request = request.map_err(|error| target.error(Kind::Invalid, error.to_string()))?;
    let sent = store.client.delete_objects().bucket(bucket).delete(request).send();
    let output = sent.await.map_err(|error| target.classify(&error))?;
    let done = output.deleted().iter().map(|deleted| Deleted {
        key: deleted.key().unwrap_or_default().to_owned(),
        version_id: deleted.delete_marker_version_id().or(deleted.version_id()).map(str::to_owned),
        delete_marker: deleted.delete_marker().unwrap_or_default(),
        error: None,
    });
    let failed = output.errors().iter().map(|error| {
        let key = error.key().unwrap_or_default();
        Deleted {
            key: key.to_owned(),
            version_id: error.version_id().map(str::to_owned),
            delete_marker: false,
            error: Some(per_key_error(bucket, key, error)),
        }
    });
    Ok(done.chain(failed).collect())
}

pub(super) async fn delete_one(store: &AwsStore, bucket: &str, key: &DeleteKey) -> Answer<Deleted> {
    let target = Target::key(Operation::DeleteObject, bucket, &key.key);
    let request = store
        .client
        .delete_object()
        .bucket(bucket)
        .key(&key.key)
        .set_version_id(key.version_id.clone())
        .set_if_match(key.if_match.as_ref().map(ETag::quoted));
    let output = request.send().await.map_err(|error| target.classify(&error))?;
    Ok(Deleted {
        key: key.key.clone(),
        version_id: output.version_id().map(str::to_owned).or_else(|| key.version_id.clone()),
        delete_marker: output.delete_marker().unwrap_or_default(),
        error: None,
    })
}

/// An error inside a 200: judged by its code alone.
fn per_key_error(bucket: &str, key: &str, error: &types::Error) -> S3Error {
    let code = error.code().unwrap_or_default();
    let kind = super::classify::service_kind(400, Some(code), Operation::DeleteObjects, None);
    let target = Target::key(Operation::DeleteObjects, bucket, key);
    let mut result = target.error(kind, error.message().unwrap_or_default());
    result.code = Some(code.to_owned());
    result
}

pub(super) async fn restore_archived(store: &AwsStore, r: &RestoreArchived) -> Answer<bool> {
    let target = Target::key(Operation::RestoreObject, &r.id.bucket, &r.id.key);
    let parameters = types::GlacierJobParameters::builder().tier(types::Tier::from(r.tier.as_str())).build();
    let parameters = parameters.map_err(|error| target.error(Kind::Invalid, error.to_string()))?;
    let request = types::RestoreRequest::builder()
        .days(i32::try_from(r.days).unwrap_or(i32::MAX))
        .glacier_job_parameters(parameters)
        .build();
    let sent = store
        .client
        .restore_object()
        .bucket(&r.id.bucket)
        .key(&r.id.key)
        .set_version_id(r.id.version_id.clone())
        .restore_request(request)
        .send();
    match sent.await.map_err(|error| target.classify(&error)) {
        Ok(_) => Ok(false),
        // Asked for already: 409 RestoreAlreadyInProgress.
        Err(error) if error.code.as_deref() == Some("RestoreAlreadyInProgress") => Ok(false),
        Err(error) => Err(error),
    }
}
