//! The key range: the unit of listing, of parallelism, of the checkpoint and of the report.
//!
//! A range is `(after, upto]` over raw key bytes: exclusive below, inclusive above. That is exactly what
//! `start-after` and `key-marker` mean, so a range starts with one request and needs no predecessor of a
//! key, which byte strings do not have.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A half-open interval of keys in byte order: every key `k` with `after < k <= upto`.
///
/// An empty `after` means "from the first key": it also lets in the empty *relative* key, which is the object
/// whose key is the location's prefix itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeyRange {
    /// Exclusive lower bound; empty for "from the first key".
    pub after: Box<str>,
    /// Inclusive upper bound; `None` for "to the last key".
    pub upto: Option<Box<str>>,
}

impl KeyRange {
    /// The range over all keys.
    #[must_use]
    pub fn all() -> Self {
        Self { after: "".into(), upto: None }
    }

    /// Does the key lie in the range? Rust's `str` order is the order of the UTF-8 bytes, as in S3.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        (self.after.is_empty() || key > &*self.after) && self.upto.as_deref().is_none_or(|upto| key <= upto)
    }

    /// True when no key can lie in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.upto.as_deref().is_some_and(|upto| upto <= &*self.after)
    }

    /// Cuts at `at`: the left piece keeps keys `<= at`. `None` unless `at` lies strictly inside.
    #[must_use]
    pub fn split(&self, at: &str) -> Option<(Self, Self)> {
        let inside = at > &*self.after && self.upto.as_deref().is_none_or(|upto| at < upto);
        inside.then(|| {
            (
                Self { after: self.after.clone(), upto: Some(at.into()) },
                Self { after: at.into(), upto: self.upto.clone() },
            )
        })
    }
}

impl fmt::Display for KeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.upto {
            Some(upto) => write!(f, "({:?}, {upto:?}]", self.after),
            None => write!(f, "({:?}, end]", self.after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the cuts, each key lies in exactly one piece, and the pieces stay in order.
        #[test]
        fn cuts_cover_every_key_once(
            cuts in prop::collection::vec("\\PC{0,6}", 0..20),
            keys in prop::collection::vec("\\PC{1,8}", 0..60),
        ) {
            let mut pieces = vec![KeyRange::all()];
            for cut in &cuts {
                pieces = pieces
                    .into_iter()
                    .flat_map(|piece| match piece.split(cut) {
                        Some((left, right)) => vec![left, right],
                        None => vec![piece],
                    })
                    .collect();
            }
            for key in &keys {
                prop_assert_eq!(pieces.iter().filter(|piece| piece.contains(key)).count(), 1);
            }
            for pair in pieces.windows(2) {
                prop_assert_eq!(pair[0].upto.as_deref(), Some(&*pair[1].after));
            }
        }
    }
}
