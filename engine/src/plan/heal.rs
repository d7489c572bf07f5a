//! From a finding of an audit to what a repair does about it.

use crate::compare::{Reason, Verdict};
use crate::report::Finding;

/// Which side is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// The source: the replica is changed.
    #[default]
    SourceToReplica,
    /// The replica: the source is changed.
    ReplicaToSource,
}

/// What a repair may do.
#[derive(Clone, Copy, Debug, Default)]
pub struct HealRules {
    /// Which side is right.
    pub direction: Direction,
    /// Remove what the right side does not have.
    pub delete: bool,
    /// Copies carry object lock settings over.
    pub lock: bool,
    /// Copies carry access control lists over.
    pub acl: bool,
    /// Copies are encrypted as the operator said.
    pub encryption: bool,
}

/// What is to be done about one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heal {
    /// Copy from the right side.
    Copy,
    /// Remove what only the wrong side has.
    Delete,
    /// Nothing, and that is as wished.
    Leave,
    /// It is not as wished, but a copy would not help; the words say why, and what would.
    Beyond(&'static str, &'static str),
}

/// The cure for a finding.
#[must_use]
pub fn heal_for(finding: &Finding, rules: &HealRules) -> Heal {
    let only_wrong_side = match rules.direction {
        Direction::SourceToReplica => Verdict::Extra,
        Direction::ReplicaToSource => Verdict::Missing,
    };
    match (finding.verdict, finding.reason) {
        (Verdict::Identical | Verdict::InFlight, _) => Heal::Leave,
        (Verdict::Missing | Verdict::Extra, _) if finding.verdict == only_wrong_side => {
            if rules.delete {
                Heal::Delete
            } else {
                Heal::Leave
            }
        }
        (Verdict::Missing | Verdict::Extra, _) => Heal::Copy,
        (Verdict::Different, Some(Reason::AclDiffers)) if !rules.acl => {
            Heal::Beyond("acl-not-copied", "add --acl copy to carry the grants over, or set them by hand")
        }
        (Verdict::Different, Some(Reason::EncryptionDiffers)) if !rules.encryption => Heal::Beyond(
            "encryption-not-copied",
            "say how the copies are to be encrypted with --sse, or change the bucket's default encryption",
        ),
        (Verdict::Different, Some(Reason::LockDiffers)) if !rules.lock => {
            Heal::Beyond("lock-not-copied", "add --copy-lock to carry retention and legal hold over")
        }
        (Verdict::Different, _) => Heal::Copy,
        (Verdict::Unproven, _) => Heal::Beyond(
            "unproven",
            "no difference was proved: audit with --depth bytes, then repair what that finds",
        ),
        (Verdict::Unreadable, _) => Heal::Beyond(
            "unreadable",
            "make it readable first; the audit's advice says how, then audit again",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Judgement;

    fn cure(verdict: Verdict, reason: Reason, rules: &HealRules) -> Heal {
        heal_for(&Finding::new("k", &Judgement::because(verdict, reason), None, None), rules)
    }

    #[test]
    fn the_direction_decides_what_is_missing() {
        let mut rules = HealRules::default();
        assert_eq!(cure(Verdict::Missing, Reason::NotOnReplica, &rules), Heal::Copy);
        assert_eq!(cure(Verdict::Extra, Reason::NotOnSource, &rules), Heal::Leave);
        rules.delete = true;
        assert_eq!(cure(Verdict::Extra, Reason::NotOnSource, &rules), Heal::Delete);
        rules.direction = Direction::ReplicaToSource;
        assert_eq!(cure(Verdict::Missing, Reason::NotOnReplica, &rules), Heal::Delete);
        assert_eq!(cure(Verdict::Extra, Reason::NotOnSource, &rules), Heal::Copy);
    }

    #[test]
    fn what_a_copy_cannot_heal_is_said() {
        let rules = HealRules::default();
        for (verdict, reason) in [
            (Verdict::Different, Reason::AclDiffers),
            (Verdict::Different, Reason::LockDiffers),
            (Verdict::Different, Reason::EncryptionDiffers),
            (Verdict::Unproven, Reason::PartLayoutOnly),
            (Verdict::Unreadable, Reason::AccessDenied),
        ] {
            assert!(matches!(cure(verdict, reason, &rules), Heal::Beyond(..)), "{reason:?}");
        }
        let rules = HealRules { acl: true, lock: true, encryption: true, ..rules };
        assert_eq!(cure(Verdict::Different, Reason::AclDiffers, &rules), Heal::Copy);
        assert_eq!(cure(Verdict::Different, Reason::LockDiffers, &rules), Heal::Copy);
        assert_eq!(cure(Verdict::Different, Reason::EncryptionDiffers, &rules), Heal::Copy);
        assert_eq!(cure(Verdict::Different, Reason::BytesDiffer, &rules), Heal::Copy);
    }
}
