//! List pages: signed and sent by the SDK, read by our own scanner.
//!
//! The SDK's XML reader costs twenty times a scanner, and it splits versions and delete markers into two
//! lists, which loses their order within a second. See [`super::capture`].

use super::AwsStore;
use super::capture::Capture;
use super::classify::{Target, service_kind};
use crate::model::Page;
use crate::s3::page::{ListKind, ListReader, PageError};
use crate::s3::{Answer, Kind, ListObjects, ListVersions, Operation, S3Error};
use aws_sdk_s3::types::{EncodingType, OptionalObjectAttributes};

pub(super) async fn objects(store: &AwsStore, r: &ListObjects) -> Answer<Page> {
    let target = Target::bucket(Operation::ListObjectsV2, &r.bucket);
    let capture = Capture::new("<ListBucketResult/>");
    let start_after =
        (!r.start_after.is_empty() && r.continuation_token.is_none()).then(|| r.start_after.clone());
    let sent = store
        .client
        .list_objects_v2()
        .bucket(&r.bucket)
        .set_prefix((!r.prefix.is_empty()).then(|| r.prefix.clone()))
        .set_start_after(start_after)
        .set_continuation_token(r.continuation_token.clone())
        .max_keys(i32::from(r.max_keys))
        .encoding_type(EncodingType::Url)
        // Tells an archived object that can be read for now from one that cannot.
        .optional_object_attributes(OptionalObjectAttributes::RestoreStatus)
        .customize()
        .interceptor(capture.clone())
        .send();
    sent.await.map_err(|error| target.classify(&error))?;
    read_page(ListKind::Objects, target, &capture).await
}

pub(super) async fn versions(store: &AwsStore, r: &ListVersions) -> Answer<Page> {
    let target = Target::bucket(Operation::ListObjectVersions, &r.bucket);
    let capture = Capture::new("<ListVersionsResult/>");
    let sent = store
        .client
        .list_object_versions()
        .bucket(&r.bucket)
        .set_prefix((!r.prefix.is_empty()).then(|| r.prefix.clone()))
        .set_key_marker((!r.key_marker.is_empty()).then(|| r.key_marker.clone()))
        .set_version_id_marker(r.version_id_marker.clone())
        .max_keys(i32::from(r.max_keys))
        .encoding_type(EncodingType::Url)
        .optional_object_attributes(OptionalObjectAttributes::RestoreStatus)
        .customize()
        .interceptor(capture.clone())
        .send();
    sent.await.map_err(|error| target.classify(&error))?;
    read_page(ListKind::Versions, target, &capture).await
}

/// Reads the captured body chunk by chunk: the XML of a page is never held whole.
async fn read_page(kind: ListKind, target: Target<'_>, capture: &Capture) -> Answer<Page> {
    let mut reader = ListReader::new(kind);
    let push = |chunk: &[u8]| reader.push(chunk).map_err(|error| page_error(target, error));
    capture.read(target, push).await?;
    reader.finish().map_err(|error| page_error(target, error))
}

pub(super) fn page_error(target: Target<'_>, error: PageError) -> S3Error {
    match error {
        PageError::ErrorDocument { code, message } => {
            // A 200 with an error inside: judged by its code as if the status had said so.
            let mut result = target.error(service_kind(500, Some(&code), target.operation, None), message);
            result.code = Some(code.into());
            result
        }
        // A damaged page is worth another try (S3 facts, section 3.1).
        error if error.is_retryable() => target.error(Kind::Transient, error.to_string()),
        error => target.error(Kind::Protocol, error.to_string()),
    }
}
