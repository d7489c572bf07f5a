//! Servers that are almost S3: found out on the way, remembered, and worked with.

use crate::harness::{Done, World, noise};
use bytes::Bytes;
use s3twin_fixtures::checksum::{Algorithm, Kind};
use s3twin_fixtures::{LabOptions, Lack, Limits, PutSpec};

const SMALL: u64 = 40;

/// Small objects and two in parts, on a server that lacks these.
fn world(lacks: &[Lack]) -> World {
    // Parts of any size, so that debug builds do not hash megabytes.
    let limits = Limits { min_part_bytes: 1, ..Limits::default() };
    let world = World::with(LabOptions { limits, ..LabOptions::default() });
    world.bucket("source");
    world.bucket("replica");
    for number in 0..SMALL {
        let spec = PutSpec::default().metadata("n", "v").tag("t", "v");
        world.put_with("source", &format!("k{number:03}"), noise(500, number), &spec);
    }
    in_parts(&world, "parts");
    world.lab.lacks().set(lacks);
    world
}

/// Two objects in two parts each.
fn in_parts(world: &World, name: &str) {
    let composite = PutSpec::default().algorithm(Some(Algorithm::Sha256)).kind(Kind::Composite);
    for (key, spec) in [(name.to_owned(), PutSpec::default()), (format!("{name}-sha"), composite)] {
        let parts = vec![Bytes::from(noise(50_000, 7)), Bytes::from(noise(10_000, 8))];
        world.store().put_multipart("source", &key, parts, &spec).expect("written");
    }
}

fn remarks(done: &Done) -> String {
    done.summary()["remarks"].to_string()
}

/// What failed, in words.
fn failures(done: &Done) -> Vec<String> {
    let rows = done.findings();
    let failed =
        rows.iter().filter(|row| row["action"].as_str().is_some_and(|action| action.starts_with("failed")));
    failed.take(3).map(|row| format!("{} {}", row["key"], row["detail"])).collect()
}

/// Each key of the replica has one version, and no upload is left.
fn assert_tidy(world: &World) {
    for (key, versions) in world.store().versions("replica") {
        assert_eq!(versions.len(), 1, "{key}");
    }
    assert_eq!(world.store().bucket("replica").expect("there").read().uploads.len(), 0);
}

#[test]
fn whatever_is_missing_a_sync_ends_with_twins_and_nothing_spare() {
    for lack in Lack::ALL {
        for mode in ["auto", "relay"] {
            let world = world(&[*lack]);
            let done = world.sync(&["--copy-mode", mode]);
            assert_eq!(done.code, 0, "{lack:?} {mode}: {:?}", failures(&done));
            assert_eq!(done.number("actions.copied"), SMALL + 2, "{lack:?} {mode}");
            world.assert_twins();
            assert_tidy(&world);
            world.audit(&[]).exits(0);
        }
    }
}

#[test]
fn nothing_but_the_protocol_of_old_is_enough() {
    let world = world(Lack::ALL);
    for arguments in [&[][..], &["--delete"], &["--delete", "--compat", "generic"]] {
        let done = world.sync(arguments);
        assert_eq!(done.code, 0, "{arguments:?}: {:?}", failures(&done));
        world.assert_twins();
        world.put("replica", "extra", "x");
        world.put("source", "k001", "new");
    }
}

#[test]
fn a_server_that_heeds_conditions_is_tried_once_and_then_relied_on() {
    let world = world(&[]);
    let done = world.sync(&[]).exits(0);
    assert!(done.summary().get("remarks").is_none());
    assert_eq!(world.seen("CopyObject"), SMALL + 1, "one more than objects: the trial");
    assert!(world.seen("HeadObject") <= 8, "the others waited for it: {}", world.seen("HeadObject"));
    assert_tidy(&world);
    for number in 0..SMALL {
        world.put("source", &format!("l{number:03}"), noise(500, number));
    }
    world.lab.reset_requests();
    world.sync(&[]).exits(0);
    assert_eq!((world.seen("CopyObject"), world.seen("HeadObject")), (SMALL, 0), "nothing is tried again");
    // Who asks for it gets the trial again.
    world.put("source", "m", "m");
    world.lab.reset_requests();
    world.sync(&["--compat", "probe"]).exits(0);
    assert_eq!(world.seen("CopyObject"), 2);
}

