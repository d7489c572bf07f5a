//! Which keys were proved by reading, by this run or by an earlier one.

use super::ProofWindow;
use super::prove::Case;
use super::strands::write_proof;
use crate::compare::{Evidence, Judgement, Reason};
use crate::flow::Clock;
use crate::model::{Entry, Timestamp};
use crate::report::Tally;
use crate::report::ledger::{Lookup, Proof, print_of};

/// The ledger beside a run that audits.
#[derive(Debug)]
pub(super) struct Watch {
    window: ProofWindow,
    clock: Clock,
    since: Timestamp,
}

/// When this pair, as it is listed, was last proved.
pub(super) fn last_proof(
    proofs: &mut Lookup,
    source: Option<Entry<'_>>,
    replica: Option<Entry<'_>>,
) -> Option<Timestamp> {
    let entry = source?;
    let replica = replica.and_then(|entry| entry.row.etag.as_ref());
    proofs.last(entry.key, print_of(entry.row.size, entry.row.etag.as_ref(), replica))
}

impl Watch {
    pub(super) fn new(window: ProofWindow, clock: Clock) -> Self {
        let back = i64::try_from(window.window_seconds).unwrap_or(i64::MAX);
        let since = Timestamp::from_seconds(clock.now().seconds().saturating_sub(back));
        Self { window, clock, since }
    }

    /// Only where somebody wants to know what it says.
    pub(super) fn lookup(&self) -> Option<Lookup> {
        (self.window.window_seconds > 0).then(|| self.window.ledger.lookup())
    }

    pub(super) fn is_recent(&self, last: Option<Timestamp>) -> bool {
        last.is_some_and(|last| last >= self.since)
    }

    /// Counts a key of the source. What is empty cannot rot.
    pub(super) fn see(&self, tally: &mut Tally, size: u64, proved: bool) {
        if self.window.window_seconds > 0 {
            tally.proved.window_seconds = self.window.window_seconds;
            tally.proved.see(size, proved || size == 0);
        }
    }

    /// Counts an examined key, and remembers its proof if there is a new one.
    pub(super) fn enter(&self, case: &Case, judgement: &Judgement, tally: &mut Tally, rows: &mut Vec<u8>) {
        let Some(source) = &case.source else { return };
        let still = judgement.reason.is_none() && judgement.evidence != Some(Evidence::Size);
        let proved = case.outcome.proved || (still && case.outcome.proved_before);
        self.see(tally, source.size, proved);
        if case.outcome.proved {
            let replica = case.replica.as_ref().and_then(|facts| facts.etag.as_ref());
            let print = print_of(source.size, source.etag.as_ref(), replica);
            write_proof(&Proof::new(&case.key, self.clock.now(), print), rows);
        } else if matches!(judgement.reason, Some(Reason::BytesDiffer | Reason::BitRot)) {
            // Found bad: an earlier proof of the same objects no longer holds.
            write_proof(&Proof::withdrawn(&case.key), rows);
        }
    }
}
