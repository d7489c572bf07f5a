//! A range at work, as its worker and the scheduler share it.
//!
//! The one rule: a range is cut only *beyond its frontier*, the highest key received on either side. The
//! worker raises the frontier when a page arrives and reads the upper bound in the same critical section, so
//! no key is ever given to two workers and none falls between them.

use super::split::between;
use super::{Atlas, Middle, middle, remaining_share};
use crate::model::KeyRange;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// A range is cut only when about so many pages of each side are left in it: below, finishing beats sharing.
pub(super) const SPLIT_PAGES_MIN: f64 = 3.0;
/// What a range is taken to hold at most, of each side, before anybody has looked into it: whoever divides a guess
/// further divides nothing.
pub(super) const UNKNOWN_PAGES: f64 = 8.0;
/// What is taken to be left where a page was seen and the atlas sees no progress in it: deep among keys that part early.
/// Enough to be cut in any order, so that the cuts come near.
pub(super) const BLIND_PAGES: f64 = 12.0;
/// A cut-off range counts for so many pages at most before anybody has looked into it, when it is asked what lies ahead.
const AHEAD_GUESS_MAX: f64 = 16.0;
/// Cuts of one range that may be unconfirmed at once. With one, a walk gets under way more slowly.
const UNSEEN_MAX: u32 = 2;
/// A cut in vain moves the next one nearer, to the half, the square of it, the square of that, and so on so many times:
/// what is thick and looks small is found in a few steps instead of one per bit.
const SQUARES_MAX: u32 = 4;

#[derive(Debug)]
struct State {
    range: KeyRange,
    /// Where the measuring of progress starts: the first key received, or of a later page.
    first: Option<String>,
    frontier: String,
    /// Bounds of the page last received on the side that has more.
    last_page: Option<(String, String)>,
    /// Full pages received, of all sides together.
    pages: u32,
    /// Of them, those that came before `first`.
    before: u32,
    /// Full pages of each side after which scouting is worth trying (again).
    scout_at: f64,
    /// Pages of each side expected, handed down by the range this one was cut from.
    prior: Option<f64>,
    /// Pages of each side left, as last estimated.
    left: f64,
    /// A page came since then.
    news: bool,
    finished: bool,
    /// A key was found in it.
    populated: bool,
    /// Ranges cut from it that nobody has looked into yet.
    unseen: u32,
    /// Cuts of late, one after the other, beyond which nothing was found.
    vain: u32,
}

/// See the module text.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: u32,
    /// The atlas position that decided the cut this range came from.
    pub(super) born_at: Option<usize>,
    /// The range this one was cut from.
    parent: Weak<Live>,
    /// How many sides are listed.
    sides: u8,
    state: Mutex<State>,
}

/// What a worker learns when it hands in a page.
pub(super) struct Received<'a> {
    pub(super) frontier: &'a str,
    pub(super) bounds: Option<(&'a str, &'a str)>,
    /// This page was full and more follows.
    pub(super) more: bool,
}

