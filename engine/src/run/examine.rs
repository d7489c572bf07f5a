//! The visitor of audits and syncs: judge what the listing shows, climb the ladder for what it leaves open,
//! act where the run may act, and commit piece by piece.
//!
//! Judging is synchronous and allocates nothing for identical keys. The rest of a piece settles in the
//! background while the range lists on, at most [`PIECES_PENDING_MAX`] pieces behind.

use super::Session;
use super::hands::Hands;
use crate::Error;
use crate::compare::evidence::{OpenPair, climb};
use crate::compare::{Depth, Facts, Judged, Judgement, Rules, judge};
use crate::list::{Objects, Sides, Visitor};
use crate::model::{Entry, KeyRange};
use crate::observe::Progress;
use crate::plan::Filter;
use crate::report::{Finding, Tally};
use futures::StreamExt as _;
use std::collections::VecDeque;
use std::sync::Arc;
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
    recorder: Arc<super::Recorder>,
    progress: Arc<Progress>,
}

/// What the background work of a piece needs.
#[derive(Debug)]
struct Shared {
    sides: Sides,
    depth: Depth,
    hands: Option<Hands>,
}

/// A key that is not identical by the listing alone.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) key: Box<str>,
    pub(super) source: Option<Facts>,
    pub(super) replica: Option<Facts>,
    judged: Judged,
}

/// The background work of a piece, stopped when dropped: its findings rows and its counts.
type Settling = AbortOnDropHandle<Result<(Vec<u8>, Tally), Error>>;

/// State of one range.
#[derive(Debug, Default)]
pub(super) struct Segment {
    id: u32,
    tally: Tally,
    cases: Vec<Case>,
    pending: VecDeque<(KeyRange, Settling)>,
}

impl Examine {
    /// Judges and reports.
    pub(super) fn looking(sides: Sides, rules: Rules, filter: Filter, session: &Session) -> Self {
        Self::new(sides, rules, filter, None, session)
    }

    /// Judges, acts and reports.
    pub(super) fn acting(
        sides: Sides,
        rules: Rules,
        filter: Filter,
        hands: Hands,
        session: &Session,
    ) -> Self {
        Self::new(sides, rules, filter, Some(hands), session)
    }

    fn new(sides: Sides, rules: Rules, filter: Filter, hands: Option<Hands>, session: &Session) -> Self {
        let shared = Arc::new(Shared { sides, depth: rules.depth, hands });
        let (recorder, progress) = (Arc::clone(&session.recorder), Arc::clone(&session.progress));
        Self { shared, rules, filter, recorder, progress }
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
        Segment { id, ..Segment::default() }
    }

    fn pair(&self, segment: &mut Segment, source: Option<Entry<'_>>, replica: Option<Entry<'_>>) {
        let Some(key) = source.or(replica).map(|entry| entry.key) else { return };
        if !self.filter.admits(key) {
            return;
        }
        segment.tally.see(source.map(|entry| entry.row.size), replica.map(|entry| entry.row.size));
        match judge(source, replica, &self.rules) {
            Judged::Settled(judgement) if judgement.reason.is_none() => segment.tally.conclude(&judgement),
            judged => segment.cases.push(Case {
                key: key.into(),
                source: source.map(Facts::from),
                replica: replica.map(Facts::from),
                judged,
            }),
        }
    }

    async fn batch(&self, segment: &mut Segment, piece: KeyRange) -> Result<(), Error> {
        let tally = std::mem::take(&mut segment.tally);
        let cases = std::mem::take(&mut segment.cases);
        if cases.is_empty() && segment.pending.is_empty() {
            return self.commit(segment.id, &piece, Vec::new(), &tally).await;
        }
        let shared = Arc::clone(&self.shared);
        let task = tokio::spawn(async move { shared.settle(cases, tally).await });
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
    /// Settles every case of a piece: evidence first, then action. Returns the findings in key order.
    async fn settle(&self, cases: Vec<Case>, mut tally: Tally) -> Result<(Vec<u8>, Tally), Error> {
        let judged = futures::stream::iter(cases).map(|case| self.examine(case)).buffered(KEYS_AT_ONCE);
        let judged: Vec<(Case, Judgement)> = judged.collect().await;
        judged.iter().for_each(|(_, judgement)| tally.conclude(judgement));
        let mut findings: Vec<Finding> = judged
            .iter()
            .map(|(case, judgement)| {
                Finding::new(&case.key, judgement, case.source.as_ref(), case.replica.as_ref())
            })
            .collect();
        if let Some(hands) = &self.hands {
            hands.act(&judged, &mut findings, &mut tally).await?;
        }
        let mut rows = Vec::new();
        findings
            .iter()
            .filter(|finding| finding.reason.is_some())
            .for_each(|finding| finding.write_line(&mut rows));
        Ok((rows, tally))
    }

    async fn examine(&self, mut case: Case) -> (Case, Judgement) {
        let judgement = match case.judged {
            Judged::Settled(judgement) => judgement,
            Judged::Open(reason) => self.climb(&mut case, reason).await,
        };
        (case, judgement)
    }

    async fn climb(&self, case: &mut Case, reason: crate::compare::Reason) -> Judgement {
        let open = Judgement::unproven(reason);
        let (Some(source), Some(replica)) = (&case.source, &case.replica) else { return open };
        let Some(replica_side) = self.sides.replica.as_ref().filter(|_| self.depth > Depth::Listing) else {
            return open;
        };
        let mut pair =
            OpenPair { key: case.key.clone(), source: source.clone(), replica: replica.clone(), reason };
        let judgement = climb(&self.sides.source, replica_side, &mut pair).await;
        (case.source, case.replica) = (Some(pair.source), Some(pair.replica));
        judgement
    }
}
