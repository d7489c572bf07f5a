//! What stood at a moment: the state of one key in its history, and how sure we can be of it.
//!
//! Pure. The order within one second is the order of the document (newest first), so ties need no guess.
//! What a listing cannot know is a [`Doubt`] (S3 facts, section 6): it never changes the answer, it travels
//! with it.

use crate::list::{Stack, StackEntry};
use crate::model::{ETag, EntryKind, Timestamp};
use serde::{Deserialize, Serialize};

/// A moment of the past, in whole seconds, as S3 dates things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When; a fraction of a second counts as the second it lies in.
    pub at: Timestamp,
    /// What was written within that very second still counts (`--at`), or not (`--before`).
    pub inclusive: bool,
}

impl Moment {
    /// The state at the end of a second.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self { at, inclusive: true }
    }

    /// The state just before a second.
    #[must_use]
    pub fn before(at: Timestamp) -> Self {
        Self { at, inclusive: false }
    }

    /// The last second that counts.
    #[must_use]
    pub fn last_second(self) -> i64 {
        self.at.seconds() - i64::from(!self.inclusive)
    }

    /// Does something of that date count?
    #[must_use]
    pub fn covers(self, date: Timestamp) -> bool {
        date.seconds() <= self.last_second()
    }
}

/// Why the listing may not tell what really stood then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// A multipart upload is dated by its beginning: this one may have been completed after the moment, and
    /// what lies under it may have stood then.
    MultipartBegunBefore,
    /// The `null` version was written after the moment. While versioning was suspended it may have overwritten
    /// another `null` version that stood then, without a trace.
    NullOverwritten,
    /// A replica keeps its source's date: this one may have arrived here after the moment.
    InheritedTime,
    /// The server lists the history in an order that contradicts its dates.
    OutOfOrder,
}

impl Doubt {
    /// The stable word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MultipartBegunBefore => "multipart-begun-before",
            Self::NullOverwritten => "null-overwritten",
            Self::InheritedTime => "inherited-time",
            Self::OutOfOrder => "out-of-order",
        }
    }

    /// One sentence for the operator.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::MultipartBegunBefore => {
                "a multipart upload begun shortly before the moment may have been completed after it: look at \
                 both versions, then restore one with --key and --version-id, or take it with --uncertain include"
            }
            Self::NullOverwritten => {
                "versioning was suspended after the moment and the version that stood then may be gone: take \
                 what is left with --uncertain include"
            }
            Self::InheritedTime => {
                "replication brought it here with its source's date, perhaps after the moment: take it with \
                 --uncertain include if the source's time is what counts"
            }
            Self::OutOfOrder => {
                "the server does not list versions newest first: choose the version with --key and --version-id"
            }
        }
    }
}

/// What raises a doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoubtRules {
    /// A multipart version begun less than so many seconds before the moment may have been completed after it.
    pub multipart_window_seconds: u64,
    /// A replica dated less than so many seconds before the moment may have arrived after it.
    pub replication_window_seconds: u64,
}

/// Most uploads take minutes; a day leaves room for slow lines and resumed uploads without making every
/// multipart object uncertain for ever. S3 itself knows no bound. `--multipart-window` sets another.
const MULTIPART_WINDOW_SECONDS: u64 = 24 * 3600;

/// What S3 promises for replication with time control. `--replication-window` sets another.
const REPLICATION_WINDOW_SECONDS: u64 = 15 * 60;

impl Default for DoubtRules {
    fn default() -> Self {
        Self {
            multipart_window_seconds: MULTIPART_WINDOW_SECONDS,
            replication_window_seconds: REPLICATION_WINDOW_SECONDS,
        }
    }
}

/// The state of a key at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Then {
    /// Where in the stack the newest entry not after the moment is; `None` when the key had no history yet.
    pub index: Option<usize>,
    /// Why it may have been otherwise.
    pub doubt: Option<Doubt>,
}

impl Then {
    /// The object that stood then; `None` when the key did not exist.
    #[must_use]
    pub fn object(self, stack: &Stack) -> Option<&StackEntry> {
        self.index.and_then(|index| stack.entries.get(index)).filter(|entry| entry.kind == EntryKind::Object)
    }
}

/// The newest entry in document order that is not after the moment, and how sure that is.
#[must_use]
pub fn state_at(stack: &Stack, moment: Moment, rules: DoubtRules) -> Then {
    let index = stack.entries.iter().position(|entry| moment.covers(entry.last_modified));
    let newer = stack.entries.get(..index.unwrap_or(stack.entries.len())).unwrap_or_default();
    let older = index.and_then(|index| stack.entries.get(index..)).unwrap_or_default();
    let doubt = if is_disordered(stack, older) {
        Some(Doubt::OutOfOrder)
    } else if newer.iter().any(|entry| &*entry.version_id == NULL) {
        Some(Doubt::NullOverwritten)
    } else {
        older.first().filter(|entry| may_be_later(entry, moment, rules)).map(|_| Doubt::MultipartBegunBefore)
    };
    Then { index, doubt }
}

/// The id of the version written while versioning was off or suspended. A key has at most one.
const NULL: &str = "null";

