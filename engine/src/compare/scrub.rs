//! `--scrub`: which keys are read although less would do.
//!
//! Keys lie on a circle by a hash of their name; a run reads an arc of it. The arcs of n runs cover the circle, so
//! nothing needs to be remembered, and a key that is read today is read again only when its turn comes.

use crate::model::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::str::FromStr;

/// The whole circle.
const CIRCLE: u128 = 1 << 64;

/// The arc of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scrub {
    start: u64,
    width: u128,
    /// With a ledger: what was last proved before this class is read, of the class itself the arc.
    stale: Option<Stale>,
}

/// See [`Scrub::stalest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stale {
    class: i64,
    /// Places the keys anew: those of an earlier run's arc are not of this class any more.
    seed: u64,
}

/// Keys and bytes by the class of their last proof; bounded by the hours since the first.
pub type Ages = BTreeMap<i64, (u64, u64)>;

impl Scrub {
    /// Every key.
    pub const ALL: Self = Self { start: 0, width: CIRCLE, stale: None };

    /// The class of a key by its last proof: never, or the hour.
    #[must_use]
    pub fn class(last: Option<Timestamp>) -> i64 {
        last.map_or(i64::MIN, |last| last.seconds().div_euclid(3600))
    }

    /// As much as `wish` asks for, beginning with what was never proved, then what was proved longest ago.
    #[must_use]
    pub fn stalest(wish: ScrubWish, ages: &Ages, seed: u64) -> Self {
        let total: u64 = ages.values().map(|(keys, _)| keys).sum();
        let of = |millionths: u64| u128::from(total) * u128::from(millionths) / 1_000_000;
        let budget = match wish {
            ScrubWish::All => return Self::ALL,
            ScrubWish::Slice(_, n) => u128::from(total.div_ceil(u64::from(n))),
            ScrubWish::Share(millionths) => of(u64::from(millionths)).max(1),
            ScrubWish::Bytes(bytes) => u128::from(bytes),
        };
        let mut left = budget;
        for (class, (keys, bytes)) in ages {
            let amount = u128::from(if matches!(wish, ScrubWish::Bytes(_)) { *bytes } else { *keys });
            if amount > left {
                let width = CIRCLE * left / amount.max(1);
                return Self { start: 0, width, stale: Some(Stale { class: *class, seed }) };
            }
            left -= amount;
        }
        Self::ALL
    }

    /// The `k`-th of `n` equal arcs, from 1; `None` unless `1 <= k <= n`.
    #[must_use]
    pub fn slice(k: u32, n: u32) -> Option<Self> {
        if k == 0 || k > n {
            return None;
        }
        let edge = |k: u32| CIRCLE * u128::from(k) / u128::from(n);
        let start = u64::try_from(edge(k - 1)).ok()?;
        Some(Self { start, width: edge(k) - edge(k - 1), stale: None })
    }

    /// A share of `millionths`, beginning where the run before it ended: `turn` counts the runs.
    #[must_use]
    pub fn share(millionths: u32, turn: u64) -> Self {
        let width = CIRCLE * u128::from(millionths.min(1_000_000)) / 1_000_000;
        // Wrapping is what a circle does.
        #[allow(clippy::cast_possible_truncation)]
        let start = (width as u64).wrapping_mul(turn);
        Self { start, width, stale: None }
    }

    /// Is this key's turn in this run? `last` is when it was last proved by reading, where that is known.
    #[must_use]
    pub fn picks(&self, key: &str, last: Option<Timestamp>) -> bool {
        let place = match self.stale {
            None => xxhash_rust::xxh3::xxh3_64(key.as_bytes()),
            Some(Stale { class, seed }) => match Self::class(last).cmp(&class) {
                Ordering::Less => return true,
                Ordering::Greater => return false,
                Ordering::Equal => xxhash_rust::xxh3::xxh3_64_with_seed(key.as_bytes(), seed),
            },
        };
        u128::from(place.wrapping_sub(self.start)) < self.width
    }
}

/// What `--scrub` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScrubWish {
    /// `all`.
    All,
    /// `k/n`: the k-th of n runs.
    Slice(u32, u32),
    /// `N%`, in millionths: the share moves on from day to day.
    Share(u32),
    /// About so many bytes of each side, as a share of what is listed; it moves on from day to day.
    Bytes(u64),
}

impl ScrubWish {
    /// The arc of a run on the `day`-th day since 1970 over `listed` bytes (only asked for [`ScrubWish::Bytes`]).
    #[must_use]
    pub fn arc(self, day: u64, listed: u64) -> Scrub {
        match self {
            Self::All => Scrub::ALL,
            // Checked when it was parsed.
            Self::Slice(k, n) => Scrub::slice(k, n).unwrap_or(Scrub::ALL),
            Self::Share(millionths) => Scrub::share(millionths, day),
            Self::Bytes(bytes) => {
                let share = u128::from(bytes) * 1_000_000 / u128::from(listed.max(1));
                Scrub::share(u32::try_from(share).unwrap_or(u32::MAX), day)
            }
        }
    }
}

impl FromStr for ScrubWish {
    type Err = &'static str;

    /// `all`, `k/n` or `N%`. Sizes are the caller's to read: their spelling belongs to the command line.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some((k, n)) = text.split_once('/') {
            let slice = k.parse().ok().zip(n.parse().ok()).filter(|(k, n)| Scrub::slice(*k, *n).is_some());
            return slice.map(|(k, n)| Self::Slice(k, n)).ok_or("say k/n with 1 <= k <= n, such as 3/30");
        }
        let percent = text.strip_suffix('%').and_then(|text| text.parse::<f64>().ok());
        let percent = percent.filter(|percent| *percent > 0.0 && *percent <= 100.0);
        // In range by the line above.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let millionths = percent.map(|percent| (percent * 10_000.0).ceil() as u32);
        millionths.map(Self::Share).ok_or("say all, k/n (3/30), a share (5%) or a size (20GiB)")
    }
}

