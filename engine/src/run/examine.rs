//! The visitor of audits and syncs: judge what the listing shows, climb the ladder for what it leaves open,
//! act where the run may act, and commit piece by piece.
//!
//! Judging is synchronous and allocates nothing for identical keys. The rest of a piece settles in the
//! background while the range lists on, at most [`PIECES_PENDING_MAX`] pieces behind.

use super::hands::Hands;
use super::prove::{Case, Outcome, Prover};
use super::strands::{self, Strand};
use super::watch::{Watch, last_proof};
use super::{ProofWindow, Session};
use crate::Error;
use crate::compare::{Facts, Judged, Judgement, Reading, Reason, Rules, Verdict, judge};
use crate::list::{Objects, Sides, Visitor};
use crate::model::{Entry, KeyRange, Timestamp};
use crate::observe::Progress;
use crate::plan::Filter;
use crate::report::ledger::Lookup;
use crate::report::{Finding, Tally};
use crate::s3::SAVED_LISTING;
use futures::StreamExt as _;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Pieces of one range that may be settling while it lists on. Two keep the pipe full; more would only hold
/// more keys in memory (about 200 bytes for each that is not identical).
const PIECES_PENDING_MAX: usize = 2;
/// Keys of one piece worked on at once. The pace of the stores is the real limit; this bounds memory.
const KEYS_AT_ONCE: usize = 256;

/// See the module text.
#[derive(Debug)]
pub(super) struct Examine {
    shared: Arc<Shared>,
    rules: Rules,
    filter: Filter,
    manifest: bool,
    recorder: Arc<super::Recorder>,
    progress: Arc<Progress>,
}

/// What the background work of a piece needs.
#[derive(Debug)]
struct Shared {
    prover: Prover,
    hands: Option<Hands>,
    watch: Option<Watch>,
    cancel: CancellationToken,
}

/// What an audit keeps besides its findings.
#[derive(Debug)]
pub(super) struct Extras {
    /// A row for every key of the source.
    pub(super) manifest: bool,
    /// Proofs by reading.
    pub(super) window: Option<ProofWindow>,
}

/// The background work of a piece, stopped when dropped: its findings rows and its counts.
type Settling = AbortOnDropHandle<Result<(Vec<u8>, Tally), Error>>;

/// State of one range.
#[derive(Debug, Default)]
pub(super) struct Segment {
    id: u32,
    tally: Tally,
    cases: Vec<Case>,
    strand: Strand,
    proofs: Option<Lookup>,
    pending: VecDeque<(KeyRange, Settling)>,
}

impl Examine {
    /// Judges and reports, and keeps what else was asked for.
    pub(super) fn looking(
        sides: Sides,
        rules: Rules,
        filter: Filter,
        (reading, extras): (Option<Reading>, Extras),
        session: &Session,
    ) -> Self {
        let watch = extras.window.map(|window| Watch::new(window, session.clock.clone()));
        let manifest = extras.manifest;
        Self { manifest, ..Self::new(sides, rules, filter, (reading, None, watch), session) }
    }

    /// Judges, acts and reports.
    pub(super) fn acting(
        sides: Sides,
        rules: Rules,
        filter: Filter,
        (reading, hands): (Option<Reading>, Hands),
        session: &Session,
    ) -> Self {
        Self::new(sides, rules, filter, (reading, Some(hands), None), session)
    }

    fn new(
        sides: Sides,
        rules: Rules,
        filter: Filter,
        (reading, hands, watch): (Option<Reading>, Option<Hands>, Option<Watch>),
        session: &Session,
    ) -> Self {
        let prover = Prover { sides, depth: rules.depth, fidelity: rules.fidelity, reading };
        let shared = Arc::new(Shared { prover, hands, watch, cancel: session.cancel.clone() });
        let (recorder, progress) = (Arc::clone(&session.recorder), Arc::clone(&session.progress));
        Self { shared, rules, filter, manifest: false, recorder, progress }
    }

    /// Is it a scrub's turn to read this pair? Counts the pairs there are to read.
    fn picks(
        &self,
        tally: &mut Tally,
        source: Option<Entry<'_>>,
        judged: &Judged,
        last: Option<Timestamp>,
    ) -> bool {
        let Some(scrub) = &self.rules.scrub else { return false };
        let comparable = match judged {
            Judged::Settled(judgement) => judgement.reason.is_none(),
            Judged::Open(_) => true,
        };
        let Some(entry) = source.filter(|entry| comparable && entry.row.size > 0) else { return false };
        tally.scrub.of += 1;
        scrub.picks(entry.key, last)
    }

    /// Must a pair with equal bytes be looked at for what describes it?
    fn concerns(&self, source: Option<Entry<'_>>, replica: Option<Entry<'_>>) -> bool {
        source
            .zip(replica)
            .is_some_and(|(a, b)| self.rules.fidelity.concerns(a.row.storage_class == b.row.storage_class))
    }

    async fn commit_oldest(&self, segment: &mut Segment) -> Result<(), Error> {
        let Some((piece, settled)) = segment.pending.pop_front() else { return Ok(()) };
        let (rows, tally) = settled.await.map_err(Error::task)??;
        self.commit(segment.id, &piece, rows, &tally).await
    }

    async fn commit(&self, id: u32, piece: &KeyRange, rows: Vec<u8>, tally: &Tally) -> Result<(), Error> {
        self.recorder.commit(id, piece, &rows, tally).await?;
        self.progress.add(tally);
        Ok(())
    }
}

impl Visitor<Objects> for Examine {
    type Segment = Segment;

