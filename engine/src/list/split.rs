//! Where to cut a range: a key in the middle of what is left, by interpolation over the atlas.
//!
//! Keys are read as digits of a mixed-radix number: at each position the base is the number of characters
//! expected there. Positions that never vary have base one and vanish, so 900 shared bytes cost nothing.

use super::Atlas;
use super::atlas::Alphabet;

/// Positions that take part in the interpolation. Ten digits of base ten or more exhaust an f64.
const VARYING_POSITIONS_MAX: usize = 10;

/// A place to cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Middle {
    /// Strictly between the two bounds.
    pub key: String,
    /// The character position that decided: the one to strike if nothing lies beyond.
    pub position: usize,
}

/// The number line between two keys.
struct Scale {
    alphabets: Vec<Alphabet>,
    /// Characters that both bounds share.
    common: Vec<char>,
    low: Vec<char>,
    high: Option<Vec<char>>,
}

impl Scale {
    fn new(low: &str, high: Option<&str>, atlas: &Atlas) -> Self {
        let low: Vec<char> = low.chars().collect();
        let high: Option<Vec<char>> = high.map(|high| high.chars().collect());
        let shared = high.as_ref().map_or(0, |high| low.iter().zip(high).take_while(|(a, b)| a == b).count());
        let common = low.iter().take(shared).copied().collect();
        Self { alphabets: atlas.alphabets(), common, low, high }
    }

    /// The characters at a position, the bounds' own included: a bound may be a key nobody has.
    fn alphabet(&self, index: usize) -> Alphabet {
        let mut alphabet = self.alphabets.get(index).cloned().unwrap_or_default();
        let bounds = [self.low.get(index), self.high.as_ref().and_then(|high| high.get(index))];
        bounds.into_iter().flatten().for_each(|char| alphabet.admit(*char));
        alphabet
    }

    fn end(&self) -> usize {
        self.alphabets.len().max(self.low.len()).max(self.high.as_ref().map_or(0, Vec::len))
    }

    /// Where a key lies, from 0 to 1, among all keys that start with the common characters.
    fn value(&self, key: &[char]) -> f64 {
        let (mut value, mut weight, mut varying) = (0.0, 1.0, 0);
        for index in self.common.len()..self.end() {
            let alphabet = self.alphabet(index);
            if alphabet.base() < 2 {
                // A key that ends here sorts before all that go on.
                if key.len() <= index {
                    break;
                }
                continue;
            }
            let Some(char) = key.get(index) else { break };
            let rank = alphabet.rank(*char);
            #[allow(clippy::cast_precision_loss)]
            {
                weight /= alphabet.base() as f64;
                value += weight * rank as f64;
            }
            varying += 1;
            if varying == VARYING_POSITIONS_MAX {
                break;
            }
        }
        value
    }

    fn span(&self) -> (f64, f64) {
        let high = self.high.as_ref().map_or(1.0, |high| self.value(high));
        (self.value(&self.low), high)
    }

    /// The shortest key at `target` that lies strictly between the bounds.
    fn key_at(&self, target: f64) -> Option<Middle> {
        let mut key: String = self.common.iter().collect();
        let low: String = self.low.iter().collect();
        let high: Option<String> = self.high.as_ref().map(|high| high.iter().collect());
        let (mut rest, mut varying) = (target, 0);
        for index in self.common.len()..self.end() {
            let alphabet = self.alphabet(index);
            let base = alphabet.base();
            if base == 0 {
                return None;
            }
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let digit = if base == 1 {
                0
            } else {
                let scaled = rest * base as f64;
                let digit = (scaled.max(0.0) as usize).min(base - 1);
                rest = scaled - digit as f64;
                varying += 1;
                digit
            };
            key.push(alphabet.at(digit)?);
            let inside = key > low && high.as_ref().is_none_or(|high| key < *high);
            if inside {
                return Some(Middle { key, position: index });
            }
            if varying == VARYING_POSITIONS_MAX {
                return None;
            }
        }
        None
    }
}

/// A key about halfway between `low` (exclusive) and `high` (exclusive; `None` for the end of all keys), or
/// `None` when the atlas knows nothing that lies between them.
#[must_use]
pub fn middle(low: &str, high: Option<&str>, atlas: &Atlas) -> Option<Middle> {
    between(low, high, atlas, 0.5)
}

/// As [`middle`], but at this share of the way.
pub(super) fn between(low: &str, high: Option<&str>, atlas: &Atlas, share: f64) -> Option<Middle> {
    let scale = Scale::new(low, high, atlas);
    let (from, to) = scale.span();
    if to <= from {
        return None;
    }
    scale.key_at(from + (to - from) * share)
}

/// How much is left, relative to what is done: with `first..now` done and `now..high` ahead, the ratio of the
/// second to the first. `None` when the atlas sees no progress at all.
#[must_use]
pub fn remaining_share(first: &str, now: &str, high: Option<&str>, atlas: &Atlas) -> Option<f64> {
    let scale = Scale::new(first, high, atlas);
    let now: Vec<char> = now.chars().collect();
    let (from, to) = scale.span();
    let at = scale.value(&now);
    let done = at - from;
    (done > 1e-12).then(|| (to - at).max(0.0) / done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn atlas(keys: &[&str]) -> Atlas {
        let mut atlas = Atlas::default();
        keys.iter().for_each(|key| atlas.observe(key));
        atlas
    }

    #[test]
    fn counters_are_halved() {
        let atlas = atlas(&["k/0000000000", "k/0000000999", "k/0000100000"]);
        let middle = middle("k/0000000999", None, &atlas).unwrap();
        assert_eq!((middle.key.as_str(), middle.position), ("k/00005", 6));
        let share = remaining_share("k/0000000000", "k/0000000999", None, &atlas).unwrap();
        assert!((900.0..1100.0).contains(&share), "{share}");
    }

    #[test]
    fn nested_bounds_go_deeper() {
        let atlas = atlas(&["k/0000000000", "k/0000000999", "k/0000100000"]);
        assert_eq!(middle("k/0000105999", Some("k/00002"), &atlas).unwrap().key, "k/000015");
    }

    #[test]
    fn unknown_keys_are_not_guessed() {
        assert_eq!(middle("a", None, &Atlas::default()), None);
        assert_eq!(middle("aaa", None, &atlas(&["aaa"])), None);
    }

    proptest! {
        #[test]
        fn a_middle_is_strictly_inside(
            keys in prop::collection::vec("[a-c0-3é/]{1,6}", 2..30),
            bounds in prop::collection::vec("[a-c0-3é/]{0,6}", 2),
            open in any::<bool>(),
        ) {
            let mut atlas = Atlas::default();
            keys.iter().for_each(|key| atlas.observe(key));
            let (low, high) = (bounds.iter().min().unwrap(), bounds.iter().max().unwrap());
            let high = (!open).then_some(high.as_str());
            if let Some(middle) = middle(low, high, &atlas) {
                prop_assert!(middle.key.as_str() > low.as_str());
                prop_assert!(high.is_none_or(|high| middle.key.as_str() < high));
            }
        }
    }
}
