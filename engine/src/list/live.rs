//! A range at work, as its worker and the scheduler share it.
//!
//! The one rule: a range is cut only *beyond its frontier*, the highest key received on either side. The
//! worker raises the frontier when a page arrives and reads the upper bound in the same critical section, so
//! no key is ever given to two workers and none falls between them.

use super::{Atlas, Middle, middle, remaining_share};
use crate::model::KeyRange;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A range is cut only when about so many pages of each side are left in it: below, finishing beats sharing.
pub(super) const SPLIT_PAGES_MIN: f64 = 3.0;
/// What a range of unknown extent is taken to hold, of each side, once a full page of it was seen.
pub(super) const UNKNOWN_PAGES: f64 = 8.0;

#[derive(Debug)]
struct State {
    range: KeyRange,
    /// The first key received: where the measuring of progress starts.
    first: Option<String>,
    frontier: String,
    /// Bounds of the page last received on the side that has more.
    last_page: Option<(String, String)>,
    /// Full pages received, of all sides together.
    pages: u32,
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
}

/// See the module text.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: u32,
    /// The atlas position that decided the cut this range came from.
    pub(super) born_at: Option<usize>,
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
        Self { id, born_at: None, sides, state: Mutex::new(State::new(range)) }
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
            state.populated = true;
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

    /// Ends the range: no cut can happen any more. Returns the final range and whether any key was seen.
    pub(super) fn finish(&self) -> (KeyRange, bool) {
        let mut state = self.lock();
        state.finished = true;
        (state.range.clone(), state.populated)
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

    /// Cuts the range in the middle of what is left, if that is so many pages. The new range is the upper part.
    pub(super) fn cut(&self, id: u32, atlas: &Atlas, pages_min: f64) -> Option<Live> {
        let mut state = self.lock();
        let left = self.estimate(&state, atlas);
        state.left = left;
        if state.finished || left < pages_min {
            return None;
        }
        let Middle { key, position } = middle(&state.frontier, state.range.upto.as_deref(), atlas)?;
        let (lower, upper) = state.range.split(&key)?;
        state.range = lower;
        state.left = left / 2.0;
        if let Some(prior) = &mut state.prior {
            *prior /= 2.0;
        }
        let born = State { prior: Some(left / 2.0), left: left / 2.0, ..State::new(upper) };
        Some(Live { id, born_at: Some(position), sides: self.sides, state: Mutex::new(born) })
    }

    /// A range that keeps delivering full pages although the atlas sees little ahead: the atlas is blind
    /// here, and it is worth asking the server. Returns the last page's bounds, once per few pages.
    pub(super) fn wants_scout(&self, atlas: &Atlas) -> Option<(String, String, Option<Box<str>>)> {
        let mut state = self.lock();
        if state.finished || self.rounds(&state) < state.scout_at {
            return None;
        }
        let known = self.estimate(&state, atlas);
        let cuttable =
            known >= SPLIT_PAGES_MIN && middle(&state.frontier, state.range.upto.as_deref(), atlas).is_some();
        if cuttable {
            return None;
        }
        // Each expedition that leaves the range as it was makes the next one wait twice as long.
        state.scout_at = self.rounds(&state).max(SCOUT_PAGES) * 2.0;
        let (first, last) = state.last_page.clone()?;
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
        share.map_or(UNKNOWN_PAGES, |share| share * self.rounds(state))
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
            scout_at: SCOUT_PAGES,
            prior: None,
            left: 0.0,
            news: false,
            finished: false,
            populated: false,
        }
    }
}
