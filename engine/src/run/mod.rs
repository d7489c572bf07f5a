//! The runs: each wires the stages together. Read [`audit`] and [`sync`] first.

mod audit;
mod examine;
mod hands;
mod history;
mod record;
mod scrub;
mod session;
mod survey;
mod sync;

pub use audit::{AuditJob, audit, audit_reading};
pub use history::audit_versions;
pub use record::Recorder;
pub use scrub::scrub_arc;
pub use session::Session;
pub use sync::{SyncJob, sync};

use survey::survey;
