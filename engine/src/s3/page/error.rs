//! What can be wrong with a list page, in words an operator can act on.
//!
//! Inside the reader a defect is a [`Fault`]: small, boxed, and positioned relative to the bytes under the scanner.
//! It becomes a [`PageError`] in one place, which adds the absolute offset and the excerpt.

use std::borrow::Cow;

/// Characters of the document that an error quotes.
const EXCERPT: usize = 60;

/// Why a response body is not a page of a listing. None of these may ever be taken for "no more keys".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The body ends inside the document: a connection cut short, or an empty body.
    #[error("the list page breaks off after {bytes} bytes, before its end tag")]
    Truncated {
        /// Bytes received.
        bytes: u64,
    },
    /// Not well-formed, or not what the S3 model promises.
    #[error("byte {offset} of the list page: {reason} (at `{excerpt}`)")]
    Malformed {
        /// Where the offending token begins.
        offset: u64,
        /// What is wrong with it.
        reason: Box<str>,
        /// The document from there, printable.
        excerpt: Box<str>,
    },
    /// Another document altogether: a proxy's HTML, JSON, a bucket's website, a listing of the other kind.
    #[error("byte {offset}: this is not the list page asked for, it reads `{excerpt}`")]
    NotAListing {
        /// Where it stopped looking like one.
        offset: u64,
        /// The document from there, printable.
        excerpt: Box<str>,
    },
    /// S3's `<Error>` under a status of 200.
    #[error("the server answered 200 with the error {code}: {message}")]
    ErrorDocument {
        /// S3's error code, empty if there was none.
        code: Box<str>,
        /// S3's message.
        message: Box<str>,
    },
    /// Beyond a bound of the reader; see the constants of [`super`].
    #[error("byte {offset} of the list page: {what} exceeds the limit of {limit}")]
    TooLarge {
        /// Where the limit was met.
        offset: u64,
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Keys that do not ascend. A merge join over such a listing would report nonsense, so it is not begun.
    #[error(
        "row {row} of the list page: `{key}` follows `{previous}`, but a listing must ascend in byte order, or \
         nothing can be concluded from it (directory buckets list in no order; some servers list delete markers \
         behind all versions)"
    )]
    OutOfOrder {
        /// Index of the row whose key is not above the one before.
        row: usize,
        /// The key before it.
        previous: Box<str>,
        /// The key out of place.
        key: Box<str>,
    },
    /// "More follows", but no entry and no token from which to ask for more: going on would loop for ever.
    #[error("the list page says that more follows, but neither lists a key nor says where to go on")]
    NoProgress,
}

/// How often a request whose page failed deserves another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryHint {
    /// As any transient failure: S3 may answer a list with 200 and broken XML.
    Usual,
    /// Once or twice: a captive proxy or a deploy may pass, a wrong endpoint will not.
    Few,
    /// The same request will give the same answer.
    Never,
}

impl PageError {
    /// Whether asking again may help.
    #[must_use]
    pub fn retry_hint(&self) -> RetryHint {
        match self {
            Self::Truncated { .. } | Self::Malformed { .. } => RetryHint::Usual,
            Self::NotAListing { .. } | Self::NoProgress => RetryHint::Few,
            Self::ErrorDocument { code, .. } if is_transient(code) => RetryHint::Usual,
            Self::ErrorDocument { .. } | Self::TooLarge { .. } | Self::OutOfOrder { .. } => RetryHint::Never,
        }
    }

    /// True unless [`RetryHint::Never`].
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.retry_hint() != RetryHint::Never
    }
}

/// Codes that S3 documents as "try again" (fact sheet, section 8).
fn is_transient(code: &str) -> bool {
    matches!(
        code,
        "InternalError"
            | "SlowDown"
            | "ServiceUnavailable"
            | "RequestTimeout"
            | "RequestTimeTooSkewed"
            | "OperationAborted"
            | "RequestLimitExceeded"
            | "BandwidthLimitExceeded"
            | "TooManyRequests"
    ) || code.starts_with("Throttling")
}

/// A defect found `at` bytes into the slice under the scanner.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) kind: FaultKind,
}

#[derive(Debug)]
pub(super) enum FaultKind {
    Malformed(Cow<'static, str>),
    TooLarge(&'static str, usize),
    NotAListing,
    /// Needs neither offset nor excerpt.
    Complete(PageError),
}

/// The result of every step of the reader. Boxed, so that the good case stays small.
pub(super) type Step<T> = Result<T, Box<Fault>>;

impl Fault {
    #[cold]
    pub(super) fn malformed(at: usize, reason: impl Into<Cow<'static, str>>) -> Box<Self> {
        Box::new(Self { at, kind: FaultKind::Malformed(reason.into()) })
    }

    #[cold]
    pub(super) fn too_large(what: &'static str, limit: usize) -> Box<Self> {
        Box::new(Self { at: 0, kind: FaultKind::TooLarge(what, limit) })
    }

    #[cold]
    pub(super) fn not_a_listing() -> Box<Self> {
        Box::new(Self { at: 0, kind: FaultKind::NotAListing })
    }

    #[cold]
    pub(super) fn complete(error: PageError) -> Box<Self> {
        Box::new(Self { at: 0, kind: FaultKind::Complete(error) })
    }

    /// The public error: `bytes` are those under the scanner, `base` the offset of their first.
    #[cold]
    pub(super) fn into_error(self, bytes: &[u8], base: u64) -> PageError {
        let offset = base.saturating_add(u64::try_from(self.at).unwrap_or(u64::MAX));
        let excerpt = || excerpt(bytes.get(self.at..).unwrap_or_default());
        match self.kind {
            FaultKind::Malformed(reason) => {
                PageError::Malformed { offset, reason: reason.into(), excerpt: excerpt() }
            }
            FaultKind::TooLarge(what, limit) => PageError::TooLarge { offset, what, limit },
            FaultKind::NotAListing => PageError::NotAListing { offset, excerpt: excerpt() },
            FaultKind::Complete(error) => error,
        }
    }
}

/// The beginning of some bytes on one printable line.
pub(super) fn excerpt(bytes: &[u8]) -> Box<str> {
    let head = bytes.get(..EXCERPT).unwrap_or(bytes);
    let mut line = String::with_capacity(EXCERPT + 8);
    for c in String::from_utf8_lossy(head).chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    if bytes.len() > EXCERPT {
        line.push('…');
    }
    line.into()
}
