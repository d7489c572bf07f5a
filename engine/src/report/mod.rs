//! What happened and what it means, for programs: tallies, findings, the summary. No I/O, no printing.

mod census;
mod cost;
mod finding;
mod lag;
mod price;
mod summary;
mod tally;

pub use census::{Amount, Census, ClassUse, RULE_DAYS, UploadsUse};
pub use cost::request_cost_usd;
pub use finding::Finding;
pub use lag::{LAG_SCHEMA, Lag, LagCounts, OpenVersion, Percentiles, Status};
pub use price::{ClassPrice, Month, Planned, Prices, Saving};
pub use summary::{Keys, ListedBytes, RunState, SUMMARY_SCHEMA, ScrubSummary, Summary, Unbalanced};
pub use tally::{Actions, Bytes, Evidences, Tally, Verdicts};
