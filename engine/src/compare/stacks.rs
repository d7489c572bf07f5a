//! Comparing whole histories: the version stacks of one key on both sides. Pure.
//!
//! Replication keeps version ids and times; sync tools do not. So versions are matched by id where the two
//! sides share ids at all, and otherwise by their place, ETag and size.

use super::{Evidence, Judgement, Reason, Verdict};
use crate::list::{Stack, StackEntry};
use crate::model::{ETag, EntryKind, Timestamp};
use std::collections::HashMap;

/// What two stacks of one key amount to, and in words which entries are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackJudgement {
    /// The verdict on the key.
    pub judgement: Judgement,
    /// For a person: the versions that are missing, extra or different.
    pub detail: Option<String>,
}

impl StackJudgement {
    fn of(judgement: Judgement) -> Self {
        Self { judgement, detail: None }
    }

    fn because(verdict: Verdict, reason: Reason, detail: String) -> Self {
        Self { judgement: Judgement::because(verdict, reason), detail: Some(detail) }
    }
}

/// Judges a key by its histories. `settled_before`: younger entries of the primary may be on their way.
#[must_use]
pub fn judge_stacks(
    primary: Option<&Stack>,
    replica: Option<&Stack>,
    settled_before: Option<Timestamp>,
) -> StackJudgement {
    match (primary, replica) {
        (Some(primary), Some(replica)) => {
            let shared_ids = share_ids(primary, replica);
            let judged = if shared_ids { by_id(primary, replica) } else { by_place(primary, replica) };
            let young = primary.entries.first().is_some_and(|top| is_young(top, settled_before));
            if young && judged.judgement.reason.is_some() {
                return StackJudgement::of(Judgement::because(Verdict::InFlight, Reason::GraceWindow));
            }
            judged
        }
        (Some(primary), None) => {
            if primary.entries.first().is_some_and(|top| is_young(top, settled_before)) {
                return StackJudgement::of(Judgement::because(Verdict::InFlight, Reason::GraceWindow));
            }
            let detail = format!("the whole history: {}", count(primary.entries.len()));
            StackJudgement::because(Verdict::Missing, Reason::NotOnReplica, detail)
        }
        (None, Some(replica)) => {
            let detail = format!("the whole history: {}", count(replica.entries.len()));
            StackJudgement::because(Verdict::Extra, Reason::NotOnSource, detail)
        }
        // Never asked: a key is on one side at least.
        (None, None) => StackJudgement::of(Judgement::identical(Evidence::Size)),
    }
}

fn is_young(entry: &StackEntry, settled_before: Option<Timestamp>) -> bool {
    settled_before.is_some_and(|moment| entry.last_modified > moment)
}

/// The `null` version is everybody's, so it says nothing about where a history comes from.
pub(super) fn share_ids(a: &Stack, b: &Stack) -> bool {
    let ids: std::collections::HashSet<&str> = a.entries.iter().map(|entry| &*entry.version_id).collect();
    b.entries.iter().any(|entry| &*entry.version_id != "null" && ids.contains(&*entry.version_id))
}

fn by_id(primary: &Stack, replica: &Stack) -> StackJudgement {
    let places: HashMap<&str, (usize, &StackEntry)> = replica
        .entries
        .iter()
        .enumerate()
        .map(|(place, entry)| (&*entry.version_id, (place, entry)))
        .collect();
    let mut open = None;
    let mut last_place = None;
    for entry in &primary.entries {
        let Some((place, twin)) = places.get(&*entry.version_id) else {
            return missing(entry);
        };
        match compare(entry, twin) {
            Same::Yes => {}
            Same::No(reason) => return differs(entry, reason),
            Same::Unknown => open = open.or(Some(entry)),
        }
        if last_place.is_some_and(|last| *place < last) {
            let detail = format!("version {} stands elsewhere in the replica's history", entry.version_id);
            return StackJudgement::because(Verdict::Different, Reason::VersionOrderDiffers, detail);
        }
        last_place = Some(*place);
    }
    if replica.entries.len() > primary.entries.len() {
        let known: std::collections::HashSet<&str> =
            primary.entries.iter().map(|entry| &*entry.version_id).collect();
        let extra = replica.entries.iter().find(|entry| !known.contains(&*entry.version_id));
        if let Some(extra) = extra {
            return surplus(extra);
        }
    }
    conclude(open)
}

fn by_place(primary: &Stack, replica: &Stack) -> StackJudgement {
    let mut open = None;
    for (entry, twin) in primary.entries.iter().zip(&replica.entries) {
        match compare(entry, twin) {
            Same::Yes => {}
            Same::No(reason) => return differs(entry, reason),
            Same::Unknown => open = open.or(Some(entry)),
        }
    }
    let (a, b) = (primary.entries.len(), replica.entries.len());
    match (primary.entries.get(b), replica.entries.get(a)) {
        (Some(entry), _) => missing(entry),
        (_, Some(entry)) => surplus(entry),
        _ => conclude(open),
    }
}

pub(super) enum Same {
    Yes,
    No(Reason),
    Unknown,
}

