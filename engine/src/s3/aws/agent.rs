//! What every request says of its sender: who we are, and nothing that has to be composed each time.
//!
//! The SDK builds two user agents, an invocation id and a retry counter for every request, and signs them. With
//! its retries off the latter say nothing, and the former took 4 % of the CPU of a small copy.

use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::disable_interceptor;

/// Found in the access logs of a bucket.
const USER_AGENT: &str = concat!("s3twin/", env!("CARGO_PKG_VERSION"));

/// Names the program in place of the SDK.
#[derive(Debug)]
pub(super) struct Agent;

impl Intercept for Agent {
    fn name(&self) -> &'static str {
        "s3twin user agent"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let why = "the same for every request";
        config
            .interceptor_state()
            .store_put(disable_interceptor::<UserAgentInterceptor>(why))
            .store_put(disable_interceptor::<InvocationIdInterceptor>(why))
            .store_put(disable_interceptor::<RequestInfoInterceptor>(why));
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().headers_mut().insert("user-agent", USER_AGENT);
        Ok(())
    }
}
