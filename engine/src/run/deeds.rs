//! What a run did to each key, read from its journal: one deed per key, in the order of each key's first action.

use crate::Error;
use crate::journal::{Action, ActionKind, JournalError, Replay};
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// What the run did to one key.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    pub(super) key: String,
    pub(super) kind: ActionKind,
    /// Versions written or removed, oldest first, each once.
    pub(super) versions: Vec<String>,
    /// What was on top before the first of them, where that is known.
    pub(super) previous: Option<String>,
}

impl From<Action> for Deed {
    fn from(action: Action) -> Self {
        let Action { key, kind, version_id, previous_version_id } = action;
        Self { key, kind, versions: version_id.into_iter().collect(), previous: previous_version_id }
    }
}

impl Deed {
    fn join(&mut self, later: Self) {
        // What is gone for good decides; otherwise what was done last.
        if self.kind != ActionKind::VersionRemoved {
            self.kind = later.kind;
        }
        for version in later.versions {
            if !self.versions.contains(&version) {
                self.versions.push(version);
            }
        }
    }
}

/// The deeds of a run.
///
/// Bounds: eight bytes per key, and the deeds of keys that were acted on at two moments, which only an
/// interruption brings about.
pub(super) struct Deeds {
    actions: Box<dyn Iterator<Item = Result<Action, JournalError>> + Send>,
    next: Option<Deed>,
    /// Whole deeds of keys that occur more than once; `None` once given out.
    scattered: HashMap<String, Option<Deed>>,
}

impl Deeds {
    /// Reads a journal.
    pub(super) fn read(replay: &Replay) -> Result<Self, Error> {
        let mut scattered = HashMap::new();
        let repeated = repeated_keys(replay)?;
        if !repeated.is_empty() {
            for action in replay.actions()? {
                let deed = Deed::from(action?);
                if !repeated.contains(&fingerprint(&deed.key)) {
                    continue;
                }
                match scattered.get_mut(&deed.key) {
                    Some(Some(known)) => Deed::join(known, deed),
                    _ => drop(scattered.insert(deed.key.clone(), Some(deed))),
                }
            }
        }
        Ok(Self { actions: Box::new(replay.actions()?), next: None, scattered })
    }

    /// Up to so many deeds; fewer only at the end.
    pub(super) fn chunk(&mut self, most: usize) -> Result<Vec<Deed>, Error> {
        let mut chunk = Vec::new();
        while chunk.len() < most {
            let Some(deed) = self.group()? else { break };
            match self.scattered.get_mut(&deed.key) {
                None => chunk.push(deed),
                Some(whole) => chunk.extend(whole.take()),
            }
        }
        Ok(chunk)
    }

    /// Actions of one key that lie together.
    fn group(&mut self) -> Result<Option<Deed>, Error> {
        loop {
            let Some(action) = self.actions.next().transpose()? else { return Ok(self.next.take()) };
            match &mut self.next {
                Some(open) if open.key == action.key => open.join(action.into()),
                _ => {
                    if let Some(deed) = self.next.replace(action.into()) {
                        return Ok(Some(deed));
                    }
                }
            }
        }
    }
}

/// Keys whose actions do not all lie together, by fingerprint.
fn repeated_keys(replay: &Replay) -> Result<HashSet<u64>, Error> {
    let (mut seen, mut repeated, mut last) = (HashSet::new(), HashSet::new(), None);
    for action in replay.actions()? {
        let print = fingerprint(&action?.key);
        if last != Some(print) && !seen.insert(print) {
            repeated.insert(print);
        }
        last = Some(print);
    }
    Ok(repeated)
}

fn fingerprint(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
