//! From a verdict to what a sync does about it.

use crate::compare::{Judgement, Reason, Verdict};

/// What a sync may do.
#[derive(Clone, Copy, Debug, Default)]
pub struct SyncRules {
    /// Remove what the source does not have.
    pub delete: bool,
}

/// One intended change of the replica. Every change is conditional on what the listing showed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Bring the source's object over.
    Copy,
    /// Set the replica's tags, in place.
    Retag,
    /// Remove the replica's object.
    Delete,
    /// It ought to change but cannot; the reason is the finding's.
    Impossible,
}

/// The action for a key, or none where the replica is as wished or must be left alone.
#[must_use]
pub fn action_for(judgement: &Judgement, rules: SyncRules) -> Option<Action> {
    match judgement.verdict {
        Verdict::Identical | Verdict::InFlight => None,
        // Tags are compared last: all else that was asked for agrees.
        Verdict::Different if judgement.reason == Some(Reason::TagsDiffer) => Some(Action::Retag),
        Verdict::Missing | Verdict::Different => Some(Action::Copy),
        Verdict::Extra => rules.delete.then_some(Action::Delete),
        // What cannot be proved equal is copied: afterwards it can be.
        Verdict::Unproven => match judgement.reason {
            Some(Reason::Archived | Reason::Vanished | Reason::ChangedMeanwhile) => Some(Action::Impossible),
            _ => Some(Action::Copy),
        },
        Verdict::Unreadable => Some(Action::Impossible),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Evidence;

    #[test]
    fn nothing_is_deleted_unasked() {
        let extra = Judgement::because(Verdict::Extra, Reason::NotOnSource);
        assert_eq!(action_for(&extra, SyncRules { delete: false }), None);
        assert_eq!(action_for(&extra, SyncRules { delete: true }), Some(Action::Delete));
    }

    #[test]
    fn the_unprovable_is_copied_and_the_identical_left_alone() {
        let of = |judgement| action_for(&judgement, SyncRules::default());
        assert_eq!(of(Judgement::unproven(Reason::PartLayoutOnly)), Some(Action::Copy));
        assert_eq!(of(Judgement::unproven(Reason::Archived)), Some(Action::Impossible));
        assert_eq!(of(Judgement::different(Reason::TagsDiffer)), Some(Action::Retag));
        assert_eq!(of(Judgement::identical(Evidence::Etag)), None);
    }
}
