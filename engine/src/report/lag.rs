//! Replication lag, schema `s3twin.lag/1`: counts, percentiles, and what waits longest. No I/O.

use crate::compare::arrival::KeyArrival;
use crate::model::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the schema.
pub const LAG_SCHEMA: &str = "s3twin.lag/1";

/// Versions listed by name, those that wait longest.
const LISTED: usize = 100;
/// Up to an hour lags are kept by the second; above, rounded up to the minute; above a day, to the hour. So the
/// histogram is bounded, and a percentile is never too low.
const STEPS: [(u64, u64); 3] = [(3600, 1), (86_400, 60), (u64::MAX, 3600)];

/// What the primary's server says of a version that has not arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A replication rule is on it.
    Pending,
    /// Replication gave up: only Batch Replication or a sync brings it.
    Failed,
    /// Replicated, but not there any more.
    Gone,
    /// No rule applies to it: it waits for a sync.
    NoRule,
    /// The server was not asked, or could not tell.
    Unknown,
}

impl Status {
    /// Of `x-amz-replication-status`.
    #[must_use]
    pub fn of_header(status: Option<&str>) -> Self {
        match status {
            Some("PENDING") => Self::Pending,
            Some("FAILED") => Self::Failed,
            Some("COMPLETED" | "COMPLETE") => Self::Gone,
            Some(_) => Self::Unknown,
            None => Self::NoRule,
        }
    }
}

/// A version that has not arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenVersion {
    /// Relative key.
    pub key: String,
    /// Which.
    pub version_id: String,
    /// It is the current one.
    pub current: bool,
    /// Since when the replica lacks it.
    pub since: Timestamp,
    /// Seconds since then.
    pub age_seconds: u64,
    /// What the server says.
    pub status: Status,
}

/// Versions by how they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LagCounts {
    /// Current versions that have arrived.
    pub arrived: u64,
    /// Of those: with a lag that can be known.
    pub measured: u64,
    /// Of those measured: recognised by size and time, because their ETags cannot be compared.
    pub by_size: u64,
    /// Older versions that replication brought.
    pub arrived_before: u64,
    /// Versions on their way.
    pub pending: u64,
    /// Versions that replication gave up on.
    pub failed: u64,
    /// Versions that replication brought and that are not there any more.
    pub gone: u64,
    /// Current versions that no rule applies to and no sync has brought yet.
    pub no_rule: u64,
    /// Versions that are not there, and nobody could say why.
    pub unknown: u64,
    /// Older versions that were never current when a sync ran, or that no rule applies to.
    pub superseded: u64,
    /// Deletes that the replica does not know.
    pub deletes: u64,
}

/// Lags in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Percentiles {
    pub p50: u64,
    pub p95: u64,
    pub p99: u64,
    pub max: u64,
}

/// Upper bounds of the classes of a [`Lag::histogram`], in seconds; the last class has none.
const CLASSES: [u64; 12] = [1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400, 604_800, u64::MAX];

/// Versions whose lag is at most so long, and longer than the class before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LagClass {
    /// `None`: any length.
    pub upto_seconds: Option<u64>,
    /// How many.
    pub versions: u64,
}

/// What was found out. Parts of disjoint pieces add up.
#[derive(Clone, Debug, Default)]
pub struct Lag {
    /// Counts.
    pub counts: LagCounts,
    /// The longest waiting, oldest first.
    pub open: Vec<OpenVersion>,
    /// The youngest version that has arrived was written then.
    pub youngest_arrived: Option<Timestamp>,
    seconds: BTreeMap<u64, u64>,
    max: u64,
}

impl Lag {
    /// Counts a key's arrivals; what is open is counted once its status is known ([`Self::wait`]). Lags of
    /// versions written before `since` are left out.
    pub fn arrive(&mut self, key: &KeyArrival, since: Option<Timestamp>) {
        let counts = &mut self.counts;
        counts.arrived_before += key.arrived_before;
        counts.superseded += key.superseded;
        counts.deletes += u64::from(key.marker_open);
        let Some(arrived) = key.arrived else { return };
        counts.arrived += 1;
        self.youngest_arrived = self.youngest_arrived.max(Some(arrived.written));
        let Some(seconds) = arrived.seconds.filter(|_| since.is_none_or(|since| arrived.written >= since))
        else {
            return;
        };
        counts.measured += 1;
        counts.by_size += u64::from(arrived.by_size);
        *self.seconds.entry(rounded(seconds)).or_default() += 1;
        self.max = self.max.max(seconds);
    }

    /// Counts a version that has not arrived. An older one without a rule waits for nothing.
    pub fn wait(&mut self, version: OpenVersion) {
        let counts = &mut self.counts;
        let count = match version.status {
            Status::Pending => &mut counts.pending,
            Status::Failed => &mut counts.failed,
            Status::Gone => &mut counts.gone,
            Status::NoRule if version.current => &mut counts.no_rule,
            Status::NoRule => &mut counts.superseded,
            Status::Unknown => &mut counts.unknown,
        };
        *count += 1;
        if version.current || version.status != Status::NoRule {
            self.open.push(version);
            self.keep_oldest();
        }
    }

