//! From a history to the one step that brings a key back.
//!
//! Pure. The cheapest step wins: nothing where the bytes already are what they were, removing delete markers
//! where that alone uncovers them, a copy of the old version otherwise.

use super::timeline::{Doubt, DoubtRules, Moment, is_disordered, state_at};
use crate::list::{Stack, StackEntry};
use crate::model::{ETag, EntryKind, Restore, StorageClass, Timestamp};
use serde::{Deserialize, Serialize};

/// What a key is to be brought back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// What stood at a moment.
    State(Moment),
    /// Existence: a key hidden by delete markers is uncovered, anything else is left alone. With a date only
    /// keys that were hidden at or after it.
    Undelete(Option<Timestamp>),
}

/// `--strategy`: how to bring a version back in place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The fewest and cheapest requests.
    #[default]
    Fewest,
    /// Always a copy on top: nothing is removed from the history.
    CopyUp,
    /// Remove for good whatever is newer. Keeps version ids and dates; cannot be undone.
    RemoveNewer,
}

/// What to do with keys whose past is in doubt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Uncertain {
    /// Leave them alone and report them.
    #[default]
    Skip,
    /// Bring back what the listing says.
    Include,
    /// Change nothing at all if there is one.
    Fail,
}

/// How to plan.
#[derive(Clone, Copy, Debug)]
pub struct PlanRules {
    /// Back to what.
    pub goal: Goal,
    /// In place: how.
    pub strategy: Strategy,
    /// Keys in doubt.
    pub uncertain: Uncertain,
    /// When to doubt.
    pub doubts: DoubtRules,
    /// Leave keys alone that did not exist then.
    pub keep_new: bool,
}

/// What is to be done with one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Nothing: it is as it was.
    Keep,
    /// Copy the version that stood then to the key.
    CopyVersion,
    /// Remove the entries named in `remove`: delete markers, or with `--strategy remove-newer` versions too.
    RemoveMarker,
    /// Make a delete marker: the key did not exist then.
    AddMarker,
    /// The version that stood then is archived: ask for its bytes first.
    NeedsThaw,
    /// What stood then is in doubt.
    Uncertain,
}

/// A version as a plan names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedVersion {
    /// Version id.
    pub version_id: String,
    /// Bytes.
    pub size: u64,
    /// ETag without quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Storage class, unless STANDARD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// An archived version that can be read for now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub thawed: bool,
    /// It is a delete marker.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub marker: bool,
}

impl From<&StackEntry> for PlannedVersion {
    fn from(entry: &StackEntry) -> Self {
        let class = Some(&entry.storage_class).filter(|class| **class != StorageClass::Standard);
        Self {
            version_id: entry.version_id.to_string(),
            size: entry.size,
            etag: entry.etag.as_ref().map(ToString::to_string),
            last_modified: entry.last_modified,
            storage_class: class.map(|class| class.name().to_owned()),
            thawed: matches!(entry.restore, Some(Restore::Until(_))),
            marker: entry.kind == EntryKind::DeleteMarker,
        }
    }
}

/// The plan for one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Relative key.
    pub key: String,
    /// What is to be done.
    pub action: Step,
    /// Why, in a stable word.
    pub reason: String,
    /// The object that is wished; absent when the key is not to exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wished: Option<PlannedVersion>,
    /// What stands there now, if anything: the condition of every change. Absent too where it is `wished`
    /// itself (reason `same-version`), as in most rows of most plans; see [`Planned::current`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<PlannedVersion>,
    /// Version ids to be removed, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Those of `remove` that are object versions: gone for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_versions: Vec<String>,
    /// Bytes to be copied.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes: u64,
    /// Why the past is in doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature.
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The reason to keep a key whose current version is the wished one.
const SAME_VERSION: &str = "same-version";

impl Planned {
    /// What stands there now, if anything.
    #[must_use]
    pub fn current(&self) -> Option<&PlannedVersion> {
        let wished = self.wished.as_ref().filter(|_| self.reason == SAME_VERSION);
        self.current.as_ref().or(wished)
    }

    /// The object that stands there now, if any.
    #[must_use]
    pub fn stands_now(&self) -> Option<&PlannedVersion> {
        self.current().filter(|version| !version.marker)
    }

    /// What stood then is in doubt; unless that is to be ignored, nothing is done about the key.
    pub fn put_in_doubt(&mut self, doubt: Doubt, uncertain: Uncertain) {
        self.doubt = Some(doubt);
        if uncertain == Uncertain::Include {
            return;
        }
        if self.current.is_none() {
            self.current = self.current().cloned();
        }
        set(self, Step::Uncertain, doubt.name());
        self.remove.clear();
        self.remove_versions.clear();
        self.bytes = 0;
    }

