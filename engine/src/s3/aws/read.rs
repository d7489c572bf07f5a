//! Reads: HEAD, attributes, ranged GET, tags, ACL, bucket state.

use super::AwsStore;
use super::capture::Capture;
use super::classify::{Target, chain};
use super::convert::{self, metadata, stored_checksums, with_key};
use super::list::page_error;
use crate::model::{ChecksumAlgorithm, Timestamp};
use crate::s3::page::{MAX_VERSIONING_BODY, read_versioning};
use crate::s3::{
    Answer, Attributes, Body, Encryption, GetObject, HeadObject, Kind, Lock, ObjectId, ObjectInfo, Operation,
    PartInfo, Versioning,
};
use aws_sdk_s3::types::{ChecksumMode, ObjectAttributes, ObjectLockLegalHoldStatus, ObjectLockMode};
use futures::StreamExt as _;
use std::time::Duration;

/// A body that delivers nothing for this long is given up on; the caller goes on at the next byte.
/// Applies to: GET bodies.
const BODY_STALL: Duration = Duration::from_secs(30);

pub(super) async fn head_bucket(store: &AwsStore, bucket: &str) -> Answer<()> {
    let target = Target::bucket(Operation::HeadBucket, bucket);
    store.client.head_bucket().bucket(bucket).send().await.map_err(|error| target.classify(&error))?;
    Ok(())
}

pub(super) async fn versioning(store: &AwsStore, bucket: &str) -> Answer<Versioning> {
    let target = Target::bucket(Operation::GetBucketVersioning, bucket);
    let body = versioning_body(store, bucket).await?;
    read_versioning(&body).map(|settings| settings.state).map_err(|error| page_error(target, error))
}

/// The document as it came: the SDK knows one name for it only.
pub(super) async fn versioning_body(store: &AwsStore, bucket: &str) -> Answer<Vec<u8>> {
    let target = Target::bucket(Operation::GetBucketVersioning, bucket);
    let capture = Capture::new("<VersioningConfiguration/>");
    let request = store.client.get_bucket_versioning().bucket(bucket);
    let sent = request.customize().interceptor(capture.clone()).send();
    sent.await.map_err(|error| target.classify(&error))?;
    let mut body = Vec::new();
    let keep = |chunk: &[u8]| {
        // What is longer than a document may be is refused by its reader.
        if body.len() <= MAX_VERSIONING_BODY {
            body.extend_from_slice(chunk);
        }
        Ok(())
    };
    capture.read(target, keep).await?;
    Ok(body)
}

/// The fields that HEAD and GET outputs share by name but not by type.
macro_rules! object_info {
    ($output:expr) => {{
        let output = $output;
        ObjectInfo {
            size: convert::size(output.content_length()),
            etag: convert::etag(output.e_tag()),
            version_id: output.version_id().map(str::to_owned),
            last_modified: convert::time(output.last_modified()),
            storage_class: convert::storage_class(output.storage_class()),
            checksums: stored_checksums!(output),
            checksum_type: convert::checksum_type(output.checksum_type()),
            parts_count: convert::count(output.parts_count()),
            encryption: Encryption {
                algorithm: output.server_side_encryption().map(|sse| sse.as_str().to_owned()),
                kms_key_id: output.ssekms_key_id().map(str::to_owned),
                customer_key: output.sse_customer_algorithm().is_some(),
            },
            metadata: metadata!(output),
            tag_count: convert::count(output.tag_count()).unwrap_or_default(),
            lock: Lock {
                mode: output.object_lock_mode().map(ObjectLockMode::as_str).map(str::to_owned),
                retain_until: output
                    .object_lock_retain_until_date()
                    .and_then(|date| date.to_millis().ok())
                    .map(Timestamp::from_millis),
                legal_hold: output.object_lock_legal_hold_status() == Some(&ObjectLockLegalHoldStatus::On),
            },
            replication_status: output.replication_status().map(|status| status.as_str().to_owned()),
            archive_status: None,
            restore: output.restore().map(str::to_owned),
        }
    }};
}

pub(super) async fn head(store: &AwsStore, r: &HeadObject) -> Answer<ObjectInfo> {
    let target = Target::key(Operation::HeadObject, &r.id.bucket, &r.id.key);
    let request = store
        .client
        .head_object()
        .bucket(&r.id.bucket)
        .key(&r.id.key)
        .set_version_id(r.id.version_id.clone())
        .set_part_number(r.part_number.and_then(|number| i32::try_from(number).ok()))
        .set_checksum_mode(r.checksum.then_some(ChecksumMode::Enabled));
    let sent = with_key!(request, r.id.customer_key).send();
    let output = sent.await.map_err(|error| target.classify(&error))?;
    let mut info = object_info!(&output);
    info.archive_status = output.archive_status().map(|status| status.as_str().to_owned());
    Ok(info)
}

