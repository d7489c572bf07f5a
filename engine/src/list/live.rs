//! A range at work, as its worker and the scheduler share it.
//!
//! The one rule: a range is cut only *beyond its frontier*, the highest key received on either side. The
//! worker raises the frontier when a page arrives and reads the upper bound in the same critical section, so
//! no key is ever given to two workers and none falls between them.

use super::{Atlas, Middle, middle, remaining_share};
use crate::model::KeyRange;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A range is cut only when about this many pages are left in it: below, finishing beats sharing.
const SPLIT_PAGES_MIN: f64 = 3.0;
/// What a range of unknown extent is taken to hold once a full page of it was seen.
const UNKNOWN_PAGES: f64 = 8.0;

#[derive(Debug)]
struct State {
    range: KeyRange,
    /// The first key received: where the measuring of progress starts.
    first: Option<String>,
    frontier: String,
    /// Bounds of the page last received on the side that has more.
    last_page: Option<(String, String)>,
    pages: u32,
    /// Full pages after which scouting is worth trying (again).
    scout_at: u32,
    /// Expected pages, handed down by the range this one was cut from.
    prior: Option<f64>,
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
    pub(super) fn new(id: u32, range: KeyRange, prior: Option<f64>, born_at: Option<usize>) -> Self {
        let frontier = range.after.to_string();
        let state = State {
            range,
            first: None,
            frontier,
            last_page: None,
            pages: 0,
            scout_at: SCOUT_PAGES,
            prior,
            finished: false,
            populated: false,
        };
        Self { id, born_at, state: Mutex::new(state) }
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
        state.estimate(atlas)
    }

    /// Cuts the range in the middle of what is left, if that is worth it. The new range is the upper part.
    pub(super) fn cut(&self, id: u32, atlas: &Atlas) -> Option<Live> {
        let mut state = self.lock();
        if state.finished || state.estimate(atlas) < SPLIT_PAGES_MIN {
            return None;
        }
        let Middle { key, position } = middle(&state.frontier, state.range.upto.as_deref(), atlas)?;
        let (lower, upper) = state.range.split(&key)?;
        let left = state.estimate(atlas);
        state.range = lower;
        if let Some(prior) = &mut state.prior {
            *prior /= 2.0;
        }
        Some(Live::new(id, upper, Some(left / 2.0), Some(position)))
    }

    /// A range that keeps delivering full pages although the atlas sees little ahead: the atlas is blind
    /// here, and it is worth asking the server. Returns the last page's bounds, once per few pages.
    pub(super) fn wants_scout(&self, atlas: &Atlas) -> Option<(String, String, Option<Box<str>>)> {
        let mut state = self.lock();
        if state.finished || state.pages < state.scout_at {
            return None;
        }
        let known = state.estimate(atlas);
        let cuttable =
            known >= SPLIT_PAGES_MIN && middle(&state.frontier, state.range.upto.as_deref(), atlas).is_some();
        if cuttable {
            return None;
        }
        // Each expedition that leaves the range as it was makes the next one wait twice as long.
        state.scout_at = state.pages.max(SCOUT_PAGES) * 2;
        let (first, last) = state.last_page.clone()?;
        Some((first, last, state.range.upto.clone()))
    }
}

/// Full pages before the first scouting expedition of a range.
const SCOUT_PAGES: u32 = 3;

impl State {
    fn estimate(&self, atlas: &Atlas) -> f64 {
        let Some(first) = &self.first else { return self.prior.unwrap_or(0.0) };
        if self.pages == 0 {
            // Its only page so far was its last on the longer side.
            return 0.0;
        }
        let share = remaining_share(first, &self.frontier, self.range.upto.as_deref(), atlas);
        share.map_or(UNKNOWN_PAGES, |share| share * f64::from(self.pages))
    }
}
