//! What went wrong with one request, in words the rest of the engine acts on.
//!
//! Every failure of every operation is sorted once, here and in [`super::aws`], into a [`Kind`]; nobody else
//! looks at HTTP status or error codes. The table is S3's own error list (S3 facts, section 8).

use super::Operation;
use std::fmt;

/// What a failed request means for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 503 SlowDown and its relatives: send less, then again.
    Throttled,
    /// 5xx, connection resets, timeouts, a page that ended early: the same request may succeed.
    Transient,
    /// The endpoint cannot be reached at all: name resolution, connection refused, TLS.
    Unreachable,
    /// 403, or 401.
    Denied,
    /// Credentials are missing, unknown, expired or sign wrongly.
    Credentials,
    /// The bucket does not exist.
    NoSuchBucket,
    /// The object or version does not exist (any more).
    NotFound,
    /// The version named is a delete marker (405).
    DeleteMarker,
    /// The multipart upload does not exist (any more): completed, aborted or expired.
    NoSuchUpload,
    /// 412: what we saw in the listing is no longer what is there.
    Changed,
    /// 409: another operation on the key is in progress.
    Conflict,
    /// The bytes are in an archive tier and must be restored first.
    Archived,
    /// The bucket lives in another region, named where the server says which.
    WrongRegion(Option<String>),
    /// The server does not implement the request.
    Unsupported,
    /// The bytes that arrived are not the bytes that were sent (BadDigest, checksum mismatch).
    Corrupt,
    /// The request is wrong or too large for this operation; repeating it cannot help.
    Invalid,
    /// The answer is not S3's: a captive portal, a proxy page, an unordered listing.
    Protocol,
    /// The run was cancelled while waiting.
    Cancelled,
}

/// One failed request: where, what, and what the server said.
#[derive(Clone, Debug)]
pub struct S3Error {
    /// What it means.
    pub kind: Kind,
    /// Which operation.
    pub operation: Operation,
    /// On which bucket.
    pub bucket: String,
    /// On which key, where there is one.
    pub key: Option<String>,
    /// HTTP status, if an answer arrived.
    pub status: Option<u16>,
    /// S3's error code, such as `AccessDenied`.
    pub code: Option<String>,
    /// The server's or transport's own words.
    pub message: String,
    /// `x-amz-request-id`, for a support case.
    pub request_id: Option<String>,
}

