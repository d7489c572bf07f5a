//! Histories in key order, though their ranges are listed side by side.
//!
//! A range hands in pieces as they come. A piece is given out when all before it have been; one that comes early is
//! kept. Little does: the walk begins what comes next by key, and a range that is far ahead waits.

use super::walk::{Order, Scheduler};
use super::{Listing, Side, Sides, Stack, Versions, Visitor, WalkLimits, WalkStats};
use crate::Error;
use crate::model::KeyRange;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Versions and markers kept for their turn at most: what 32 ranges find while the first of them is listed.
/// As lines of text about 15 MB.
const EARLY_ENTRIES_MAX: usize = 128_000;

/// What came of a piece, with what is needed to know its turn.
struct Piece<P> {
    upto: Option<Box<str>>,
    entries: usize,
    content: P,
}

struct State<P> {
    /// Where the piece begins whose turn it is; `None` when the last was given out.
    turn: Option<Box<str>>,
    early: HashMap<Box<str>, Piece<P>>,
    entries: usize,
}

/// Pieces in a line.
struct Line<P, N> {
    note: N,
    state: Mutex<State<P>>,
    came: Notify,
    went: Notify,
}

impl<P, N> Line<P, N> {
    fn new(note: N) -> Self {
        let state = State { turn: Some("".into()), early: HashMap::new(), entries: 0 };
        Self { note, state: Mutex::new(state), came: Notify::new(), went: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a piece in if it is its turn or there is room; else it comes back.
    fn offer(&self, after: &str, piece: Piece<P>) -> Option<Piece<P>> {
        let mut state = self.lock();
        let has_room = state.entries + piece.entries <= EARLY_ENTRIES_MAX;
        if !has_room && state.turn.as_deref() != Some(after) {
            return Some(piece);
        }
        state.entries += piece.entries;
        state.early.insert(after.into(), piece);
        drop(state);
        self.came.notify_one();
        None
    }

    /// The piece whose turn it is, if it has come.
    fn take(&self) -> Option<P> {
        let mut state = self.lock();
        let turn = state.turn.clone()?;
        let piece = state.early.remove(&turn)?;
        state.turn = piece.upto;
        state.entries -= piece.entries;
        drop(state);
        self.went.notify_waiters();
        Some(piece.content)
    }
}

impl<P, N> Visitor<Versions> for Line<P, N>
where
    P: Default + Send + 'static,
    N: Fn(&mut P, &Stack) + Send + Sync + 'static,
{
    type Segment = (P, usize);

    fn open(&self, _: u32) -> Self::Segment {
        Self::Segment::default()
    }

    fn pair(&self, (content, entries): &mut Self::Segment, source: Option<&Stack>, _: Option<&Stack>) {
        if let Some(stack) = source {
            (self.note)(content, stack);
            *entries += stack.entries.len();
        }
    }

    async fn batch(&self, segment: &mut Self::Segment, piece: KeyRange) -> Result<(), Error> {
        if piece.is_empty() {
            // Nothing, or the key that is the prefix itself: it goes with what follows.
            return Ok(());
        }
        let (content, entries) = std::mem::take(segment);
        let mut offered = Piece { upto: piece.upto, entries, content };
        loop {
            // Registered before the look, so that no leaving is missed.
            let mut went = std::pin::pin!(self.went.notified());
            went.as_mut().enable();
            match self.offer(&piece.after, offered) {
                None => return Ok(()),
                Some(back) => offered = back,
            }
            went.await;
        }
    }

    async fn close(&self, _: Self::Segment) -> Result<(), Error> {
        Ok(())
    }
}

/// Lists all histories below a side in up to `ways` ranges at once. `note` makes something of each, wherever it is
/// listed; `take` gets that in key order, about a page at a time, and may end the listing.
///
/// # Errors
/// The first listing error that retries could not cure, [`Error::Cancelled`], or what `take` returns. What stands
/// before the gap has been given out then.
pub async fn in_order<P, N, T>(
    side: Arc<Side>,
    ways: usize,
    cancel: CancellationToken,
    note: N,
    mut take: T,
) -> Result<(), Error>
where
    P: Default + Send + 'static,
    N: Fn(&mut P, &Stack) + Send + Sync + 'static,
    T: FnMut(P) -> Result<ControlFlow<()>, Error>,
{
    let line = Arc::new(Line::new(note));
    let sides = Sides { source: side, replica: None };
    let limits = WalkLimits { ranges_max: ways, listing: Listing::Versions, first_id: 0 };
    let (all, stats) = (vec![KeyRange::all()], Arc::<WalkStats>::default());
    let scheduler = Scheduler::new(sides, all, limits, Arc::clone(&line), stats, Order::ByKey);
    let mut walk = std::pin::pin!(scheduler.run::<Versions>(cancel));
    let mut walked = None;
    loop {
        while let Some(content) = line.take() {
            if take(content)?.is_break() {
                return Ok(());
            }
        }
        if let Some(result) = walked {
            return result;
        }
        tokio::select! {
            result = &mut walk => walked = Some(result),
            () = line.came.notified() => {}
        }
    }
}