    /// Adds those of another piece.
    pub fn add(&mut self, other: Self) {
        let (a, b) = (&mut self.counts, &other.counts);
        a.arrived += b.arrived;
        a.measured += b.measured;
        a.by_size += b.by_size;
        a.arrived_before += b.arrived_before;
        a.pending += b.pending;
        a.failed += b.failed;
        a.gone += b.gone;
        a.no_rule += b.no_rule;
        a.unknown += b.unknown;
        a.superseded += b.superseded;
        a.deletes += b.deletes;
        self.youngest_arrived = self.youngest_arrived.max(other.youngest_arrived);
        self.max = self.max.max(other.max);
        for (seconds, count) in other.seconds {
            *self.seconds.entry(seconds).or_default() += count;
        }
        self.open.extend(other.open);
        self.keep_oldest();
    }

    /// Of the lags that can be known; `None` if there are none.
    #[must_use]
    pub fn percentiles(&self) -> Option<Percentiles> {
        let total = self.counts.measured;
        let at = |percent: u64| {
            let rank = (total * percent).div_ceil(100);
            let mut seen = 0;
            let found = self.seconds.iter().find(|(_, count)| {
                seen += **count;
                seen >= rank
            });
            found.map_or(self.max, |(seconds, _)| (*seconds).min(self.max))
        };
        (total > 0).then(|| Percentiles { p50: at(50), p95: at(95), p99: at(99), max: self.max })
    }

    /// The measured lags by length, shortest first; the sum is [`LagCounts::measured`].
    #[must_use]
    pub fn histogram(&self) -> Vec<LagClass> {
        let class = |upto: u64| LagClass { upto_seconds: (upto < u64::MAX).then_some(upto), versions: 0 };
        let mut classes = CLASSES.map(class);
        for (seconds, count) in &self.seconds {
            let at = CLASSES.iter().position(|upto| seconds <= upto);
            if let Some(class) = at.and_then(|at| classes.get_mut(at)) {
                class.versions += count;
            }
        }
        classes.to_vec()
    }

    /// What has waited longest.
    #[must_use]
    pub fn oldest(&self) -> Option<&OpenVersion> {
        self.open.first()
    }

    fn keep_oldest(&mut self) {
        self.open.sort_by(|a, b| (a.since, &a.key, &a.version_id).cmp(&(b.since, &b.key, &b.version_id)));
        self.open.truncate(LISTED);
    }
}

fn rounded(seconds: u64) -> u64 {
    let step = STEPS.iter().find(|(upto, _)| seconds <= *upto).map_or(1, |(_, step)| *step);
    seconds.div_ceil(step) * step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::arrival::Arrived;

    fn lag(of: impl Iterator<Item = u64>) -> Lag {
        let mut lag = Lag::default();
        for seconds in of {
            let arrived =
                Arrived { written: Timestamp::from_seconds(0), seconds: Some(seconds), by_size: false };
            lag.arrive(&KeyArrival { arrived: Some(arrived), ..KeyArrival::default() }, None);
        }
        lag
    }

    #[test]
    fn percentiles_are_ranks_and_parts_add_up() {
        let mut a = lag(1..=60);
        a.add(lag(61..=100));
        assert_eq!(a.percentiles(), Some(Percentiles { p50: 50, p95: 95, p99: 99, max: 100 }));
        assert_eq!(lag([7].into_iter()).percentiles(), Some(Percentiles { p50: 7, p95: 7, p99: 7, max: 7 }));
        assert_eq!(Lag::default().percentiles(), None);
    }

    #[test]
    fn long_lags_are_rounded_up_but_never_above_the_longest() {
        assert_eq!((rounded(3600), rounded(3601), rounded(86_401)), (3600, 3660, 90_000));
        let two = lag([4000, 100_000].into_iter()).percentiles().unwrap();
        assert_eq!((two.p50, two.max), (4020, 100_000));
    }

    #[test]
    fn every_measured_lag_is_in_one_class() {
        let lag = lag([0, 1, 2, 60, 61, 3601, 90_000_000].into_iter());
        let of =
            |upto| lag.histogram().into_iter().find(|class| class.upto_seconds == upto).unwrap().versions;
        assert_eq!(
            [of(Some(1)), of(Some(5)), of(Some(60)), of(Some(300)), of(Some(14_400)), of(None)],
            [2, 1, 1, 1, 1, 1]
        );
        assert_eq!(lag.histogram().iter().map(|class| class.versions).sum::<u64>(), lag.counts.measured);
    }

    #[test]
    fn the_oldest_are_kept_and_an_old_version_without_a_rule_is_no_lag() {
        let mut lag = Lag::default();
        for second in (0..300).rev() {
            lag.wait(OpenVersion {
                key: format!("k{second}"),
                version_id: "v".to_owned(),
                current: second > 0,
                since: Timestamp::from_seconds(second),
                age_seconds: 0,
                status: Status::NoRule,
            });
        }
        assert_eq!((lag.counts.no_rule, lag.counts.superseded, lag.open.len()), (299, 1, LISTED));
        assert_eq!(lag.oldest().unwrap().key, "k1");
    }
}
