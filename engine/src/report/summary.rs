//! `summary.json`, schema `s3twin.summary/1`: the one object that programs read.

use super::{Actions, Bytes, DrillSummary, Evidences, Proved, Tally, Verdicts};
use crate::compare::Scrubbed;
use crate::model::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the schema.
pub const SUMMARY_SCHEMA: &str = "s3twin.summary/1";

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Every key was dealt with.
    Complete,
    /// It could not run to the end.
    Incomplete,
    /// A brake refused; nothing was changed.
    Refused,
    /// SIGINT or SIGTERM.
    Interrupted,
}

/// Keys listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Keys {
    pub source: u64,
    pub replica: u64,
    pub union: u64,
}

/// See the module text. Field names are the contract.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Summary {
    pub schema: String,
    pub run_id: String,
    pub command: String,
    pub state: RunState,
    pub exit_code: u8,
    pub source: String,
    pub replica: Option<String>,
    pub started_at: Timestamp,
    pub elapsed_seconds: f64,
    pub keys: Keys,
    pub verdicts: Verdicts,
    pub evidence: Evidences,
    pub actions: Actions,
    pub bytes: Bytes,
    pub requests: BTreeMap<String, u64>,
    pub retries: u64,
    pub throttled: u64,
    pub estimated_cost_usd: f64,
    pub peak_rss_bytes: u64,
    /// Bytes listed on either side.
    #[serde(default)]
    pub listed_bytes: ListedBytes,
    /// What a scrub read, and what that says about the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scrub: Option<ScrubSummary>,
    /// What was proved by reading within the window asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved: Option<Proved>,
    /// Of the skipped actions: archived bytes that were asked for; `resume` goes on when they are readable.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub awaiting_thaw: u64,
    /// What a recovery drill measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<DrillSummary>,
    /// Nothing was written: a rehearsal.
    #[serde(default)]
    pub dry_run: bool,
    /// What the reader should know of the servers: what could not be guarded, or was done another way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// What was found, in a sentence: of a run whose figures are in a report of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headline: Option<String>,
    /// Why the run is not complete, in the words the operator saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature.
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What a scrub read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrubSummary {
    /// Objects read, of how many, and how many of those read are bad.
    #[serde(flatten)]
    pub counts: Scrubbed,
    /// The same in plain words, with the confidence a sample gives.
    pub statement: String,
}

/// Bytes listed per side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ListedBytes {
    pub source: u64,
    pub replica: u64,
}

/// The counts do not add up: a bug that must not pass as a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the counts of this run do not balance: {0}. Do not rely on its result, and please report it")]
pub struct Unbalanced(String);

impl Summary {
    /// Of a run that has counted nothing yet.
    #[must_use]
    pub fn begun(
        run_id: String,
        command: &str,
        (source, replica): (String, Option<String>),
        started_at: Timestamp,
    ) -> Self {
        Self {
            schema: SUMMARY_SCHEMA.to_owned(),
            run_id,
            command: command.to_owned(),
            state: RunState::Complete,
            exit_code: 0,
            source,
            replica,
            started_at,
            elapsed_seconds: 0.0,
            keys: Keys::default(),
            verdicts: Verdicts::default(),
            evidence: Evidences::default(),
            actions: Actions::default(),
            bytes: Bytes::default(),
            requests: BTreeMap::new(),
            retries: 0,
            throttled: 0,
            estimated_cost_usd: 0.0,
            peak_rss_bytes: 0,
            listed_bytes: ListedBytes::default(),
            scrub: None,
            proved: None,
            awaiting_thaw: 0,
            drill: None,
            dry_run: false,
            remarks: Vec::new(),
            headline: None,
            error: None,
        }
    }

    /// Takes over what was counted.
    pub fn count(&mut self, tally: &Tally) {
        self.keys = Keys { source: tally.source_keys, replica: tally.replica_keys, union: tally.union_keys };
        self.verdicts = tally.verdicts;
        self.evidence = tally.evidence;
        self.actions = tally.actions;
        self.bytes = tally.bytes;
        let scrub = tally.scrub;
        self.scrub = (scrub.of > 0).then(|| ScrubSummary { counts: scrub, statement: scrub.statement() });
        self.awaiting_thaw = tally.awaiting_thaw;
        self.proved = (tally.proved.window_seconds > 0).then_some(tally.proved);
        self.listed_bytes = ListedBytes { source: tally.source_bytes, replica: tally.replica_bytes };
    }

    /// Checks that every key is in exactly one verdict, every identical key has its evidence, and every
    /// planned action ended.
    ///
    /// # Errors
    /// Names the first sum that is off.
    pub fn check(&self, tally: &Tally) -> Result<(), Unbalanced> {
        let keys = &self.keys;
        let off = |what: &str, a: u64, b: u64| Err(Unbalanced(format!("{what}: {a} is not {b}")));
        if self.verdicts.total() != keys.union {
            return off("verdicts against keys", self.verdicts.total(), keys.union);
        }
        if self.evidence.total() != self.verdicts.identical {
            return off("evidence against identical", self.evidence.total(), self.verdicts.identical);
        }
        if keys.union > keys.source + keys.replica || keys.union < keys.source.max(keys.replica) {
            return off("union against both sides", keys.union, keys.source + keys.replica);
        }
        if tally.planned != self.actions.total() {
            return off("actions against plan", self.actions.total(), tally.planned);
        }
        Ok(())
    }
}