/// Two entries that should be the same version, by what a listing tells.
pub(super) fn compare(a: &StackEntry, b: &StackEntry) -> Same {
    match (a.kind, b.kind) {
        (EntryKind::DeleteMarker, EntryKind::DeleteMarker) => return Same::Yes,
        (EntryKind::Object, EntryKind::Object) => {}
        _ => return Same::No(Reason::DeleteMarkerDiffers),
    }
    if a.size != b.size {
        return Same::No(Reason::SizeDiffers);
    }
    match (&a.etag, &b.etag) {
        (Some(x), Some(y)) if x == y && !matches!(x, ETag::Opaque(_)) => Same::Yes,
        // Unequal MD5s may be the work of encryption, unequal part layouts prove nothing: bytes decide.
        _ if a.size == 0 => Same::Yes,
        _ => Same::Unknown,
    }
}

fn missing(entry: &StackEntry) -> StackJudgement {
    let reason = match entry.kind {
        EntryKind::DeleteMarker => Reason::DeleteMarkerDiffers,
        EntryKind::Object => Reason::VersionMissing,
    };
    let detail = format!("{} is not in the replica's history", name(entry));
    StackJudgement::because(Verdict::Different, reason, detail)
}

fn surplus(entry: &StackEntry) -> StackJudgement {
    let reason = match entry.kind {
        EntryKind::DeleteMarker => Reason::DeleteMarkerDiffers,
        EntryKind::Object => Reason::VersionExtra,
    };
    let detail = format!("{} is only in the replica's history", name(entry));
    StackJudgement::because(Verdict::Different, reason, detail)
}

fn differs(entry: &StackEntry, reason: Reason) -> StackJudgement {
    let reason = if reason == Reason::SizeDiffers { Reason::VersionsDiffer } else { reason };
    StackJudgement::because(Verdict::Different, reason, format!("{} is another on the replica", name(entry)))
}

fn conclude(open: Option<&StackEntry>) -> StackJudgement {
    match open {
        None => StackJudgement::of(Judgement::identical(Evidence::Etag)),
        Some(entry) => {
            let detail = format!("{} has the same size but ETags that cannot be compared", name(entry));
            StackJudgement::because(Verdict::Unproven, Reason::NoSharedChecksum, detail)
        }
    }
}

fn name(entry: &StackEntry) -> String {
    let what = match entry.kind {
        EntryKind::DeleteMarker => "delete marker",
        EntryKind::Object => "version",
    };
    format!("{what} {} of {}", entry.version_id, entry.last_modified)
}

fn count(entries: usize) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, digit: char) -> StackEntry {
        let marker = digit == 'm';
        StackEntry {
            version_id: id.into(),
            kind: if marker { EntryKind::DeleteMarker } else { EntryKind::Object },
            is_latest: false,
            size: u64::from(!marker),
            last_modified: Timestamp::from_seconds(1),
            etag: (!marker).then(|| ETag::parse(&digit.to_string().repeat(32))),
            storage_class: crate::model::StorageClass::Standard,
            restore: None,
        }
    }

    /// `"a1 b2 cm"`: version a with ETag 1…, b with 2…, and a delete marker c.
    fn stack(text: &str) -> Stack {
        let entries = text.split_whitespace().map(|word| entry(&word[..1], word.chars().nth(1).unwrap()));
        Stack { key: "k".into(), entries: entries.collect() }
    }

    fn reason(a: &str, b: &str) -> Option<Reason> {
        judge_stacks(Some(&stack(a)), Some(&stack(b)), None).judgement.reason
    }

    #[test]
    fn histories_with_shared_ids() {
        assert_eq!(reason("a1 b2 cm", "a1 b2 cm"), None);
        assert_eq!(reason("a1 b2", "a1"), Some(Reason::VersionMissing));
        assert_eq!(reason("a1", "a1 b2"), Some(Reason::VersionExtra));
        assert_eq!(reason("am b2", "b2"), Some(Reason::DeleteMarkerDiffers));
        assert_eq!(reason("b2", "am b2"), Some(Reason::DeleteMarkerDiffers));
        assert_eq!(reason("a1 b2", "b2 a1"), Some(Reason::VersionOrderDiffers));
        assert_eq!(reason("a1 b2", "a1 b3"), Some(Reason::NoSharedChecksum));
        assert_eq!(reason("a1 bm", "a1 b2"), Some(Reason::DeleteMarkerDiffers));
    }

    #[test]
    fn histories_copied_by_a_tool() {
        assert_eq!(reason("a1 b2 cm", "x1 y2 zm"), None);
        assert_eq!(reason("a1 b2", "x1"), Some(Reason::VersionMissing));
        assert_eq!(reason("a1", "xm y1"), Some(Reason::DeleteMarkerDiffers));
    }

    #[test]
    fn young_histories_are_in_flight() {
        let judged = judge_stacks(Some(&stack("a1")), None, Some(Timestamp::from_seconds(0)));
        assert_eq!(judged.judgement.verdict, Verdict::InFlight);
    }
}
