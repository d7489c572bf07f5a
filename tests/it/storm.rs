//! A server that allows so many requests a second and answers all others with 503.

use crate::harness::World;

/// Requests a second that the server allows.
const ALLOWED: u64 = 500;
const KEYS: u64 = 7_000;
/// Requests for copies, refused ones too, after which the limit is known: some two seconds.
const RAMP: u64 = 2_500;

#[test]
fn a_storm_of_503_fails_nothing_and_is_met_with_fewer_requests() {
    let world = World::pair();
    for number in 0..KEYS {
        world.put("source", &format!("k{number:05}"), number.to_string());
    }
    world.lab.rate_limit().set(ALLOWED);
    let running = world.start(&["sync", "s3://source", "s3://replica"]);
    // The ramp: the limit is found by meeting it.
    world.wait_for("CopyObject", RAMP);
    let refused = || world.lab.rate_limit().refused();
    let (sent_before, refused_before) = (world.seen("CopyObject"), refused());
    let done = running.wait().exits(0);
    assert_eq!((done.number("actions.copied"), done.number("actions.failed")), (KEYS, 0));
    assert!(refused() > 0, "the limit was never met");
    assert_eq!(done.number("throttled"), refused());
    let (sent, later) = (world.seen("CopyObject") - sent_before, refused() - refused_before);
    // Nearly all when what the server had saved up for bursts is used up.
    assert!(later * 14 < sent, "{later} of {sent} requests were refused after the ramp");
    world.lab.rate_limit().set(0);
    world.assert_twins();
    for (key, versions) in world.store().versions("replica") {
        assert_eq!(versions.len(), 1, "{key}");
    }
}