fn may_be_later(entry: &StackEntry, moment: Moment, rules: DoubtRules) -> bool {
    let multipart = matches!(entry.etag, Some(ETag::Multipart { .. }));
    let age = moment.last_second() - entry.last_modified.seconds();
    multipart && u64::try_from(age).is_ok_and(|age| age < rules.multipart_window_seconds)
}

/// The current version is not on top, or something below the chosen entry, `older`'s first, is dated after it.
pub(super) fn is_disordered(stack: &Stack, older: &[StackEntry]) -> bool {
    let misplaced = stack.entries.iter().skip(1).any(|entry| entry.is_latest);
    let chosen = older.first().map(|entry| entry.last_modified.seconds());
    misplaced || older.iter().any(|entry| Some(entry.last_modified.seconds()) > chosen)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::StorageClass;
    use proptest::prelude::*;

    /// An entry: id, date in seconds, and its content (`None` for a marker).
    pub(in crate::plan) fn entry(id: &str, seconds: i64, etag: Option<&str>) -> StackEntry {
        StackEntry {
            version_id: id.into(),
            kind: if etag.is_some() { EntryKind::Object } else { EntryKind::DeleteMarker },
            is_latest: false,
            size: if etag.is_some() { 5 } else { 0 },
            last_modified: Timestamp::from_seconds(seconds),
            etag: etag.map(ETag::parse),
            storage_class: StorageClass::Standard,
            restore: None,
        }
    }

    /// A stack of entries given newest first.
    pub(in crate::plan) fn stack(mut entries: Vec<StackEntry>) -> Stack {
        if let Some(top) = entries.first_mut() {
            top.is_latest = true;
        }
        Stack { key: "k".into(), entries }
    }

    pub(in crate::plan) const ONE: &str = "11111111111111111111111111111111";
    pub(in crate::plan) const TWO: &str = "22222222222222222222222222222222";

    fn at(seconds: i64) -> Moment {
        Moment::at(Timestamp::from_seconds(seconds))
    }

    fn chosen(stack: &Stack, moment: Moment) -> (Option<usize>, Option<Doubt>) {
        let then = state_at(stack, moment, DoubtRules::default());
        (then.index, then.doubt)
    }

    #[test]
    fn ties_go_by_the_document_and_the_second_counts() {
        let tied = stack(vec![entry("m", 10, None), entry("b", 10, Some(TWO)), entry("a", 9, Some(ONE))]);
        assert_eq!(chosen(&tied, at(10)), (Some(0), None));
        assert_eq!(chosen(&tied, Moment::at(Timestamp::from_millis(10_999))), (Some(0), None));
        assert_eq!(chosen(&tied, at(9)), (Some(2), None));
        assert_eq!(chosen(&tied, Moment::before(Timestamp::from_seconds(10))), (Some(2), None));
        assert_eq!(chosen(&tied, at(8)), (None, None));
    }

    #[test]
    fn doubts() {
        let parts = format!("{ONE}-2");
        let multipart = stack(vec![entry("b", 100, Some(&parts)), entry("a", 9, Some(ONE))]);
        assert_eq!(chosen(&multipart, at(100)), (Some(0), Some(Doubt::MultipartBegunBefore)));
        assert_eq!(chosen(&multipart, at(99)), (Some(1), None));
        assert_eq!(chosen(&multipart, at(100 + 24 * 3600)), (Some(0), None));
        let suspended = stack(vec![entry("null", 50, Some(TWO)), entry("a", 9, Some(ONE))]);
        assert_eq!(chosen(&suspended, at(20)), (Some(1), Some(Doubt::NullOverwritten)));
        assert_eq!(chosen(&suspended, at(50)), (Some(0), None));
        let disordered = stack(vec![entry("a", 9, Some(ONE)), entry("b", 12, Some(TWO))]);
        assert_eq!(chosen(&disordered, at(20)), (Some(0), Some(Doubt::OutOfOrder)));
        let mut markers_last = stack(vec![entry("a", 9, Some(ONE)), entry("m", 9, None)]);
        markers_last.entries[0].is_latest = false;
        markers_last.entries[1].is_latest = true;
        assert_eq!(chosen(&markers_last, at(9)).1, Some(Doubt::OutOfOrder));
    }

    proptest! {
        /// A history is a list of events in the order they happened; the state at a moment is the last event
        /// not after it, whatever ties there are.
        #[test]
        fn as_a_naive_replay_says(
            steps in prop::collection::vec((0_i64..3, prop::bool::ANY), 0..12),
            wanted in 0_i64..30,
        ) {
            let (mut now, mut replay, mut entries) = (5, None, Vec::new());
            for (index, (pause, puts)) in steps.iter().enumerate() {
                now += pause;
                let id = index.to_string();
                entries.insert(0, entry(&id, now, puts.then_some(ONE)));
                if now <= wanted {
                    replay = puts.then_some(id);
                }
            }
            let stack = stack(entries);
            let then = state_at(&stack, at(wanted), DoubtRules::default());
            prop_assert_eq!(then.object(&stack).map(|entry| entry.version_id.to_string()), replay);
            prop_assert_eq!(then.doubt, None);
        }
    }
}
