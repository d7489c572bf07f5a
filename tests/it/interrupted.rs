//! Signals in the middle of a relay of many parts: it stops soon, leaves nothing open, and goes on later.

use crate::harness::{World, noise};
use bytes::Bytes;
use s3twin_fixtures::{LabOptions, Limits, PutSpec};
use std::time::{Duration, Instant};

const OBJECTS: u64 = 4;
const PARTS: u64 = 30;

/// Objects of many parts, behind a server that takes its time.
fn slow() -> World {
    let limits = Limits { min_part_bytes: 1, ..Limits::default() };
    let world = World::with(LabOptions { limits, ..LabOptions::default() });
    world.bucket("source");
    world.bucket("replica");
    for object in 0..OBJECTS {
        let parts = (0..PARTS).map(|part| Bytes::from(noise(60_000, object * PARTS + part))).collect();
        world
            .store()
            .put_multipart("source", &format!("o{object}"), parts, &PutSpec::default())
            .expect("written");
    }
    world.lab.set_latency(Duration::from_millis(40));
    world
}

fn open_uploads(world: &World) -> usize {
    world.store().bucket("replica").expect("there").read().uploads.len()
}

const RELAY: [&str; 6] = ["sync", "s3://source", "s3://replica", "--copy-mode", "relay", "--concurrency"];

/// Ends the run that was interrupted, and holds the replica against the source.
fn go_on(world: &World) {
    world.lab.set_latency(Duration::ZERO);
    let done = world.spawn(&["resume", "latest"]).wait().exits(0);
    assert_eq!(done.number("actions.copied"), OBJECTS);
    world.assert_twins();
    assert_eq!(open_uploads(world), 0);
    for (key, versions) in world.store().versions("replica") {
        assert_eq!(versions.len(), 1, "{key}");
    }
    world.audit(&[]).exits(0);
}

#[test]
fn a_signal_stops_a_relay_and_aborts_its_uploads() {
    for signal in ["INT", "TERM"] {
        let world = slow();
        let running = world.start(&[&RELAY[..], &["6"]].concat());
        world.wait_for("UploadPart", 10);
        running.signal(signal);
        let stopped = Instant::now();
        let done = running.wait().exits(130).says(&["stopping; once more to stop at once"]);
        assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
        assert_eq!(done.summary()["state"], "interrupted");
        assert!(world.seen("UploadPart") < OBJECTS * PARTS, "it was to be stopped in the middle");
        assert!(world.seen("AbortMultipartUpload") > 0);
        assert_eq!(open_uploads(&world), 0, "{signal}");
        assert!(world.store().versions("replica").iter().all(|(_, versions)| versions.len() == 1));
        go_on(&world);
    }
}

#[test]
fn a_second_signal_ends_it_at_once_and_what_is_open_is_remembered() {
    let world = slow();
    let running = world.start(&[&RELAY[..], &["6"]].concat());
    world.wait_for("UploadPart", 10);
    // No abort can be answered before the second signal.
    world.lab.set_latency(Duration::from_secs(5));
    running.interrupt();
    std::thread::sleep(Duration::from_millis(200));
    running.interrupt();
    let stopped = Instant::now();
    running.wait().exits(130);
    assert!(stopped.elapsed() < Duration::from_secs(3), "{:?}", stopped.elapsed());
    assert!(open_uploads(&world) > 0, "nothing was left to be remembered");
    go_on(&world);
}
