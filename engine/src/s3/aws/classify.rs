//! SDK errors sorted into [`Kind`]s. The one place that looks at HTTP status and S3 error codes.

use crate::s3::{Kind, Operation, S3Error};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::http::Response;
use std::error::Error;

/// Where a request was aimed, for its error message.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) operation: Operation,
    pub(super) bucket: &'a str,
    pub(super) key: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(super) fn bucket(operation: Operation, bucket: &'a str) -> Self {
        Self { operation, bucket, key: None }
    }

    pub(super) fn key(operation: Operation, bucket: &'a str, key: &'a str) -> Self {
        Self { operation, bucket, key: Some(key) }
    }

    /// An error of our own making about this target.
    pub(super) fn error(self, kind: Kind, message: impl Into<String>) -> S3Error {
        let error = S3Error::local(kind, self.operation, self.bucket, message);
        match self.key {
            Some(key) => error.on_key(key),
            None => error,
        }
    }

    /// Sorts what the SDK reports.
    pub(super) fn classify<E>(self, error: &SdkError<E, Response>) -> S3Error
    where
        E: ProvideErrorMetadata + RequestId + Error + 'static,
    {
        match error {
            SdkError::ServiceError(service) => {
                let response = service.raw();
                let status = response.status().as_u16();
                let inner = service.err();
                let code = inner.code().filter(|code| !code.is_empty()).map(str::to_owned);
                let region = response.headers().get("x-amz-bucket-region").map(str::to_owned);
                let mut result = self.error(
                    service_kind(status, code.as_deref(), self.operation, region),
                    inner.message().map_or_else(|| status_text(status), str::to_owned),
                );
                result.status = Some(status);
                result.request_id = inner.request_id().map(str::to_owned);
                result.code = code;
                result
            }
            SdkError::ResponseError(response) => {
                let status = response.raw().status().as_u16();
                // A response that could not be read to its end, or made no sense: the effect is unknown.
                let mut result = self.error(Kind::Transient, chain(error));
                result.status = Some(status);
                result
            }
            SdkError::TimeoutError(_) => self.error(Kind::Transient, format!("timed out: {}", chain(error))),
            SdkError::DispatchFailure(failure) => {
                let text = chain(error);
                let kind = if mentions_credentials(error) {
                    Kind::Credentials
                } else if failure.as_connector_error().is_some_and(|error| never_connected(error)) {
                    Kind::Unreachable
                } else {
                    Kind::Transient
                };
                self.error(kind, text)
            }
            _ => {
                let kind = if mentions_credentials(error) { Kind::Credentials } else { Kind::Invalid };
                self.error(kind, chain(error))
            }
        }
    }
}

/// The kind behind a status and a code. HEAD has no body, hence no code: then the status decides.
pub(super) fn service_kind(
    status: u16,
    code: Option<&str>,
    operation: Operation,
    bucket_region: Option<String>,
) -> Kind {
    if operation == Operation::HeadBucket && status == 404 {
        // No body, so the SDK makes up the code: the only thing that can be missing is the bucket.
        return Kind::NoSuchBucket;
    }
    if let Some(kind) = code.and_then(|code| code_kind(code, bucket_region.clone())) {
        return kind;
    }
    match status {
        301 | 307 => Kind::WrongRegion(bucket_region),
        // HEAD of a bucket signed for another region answers 400 without a body.
        400 if bucket_region.is_some() => Kind::WrongRegion(bucket_region),
        401 | 403 => Kind::Denied,
        404 if operation == Operation::HeadBucket => Kind::NoSuchBucket,
        404 => Kind::NotFound,
        405 => Kind::DeleteMarker,
        408 | 500 | 502 | 504 => Kind::Transient,
        409 => Kind::Conflict,
        412 => Kind::Changed,
        429 | 503 => Kind::Throttled,
        501 => Kind::Unsupported,
        _ => Kind::Invalid,
    }
}

fn code_kind(code: &str, bucket_region: Option<String>) -> Option<Kind> {
    Some(match code {
        "SlowDown"
        | "ServiceUnavailable"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "KMS.ThrottlingException"
        | "TooManyRequestsException"
        | "GlacierExpeditedRetrievalNotAvailable" => Kind::Throttled,
        // RequestTimeTooSkewed: the SDK learns the server's clock from the answer, so the next try is signed right.
        "InternalError"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "RequestTimeTooSkewed"
        | "IncompleteBody" => Kind::Transient,
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "Forbidden" | "KMS.DisabledException" => {
            Kind::Denied
        }
        "ExpiredToken"
        | "InvalidToken"
        | "TokenRefreshRequired"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredTokenException" => Kind::Credentials,
        "NoSuchBucket" => Kind::NoSuchBucket,
        "NoSuchKey" | "NoSuchVersion" | "NotFound" => Kind::NotFound,
        "NoSuchUpload" => Kind::NoSuchUpload,
        "MethodNotAllowed" => Kind::DeleteMarker,
        "PreconditionFailed" => Kind::Changed,
        "ConditionalRequestConflict" | "OperationAborted" | "RestoreAlreadyInProgress" => Kind::Conflict,
        "InvalidObjectState" | "ObjectNotInActiveTierError" => Kind::Archived,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => Kind::WrongRegion(bucket_region),
        "NotImplemented" => Kind::Unsupported,
        "BadDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch" => Kind::Corrupt,
        _ => return None,
    })
}

fn status_text(status: u16) -> String {
    match status {
        301 | 307 => "the bucket is elsewhere".into(),
        400 => "bad request".into(),
        403 => "access denied".into(),
        404 => "not found".into(),
        405 => "not allowed on a delete marker".into(),
        412 => "precondition failed".into(),
        503 => "slow down".into(),
        other => format!("status {other}"),
    }
}

/// The whole chain of causes in one line: the SDK's top message alone says only "dispatch failure".
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let part = error.to_string();
        // Many layers repeat the one below.
        if !text.contains(&part) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&part);
        }
        next = error.source();
    }
    text
}

fn mentions_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<aws_credential_types::provider::error::CredentialsError>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// Did the connection fail before a byte was sent? Then the request certainly had no effect.
fn never_connected(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused) {
            return true;
        }
        let text = error.to_string();
        if text.contains("(Connect)") || text.contains("dns error") {
            return true;
        }
        next = error.source();
    }
    false
}