    /// Changes something.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.action != Step::Keep
    }
}

/// The plan for a key of the bucket that is restored in place; `None` for a key that neither stood then nor
/// stands now.
#[must_use]
pub fn plan_in_place(stack: &Stack, rules: &PlanRules) -> Option<Planned> {
    let (index, doubt) = match rules.goal {
        Goal::State(moment) => {
            let then = state_at(stack, moment, rules.doubts);
            (then.index, then.doubt)
        }
        Goal::Undelete(since) => (undeleted(stack, since), undelete_doubt(stack)),
    };
    let wished = index.and_then(|index| Some((index, object_at(stack, index)?)));
    let top = stack.current();
    let mut planned = match wished {
        Some((index, version)) => bring_back(stack, index, version, rules.strategy),
        None => take_away(stack, index, rules),
    };
    let stands = top.is_some_and(|entry| entry.kind == EntryKind::Object);
    if wished.is_none() && !stands && planned.action == Step::Keep && doubt.is_none() {
        return None;
    }
    // Where the undelete changes nothing there is nothing to doubt, but the listing.
    let undelete = matches!(rules.goal, Goal::Undelete(_));
    let doubt = doubt.filter(|doubt| !undelete || planned.is_change() || *doubt == Doubt::OutOfOrder);
    if wished.is_none() && !stands && doubt.is_none() {
        return None;
    }
    if let Some(doubt) = doubt {
        planned.put_in_doubt(doubt, rules.uncertain);
    }
    if planned.reason == SAME_VERSION {
        planned.current = None;
    }
    Some(planned)
}

/// The plan for a key that is restored to another place: the history is the source's, `target` is the history
/// there. `prune` removes what did not exist. `None` for a key that concerns neither.
#[must_use]
pub fn plan_elsewhere(
    key: &str,
    source: Option<&Stack>,
    target: Option<&Stack>,
    rules: &PlanRules,
    prune: bool,
) -> Option<Planned> {
    let current = target.and_then(Stack::current);
    let stands = current.is_some_and(|entry| entry.kind == EntryKind::Object);
    let (wished, doubt) = match (source, rules.goal) {
        (None, _) => (None, None),
        (Some(stack), Goal::State(moment)) => {
            let then = state_at(stack, moment, rules.doubts);
            (then.object(stack), then.doubt)
        }
        (Some(stack), Goal::Undelete(since)) => {
            (undeleted(stack, since).and_then(|index| object_at(stack, index)), undelete_doubt(stack))
        }
    };
    if wished.is_none() && !stands {
        return None;
    }
    let mut planned = row(key, current, wished);
    match wished {
        Some(version) if current.is_some_and(|current| same_bytes(current, version)) => {
            planned.reason = "same-bytes".into();
        }
        Some(version) => copy_or_thaw(&mut planned, version),
        None if prune => set(&mut planned, Step::AddMarker, "not-there-then"),
        None => planned.reason = "left-alone".into(),
    }
    if let Some(doubt) = doubt {
        planned.put_in_doubt(doubt, rules.uncertain);
    }
    Some(planned)
}

/// The plan that brings one named version back onto its key; `None` when the key has no such object version.
#[must_use]
pub fn plan_version(stack: &Stack, version_id: &str, strategy: Strategy) -> Option<Planned> {
    let index = stack.entries.iter().position(|entry| &*entry.version_id == version_id)?;
    Some(bring_back(stack, index, object_at(stack, index)?, strategy))
}

fn object_at(stack: &Stack, index: usize) -> Option<&StackEntry> {
    stack.entries.get(index).filter(|entry| entry.kind == EntryKind::Object)
}

fn row(key: &str, current: Option<&StackEntry>, wished: Option<&StackEntry>) -> Planned {
    Planned {
        key: key.to_owned(),
        action: Step::Keep,
        reason: String::new(),
        wished: wished.map(PlannedVersion::from),
        current: current.map(PlannedVersion::from),
        remove: Vec::new(),
        remove_versions: Vec::new(),
        bytes: 0,
        doubt: None,
    }
}

fn set(planned: &mut Planned, action: Step, reason: &str) {
    planned.action = action;
    reason.clone_into(&mut planned.reason);
}

fn copy_or_thaw(planned: &mut Planned, version: &StackEntry) {
    planned.bytes = version.size;
    if is_archived(version) {
        set(planned, Step::NeedsThaw, "archived");
    } else {
        set(
            planned,
            Step::CopyVersion,
            if planned.stands_now().is_some() { "other-bytes" } else { "absent-now" },
        );
    }
}

/// The bytes cannot be read now, as far as a listing tells.
fn is_archived(entry: &StackEntry) -> bool {
    entry.storage_class.is_archive() && !matches!(entry.restore, Some(Restore::Until(_)))
}