    fn open(&self, id: u32) -> Segment {
        let proofs = self.shared.watch.as_ref().and_then(Watch::lookup);
        Segment { id, proofs, ..Segment::default() }
    }

    fn pair(&self, segment: &mut Segment, source: Option<Entry<'_>>, replica: Option<Entry<'_>>) {
        let Some(key) = source.or(replica).map(|entry| entry.key) else { return };
        if !self.filter.admits(key) {
            return;
        }
        segment.tally.see(source.map(|entry| entry.row.size), replica.map(|entry| entry.row.size));
        let judged = match &self.shared.prover.sides.replica {
            Some(_) => judge(source, replica, &self.rules),
            // One side only: nothing but its own bytes can tell.
            None => Judged::Open(Reason::NothingStored),
        };
        let last = segment.proofs.as_mut().and_then(|proofs| last_proof(proofs, source, replica));
        let picked = self.picks(&mut segment.tally, source, &judged, last);
        let watch = self.shared.watch.as_ref();
        let proved_before = watch.is_some_and(|watch| watch.is_recent(last));
        match judged {
            Judged::Settled(judgement)
                if judgement.reason.is_none() && !picked && !self.concerns(source, replica) =>
            {
                segment.tally.conclude(&judgement);
                if let (Some(watch), Some(entry)) = (watch, source) {
                    watch.see(&mut segment.tally, entry.row.size, proved_before);
                }
                if let Some(entry) = source.filter(|_| self.manifest) {
                    strands::write_row(key, &Facts::from(entry), &mut segment.strand.rows);
                }
            }
            judged => {
                if self.manifest {
                    segment.strand.cases.push(segment.strand.rows.len());
                }
                segment.cases.push(Case {
                    key: key.into(),
                    source: source.map(Facts::from),
                    replica: replica.map(Facts::from),
                    judged,
                    picked,
                    outcome: Outcome { proved_before, ..Outcome::default() },
                });
            }
        }
    }

    async fn batch(&self, segment: &mut Segment, piece: KeyRange) -> Result<(), Error> {
        let tally = std::mem::take(&mut segment.tally);
        let cases = std::mem::take(&mut segment.cases);
        let strand = std::mem::take(&mut segment.strand);
        if cases.is_empty() && segment.pending.is_empty() {
            return self.commit(segment.id, &piece, strand.rows, &tally).await;
        }
        let shared = Arc::clone(&self.shared);
        let task = tokio::spawn(async move { shared.settle(cases, strand, tally).await });
        segment.pending.push_back((piece, AbortOnDropHandle::new(task)));
        while segment.pending.len() > PIECES_PENDING_MAX {
            self.commit_oldest(segment).await?;
        }
        Ok(())
    }

    async fn close(&self, mut segment: Segment) -> Result<(), Error> {
        while !segment.pending.is_empty() {
            self.commit_oldest(&mut segment).await?;
        }
        Ok(())
    }
}

impl Shared {
    /// Against a manifest there is nothing to copy: the two are one bucket, then and now.
    fn since_then(&self, judgement: &Judgement) -> Option<&'static str> {
        let is_saved = self.prover.sides.source.store.service() == SAVED_LISTING;
        match judgement.verdict {
            _ if !is_saved => None,
            Verdict::Missing => {
                Some("gone since the manifest was taken: `s3twin versions` tells what became of it")
            }
            Verdict::Extra => Some("new since the manifest was taken"),
            Verdict::Different => Some("written since the manifest was taken: `s3twin versions` tells when"),
            _ => None,
        }
    }

    /// Settles every case of a piece: evidence first, then action. Returns the findings in key order.
    async fn settle(
        &self,
        cases: Vec<Case>,
        strand: Strand,
        mut tally: Tally,
    ) -> Result<(Vec<u8>, Tally), Error> {
        let judged =
            futures::stream::iter(cases).map(|case| self.prover.examine(case)).buffered(KEYS_AT_ONCE);
        let judged: Vec<(Case, Judgement)> = judged.collect().await;
        // What could not be read because the run was told to stop is no verdict: the piece is done again.
        let unread = |(_, judgement): &(Case, Judgement)| judgement.verdict == Verdict::Unreadable;
        if self.cancel.is_cancelled() && judged.iter().any(unread) {
            return Err(Error::Cancelled);
        }
        let mut findings = Vec::with_capacity(judged.len());
        for (case, judgement) in &judged {
            tally.conclude(judgement);
            tally.bytes.hashed += case.outcome.read;
            tally.scrub.read += u64::from(case.outcome.scrubbed);
            let bad = case.outcome.scrubbed && judgement.reason == Some(Reason::BytesDiffer);
            tally.scrub.bad += u64::from(bad);
            let mut finding = Finding::new(&case.key, judgement, case.source.as_ref(), case.replica.as_ref());
            finding.detail.clone_from(&case.outcome.detail);
            if let Some(advice) = self.since_then(judgement) {
                finding.advice = advice.to_owned();
            }
            findings.push(finding);
        }
        if let Some(hands) = &self.hands {
            hands.act(&judged, &mut findings, &mut tally).await?;
        }
        let mut rows = strand.whole(judged.iter().map(|(case, _)| case));
        if let Some(watch) = &self.watch {
            judged.iter().for_each(|(case, judgement)| watch.enter(case, judgement, &mut tally, &mut rows));
        }
        findings
            .iter()
            .filter(|finding| finding.reason.is_some())
            .for_each(|finding| finding.write_line(&mut rows));
        Ok((rows, tally))
    }
}
