//! Which part of the key space is done, and exactly what is left.
//!
//! Invariant: the ranges of [`Coverage::done`] are disjoint, in order and never adjacent (adjacent pieces are
//! joined); with [`Coverage::remaining`] they cover every key exactly once. Bounds: two strings per gap.

use crate::model::KeyRange;

/// The union of disjoint key ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    done: Vec<KeyRange>,
}

impl Coverage {
    /// Joins ranges given in any order; empty ones count for nothing.
    ///
    /// # Errors
    /// Two ranges that share a key: what they counted would be counted twice.
    pub fn of<'a>(ranges: impl IntoIterator<Item = &'a KeyRange>) -> Result<Self, (KeyRange, KeyRange)> {
        let mut ranges: Vec<&KeyRange> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        ranges.sort_unstable_by(|a, b| a.after.cmp(&b.after));
        let mut done: Vec<KeyRange> = Vec::new();
        for range in ranges {
            match done.last_mut() {
                Some(last) if last.upto.as_deref().is_none_or(|upto| *range.after < *upto) => {
                    return Err((last.clone(), range.clone()));
                }
                Some(last) if last.upto.as_ref() == Some(&range.after) => last.upto = range.upto.clone(),
                _ => done.push(range.clone()),
            }
        }
        Ok(Self { done })
    }

    /// The done ranges: joined, in key order.
    #[must_use]
    pub fn done(&self) -> &[KeyRange] {
        &self.done
    }

    /// The gaps within a range, in key order: every key of `within` lies in exactly one of these or of
    /// [`Coverage::done`].
    #[must_use]
    pub fn remaining(&self, within: &KeyRange) -> Vec<KeyRange> {
        let mut gaps = Vec::new();
        let mut after = within.after.clone();
        let mut push = |gap: KeyRange| {
            if !gap.is_empty() {
                gaps.push(gap);
            }
        };
        for range in &self.done {
            if within.upto.as_deref().is_some_and(|upto| upto <= &*range.after) {
                break;
            }
            if range.after > after {
                push(KeyRange { after: after.clone(), upto: Some(range.after.clone()) });
            }
            match &range.upto {
                None => return gaps,
                Some(upto) if *upto > after => after = upto.clone(),
                Some(_) => {}
            }
        }
        push(KeyRange { after, upto: within.upto.clone() });
        gaps
    }
}