/// What a scrub read, and what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scrubbed {
    /// Pairs whose bytes were read and compared.
    pub read: u64,
    /// Pairs there are to read: on both sides, of one size, not empty.
    pub of: u64,
    /// Of those read: pairs whose bytes differ.
    pub bad: u64,
}

impl Scrubbed {
    /// What the sample says about all, in plain words. With none of n bad, the share of bad ones is at most
    /// 1 − 0.05^(1/n) at 95 % confidence, about 3/n (the rule of three).
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // A bound in percent needs no more than 53 bits.
    pub fn statement(&self) -> String {
        let Self { read, of, bad } = *self;
        match (read, bad) {
            (0, _) => format!("no bytes were read: nothing is known about the bytes of {of} objects"),
            (_, 0) if read == of => format!("the bytes of all {of} objects were read: none is bad"),
            (_, 0) => {
                let bound = (1.0 - 0.05_f64.powf(1.0 / read as f64)) * 100.0;
                format!(
                    "the bytes of {read} of {of} objects were read, none is bad: at most {bound:.2} % are, at 95 % confidence"
                )
            }
            _ if read == of => format!("the bytes of all {of} objects were read: {bad} are bad"),
            _ => {
                let share = bad as f64 * 100.0 / read as f64;
                format!(
                    "the bytes of {read} of {of} objects were read: {bad} are bad ({share:.2} %); expect more among the rest, read them with --scrub all"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n_runs_cover_every_key_once() {
        let keys: Vec<String> = (0..2000).map(|i| format!("k/{i}")).collect();
        for n in [1, 2, 7, 30] {
            let arcs: Vec<Scrub> = (1..=n).map(|k| Scrub::slice(k, n).unwrap()).collect();
            for key in &keys {
                assert_eq!(arcs.iter().filter(|arc| arc.picks(key, None)).count(), 1);
            }
        }
        assert_eq!((Scrub::slice(0, 3), Scrub::slice(4, 3)), (None, None));
        assert!(keys.iter().all(|key| Scrub::ALL.picks(key, None)));
    }

    #[test]
    fn a_share_moves_on_until_all_is_covered() {
        let keys: Vec<String> = (0..2000).map(|i| format!("k/{i}")).collect();
        for day in [0, 20_000] {
            let runs: Vec<Scrub> = (day..day + 15).map(|day| Scrub::share(70_000, day)).collect();
            assert!(keys.iter().all(|key| runs.iter().any(|run| run.picks(key, None))));
            let read = keys.iter().filter(|key| runs[0].picks(key, None)).count();
            assert!((80..200).contains(&read), "{read}");
        }
    }

    #[test]
    fn the_stalest_come_first() {
        let hour = |hour: i64| Some(Timestamp::from_seconds(hour * 3600 + 5));
        let ages: Ages = [(i64::MIN, (100, 1000)), (10, (100, 9000)), (20, (800, 100))].into();
        let picked =
            |scrub: Scrub, last| (0..1000).filter(|number| scrub.picks(&format!("k/{number}"), last)).count();
        let scrub = Scrub::stalest(ScrubWish::Share(150_000), &ages, 1);
        assert_eq!((picked(scrub, None), picked(scrub, hour(9)), picked(scrub, hour(20))), (1000, 1000, 0));
        assert!((400..600).contains(&picked(scrub, hour(10))));
        let scrub = Scrub::stalest(ScrubWish::Bytes(500), &ages, 2);
        assert!((400..600).contains(&picked(scrub, None)) && picked(scrub, hour(10)) == 0);
        assert_eq!(Scrub::stalest(ScrubWish::All, &ages, 3), Scrub::ALL);
        assert_eq!(Scrub::stalest(ScrubWish::Bytes(1 << 40), &ages, 3), Scrub::ALL);
        // What is left of a class after one run has a new chance in the next.
        let (one, two) = (
            Scrub::stalest(ScrubWish::Bytes(500), &ages, 4),
            Scrub::stalest(ScrubWish::Bytes(500), &ages, 5),
        );
        let left: Vec<String> =
            (0..1000).map(|number| format!("k/{number}")).filter(|key| !one.picks(key, None)).collect();
        assert!(left.iter().filter(|key| two.picks(key, None)).count() > left.len() / 3);
    }

    #[test]
    fn what_people_write() {
        assert_eq!("all".parse(), Ok(ScrubWish::All));
        assert_eq!("3/30".parse(), Ok(ScrubWish::Slice(3, 30)));
        assert_eq!("2.5%".parse(), Ok(ScrubWish::Share(25_000)));
        for bad in ["", "0/3", "4/3", "1/0", "0%", "101%", "x", "-1%", "NaN%"] {
            assert!(bad.parse::<ScrubWish>().is_err(), "{bad}");
        }
    }

    #[test]
    fn confidence_in_words() {
        let say = |read, of, bad| Scrubbed { read, of, bad }.statement();
        assert!(say(300, 9000, 0).contains("at most 0.99 %"), "{}", say(300, 9000, 0));
        assert!(say(5, 5, 0).contains("all 5"));
        assert!(say(50, 100, 1).contains("(2.00 %)"));
    }
}
