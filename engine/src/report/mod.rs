//! What happened and what it means, for programs: tallies, findings, the summary. No I/O, no printing.

mod census;
mod cost;
mod drill;
mod finding;
mod lag;
pub(crate) mod ledger;
pub(crate) mod manifest;
mod price;
pub(crate) mod sorted;
mod summary;
mod tally;

pub use census::{Amount, Census, ClassUse, RULE_DAYS, UploadsUse};
pub use cost::request_cost_usd;
pub use drill::{DrillSummary, Measured};
pub use finding::{Finding, FindingRows};
pub use lag::{LAG_SCHEMA, Lag, LagClass, LagCounts, OpenVersion, Percentiles, Status};
pub use ledger::{Ledger, Proved};
pub use manifest::{MANIFEST_SCHEMA, Manifest, ManifestHeader, ManifestRow};
pub use price::{ClassPrice, Month, Planned, Prices, Saving};
pub use summary::{Keys, ListedBytes, RunState, SUMMARY_SCHEMA, ScrubSummary, Summary, Unbalanced};
pub use tally::{Actions, Bytes, Evidences, Tally, Verdicts};
