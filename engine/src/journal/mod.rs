//! What a run has done, on disk, so that it can be killed at any instant and go on where it stood.
//!
//! A run walks key ranges and commits *pieces*: contiguous intervals whose actions have all finished. The
//! [`Journal`] appends one checksummed record per piece (and per upload and action) from its own thread,
//! [`Segments`] keep the pieces' findings, [`Replay`] reads it all back and tells what is left. [`StateDir`]
//! holds the runs, a [`Lease`] keeps two of them off the same pair.
//!
//! Nothing here prints, reads the environment or asks what time it is: times, ids and names are handed in.

mod catalog;
mod check;
mod coverage;
mod error;
mod file;
mod frame;
mod lease;
mod record;
mod resume;
mod run_id;
mod segments;
mod writer;

pub use catalog::{RunDir, RunEntry, RunState, StateDir};
pub use coverage::Coverage;
pub use error::JournalError;
pub use frame::{FORMAT_VERSION, Frames, Header, MAX_RECORD, Tail};
pub use lease::{Holder, Lease, LeaseError, Pair};
pub use record::{
    Action, ActionKind, AwaitedWrite, Finished, Interrupted, Note, Outcome, Piece, Record, Resumed, Started,
    UploadPlace, Void,
};
pub use resume::{End, PlacedPiece, Records, Replay, Resumption, read_records, resume};
pub use run_id::RunId;
pub use segments::{Joined, SegmentMark, Segments, Slice};
pub use writer::{Journal, JournalStats};

#[cfg(test)]
mod tests;
