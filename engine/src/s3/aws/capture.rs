//! Bodies that we read ourselves: an interceptor takes the body of a successful answer away before the SDK reads it
//! and leaves an empty document in its place. Errors stay with the SDK.

use super::classify::{Target, chain};
use crate::s3::{Answer, Kind};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A body that stops arriving for this long is given up on and asked for again. Applies to: captured bodies.
const STALL: Duration = Duration::from_secs(30);

/// Takes the body of a successful answer out of the SDK's hands.
#[derive(Clone, Debug)]
pub(super) struct Capture {
    body: Arc<Mutex<Option<SdkBody>>>,
    /// The document left in its place: the SDK insists on the root element.
    empty: &'static str,
}

impl Capture {
    pub(super) fn new(empty: &'static str) -> Self {
        Self { body: Arc::default(), empty }
    }

    /// Hands out the body chunk by chunk: it is never held whole.
    pub(super) async fn read(
        &self,
        target: Target<'_>,
        mut each: impl FnMut(&[u8]) -> Answer<()>,
    ) -> Answer<()> {
        let Some(body) = self.body.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Err(target.error(Kind::Protocol, "the answer had no body"));
        };
        let mut body = ByteStream::new(body);
        loop {
            match tokio::time::timeout(STALL, body.try_next()).await {
                Ok(Ok(Some(chunk))) => each(&chunk)?,
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(target.error(Kind::Transient, chain(&error))),
                Err(_) => return Err(target.error(Kind::Transient, "the answer stopped arriving")),
            }
        }
    }
}

impl Intercept for Capture {
    fn name(&self) -> &'static str {
        "s3twin body capture"
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