#[test]
fn part_numbers_that_are_ignored_are_not_sent_again() {
    let world = world(&[Lack::PartNumbers]);
    let done = world.sync(&[]).exits(0);
    assert!(remarks(&done).contains("ignores partNumber"), "{}", remarks(&done));
    world.assert_twins();
    let first = world.seen("HeadObject");
    in_parts(&world, "parts-more");
    world.lab.reset_requests();
    world.sync(&[]).exits(0);
    world.assert_twins();
    assert!(world.seen("HeadObject") < first, "{} of {first}", world.seen("HeadObject"));
}

#[test]
fn a_vouched_for_server_is_not_tried() {
    let world = world(&[]);
    world.sync(&["--compat", "aws"]).exits(0);
    assert_eq!(world.seen("CopyObject"), SMALL);
}

#[test]
fn a_server_that_ignores_conditions_is_told_of_and_looked_at() {
    for (lack, mode, operation) in
        [(Lack::CopyGuards, "server", "CopyObject"), (Lack::PutGuards, "relay", "PutObject")]
    {
        let world = world(&[lack]);
        let done = world.sync(&["--copy-mode", mode]).exits(0);
        let said = format!("destination not guarded: this server ignores If-None-Match on {operation}");
        assert!(remarks(&done).contains(&said), "{}", remarks(&done));
        assert_tidy(&world);
        world.put("source", "late", "late");
        world.lab.reset_requests();
        let done = world.sync(&["--copy-mode", mode, "-v"]).exits(0).says(&["this server is known"]);
        assert_eq!((world.seen(operation), world.seen("HeadObject")), (1, 1), "looked at, not tried");
        assert!(remarks(&done).contains(&said));
        let row = done.findings().pop().expect("a finding");
        assert_eq!(row["detail"], "unguarded-write");
        // An update is looked at as well; so is what stands there by then.
        world.put("source", "late", "later");
        world.sync(&["--copy-mode", mode]).exits(0);
        world.assert_twins();
    }
}

#[test]
fn deletes_heed_what_the_server_does() {
    for (lacks, guarded) in [(&[][..], true), (&[Lack::DeleteGuards], false), (&[Lack::BatchDelete], true)] {
        let world = world(lacks);
        world.sync(&[]).exits(0);
        for number in 0..SMALL / 2 {
            world.put("replica", &format!("x{number:03}"), "extra");
        }
        world.lab.reset_requests();
        let done = world.sync(&["--delete"]);
        assert_eq!(done.code, 0, "{lacks:?}: {:?}", failures(&done));
        assert_eq!(done.number("actions.deleted"), SMALL / 2, "{lacks:?}");
        world.assert_twins();
        assert_eq!(remarks(&done).contains("deletes not guarded"), !guarded, "{lacks:?}");
        if lacks == [Lack::BatchDelete] {
            assert_eq!(world.seen("DeleteObject"), SMALL / 2 + 1, "and the trial");
            // A second run knows.
            world.put("replica", "y", "extra");
            world.lab.reset_requests();
            world.sync(&["--delete"]).exits(0);
            assert_eq!((world.seen("DeleteObject"), world.seen("DeleteObjects")), (1, 0));
        }
    }
}

#[test]
fn refusals_are_met_once() {
    let world = world(&[Lack::PartCopy, Lack::Attributes]);
    world.sync(&[]).exits(0);
    assert!(world.seen("UploadPartCopy") > 0);
    let etags = |bucket: &str| {
        let of = |key| {
            world
                .store()
                .get(bucket, key, None)
                .expect("there")
                .object
                .as_ref()
                .expect("an object")
                .etag
                .clone()
        };
        [of("parts"), of("parts-sha")]
    };
    assert_eq!(etags("source"), etags("replica"), "relayed in the source's layout");
    assert_eq!(world.seen("CopyObject"), SMALL + 1, "what can be copied still is");
    world.put("source", "late", "late");
    let parts = vec![Bytes::from(noise(50_000, 9)), Bytes::from(noise(10, 8))];
    world.store().put_multipart("source", "parts-2", parts, &PutSpec::default()).expect("written");
    world.lab.reset_requests();
    world.sync(&[]).exits(0);
    assert_eq!(world.seen("UploadPartCopy"), 0);
    world.assert_twins();
}

#[test]
fn an_audit_tries_nothing_out() {
    let world = world(&[Lack::CopyGuards, Lack::Attributes]);
    world.audit(&[]).exits(1);
    for operation in ["CopyObject", "PutObject", "DeleteObject", "DeleteObjects", "CreateMultipartUpload"] {
        assert_eq!(world.seen(operation), 0, "{operation}");
    }
}
