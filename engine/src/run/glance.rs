//! A glance: what stands at many keys now, for fewer requests than a HEAD each where they lie close together.

use crate::compare::Facts;
use crate::list::{Feed, Objects, Side, Sides};
use std::collections::HashMap;
use std::sync::Arc;

/// A LIST costs as much as so many HEADs ($0.005 and $0.0004 per thousand, S3 price list, us-east-1, 2026). A page that
/// shows fewer of the keys wanted is the last one.
const WORTH: usize = 12;

/// What a listing showed. Of other keys nothing is known.
#[derive(Debug, Default)]
pub(super) struct Glance {
    seen: HashMap<Box<str>, Facts>,
    /// Keys above the first bound, up to and with the second, are decided: those not seen are not there.
    decided: Option<(Box<str>, Option<Box<str>>)>,
}

impl Glance {
    /// Looks at `keys`, relative and in order. A listing that fails leaves the rest undecided: whoever looks at those one
    /// by one is told why.
    pub(super) async fn at(side: &Arc<Side>, keys: &[&str]) -> Self {
        let mut glance = Self::default();
        // No string stands just before another, so the first key is left to a HEAD.
        let Some((first, mut open)) = keys.split_first().filter(|_| keys.len() > WORTH) else {
            return glance;
        };
        let mut feed = Objects::open(side, first);
        while !open.is_empty() {
            if feed.fill().await.is_err() {
                return glance;
            }
            let before = open.len();
            glance.take(&mut feed, &mut open);
            let decided = if feed.ended() { None } else { Some(feed.frontier().into()) };
            let ended = decided.is_none();
            glance.decided = Some(((*first).into(), decided));
            if ended || before - open.len() < WORTH {
                return glance;
            }
        }
        glance
    }

    /// Goes through a page; `open` keeps the keys above it.
    fn take(&mut self, feed: &mut Objects, open: &mut &[&str]) {
        while let Some(entry) = feed.item() {
            *open = &open[open.partition_point(|key| *key < entry.key)..];
            if open.first() == Some(&entry.key) {
                self.seen.insert(entry.key.into(), entry.into());
                *open = &open[1..];
            }
            feed.advance();
        }
        if feed.ended() {
            *open = &[];
        } else {
            let frontier = feed.frontier().to_owned();
            *open = &open[open.partition_point(|key| *key <= frontier.as_str())..];
        }
    }

    /// What stands at a key; `None` if that is not known.
    pub(super) fn of(&self, key: &str) -> Option<Option<Facts>> {
        let (after, upto) = self.decided.as_ref()?;
        let decided = key > &**after && upto.as_ref().is_none_or(|upto| key <= &**upto);
        decided.then(|| self.seen.get(key).cloned())
    }
}

/// Both sides of some keys.
#[derive(Debug, Default)]
pub(super) struct Glances(Glance, Glance);

impl Glances {
    /// Looks at both sides at once.
    pub(super) async fn at(sides: &Sides, keys: &[&str]) -> Self {
        let Some(replica) = &sides.replica else { return Self::default() };
        let (right, wrong) = futures::join!(Glance::at(&sides.source, keys), Glance::at(replica, keys));
        Self(right, wrong)
    }

    /// Both sides of a key, if both are known.
    pub(super) fn of(&self, key: &str) -> Option<(Option<Facts>, Option<Facts>)> {
        Some((self.0.of(key)?, self.1.of(key)?))
    }
}
