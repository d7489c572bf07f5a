//! Each kind of fault the lab can inject, one by one: that it was injected, and that the result was right.

use crate::harness::{World, noise};
use bytes::Bytes;
use s3twin_fixtures::{ACCESS_KEY, FaultKind, FaultPlan, LabOptions, Limits, PutSpec};
use std::time::Duration;

const KEYS: u64 = 60;

/// Plain objects, some in parts, and a replica that has some of them, some otherwise.
fn world() -> World {
    let limits = Limits { min_part_bytes: 1, ..Limits::default() };
    let world = World::with(LabOptions { limits, ..LabOptions::default() });
    for bucket in ["source", "replica"] {
        world.bucket(bucket);
    }
    for number in 0..KEYS {
        let key = format!("k{number:03}");
        if number % 5 == 0 {
            let parts = (0..3).map(|part| Bytes::from(noise(20_000, number + part))).collect();
            world.store().put_multipart("source", &key, parts, &PutSpec::default()).expect("written");
        } else {
            world.put("source", &key, noise(3_000, number));
        }
        if number % 7 == 0 {
            world.put("replica", &key, noise(3_000, number + 500));
        }
    }
    world
}

/// Where a kind is injected, and how a sync copies for it to matter.
fn stage(kind: FaultKind) -> (FaultPlan, &'static [&'static str]) {
    const RELAY: &[&str] = &["--copy-mode", "relay"];
    let plan = FaultPlan { stall: Duration::from_millis(300), burst: 5, ..FaultPlan::seeded(11) };
    match kind {
        FaultKind::SlowDown => (plan.rate(kind, 0.05), &[]),
        FaultKind::InternalError | FaultKind::ResetBefore => (plan.rate(kind, 0.1), &[]),
        FaultKind::ClockSkew => {
            (plan.nth("ListObjectsV2", 1, kind).nth("CopyObject", 7, kind).nth("HeadObject", 5, kind), &[])
        }
        FaultKind::ResetAfter => (plan.rate(kind, 0.1).at_most(8), RELAY),
        FaultKind::Stall => (plan.rate(kind, 0.1), RELAY),
        FaultKind::TruncatedBody | FaultKind::CorruptedBody | FaultKind::WrongContentLength => {
            (plan.nth("GetObject", 3, kind).nth("GetObject", 25, kind).nth("GetObject", 50, kind), RELAY)
        }
        FaultKind::ErrorInOk => (plan.rate(kind, 0.2).at_most(8), &[]),
        FaultKind::SlowListing | FaultKind::ShortPage | FaultKind::MalformedXml => {
            (plan.nth("ListObjectsV2", 1, kind).nth("ListObjectsV2", 3, kind), &[])
        }
        // For good, so that it cannot be taken for bad luck.
        FaultKind::HtmlPage => (plan.rate(kind, 1.0).only("ListObjectsV2"), &[]),
        FaultKind::ExpiredToken => (plan.nth("CopyObject", 9, kind), &[]),
    }
}

#[test]
fn every_kind_is_injected_and_comes_to_the_right_end() {
    for &kind in FaultKind::ALL {
        let world = world();
        let (plan, more) = stage(kind);
        world.lab.faults().set(plan);
        let done = world.sync(more);
        let injected = world.lab.faults().injected().get(&kind).copied().unwrap_or_default();
        assert!(injected > 0, "{kind:?} was never injected");
        world.lab.faults().clear();
        match kind {
            FaultKind::HtmlPage => {
                let done = done.exits(4).says(&["Welcome to"]);
                assert_eq!(done.summary()["state"], "incomplete");
                assert!(world.held("replica", "").len() < KEYS as usize, "nothing was copied by a guess");
                continue;
            }
            FaultKind::ExpiredToken => {
                done.exits(4).says(&["ExpiredToken", "refresh"]);
                world.spawn(&["resume", "latest"]).wait().exits(0);
            }
            _ => {
                let open = |row: &serde_json::Value| row["advice"] != "";
                let failures: Vec<_> = done.findings().into_iter().filter(open).collect();
                assert!(failures.is_empty(), "{kind:?}: {failures:?}");
                drop(done.exits(0));
            }
        }
        world.assert_twins();
        let open = world.store().bucket("replica").expect("there").read().uploads.len();
        assert_eq!(open, 0, "{kind:?} left uploads open");
        world.audit(&[]).exits(0);
    }
}

/// A 503 is answered by going slower, and so is each of a burst.
#[test]
fn bursts_of_503_are_waited_out() {
    let world = world();
    let plan = FaultPlan { burst: 15, ..FaultPlan::seeded(3) }.rate(FaultKind::SlowDown, 0.03).at_most(45);
    world.lab.faults().set(plan);
    let done = world.sync(&[]).exits(0);
    let injected = world.lab.faults().injected()[&FaultKind::SlowDown];
    assert!(injected >= 15, "{injected}");
    assert_eq!(done.number("throttled"), injected);
    world.assert_twins();
}

#[test]
fn credentials_that_expire_during_a_run_end_it_and_resume_goes_on() {
    let world = world();
    for number in 0..2_000 {
        world.put("source", &format!("m{number:05}"), "more than a page");
    }
    world.lab.set_latency(Duration::from_millis(15));
    let running = world.start(&["sync", "s3://source", "s3://replica", "--concurrency", "8"]);
    world.wait_for("CopyObject", 25);
    world.lab.credentials().expire(ACCESS_KEY, true);
    let done = running.wait().exits(4).says(&["ExpiredToken", "refresh"]);
    assert_eq!(done.summary()["state"], "incomplete");
    let source = world.held("source", "");
    let copied = world.held("replica", "");
    let made = copied.iter().filter(|(key, held)| source.get(*key).is_some_and(|twin| twin == *held)).count();
    assert!((1..source.len()).contains(&made), "{made}");
    world.lab.credentials().expire(ACCESS_KEY, false);
    world.lab.set_latency(Duration::ZERO);
    world.spawn(&["resume", "latest"]).wait().exits(0);
    world.assert_twins();
}

#[test]
fn an_upload_whose_begin_was_never_answered_is_found_and_aborted() {
    for more in [&[][..], &["--copy-mode", "relay"]] {
        let world = world();
        world.sync(more).exits(0);
        assert_eq!(world.seen("ListMultipartUploads"), 0, "nobody looks where every begin was answered");
        let world = self::world();
        let plan = FaultPlan::default().nth("CreateMultipartUpload", 2, FaultKind::ResetAfter).nth(
            "CreateMultipartUpload",
            5,
            FaultKind::ResetAfter,
        );
        world.lab.faults().set(plan);
        world.sync(more).exits(0);
        assert_eq!(world.lab.faults().injected()[&FaultKind::ResetAfter], 2);
        assert_eq!((world.seen("ListMultipartUploads"), world.seen("AbortMultipartUpload")), (2, 2));
        let open = world.store().bucket("replica").expect("there").read().uploads.len();
        assert_eq!(open, 0);
        world.assert_twins();
    }
}
