//! The list-page reader: the XML of ListObjectsV2, ListObjects and ListObjectVersions, straight into [`Page`].
//!
//! **Why our own.** The SDK's reader is the whole cost of a listing, some twenty times this one, and it splits
//! versions and delete markers into two lists, which loses their order inside a second. A restore to a point in
//! time stands on that order.
//!
//! **What it promises.** A [`Page`] holds every entry of the document, in document order, decoded; anything short
//! of that is a [`PageError`] and never an emptier page. Whatever the bytes and however they are cut into chunks:
//! no panic, the same result, and no more memory than the page itself plus one unfinished token.
//!
//! ```
//! use s3twin_engine::s3::page::{ListKind, ListReader};
//!
//! let mut reader = ListReader::new(ListKind::Objects);
//! for chunk in ["<ListBucketResult><IsTruncated>fal", "se</IsTruncated></ListBucketResult>"] {
//!     reader.push(chunk.as_bytes())?;
//! }
//! assert!(reader.finish()?.is_empty());
//! # Ok::<(), s3twin_engine::s3::page::PageError>(())
//! ```

mod entity;
mod entry;
mod error;
mod field;
mod head;
mod listing;
mod name;
mod percent;
mod role;
mod scan;
mod tag;
#[cfg(test)]
mod tests;
mod time;
mod versioning;

pub use error::{PageError, RetryHint};
pub use versioning::{MAX_VERSIONING_BODY, read_versioning};

use crate::model::Page;
use error::Fault;
use listing::Listing;
use name::Name;

/// Longest single tag, text, comment or field value, in bytes. Keys end at 1,024.
pub const MAX_TOKEN: usize = 64 << 10;
/// Most rows and common prefixes of one page; S3 sends a thousand.
pub const MAX_ENTRIES: usize = 10_000;
/// Longest body of one page, in bytes.
pub const MAX_BODY: usize = 64 << 20;
/// Deepest nesting of elements; a listing needs four.
pub const MAX_DEPTH: usize = 32;

/// Bytes of a chunk that are first joined to an unfinished token.
const JOIN: usize = 256;

/// Which listing was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// ListObjectsV2 or ListObjects: `<ListBucketResult>`.
    Objects,
    /// ListObjectVersions: `<ListVersionsResult>`.
    Versions,
}

impl ListKind {
    fn root(self) -> Name {
        match self {
            Self::Objects => Name::ListBucketResult,
            Self::Versions => Name::ListVersionsResult,
        }
    }
}

/// Reads one page from chunks of any size.
#[derive(Debug)]
pub struct ListReader {
    listing: Listing,
    /// The unfinished token at the end of what was pushed.
    tail: Vec<u8>,
    /// Offset of the first byte not yet consumed: that of `tail`, if there is one.
    offset: u64,
    received: usize,
    failed: Option<PageError>,
}

impl ListReader {
    /// A reader for one response. Keys are percent-decoded if the response says that it encoded them.
    #[must_use]
    pub fn new(kind: ListKind) -> Self {
        Self::with_listing(Listing::new(kind, false))
    }

    /// For servers that leave `+` unencoded under `encoding-type=url`. S3 does not: there `+` is a space.
    #[must_use]
    pub fn with_literal_plus(kind: ListKind) -> Self {
        Self::with_listing(Listing::new(kind, true))
    }

    fn with_listing(listing: Listing) -> Self {
        Self { listing, tail: Vec::new(), offset: 0, received: 0, failed: None }
    }

