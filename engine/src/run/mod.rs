//! The runs: each wires the stages together. Read [`audit`] and [`sync`] first.

mod audit;
mod census;
mod deeds;
mod download;
mod drill;
mod examine;
mod glance;
mod hands;
mod history;
mod inherited;
mod lag;
mod look;
mod lost_writes;
mod mender;
mod outcome;
mod patient;
mod planned;
mod prove;
mod record;
mod repair;
mod reproof;
mod restore;
mod scrub;
mod session;
mod strands;
mod survey;
mod sync;
mod thaw;
mod undo;
mod uploads;
mod watch;

pub use audit::{AuditJob, ProofWindow, audit, audit_reading};
pub use census::census;
pub use drill::{DrillJob, IsAlive, clean, drill, scratch};
pub use history::audit_versions;
pub use lag::{LagJob, lag};
pub use record::Recorder;
pub use repair::{RepairJob, repair};
pub use restore::{RestoreJob, restore};
pub use scrub::{scrub_arc, scrub_stalest};
pub use session::Session;
pub use sync::{SyncJob, sync};
pub use thaw::ThawRules;
pub use undo::{UndoJob, undo};

use survey::survey;
