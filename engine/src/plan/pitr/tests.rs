//! Histories and the step that each takes.

use super::super::timeline::tests::{ONE, TWO, entry, stack};
use super::*;

fn rules(seconds: i64) -> PlanRules {
    PlanRules {
        goal: Goal::State(Moment::at(Timestamp::from_seconds(seconds))),
        strategy: Strategy::Fewest,
        uncertain: Uncertain::Skip,
        doubts: DoubtRules::default(),
        keep_new: false,
    }
}

fn step(stack: &Stack, rules: &PlanRules) -> Option<(Step, String, Vec<String>)> {
    plan_in_place(stack, rules).map(|planned| (planned.action, planned.reason, planned.remove))
}

fn expect(step: Step, reason: &str, remove: &[&str]) -> Option<(Step, String, Vec<String>)> {
    Some((step, reason.to_owned(), remove.iter().map(|id| (*id).to_owned()).collect()))
}

#[test]
fn the_cheapest_step_wins() {
    let over = stack(vec![entry("b", 20, Some(TWO)), entry("a", 10, Some(ONE))]);
    assert_eq!(step(&over, &rules(20)), expect(Step::Keep, "same-version", &[]));
    assert_eq!(step(&over, &rules(15)), expect(Step::CopyVersion, "other-bytes", &[]));
    assert_eq!(step(&over, &rules(5)), expect(Step::AddMarker, "not-there-then", &[]));
    let hidden = stack(vec![entry("n", 30, None), entry("m", 20, None), entry("a", 10, Some(ONE))]);
    assert_eq!(step(&hidden, &rules(15)), expect(Step::RemoveMarker, "under-markers", &["m", "n"]));
    assert_eq!(step(&hidden, &rules(25)), None);
    let again = stack(vec![entry("b", 20, Some(ONE)), entry("m", 15, None), entry("a", 10, Some(ONE))]);
    assert_eq!(step(&again, &rules(12)), expect(Step::Keep, "same-bytes", &[]));
    let entries =
        [entry("n", 30, None), entry("b", 20, Some(ONE)), entry("m", 15, None), entry("a", 10, Some(ONE))];
    let hidden_again = stack(entries.to_vec());
    assert_eq!(step(&hidden_again, &rules(12)), expect(Step::RemoveMarker, "under-markers", &["n"]));
    let deep = stack(vec![entry("n", 30, None), entry("b", 20, Some(TWO)), entry("a", 10, Some(ONE))]);
    assert_eq!(step(&deep, &rules(12)), expect(Step::CopyVersion, "absent-now", &[]));
}

#[test]
fn strategies() {
    let deep = stack(vec![entry("n", 30, None), entry("b", 20, Some(TWO)), entry("a", 10, Some(ONE))]);
    let with = |strategy, seconds| PlanRules { strategy, ..rules(seconds) };
    let remove = with(Strategy::RemoveNewer, 12);
    assert_eq!(step(&deep, &remove), expect(Step::RemoveMarker, "under-newer-versions", &["b", "n"]));
    let hidden = stack(vec![entry("n", 30, None), entry("a", 10, Some(ONE))]);
    assert_eq!(step(&hidden, &with(Strategy::CopyUp, 12)), expect(Step::CopyVersion, "absent-now", &[]));
    let fresh = stack(vec![entry("a", 10, Some(ONE))]);
    assert_eq!(
        step(&fresh, &with(Strategy::RemoveNewer, 5)),
        expect(Step::RemoveMarker, "under-newer-versions", &["a"])
    );
    let kept = PlanRules { keep_new: true, ..rules(5) };
    assert_eq!(step(&fresh, &kept), expect(Step::Keep, "left-alone", &[]));
}

#[test]
fn archives_are_thawed_not_hidden() {
    let mut over = stack(vec![entry("b", 20, Some(TWO)), entry("a", 10, Some(ONE))]);
    over.entries[1].storage_class = StorageClass::Glacier;
    assert_eq!(step(&over, &rules(15)), expect(Step::NeedsThaw, "archived", &[]));
    over.entries[1].restore = Some(Restore::Until(Timestamp::from_seconds(99)));
    assert_eq!(step(&over, &rules(15)), expect(Step::CopyVersion, "other-bytes", &[]));
    let mut hidden = stack(vec![entry("m", 20, None), entry("a", 10, Some(ONE))]);
    hidden.entries[1].storage_class = StorageClass::DeepArchive;
    assert_eq!(step(&hidden, &rules(15)), expect(Step::RemoveMarker, "under-markers", &["m"]));
}

