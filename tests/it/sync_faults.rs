//! Servers and networks that fail on the way: the end is as clean as without.

use crate::harness::World;
use s3twin_fixtures::{FaultKind, FaultPlan, PutSpec};

fn filled(keys: u32) -> World {
    let world = World::pair();
    for number in 0..keys {
        let spec = PutSpec::default().metadata("n", &number.to_string()).tag("t", "v");
        world.put_with("source", &format!("k{number:04}"), number.to_string(), &spec);
    }
    world
}

fn injected(world: &World, kind: FaultKind) -> u64 {
    world.lab.faults().injected().get(&kind).copied().unwrap_or_default()
}

/// Versions on the replica beyond one per key.
fn spare_versions(world: &World) -> usize {
    world.store().versions("replica").iter().map(|(_, versions)| versions.len() - 1).sum()
}

#[test]
fn a_throttling_server_is_obeyed_and_the_sync_ends_clean() {
    for seed in 1..=3 {
        let world = filled(250);
        world.lab.faults().set(FaultPlan::seeded(seed).rate(FaultKind::SlowDown, 0.05));
        let done = world.sync(&[]).exits(0);
        let refused = injected(&world, FaultKind::SlowDown);
        assert!(refused > 0 && done.number("throttled") > 0, "{refused}");
        world.assert_twins();
        assert_eq!(spare_versions(&world), 0, "a refused copy did nothing");
    }
}

#[test]
fn mixed_faults_on_every_operation_end_clean() {
    for seed in 1..=3 {
        let world = filled(300);
        let mut plan = FaultPlan::seeded(seed);
        for kind in [
            FaultKind::InternalError,
            FaultKind::ResetBefore,
            FaultKind::TruncatedBody,
            FaultKind::ErrorInOk,
            FaultKind::WrongContentLength,
            FaultKind::MalformedXml,
            FaultKind::ShortPage,
        ] {
            plan = plan.rate(kind, 0.02);
        }
        world.lab.faults().set(plan);
        world.sync(&[]).exits(0);
        world.assert_twins();
        world.lab.faults().clear();
        world.audit(&[]).exits(0);
    }
}

#[test]
fn copies_whose_answers_are_lost_are_recognised_and_not_made_again() {
    for seed in 1..=3 {
        let world = filled(300);
        world.lab.faults().set(FaultPlan::seeded(seed).only("CopyObject").rate(FaultKind::ResetAfter, 0.1));
        let done = world.sync(&[]).exits(0);
        let lost = injected(&world, FaultKind::ResetAfter);
        assert!(lost > 5, "{lost}");
        assert_eq!(done.number("actions.copied"), 300);
        world.assert_twins();
        assert_eq!(spare_versions(&world), 0, "{lost} answers were lost");
    }
}

#[test]
fn an_error_inside_a_200_is_not_taken_for_a_copy() {
    let world = filled(20);
    world.lab.faults().set(FaultPlan::seeded(1).nth("CopyObject", 1, FaultKind::ErrorInOk).nth(
        "CopyObject",
        7,
        FaultKind::ErrorInOk,
    ));
    let done = world.sync(&[]).exits(0);
    assert_eq!(injected(&world, FaultKind::ErrorInOk), 2);
    assert!(done.number("retries") >= 2);
    world.assert_twins();
}

#[test]
fn relayed_bytes_are_whole_whatever_happens_to_them_on_the_way() {
    for seed in 1..=3 {
        let world = filled(150);
        let plan = FaultPlan::seeded(seed)
            .rate(FaultKind::TruncatedBody, 0.05)
            .rate(FaultKind::CorruptedBody, 0.02)
            .rate(FaultKind::WrongContentLength, 0.05)
            .only("GetObject");
        world.lab.faults().set(plan);
        world.sync(&["--copy-mode", "relay"]).exits(0);
        assert!(injected(&world, FaultKind::CorruptedBody) > 0);
        world.assert_twins();
    }
}

#[test]
fn an_audit_through_faults_says_what_it_says_without() {
    let world = filled(2_200);
    world.put("replica", "k0005", "other");
    world.put("replica", "z-extra", "extra");
    let calm = world.audit(&[]).exits(1).verdicts();
    let plan = FaultPlan::seeded(4)
        .rate(FaultKind::SlowDown, 0.1)
        .rate(FaultKind::ShortPage, 0.2)
        .rate(FaultKind::MalformedXml, 0.1)
        .rate(FaultKind::TruncatedBody, 0.1);
    world.lab.faults().set(plan);
    assert!(calm == world.audit(&[]).exits(1).verdicts());
}

#[test]
fn a_server_that_refuses_for_good_ends_the_run_as_incomplete() {
    let world = filled(5);
    world.lab.faults().set(FaultPlan::seeded(1).only("ListObjectsV2").rate(FaultKind::InternalError, 1.0));
    let done = world.sync(&[]).exits(4).says(&["ListObjectsV2", "s3://", "InternalError"]);
    assert_eq!(done.summary()["state"], "incomplete");
}
