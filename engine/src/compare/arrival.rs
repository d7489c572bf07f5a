//! Has what was written on the primary arrived on the replica, and how long did it take? Pure, from two histories.
//!
//! Replication keeps version ids and times: such a version is known to have arrived, but not when. A sync writes
//! new versions: theirs is the time of arrival. A sync copies what is current, so older versions that it never
//! saw are no lag.

use super::stacks::{Same, compare, share_ids};
use crate::list::{Stack, StackEntry};
use crate::model::{ETag, EntryKind, Timestamp};

/// A version that has not arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Which.
    pub version_id: Box<str>,
    /// It is the current one.
    pub current: bool,
    /// Since when the replica lacks what the primary has: the first change after the last that arrived.
    pub since: Timestamp,
    /// The replica has something of the same size that is younger by so many seconds, and whose ETag differs. It is
    /// the copy if one side's encryption makes ETags that are no MD5s; else it is another version.
    pub alike: Option<u64>,
}

/// How the current version arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// When it was written on the primary.
    pub written: Timestamp,
    /// Seconds until it was on the replica, where that can be known.
    pub seconds: Option<u64>,
    /// The ETags cannot be compared: what speaks for it is the size, and that it is younger than the original.
    pub by_size: bool,
}

/// One key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyArrival {
    /// The current version, if it is an object and has arrived.
    pub arrived: Option<Arrived>,
    /// Older versions that replication brought.
    pub arrived_before: u64,
    /// What has not arrived.
    pub open: Vec<Open>,
    /// The key was deleted, and the replica does not know.
    pub marker_open: bool,
    /// Versions that were current only between two syncs.
    pub superseded: u64,
}

/// Judges one key of the primary.
#[must_use]
pub fn judge_arrival(primary: &Stack, replica: Option<&Stack>) -> KeyArrival {
    let nothing = Stack::default();
    let replica = replica.unwrap_or(&nothing);
    let mut key = KeyArrival::default();
    let Some((current, older)) = primary.entries.split_first() else { return key };
    let shared = share_ids(primary, replica);
    if current.kind == EntryKind::DeleteMarker {
        let known = replica.entries.first().is_none_or(|top| top.kind == EntryKind::DeleteMarker);
        key.marker_open = !known && find_by_id(current, replica).is_none();
    } else {
        key.arrived = arrival(current, replica, shared);
        if key.arrived.is_none() {
            let unseen = older.iter().take_while(|entry| {
                entry.kind == EntryKind::Object && arrival(entry, replica, shared).is_none()
            });
            let first = unseen.last().unwrap_or(current);
            key.open.push(Open {
                version_id: current.version_id.clone(),
                current: true,
                since: first.last_modified,
                alike: if shared { None } else { alike(current, replica) },
            });
        }
    }
    for entry in older.iter().filter(|entry| entry.kind == EntryKind::Object) {
        match (arrival(entry, replica, shared).is_some(), shared) {
            (true, true) => key.arrived_before += 1,
            (false, true) => key.open.push(Open {
                version_id: entry.version_id.clone(),
                current: false,
                since: entry.last_modified,
                alike: None,
            }),
            (true, false) => {}
            (false, false) => key.superseded += 1,
        }
    }
    key
}

/// The `null` version is everybody's: equal ids say nothing there.
fn find_by_id<'a>(entry: &StackEntry, replica: &'a Stack) -> Option<&'a StackEntry> {
    if &*entry.version_id == "null" {
        return None;
    }
    replica.entries.iter().find(|twin| twin.version_id == entry.version_id)
}

fn arrival(entry: &StackEntry, replica: &Stack, shared: bool) -> Option<Arrived> {
    let written = entry.last_modified;
    if find_by_id(entry, replica).is_some() {
        return Some(Arrived { written, seconds: None, by_size: false });
    }
    let same = || replica.entries.iter().rev().filter(|twin| matches!(compare(entry, twin), Same::Yes));
    // The oldest copy that is not older than the original is the one that brought it.
    if let Some(seconds) = same().find_map(|twin| younger_by(entry, twin)) {
        return Some(Arrived { written, seconds: Some(seconds), by_size: false });
    }
    if same().next().is_some() {
        // The same bytes were there before: written again on the primary, nothing to bring.
        return Some(Arrived { written, seconds: None, by_size: false });
    }
    if shared || both_plain(entry, replica) {
        return None;
    }
    alike(entry, replica).map(|seconds| Arrived { written, seconds: Some(seconds), by_size: true })
}