#[test]
fn doubt_is_a_class_of_its_own() {
    let suspended = stack(vec![entry("null", 50, Some(TWO)), entry("a", 9, Some(ONE))]);
    assert_eq!(step(&suspended, &rules(20)), expect(Step::Uncertain, "null-overwritten", &[]));
    let include = PlanRules { uncertain: Uncertain::Include, ..rules(20) };
    assert_eq!(step(&suspended, &include), expect(Step::CopyVersion, "other-bytes", &[]));
}

#[test]
fn undelete_uncovers_and_nothing_else() {
    let rules = |since: Option<i64>| PlanRules {
        goal: Goal::Undelete(since.map(Timestamp::from_seconds)),
        ..rules(0)
    };
    let hidden = stack(vec![entry("m", 20, None), entry("a", 10, Some(ONE))]);
    assert_eq!(step(&hidden, &rules(None)), expect(Step::RemoveMarker, "under-markers", &["m"]));
    assert_eq!(step(&hidden, &rules(Some(20))), expect(Step::RemoveMarker, "under-markers", &["m"]));
    assert_eq!(step(&hidden, &rules(Some(21))), None);
    let live = stack(vec![entry("b", 20, Some(TWO)), entry("m", 15, None), entry("a", 10, Some(ONE))]);
    assert_eq!(step(&live, &rules(None)), expect(Step::Keep, "same-version", &[]));
}

#[test]
fn elsewhere_compares_with_what_is_there() {
    let source = stack(vec![entry("b", 20, Some(TWO)), entry("a", 10, Some(ONE))]);
    let same = stack(vec![entry("x", 40, Some(ONE))]);
    let plan =
        |source, target, prune| plan_elsewhere("k", source, target, &rules(15), prune).map(|row| row.action);
    assert_eq!(plan(Some(&source), None, false), Some(Step::CopyVersion));
    assert_eq!(plan(Some(&source), Some(&same), false), Some(Step::Keep));
    assert_eq!(plan(None, Some(&same), false), Some(Step::Keep));
    assert_eq!(plan(None, Some(&same), true), Some(Step::AddMarker));
    assert_eq!(plan(None, None, true), None);
}

/// As servers list that name delete markers behind all versions.
fn markers_last() -> Stack {
    let mut history = stack(vec![entry("c", 30, Some(TWO)), entry("a", 10, Some(ONE)), entry("m", 40, None)]);
    history.entries[0].is_latest = false;
    history.entries[2].is_latest = true;
    history
}

#[test]
fn a_marker_listed_behind_what_it_hides_is_never_overlooked() {
    let history = markers_last();
    for goal in [Goal::Undelete(None), Goal::State(Moment::at(Timestamp::from_seconds(35)))] {
        let planned = plan_in_place(&history, &PlanRules { goal, ..rules(0) }).unwrap();
        assert_eq!((planned.action, &*planned.reason), (Step::Uncertain, "out-of-order"), "{goal:?}");
        assert_eq!(planned.current.as_ref().map(|current| &*current.version_id), Some("m"));
        // Told to believe the listing: nothing is taken off a history that is not in order.
        for strategy in [Strategy::Fewest, Strategy::RemoveNewer] {
            let rules = PlanRules { goal, uncertain: Uncertain::Include, strategy, ..rules(0) };
            let planned = plan_in_place(&history, &rules).unwrap();
            assert_eq!((planned.action, &planned.remove[..]), (Step::CopyVersion, &[][..]), "{goal:?}");
        }
    }
    let named = plan_version(&history, "a", Strategy::Fewest).unwrap();
    assert_eq!(named.action, Step::CopyVersion);
    assert_eq!(named.current.map(|current| current.marker), Some(true), "the condition is what is current");
    let elsewhere =
        plan_elsewhere("k", Some(&stack(vec![entry("b", 1, Some(TWO))])), Some(&history), &rules(5), true);
    assert_eq!(elsewhere.map(|planned| planned.action), Some(Step::CopyVersion), "the copy there is deleted");
}
