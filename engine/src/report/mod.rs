//! What happened and what it means, for programs: tallies, findings, the summary. No I/O, no printing.

mod finding;
mod summary;
mod tally;

pub use finding::Finding;
pub use summary::{Keys, RunState, SUMMARY_SCHEMA, Summary, Unbalanced};
pub use tally::{Actions, Bytes, Evidences, Tally, Verdicts};
