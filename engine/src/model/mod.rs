//! The nouns of S3 and their laws: keys and ranges in byte order, ETags, checksums, rows of a listing,
//! locations. Nothing here does I/O; everything here is cheap to copy or small.

mod checksum;
mod etag;
mod location;
mod page;
mod range;
mod storage_class;
mod time;

pub use checksum::{AlgorithmSet, Checksum, ChecksumAlgorithm, ChecksumType, ParseChecksumError};
pub use etag::ETag;
pub use location::{Location, ParseLocationError};
pub use page::{Entry, EntryKind, Page, PageBuilder, Restore, Row, TextTooLong};
pub use range::KeyRange;
pub use storage_class::StorageClass;
pub use time::Timestamp;
