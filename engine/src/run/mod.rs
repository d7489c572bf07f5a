//! The runs: each wires the stages together. Read [`audit`] and [`sync`] first.

mod audit;
mod examine;
mod hands;
mod history;
mod record;
mod session;
mod survey;
mod sync;

pub use audit::{AuditJob, audit};
pub use history::audit_versions;
pub use record::Recorder;
pub use session::Session;
pub use sync::{SyncJob, sync};

use survey::survey;