/// Conclusive from the listing alone: the same ETag of a shape computed from content, and the same size.
fn same_bytes(a: &StackEntry, b: &StackEntry) -> bool {
    let digest = matches!(a.etag, Some(ETag::Plain(_) | ETag::Multipart { .. }));
    let objects = a.kind == EntryKind::Object && b.kind == EntryKind::Object;
    objects && a.size == b.size && ((digest && a.etag == b.etag) || a.size == 0)
}

fn bring_back(stack: &Stack, index: usize, version: &StackEntry, strategy: Strategy) -> Planned {
    let top = stack.current();
    let mut planned = row(&stack.key, top, Some(version));
    // What lies above what is not known then: nothing is taken off, whatever the strategy.
    let disordered = is_disordered(stack, stack.entries.get(index..).unwrap_or_default());
    let newer = stack.entries.get(..index).unwrap_or_default();
    let first_object = stack.entries.iter().find(|entry| entry.kind == EntryKind::Object);
    let under_markers = first_object
        .is_some_and(|found| found.version_id == version.version_id || same_bytes(found, version));
    if top.is_some_and(|top| top.version_id == version.version_id) {
        planned.reason = SAME_VERSION.into();
    } else if disordered && !top.is_some_and(|top| same_bytes(top, version)) {
        copy_or_thaw(&mut planned, version);
    } else if strategy != Strategy::RemoveNewer && top.is_some_and(|top| same_bytes(top, version)) {
        planned.reason = "same-bytes".into();
    } else if strategy == Strategy::RemoveNewer {
        remove(&mut planned, newer);
    } else if strategy == Strategy::Fewest && under_markers {
        let markers = stack.entries.iter().position(|entry| entry.kind == EntryKind::Object).unwrap_or(index);
        remove(&mut planned, newer.get(..markers).unwrap_or(newer));
        // What the markers uncover may be another version of the same bytes.
        planned.wished = first_object.map(PlannedVersion::from);
    } else {
        copy_or_thaw(&mut planned, version);
    }
    planned
}

fn take_away(stack: &Stack, index: Option<usize>, rules: &PlanRules) -> Planned {
    let top = stack.current();
    let older = index.and_then(|index| stack.entries.get(index..)).unwrap_or_default();
    let disordered = is_disordered(stack, older);
    let mut planned = row(&stack.key, top, None);
    if top.is_none_or(|top| top.kind == EntryKind::DeleteMarker) {
        planned.reason = "absent-then-and-now".into();
    } else if rules.keep_new {
        planned.reason = "left-alone".into();
    } else if rules.strategy == Strategy::RemoveNewer && !disordered {
        remove(&mut planned, stack.entries.get(..index.unwrap_or(stack.entries.len())).unwrap_or_default());
    } else {
        set(&mut planned, Step::AddMarker, "not-there-then");
    }
    planned
}

fn remove(planned: &mut Planned, newest_first: &[StackEntry]) {
    let ids = |kind: Option<EntryKind>| {
        let chosen =
            newest_first.iter().rev().filter(move |entry| kind.is_none_or(|kind| entry.kind == kind));
        chosen.map(|entry| entry.version_id.to_string()).collect::<Vec<_>>()
    };
    planned.remove = ids(None);
    planned.remove_versions = ids(Some(EntryKind::Object));
    let reason = if planned.remove_versions.is_empty() { "under-markers" } else { "under-newer-versions" };
    set(planned, Step::RemoveMarker, reason);
}

/// The entry that an undelete wishes on top: the object under the markers, or what is there already.
fn undeleted(stack: &Stack, since: Option<Timestamp>) -> Option<usize> {
    let object = stack.entries.iter().position(|entry| entry.kind == EntryKind::Object)?;
    // The key has been hidden since the oldest marker of the run on top.
    let hidden = stack.entries.get(object.saturating_sub(1))?.last_modified;
    let recent = since.is_none_or(|since| hidden.seconds() >= since.seconds());
    (object == 0 || recent).then_some(object)
}

/// A `null` marker removed the `null` version that stood before it: what lies below may not be what was deleted. And
/// where the current entry is not on top, the object that was hidden last need not be the first one listed.
fn undelete_doubt(stack: &Stack) -> Option<Doubt> {
    let object = stack.entries.iter().position(|entry| entry.kind == EntryKind::Object);
    let older = object.and_then(|object| stack.entries.get(object..)).unwrap_or_default();
    if is_disordered(stack, older) {
        return Some(Doubt::OutOfOrder);
    }
    let mut markers = stack.entries.iter().take_while(|entry| entry.kind == EntryKind::DeleteMarker);
    markers.any(|entry| &*entry.version_id == "null").then_some(Doubt::NullOverwritten)
}

#[cfg(test)]
mod tests;