impl S3Error {
    /// An error made on our side of the wire.
    #[must_use]
    pub fn local(kind: Kind, operation: Operation, bucket: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            operation,
            bucket: bucket.to_owned(),
            key: None,
            status: None,
            code: None,
            message: message.into(),
            request_id: None,
        }
    }

    /// The same error, naming the key.
    #[must_use]
    pub fn on_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// May the same request succeed if it is sent again after a pause?
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, Kind::Throttled | Kind::Transient | Kind::Corrupt | Kind::Unreachable)
            || (self.kind == Kind::Conflict && self.code.as_deref() == Some("OperationAborted"))
    }

    /// Could the request have taken effect although it failed? True when no answer told otherwise.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        self.kind == Kind::Transient && self.code.is_none()
    }

    /// Credentials that were good have run out: nothing will succeed until somebody renews them.
    #[must_use]
    pub fn is_expiry(&self) -> bool {
        let expired = ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"];
        self.kind == Kind::Credentials && self.code.as_deref().is_some_and(|code| expired.contains(&code))
    }

    /// A stable word for reports: the finding's `reason` when an object could not be read or written.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self.kind {
            Kind::Throttled => "throttled",
            Kind::Transient => "server-error",
            Kind::Unreachable => "unreachable",
            Kind::Denied => "access-denied",
            Kind::Credentials => "credentials",
            Kind::NoSuchBucket => "no-such-bucket",
            Kind::NotFound => "vanished",
            Kind::DeleteMarker => "delete-marker",
            Kind::NoSuchUpload => "no-such-upload",
            Kind::Changed => "changed-meanwhile",
            Kind::Conflict => "conflict",
            Kind::Archived => "archived",
            Kind::WrongRegion(_) => "wrong-region",
            Kind::Unsupported => "unsupported",
            Kind::Corrupt => "corrupt-transfer",
            Kind::Invalid => "invalid-request",
            Kind::Protocol => "not-s3",
            Kind::Cancelled => "cancelled",
        }
    }

    /// What the operator can do about it, in one sentence.
    #[must_use]
    pub fn advice(&self) -> String {
        let bucket = &self.bucket;
        match &self.kind {
            Kind::Throttled => "the server asked for fewer requests: lower --max-requests-per-second or try later".into(),
            Kind::Transient => "the server or network failed repeatedly: run `s3twin resume` when it is back".into(),
            // The words are those of rustls.
            Kind::Unreachable if self.message.contains("certificate expired") => {
                "renew the server's certificate, or set the clock of this machine".into()
            }
            Kind::Unreachable if self.message.contains("certificate not valid for name") => {
                "write the server's name in --endpoint-url as its certificate has it".into()
            }
            Kind::Unreachable if self.message.contains("certificate") => {
                "nobody that this machine trusts vouches for the server: name its authority with --ca-bundle FILE".into()
            }
            Kind::Unreachable => "check --endpoint-url, DNS, the network and TLS".into(),
            Kind::Denied => format!("grant {} on bucket {bucket} to these credentials (check bucket policy and KMS key too)", self.operation.permission()),
            Kind::Credentials => "check the profile or environment credentials and the clock of this machine; refresh an expired session".into(),
            Kind::NoSuchBucket => format!("check the name {bucket}, the account and the endpoint"),
            Kind::NotFound => "the object was removed after it was listed: run again to see the new state".into(),
            Kind::DeleteMarker => "that version is a delete marker and has no bytes".into(),
            Kind::NoSuchUpload => "the multipart upload was completed, aborted or expired: run again".into(),
            Kind::Changed => "somebody wrote the object meanwhile and was not overwritten: run again".into(),
            Kind::Conflict => "another operation on this key was in progress: run again".into(),
            Kind::Archived => "restore the object from its archive tier first".into(),
            Kind::WrongRegion(Some(region)) => format!("bucket {bucket} is in {region}: give that region with --region"),
            Kind::WrongRegion(None) => format!("bucket {bucket} is in another region: give it with --region"),
            Kind::Unsupported => "this server does not implement the request: try --compat generic".into(),
            Kind::Corrupt => "bytes were damaged in transit several times: check the network path".into(),
            Kind::Invalid if self.code.as_deref() == Some("MetadataTooLarge") => {
                "the destination takes 2 KB of user metadata: shorten it at the source".into()
            }
            Kind::Invalid if matches!(self.operation, Operation::HeadObject | Operation::GetObject) => {
                "see the server's message; if the object is encrypted with a key of the customer's (SSE-C), give that with --sse-c-key-file".into()
            }
            Kind::Invalid => "the server refused the request as invalid; see its message".into(),
            Kind::Protocol => "what answered is not an S3 server: check --endpoint-url and proxies".into(),
            Kind::Cancelled => "`s3twin resume` goes on".into(),
        }
    }
}

impl fmt::Display for S3Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on s3://{}", self.operation.name(), self.bucket)?;
        if let Some(key) = &self.key {
            // Keys can hold newlines and control characters: a message must stay one line.
            write!(f, "/{}", key.escape_debug())?;
        }
        write!(f, " failed: ")?;
        if let Some(code) = &self.code {
            write!(f, "{code}: ")?;
        } else if let Some(status) = self.status {
            write!(f, "HTTP {status}: ")?;
        }
        write!(f, "{}", self.message)?;
        if let Some(id) = &self.request_id {
            write!(f, " (request id {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for S3Error {}