pub(super) async fn get(store: &AwsStore, r: &GetObject) -> Answer<Body> {
    let target = Target::key(Operation::GetObject, &r.id.bucket, &r.id.key);
    let request = store
        .client
        .get_object()
        .bucket(&r.id.bucket)
        .key(&r.id.key)
        .set_version_id(r.id.version_id.clone())
        .set_range(r.range.map(|(first, last)| format!("bytes={first}-{last}")))
        .set_if_match(r.if_match.as_ref().map(crate::model::ETag::quoted));
    let sent = with_key!(request, r.id.customer_key).send();
    let mut output = sent.await.map_err(|error| target.classify(&error))?;
    let info = object_info!(&output);
    let length = info.size;
    let body = std::mem::take(&mut output.body);
    let (bucket, key) = (r.id.bucket.clone(), r.id.key.clone());
    // Ends after the first error: what follows a broken frame is not the object.
    let chunks = futures::stream::unfold(Some(body), move |body| {
        let (bucket, key) = (bucket.clone(), key.clone());
        async move {
            let mut body = body?;
            let target = Target::key(Operation::GetObject, &bucket, &key);
            match tokio::time::timeout(BODY_STALL, body.try_next()).await {
                Ok(Ok(Some(chunk))) => Some((Ok(chunk), Some(body))),
                Ok(Ok(None)) => None,
                Ok(Err(error)) => Some((Err(target.error(Kind::Transient, chain(&error))), None)),
                Err(_) => Some((Err(target.error(Kind::Transient, "the body stopped arriving")), None)),
            }
        }
    });
    Ok(Body { info, length, chunks: chunks.boxed() })
}

pub(super) async fn attributes(store: &AwsStore, id: &ObjectId) -> Answer<Attributes> {
    let target = Target::key(Operation::GetObjectAttributes, &id.bucket, &id.key);
    let mut result = Attributes::default();
    let mut marker = None;
    loop {
        let request = store
            .client
            .get_object_attributes()
            .bucket(&id.bucket)
            .key(&id.key)
            .set_version_id(id.version_id.clone())
            .set_part_number_marker(marker.take())
            .max_parts(1000)
            .object_attributes(ObjectAttributes::Etag)
            .object_attributes(ObjectAttributes::Checksum)
            .object_attributes(ObjectAttributes::ObjectParts)
            .object_attributes(ObjectAttributes::ObjectSize);
        let sent = with_key!(request, id.customer_key).send();
        let output = sent.await.map_err(|error| target.classify(&error))?;
        result.size = convert::size(output.object_size());
        result.etag = convert::etag(output.e_tag());
        if let Some(checksum) = output.checksum() {
            result.checksums = stored_checksums!(checksum);
            result.checksum_type = convert::checksum_type(checksum.checksum_type());
        }
        let Some(parts) = output.object_parts() else { return Ok(result) };
        result.parts_count = convert::count(parts.total_parts_count());
        result.parts.extend(parts.parts().iter().map(|part| PartInfo {
            number: convert::count(part.part_number()).unwrap_or_default(),
            size: convert::size(part.size()),
            checksums: stored_checksums!(part),
        }));
        let next = parts.next_part_number_marker().map(str::to_owned);
        // No more than S3's 10,000 parts can follow, whatever a server claims.
        if parts.is_truncated() != Some(true) || next.is_none() || result.parts.len() >= 10_000 {
            return Ok(result);
        }
        marker = next;
    }
}

pub(super) async fn tags(store: &AwsStore, id: &ObjectId) -> Answer<Vec<(String, String)>> {
    let target = Target::key(Operation::GetObjectTagging, &id.bucket, &id.key);
    let sent = store
        .client
        .get_object_tagging()
        .bucket(&id.bucket)
        .key(&id.key)
        .set_version_id(id.version_id.clone())
        .send();
    let output = sent.await.map_err(|error| target.classify(&error))?;
    Ok(output.tag_set().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect())
}

pub(super) async fn acl(store: &AwsStore, id: &ObjectId) -> Answer<String> {
    let target = Target::key(Operation::GetObjectAcl, &id.bucket, &id.key);
    let sent = store
        .client
        .get_object_acl()
        .bucket(&id.bucket)
        .key(&id.key)
        .set_version_id(id.version_id.clone())
        .send();
    let output = sent.await.map_err(|error| target.classify(&error))?;
    let mut grants: Vec<String> = output
        .grants()
        .iter()
        .map(|grant| {
            let grantee = grant.grantee();
            let who = grantee.and_then(|g| g.id().or(g.uri()).or(g.email_address())).unwrap_or("?");
            format!("{who}={}", grant.permission().map_or("?", |permission| permission.as_str()))
        })
        .collect();
    grants.sort();
    Ok(grants.join(","))
}
