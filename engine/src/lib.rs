//! The s3twin engine: sync, audit and point-in-time restore for S3, as a library.
//!
//! ```text
//!  list ──▶ compare ──▶ plan ──▶ act ──▶ verify ──▶ report
//!  ranges    merge-join  actions  bounded  proof      tallies, findings, summary
//!  pagers    verdicts    brakes   queue    on a CPU pool
//!     └───────── s3: the seam ─────────┘        journal beside all of it
//! ```
//! Start reading at [`run`]. The engine never prints, never reads the environment or the wall clock by itself.
//! Trouble with one object is data; an [`Error`] means that the run cannot go on.

pub mod act;
pub mod compare;
mod error;
pub mod flow;
pub mod journal;
pub mod list;
pub mod model;
pub mod observe;
pub mod plan;
pub mod report;
pub mod run;
pub mod s3;
pub mod verify;

pub use error::Error;
