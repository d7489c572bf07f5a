//! From a verdict to what a sync does about it.

use crate::compare::Facts;
use crate::compare::{Judgement, Reason, Verdict};
use crate::s3::Guard;

/// What a sync may do.
#[derive(Clone, Copy, Debug, Default)]
pub struct SyncRules {
    /// Remove what the source does not have.
    pub delete: bool,
}

/// One intended change of the replica. A value: it can be counted, printed, and carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Bring the source's object over, if the replica is still as listed.
    Copy(Guard),
    /// Remove the replica's object, if it is still as listed.
    Delete(Guard),
    /// It ought to change but cannot; the reason is the finding's.
    Impossible,
}

/// The action for a key, or none where the replica is as wished or must be left alone.
#[must_use]
pub fn action_for(judgement: &Judgement, replica: Option<&Facts>, rules: SyncRules) -> Option<Action> {
    let guard = || match replica.and_then(|facts| facts.etag.clone()) {
        Some(etag) => Guard::Matches(etag),
        None if replica.is_some() => Guard::None,
        None => Guard::Absent,
    };
    match judgement.verdict {
        Verdict::Identical | Verdict::InFlight => None,
        Verdict::Missing | Verdict::Different => Some(Action::Copy(guard())),
        Verdict::Extra => rules.delete.then(|| Action::Delete(guard())),
        // What cannot be proved equal is copied: afterwards it can be.
        Verdict::Unproven => match judgement.reason {
            Some(Reason::Archived | Reason::Vanished | Reason::ChangedMeanwhile) => Some(Action::Impossible),
            _ => Some(Action::Copy(guard())),
        },
        Verdict::Unreadable => Some(Action::Impossible),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Evidence;
    use crate::model::ETag;

    #[test]
    fn nothing_is_deleted_unasked() {
        let extra = Judgement::because(Verdict::Extra, Reason::NotOnSource);
        let facts = Facts { etag: Some(ETag::parse(&"1".repeat(32))), ..Facts::default() };
        assert_eq!(action_for(&extra, Some(&facts), SyncRules { delete: false }), None);
        let action = action_for(&extra, Some(&facts), SyncRules { delete: true });
        assert!(matches!(action, Some(Action::Delete(Guard::Matches(_)))));
    }

    #[test]
    fn copies_are_guarded_by_what_was_listed() {
        let missing = Judgement::because(Verdict::Missing, Reason::NotOnReplica);
        assert_eq!(action_for(&missing, None, SyncRules::default()), Some(Action::Copy(Guard::Absent)));
        assert_eq!(action_for(&Judgement::identical(Evidence::Etag), None, SyncRules::default()), None);
    }
}