    /// Reads the next bytes of the body.
    ///
    /// # Errors
    /// As soon as the document is known to be no page; the same error again ever after.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), PageError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.feed(chunk);
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    /// The page, when the body is at its end.
    ///
    /// # Errors
    /// When the document is not complete, or the page as a whole does not hold together.
    pub fn finish(mut self) -> Result<Page, PageError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        // Holds no whole token but a byte order mark, and perhaps the beginning of something that can be none.
        let mut tail = std::mem::take(&mut self.tail);
        let consumed = self.drain(&tail)?;
        tail.drain(..consumed);
        self.tail = tail;
        let blank = self.tail.iter().all(|byte| tag::is_space(*byte));
        let markup = self.tail.first() == Some(&b'<');
        if self.listing.is_complete() && !blank {
            return Err(
                Fault::malformed(0, "text after the end of the document").into_error(&self.tail, self.offset)
            );
        }
        if self.listing.before_root() && !blank && !markup {
            return Err(Fault::not_a_listing().into_error(&self.tail, self.offset));
        }
        if !self.listing.is_complete() {
            return Err(PageError::Truncated { bytes: u64::try_from(self.received).unwrap_or(u64::MAX) });
        }
        self.listing.finish().map_err(|fault| fault.into_error(&[], self.offset))
    }

    fn feed(&mut self, chunk: &[u8]) -> Result<(), PageError> {
        self.received = self.received.saturating_add(chunk.len());
        if self.received > MAX_BODY {
            return Err(PageError::TooLarge { offset: self.offset, what: "the body", limit: MAX_BODY });
        }
        let rest = self.finish_tail(chunk)?;
        if !rest.is_empty() {
            let consumed = self.drain(rest)?;
            self.tail.extend_from_slice(rest.get(consumed..).unwrap_or_default());
        }
        Ok(())
    }

    /// Completes the token in `tail` with as few bytes of the chunk as need be, so that the bulk of the chunk is
    /// read where it lies. Returns what is left of the chunk.
    fn finish_tail<'a>(&mut self, mut chunk: &'a [u8]) -> Result<&'a [u8], PageError> {
        while !self.tail.is_empty() && !chunk.is_empty() {
            let known = self.tail.len();
            let step = chunk.len().min(JOIN.max(known));
            let (head, rest) = chunk.split_at_checked(step).unwrap_or((chunk, &[]));
            let mut tail = std::mem::take(&mut self.tail);
            tail.extend_from_slice(head);
            // Every token ends at one of these, so without them there is nothing to look for yet.
            let hopeless = tail.len() <= MAX_TOKEN && memchr::memchr2(b'<', b'>', head).is_none();
            let consumed = if hopeless { 0 } else { self.drain(&tail)? };
            if consumed >= known {
                return Ok(chunk.get(consumed - known..).unwrap_or_default());
            }
            tail.drain(..consumed);
            self.tail = tail;
            chunk = rest;
        }
        Ok(chunk)
    }

    /// Reads all whole tokens of `buf`; returns their length.
    fn drain(&mut self, buf: &[u8]) -> Result<usize, PageError> {
        let mut at = self.skip_byte_order_mark(buf);
        let result = loop {
            let rest = buf.get(at..).unwrap_or_default();
            let step = match tag::field(rest) {
                Some((tag, text, length)) => self.listing.accept_field(tag, text).map(|()| length),
                None => match scan::next(rest) {
                    Ok(None) => break Ok(at),
                    Ok(Some((token, length))) => self.listing.accept(token).map(|()| length),
                    Err(fault) if self.is_foreign(rest, &fault) => Err(Fault::not_a_listing()),
                    Err(fault) => Err(fault),
                },
            };
            match step {
                Ok(length) => at += length,
                Err(fault) => break Err(fault.into_error(rest, self.offset + as_u64(at))),
            }
        };
        self.offset += as_u64(at);
        result
    }

    /// A byte order mark is one token, allowed at the very beginning.
    fn skip_byte_order_mark(&self, buf: &[u8]) -> usize {
        if self.offset == 0 && buf.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 }
    }

    /// Markup that is no XML, where no root of ours has begun: HTML, or worse.
    fn is_foreign(&self, rest: &[u8], fault: &Fault) -> bool {
        let begins_otherwise = !rest.starts_with(b"<") || !self.listing.expects(tag::peek_name(rest));
        let is_aside = rest.starts_with(b"<!") || rest.starts_with(b"<?");
        self.listing.before_root()
            && begins_otherwise
            && !is_aside
            && !matches!(fault.kind, error::FaultKind::Complete(_))
    }
}

fn as_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Reads a whole body at once.
///
/// # Errors
/// As [`ListReader::push`] and [`ListReader::finish`].
pub fn read_page(kind: ListKind, body: &[u8]) -> Result<Page, PageError> {
    let mut reader = ListReader::new(kind);
    reader.push(body)?;
    reader.finish()
}
