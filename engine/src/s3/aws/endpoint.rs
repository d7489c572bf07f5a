//! Where a bucket is: the SDK's rules, asked once per bucket.
//!
//! The SDK goes through its endpoint rules twice for every request, once for the URL and once for the way to sign.
//! Their answer depends on the bucket and on what kind of request it is, never on the key, but the SDK's own memory
//! is of one answer and counts the key.

use aws_sdk_s3::config::endpoint::{DefaultResolver, Endpoint, EndpointFuture, Params, ResolveEndpoint};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// Remembers an endpoint per bucket and kind of request. For one client: what else the rules look at is its
/// configuration.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    rules: DefaultResolver,
    known: RwLock<HashMap<String, Vec<(Sort, Endpoint)>>>,
}

/// What an operation, not its input, tells the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sort {
    express_control: Option<bool>,
    no_express_session: Option<bool>,
    no_access_points: Option<bool>,
    object_lambda: Option<bool>,
}

impl Sort {
    fn of(params: &Params) -> Self {
        Self {
            express_control: params.use_s3_express_control_endpoint(),
            no_express_session: params.disable_s3_express_session_auth(),
            no_access_points: params.disable_access_points(),
            object_lambda: params.use_object_lambda_endpoint(),
        }
    }
}

impl Remembered {
    fn recall(&self, bucket: &str, sort: Sort) -> Option<Endpoint> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let endpoints = known.get(bucket)?;
        endpoints.iter().find(|(of, _)| *of == sort).map(|(_, endpoint)| endpoint.clone())
    }

    fn remember(&self, bucket: &str, sort: Sort, endpoint: Endpoint) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let endpoints = known.entry(bucket.to_owned()).or_default();
        if endpoints.iter().all(|(of, _)| *of != sort) {
            endpoints.push((sort, endpoint));
        }
    }
}

impl ResolveEndpoint for Remembered {
    fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
        let (bucket, sort) = (params.bucket().unwrap_or_default(), Sort::of(params));
        if let Some(endpoint) = self.recall(bucket, sort) {
            return EndpointFuture::ready(Ok(endpoint));
        }
        EndpointFuture::new(async move {
            let endpoint = ResolveEndpoint::resolve_endpoint(&self.rules, params).await?;
            self.remember(bucket, sort, endpoint.clone());
            Ok(endpoint)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::config::endpoint::ParamsBuilder;

    fn params(bucket: &str, key: &str) -> ParamsBuilder {
        Params::builder().bucket(bucket).key(key).region("eu-central-1")
    }

    /// Whatever was asked before, the answer is that of the rules.
    #[tokio::test]
    async fn it_says_what_the_rules_say() {
        let (remembered, rules) = (Remembered::default(), DefaultResolver::new());
        let buckets = ["plain", "with.dots", "express--use1-az4--x-s3"];
        let asked = buckets.iter().flat_map(|bucket| {
            [
                params(bucket, "a"),
                params(bucket, "another/key").disable_s3_express_session_auth(true),
                params(bucket, "b"),
                params(bucket, "").use_s3_express_control_endpoint(true),
                params(bucket, "c").disable_s3_express_session_auth(true),
            ]
        });
        for params in asked {
            let params = params.build().unwrap();
            let said = ResolveEndpoint::resolve_endpoint(&remembered, &params).await.unwrap();
            let right = ResolveEndpoint::resolve_endpoint(&rules, &params).await.unwrap();
            assert_eq!(said, right, "{params:?}");
        }
        let known = remembered.known.read().unwrap();
        assert_eq!(known.len(), 3);
        assert!(known.values().all(|of| of.len() == 3));
    }

    #[tokio::test]
    async fn a_refusal_is_not_remembered() {
        let remembered = Remembered::default();
        let params = params("arn:aws:not-s3:us-west-2:123456789012:accesspoint:x", "k").build().unwrap();
        assert!(ResolveEndpoint::resolve_endpoint(&remembered, &params).await.is_err());
        assert!(remembered.known.read().unwrap().is_empty());
    }
}
