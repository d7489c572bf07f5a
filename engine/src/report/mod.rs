//! What happened and what it means, for programs: tallies, findings, the summary. No I/O, no printing.

mod cost;
mod finding;
pub(crate) mod ledger;
pub(crate) mod manifest;
pub(crate) mod sorted;
mod summary;
mod tally;

pub use cost::request_cost_usd;
pub use finding::{Finding, FindingRows};
pub use ledger::{Ledger, Proved};
pub use manifest::{MANIFEST_SCHEMA, Manifest, ManifestHeader, ManifestRow};
pub use summary::{Keys, ListedBytes, RunState, SUMMARY_SCHEMA, ScrubSummary, Summary, Unbalanced};
pub use tally::{Actions, Bytes, Evidences, Tally, Verdicts};