/// The replica's entry of the same size that is the oldest of those not older, by how much it is younger.
fn alike(entry: &StackEntry, replica: &Stack) -> Option<u64> {
    let twins = replica.entries.iter().rev().filter(|twin| matches!(compare(entry, twin), Same::Unknown));
    twins.filter_map(|twin| younger_by(entry, twin)).next()
}

/// Two unequal MD5s are two contents, unless encryption made them.
fn both_plain(entry: &StackEntry, replica: &Stack) -> bool {
    let plain = |entry: &StackEntry| matches!(entry.etag, Some(ETag::Plain(_)));
    plain(entry) && replica.entries.iter().filter(|twin| twin.size == entry.size).any(plain)
}

fn younger_by(entry: &StackEntry, twin: &StackEntry) -> Option<u64> {
    u64::try_from(twin.last_modified.seconds() - entry.last_modified.seconds()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StorageClass;

    /// `"a1@10 bm@5"`: version a with ETag 1… of second 10, then a delete marker; newest first.
    fn stack(text: &str) -> Stack {
        let entry = |word: &str| {
            let (what, at) = word.split_once('@').unwrap();
            let digit = what.chars().nth(1).unwrap();
            StackEntry {
                version_id: what[..1].into(),
                kind: if digit == 'm' { EntryKind::DeleteMarker } else { EntryKind::Object },
                is_latest: false,
                size: u64::from(digit != 'm'),
                last_modified: Timestamp::from_seconds(at.parse().unwrap()),
                etag: (digit != 'm').then(|| ETag::parse(&digit.to_string().repeat(32))),
                storage_class: StorageClass::Standard,
                restore: None,
            }
        };
        Stack { key: "k".into(), entries: text.split_whitespace().map(entry).collect() }
    }

    fn judge(primary: &str, replica: &str) -> KeyArrival {
        judge_arrival(&stack(primary), Some(&stack(replica)))
    }

    fn open(version: &str, since: i64, alike: Option<u64>) -> Open {
        Open { version_id: version.into(), current: true, since: Timestamp::from_seconds(since), alike }
    }

    fn seconds(primary: &str, replica: &str) -> Option<Option<u64>> {
        judge(primary, replica).arrived.map(|arrived| arrived.seconds)
    }

    #[test]
    fn replication_keeps_times_so_only_the_arrival_is_known() {
        assert_eq!(seconds("a1@10", "a1@10"), Some(None));
        let key = judge("c3@30 b2@20 a1@10", "b2@20 a1@10");
        assert_eq!((key.arrived, key.arrived_before), (None, 2));
        assert_eq!(key.open, [open("c", 30, None)]);
        assert!(!judge("b2@20 a1@10", "b2@20").open[0].current);
    }

    #[test]
    fn a_copy_by_a_sync_tells_when_it_came() {
        assert_eq!(seconds("a1@10", "x1@25"), Some(Some(15)));
        // Copied a second time later: the first copy brought it.
        assert_eq!(seconds("a1@10", "y1@90 x1@25"), Some(Some(15)));
        // The bytes were there before they were written again.
        assert_eq!(seconds("a1@10", "x1@5"), Some(None));
    }

    #[test]
    fn what_waits_waits_since_the_first_change_that_is_not_there() {
        let key = judge("c3@30 b2@20 a1@10", "x1@12");
        assert_eq!(key.open, [open("c", 20, None)]);
        assert_eq!(key.superseded, 1);
        let new = judge_arrival(&stack("b2@20 am@10 z9@1"), None);
        assert_eq!(new.open[0].since, Timestamp::from_seconds(20));
    }

    #[test]
    fn unequal_md5s_of_one_size_are_a_question_and_other_shapes_are_taken_for_the_copy() {
        let key = judge("a1@10", "x2@25");
        assert_eq!((key.arrived, key.open), (None, vec![open("a", 10, Some(15))]));
        assert_eq!(judge("a1@10", "x2@5").open, [open("a", 10, None)]);
        let mut parts = stack("x2@25");
        parts.entries[0].etag = Some(ETag::parse(&format!("{}-2", "2".repeat(32))));
        let arrived = judge_arrival(&stack("a1@10"), Some(&parts)).arrived.unwrap();
        assert_eq!((arrived.seconds, arrived.by_size), (Some(15), true));
    }

    #[test]
    fn a_delete_waits_for_its_marker() {
        assert!(judge("bm@20 a1@10", "x1@12").marker_open);
        assert!(!judge("bm@20 a1@10", "ym@25 x1@12").marker_open);
        assert!(!judge_arrival(&stack("bm@20 a1@10"), None).marker_open);
    }
}
