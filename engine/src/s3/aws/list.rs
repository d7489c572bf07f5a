//! List pages: signed and sent by the SDK, read by our own scanner.
//!
//! The SDK's XML reader costs twenty times a scanner, and it splits versions and delete markers into two
//! lists, which loses their order within a second. So an interceptor takes the body of a successful answer
//! away before the SDK reads it and leaves an empty document in its place; errors stay with the SDK.

use super::AwsStore;
use super::classify::{Target, chain, service_kind};
use crate::model::Page;
use crate::s3::page::{ListKind, ListReader, PageError};
use crate::s3::{Answer, Kind, ListObjects, ListVersions, Operation, S3Error};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sdk_s3::types::{EncodingType, OptionalObjectAttributes};
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A list page that stops arriving for this long is given up on and asked for again. Applies to: list bodies.
const PAGE_STALL: Duration = Duration::from_secs(30);

/// Takes the body of a successful answer out of the SDK's hands.
#[derive(Clone, Debug)]
struct Capture {
    body: Arc<Mutex<Option<SdkBody>>>,
    /// The document left in its place: the SDK insists on the root element.
    empty: &'static str,
}

impl Capture {
    fn new(kind: ListKind) -> Self {
        let empty = match kind {
            ListKind::Objects => "<ListBucketResult/>",
            ListKind::Versions => "<ListVersionsResult/>",
        };
        Self { body: Arc::default(), empty }
    }

    fn take(&self) -> Option<SdkBody> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Intercept for Capture {
    fn name(&self) -> &'static str {
        "s3twin list page capture"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        if response.status().is_success() {
            let body = std::mem::replace(response.body_mut(), SdkBody::from(self.empty));
            *self.body.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
        Ok(())
    }
}

pub(super) async fn objects(store: &AwsStore, r: &ListObjects) -> Answer<Page> {
    let target = Target::bucket(Operation::ListObjectsV2, &r.bucket);
    let capture = Capture::new(ListKind::Objects);
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
    let capture = Capture::new(ListKind::Versions);
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
    let Some(body) = capture.take() else {
        return Err(target.error(Kind::Protocol, "the answer had no body"));
    };
    let mut reader = ListReader::new(kind);
    let mut body = ByteStream::new(body);
    loop {
        match tokio::time::timeout(PAGE_STALL, body.try_next()).await {
            Ok(Ok(Some(chunk))) => reader.push(&chunk).map_err(|error| page_error(target, error))?,
            Ok(Ok(None)) => return reader.finish().map_err(|error| page_error(target, error)),
            Ok(Err(error)) => return Err(target.error(Kind::Transient, chain(&error))),
            Err(_) => return Err(target.error(Kind::Transient, "the list page stopped arriving")),
        }
    }
}

fn page_error(target: Target<'_>, error: PageError) -> S3Error {
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
