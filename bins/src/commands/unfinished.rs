//! Runs without a result: alive or dead, and how far they came, out of their journals.

use crate::screen::grouped;
use s3twin_engine::journal::{Replay, RunState, StateDir};
use s3twin_engine::model::{KeyRange, Timestamp};
use s3twin_engine::report::Tally;
use serde_json::{Value, json};
use std::path::Path;

/// How a run stands that has not come to its end.
pub(crate) struct Unfinished {
    /// A living process writes its journal.
    pub(crate) running: bool,
    pub(crate) started_at: Option<Timestamp>,
    /// Keys settled so far.
    keys: u64,
    /// Gaps in the keyspace still to be walked; 1 when nothing was settled yet.
    ranges_left: usize,
    /// Objects changed so far.
    actions: u64,
}

impl Unfinished {
    /// Reads the journal of a run, in use or not. `None` where there is nothing to tell.
    pub(crate) fn look(state: &Path, id: &str) -> Option<Self> {
        let run = StateDir::new(state).find(id).ok()?;
        let entry = run.entry();
        let replay = match entry.replay {
            Some(replay) => replay,
            None => Replay::read(&run.journal()).ok()?,
        };
        let keys = replay.tallies::<Tally>().filter_map(Result::ok).map(|tally| tally.union_keys).sum();
        Some(Self {
            running: entry.state == RunState::Running,
            started_at: entry.started.map(|started| started.started_at),
            keys,
            ranges_left: replay.remaining(&KeyRange::all()).len(),
            actions: replay.action_count,
        })
    }

    /// `12,000 keys so far, 3 ranges left, 40 objects changed`.
    pub(crate) fn progress(&self) -> String {
        let mut words = format!("{} keys so far", grouped(self.keys));
        match self.ranges_left {
            1 => words.push_str(", 1 range left"),
            left => words.push_str(&format!(", {left} ranges left")),
        }
        if self.actions > 0 {
            words.push_str(&format!(", {} objects changed", grouped(self.actions)));
        }
        words
    }

    pub(crate) fn json(&self, now: Timestamp) -> Value {
        let age = self.started_at.map(|at| now.seconds().saturating_sub(at.seconds()).max(0));
        json!({
            "running": self.running,
            "age_seconds": age,
            "keys": self.keys,
            "ranges_left": self.ranges_left,
            "actions": self.actions,
        })
    }
}
