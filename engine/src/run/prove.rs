//! Judging one key as far as a run may climb: what the listing left open, what a scrub picked, what describes it.

use crate::compare::evidence::{OpenPair, climb, read_both};
use crate::compare::fidelity::{self, Described};
use crate::compare::own::{Own, prove_own};
use crate::compare::{Depth, Evidence, Facts, Fidelity, Judged, Judgement, Reading, Reason};
use crate::list::{Side, Sides};

/// A key that is not identical by the listing alone.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) key: Box<str>,
    pub(super) source: Option<Facts>,
    pub(super) replica: Option<Facts>,
    /// What the listing, or the HEADs that stand in for it, said.
    pub(super) judged: Judged,
    /// Its bytes are read whatever the listing proves.
    pub(super) picked: bool,
    pub(super) outcome: Outcome,
}

/// What examining a key brought besides the judgement.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) detail: Option<String>,
    /// Bytes read for proof.
    pub(super) read: u64,
    /// Both sides were read to their end, or to the first difference.
    pub(super) scrubbed: bool,
    /// Its bytes were read and found right.
    pub(super) proved: bool,
    /// They were within the window asked for, by an earlier run.
    pub(super) proved_before: bool,
}

/// How far to climb, and what with.
#[derive(Debug)]
pub(super) struct Prover {
    pub(super) sides: Sides,
    pub(super) depth: Depth,
    pub(super) fidelity: Fidelity,
    pub(super) reading: Option<Reading>,
}

impl Prover {
    /// Judges a case and fills in what was learned.
    pub(super) async fn examine(&self, mut case: Case) -> (Case, Judgement) {
        let Some(replica) = &self.sides.replica else { return Box::pin(self.examine_own(case)).await };
        let (settled, reason) = match case.judged {
            Judged::Settled(judgement) => (Some(judgement), Reason::NoSharedChecksum),
            Judged::Open(reason) => (None, reason),
        };
        let pair = match (&case.source, &case.replica) {
            (Some(a), Some(b)) if settled.is_none_or(|judgement| judgement.reason.is_none()) => {
                OpenPair::new(&case.key, a.clone(), b.clone(), reason)
            }
            _ => return (case, settled.unwrap_or(Judgement::unproven(reason))),
        };
        // What reads has a large state; most keys of a sync are judged without.
        let (pair, judgement) = Box::pin(self.prove(&mut case, replica, pair, settled)).await;
        case.outcome.detail = pair.detail;
        case.outcome.read = pair.read;
        (case.source, case.replica) = (Some(pair.source), Some(pair.replica));
        (case, judgement)
    }

    /// One side only: its bytes against what it stores about them.
    async fn examine_own(&self, mut case: Case) -> (Case, Judgement) {
        let (Some(reading), Some(facts)) = (&self.reading, &mut case.source) else {
            return (case, Judgement::unproven(Reason::NothingStored));
        };
        let Own { judgement, detail, read } = prove_own(&self.sides.source, &case.key, facts, reading).await;
        (case.outcome.detail, case.outcome.read) = (detail, read);
        case.outcome.proved = judgement.evidence == Some(Evidence::Bytes);
        (case, judgement)
    }

    /// Scrub, then ladder, then what describes the object.
    async fn prove(
        &self,
        case: &mut Case,
        replica: &Side,
        mut pair: OpenPair,
        settled: Option<Judgement>,
    ) -> (OpenPair, Judgement) {
        let sides = (&*self.sides.source, replica);
        let mut judgement = None;
        if let Some(reading) = self.reading.as_ref().filter(|_| case.picked) {
            let read = read_both(sides, &mut pair, reading).await;
            // What is archived cannot be read; less may still be known of it.
            judgement = (read.reason != Some(Reason::Archived)).then_some(read);
            case.outcome.scrubbed = matches!(read.reason, None | Some(Reason::BytesDiffer));
        }
        let mut judgement = match judgement.or(settled) {
            Some(judgement) => judgement,
            None if self.depth > Depth::Listing => {
                let reading = self.reading.as_ref().filter(|_| self.depth == Depth::Bytes);
                climb(sides.0, sides.1, &mut pair, reading).await
            }
            None => Judgement::unproven(pair.reason),
        };
        case.outcome.proved = judgement.evidence == Some(Evidence::Bytes);
        if judgement.reason.is_none() && self.fidelity != Fidelity::default() {
            let described = Described {
                sides,
                key: &pair.key,
                facts: (&pair.source, &pair.replica),
                heads: pair.heads.as_deref(),
            };
            if let Some((found, detail)) = fidelity::judge(described, self.fidelity).await {
                (judgement, pair.detail) = (found, Some(detail));
            }
        }
        (pair, judgement)
    }
}
