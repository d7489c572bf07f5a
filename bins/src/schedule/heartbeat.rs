//! When the service was last alive, and which jobs it had: `schedule.json` in the state dir.

use crate::run_folder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::Path;

/// See the module text.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Heartbeat {
    pub(super) alive_at: Option<Timestamp>,
    /// A job that is new has missed nothing.
    pub(super) jobs: Vec<String>,
}

impl Heartbeat {
    /// The last one; none if the service never ran here.
    pub(super) fn read(state: &Path) -> Self {
        let bytes = std::fs::read(state.join("schedule.json")).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// A heartbeat that cannot be written costs the knowledge of missed runs, not the runs.
    pub(super) fn write<'a>(state: &Path, now: Timestamp, jobs: impl Iterator<Item = &'a String>) {
        let beat = Self { alive_at: Some(now), jobs: jobs.cloned().collect() };
        let written = serde_json::to_vec(&beat).map_err(std::io::Error::other).and_then(|json| {
            run_folder::write_whole(&state.join("schedule.json"), |file| file.write_all(&json))
        });
        if let Err(error) = written {
            tracing::warn!(%error, "the heartbeat cannot be written: missed runs will not be noticed");
        }
    }
}