impl Live {
    pub(super) fn new(id: u32, sides: u8, range: KeyRange) -> Self {
        Self { id, born_at: None, parent: Weak::new(), sides, state: Mutex::new(State::new(range)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn range(&self) -> KeyRange {
        self.lock().range.clone()
    }

    /// Takes note of a page of one side and returns the upper bound that now holds.
    pub(super) fn received(&self, page: &Received<'_>) -> Option<Box<str>> {
        let mut state = self.lock();
        if state.frontier.as_str() < page.frontier {
            state.frontier = page.frontier.to_owned();
        }
        state.news = true;
        if let Some((first, last)) = page.bounds {
            // A page goes on beyond the range: what it begins with tells whether anything is inside.
            let populated = state.range.upto.as_deref().is_none_or(|upto| first <= upto);
            if populated && !state.populated {
                self.tell_parent(true);
            }
            state.populated |= populated;
            if state.first.as_deref().is_none_or(|seen| first < seen) {
                state.first = Some(first.to_owned());
            }
            if page.more {
                state.pages += 1;
                state.last_page = Some((first.to_owned(), last.to_owned()));
            }
        }
        state.range.upto.clone()
    }

    pub(super) fn upto(&self) -> Option<Box<str>> {
        self.lock().range.upto.clone()
    }

    /// Ends the range: no cut can happen any more. Returns the final range and whether any key was found in it.
    pub(super) fn finish(&self) -> (KeyRange, bool) {
        let mut state = self.lock();
        state.finished = true;
        if !state.populated {
            self.tell_parent(false);
        }
        (state.range.clone(), state.populated)
    }

    /// Says once whether the cut was in vain. Locks go from a range to the one it was cut from, never the other way.
    fn tell_parent(&self, populated: bool) {
        let Some(parent) = self.parent.upgrade() else { return };
        let mut state = parent.lock();
        state.unseen = state.unseen.saturating_sub(1);
        state.vain = if populated { 0 } else { state.vain + 1 };
    }

    /// May it be cut now? Not before somebody has looked beyond the last cuts.
    pub(super) fn may_be_cut(&self) -> bool {
        let state = self.lock();
        !state.finished && state.unseen < if state.vain == 0 { UNSEEN_MAX } else { 1 }
    }

    /// A range from which no page has come yet.
    pub(super) fn is_unconfirmed(&self) -> bool {
        self.lock().first.is_none()
    }

    /// Pages expected in what is left; 0 for a range that cannot be cut.
    pub(super) fn pages_left(&self, atlas: &Atlas) -> f64 {
        let state = self.lock();
        if state.finished {
            return 0.0;
        }
        self.estimate(&state, atlas)
    }

    /// Has a page come since this was last asked?
    pub(super) fn has_news(&self) -> bool {
        std::mem::take(&mut self.lock().news)
    }

    /// What was left when last estimated for a cut: cheap, and older by a page at most.
    pub(super) fn left(&self) -> f64 {
        let state = self.lock();
        if state.finished { 0.0 } else { state.left }
    }

    /// Cuts the range in the middle of what is left, if that is so many pages; nearer after cuts in vain. The new range
    /// is the upper part.
    pub(super) fn cut(self: &Arc<Self>, id: u32, atlas: &Atlas, pages_min: f64) -> Option<Live> {
        let mut state = self.lock();
        let left = self.estimate(&state, atlas);
        state.left = left;
        if state.finished || left < pages_min {
            return None;
        }
        let share = 0.5_f64.powi(1 << state.vain.min(SQUARES_MAX));
        let (frontier, upto) = (state.frontier.as_str(), state.range.upto.as_deref());
        let Middle { key, position } =
            between(frontier, upto, atlas, share).or_else(|| middle(frontier, upto, atlas))?;
        let (lower, upper) = state.range.split(&key)?;
        state.range = lower;
        state.unseen += 1;
        if let Some(prior) = &mut state.prior {
            *prior /= 2.0;
        }
        let left = left / 2.0;
        state.left = left;
        let born = State {
            prior: Some(left.min(UNKNOWN_PAGES)),
            left: left.min(AHEAD_GUESS_MAX),
            ..State::new(upper)
        };
        let (parent, sides) = (Arc::downgrade(self), self.sides);
        Some(Live { id, born_at: Some(position), parent, sides, state: Mutex::new(born) })
    }

    /// A range that keeps delivering full pages although the atlas sees little ahead: the atlas is blind
    /// here, and it is worth asking the server. Returns the last page's bounds, once per few pages.
    pub(super) fn wants_scout(
        &self,
        atlas: &Atlas,
        pages_min: f64,
    ) -> Option<(String, String, Option<Box<str>>)> {
        let mut state = self.lock();
        if state.finished || self.rounds(&state) < state.scout_at {
            return None;
        }
        let known = self.estimate(&state, atlas);
        let cuttable =
            known >= pages_min && middle(&state.frontier, state.range.upto.as_deref(), atlas).is_some();
        if cuttable {
            return None;
        }
        let (first, last) = state.last_page.clone()?;
        // What lay before may have been thin, and this subtree, which looks small among all that could be, thick:
        // from here on the last page alone says how far a page reaches.
        state.first = Some(first.clone());
        state.before = state.pages - 1;
        // Each expedition that leaves the range as it was makes the next one wait twice as long.
        state.scout_at = self.rounds(&state).max(SCOUT_PAGES) * 2.0;
        Some((first, last, state.range.upto.clone()))
    }

    /// Pages of each side: round trips, as both are listed at once.
    fn rounds(&self, state: &State) -> f64 {
        f64::from(state.pages) / f64::from(self.sides)
    }

    fn estimate(&self, state: &State, atlas: &Atlas) -> f64 {
        let Some(first) = &state.first else { return state.prior.unwrap_or(0.0) };
        if state.pages == 0 {
            // Its only page so far was its last on the longer side.
            return 0.0;
        }
        let share = remaining_share(first, &state.frontier, state.range.upto.as_deref(), atlas);
        let measured = f64::from(state.pages - state.before) / f64::from(self.sides);
        share.map_or(BLIND_PAGES, |share| share * measured)
    }
}

/// Full pages of each side before the first scouting expedition of a range.
const SCOUT_PAGES: f64 = 3.0;

impl State {
    fn new(range: KeyRange) -> Self {
        Self {
            frontier: range.after.to_string(),
            range,
            first: None,
            last_page: None,
            pages: 0,
            before: 0,
            scout_at: SCOUT_PAGES,
            prior: None,
            left: 0.0,
            news: false,
            finished: false,
            populated: false,
            unseen: 0,
            vain: 0,
        }
    }
}
