//! Two endpoints, two regions: the sides are set apart and the bytes go through this machine.

use crate::harness::{Done, World, assert_same, held, noise};
use bytes::Bytes;
use s3twin_fixtures::data::{Size, content_platform};
use s3twin_fixtures::{Lab, LabOptions, PutSpec, Versioning};

/// Another lab, with the bucket `replica`.
fn other() -> Lab {
    let lab = Lab::start_blocking(LabOptions::default()).expect("a lab");
    lab.store().create_bucket("replica", Versioning::Enabled).expect("a bucket");
    lab
}

fn run(world: &World, other: &Lab, command: &str, more: &[&str]) -> Done {
    let (here, there) = (world.lab.endpoint(), other.endpoint());
    let sides = ["--source-endpoint-url", &here, "--replica-endpoint-url", &there, "--output", "json"];
    world.spawn(&[&[command, "s3://source", "s3://replica"], &sides[..], more].concat()).wait()
}

#[test]
fn two_endpoints_are_relayed_byte_for_byte() {
    let (world, other) = (World::pair(), other());
    content_platform(world.store(), "source", 2, &Size::small()).expect("filled");
    let done = run(&world, &other, "sync", &["--exclude", "archive/2019/**"]).exits(0);
    for number in 0..4 {
        world.store().forget("source", &format!("archive/2019/reel-{number}.tar")).expect("forgotten");
    }
    assert_same(&held(world.store(), "source", ""), &held(other.store(), "replica", ""));
    let bytes: u64 = world.held("source", "").values().map(|held| held.bytes.len() as u64).sum();
    assert_eq!(done.number("bytes.streamed"), bytes);
    assert_eq!(world.seen("CopyObject"), 0);
    run(&world, &other, "audit", &[]).exits(0);
}

#[test]
fn relayed_multipart_objects_keep_their_etag() {
    let (world, other) = (World::pair(), other());
    const MIB: usize = 1 << 20;
    for (number, sizes) in
        [&[5 * MIB, 5 * MIB, MIB][..], &[6 * MIB, 77][..], &[MIB / 3][..]].into_iter().enumerate()
    {
        let parts = sizes.iter().map(|size| Bytes::from(noise(*size, *size as u64))).collect();
        world
            .store()
            .put_multipart("source", &format!("m{number}"), parts, &PutSpec::default())
            .expect("written");
    }
    run(&world, &other, "sync", &[]).exits(0);
    assert_same(&held(world.store(), "source", ""), &held(other.store(), "replica", ""));
    let etag = |store: &s3twin_fixtures::Store, bucket: &str, key: &str| {
        store
            .get(bucket, key, None)
            .and_then(|version| version.object.as_ref().map(|object| object.etag.clone()))
    };
    for key in ["m0", "m1", "m2"] {
        assert_eq!(etag(world.store(), "source", key), etag(other.store(), "replica", key), "{key}");
    }
    let done = run(&world, &other, "audit", &[]).exits(0);
    assert_eq!(done.number("evidence.etag"), 3);
    assert!(other.store().bucket("replica").expect("there").read().uploads.is_empty());
}

#[test]
fn the_same_names_on_two_endpoints_are_two_buckets() {
    let (world, other) = (World::pair(), other());
    other.store().create_bucket("source", Versioning::Enabled).expect("a bucket");
    world.put("source", "k", "v");
    let (here, there) = (world.lab.endpoint(), other.endpoint());
    let sides = ["--source-endpoint-url", &here, "--replica-endpoint-url", &there, "--output", "json"];
    world.spawn(&[&["sync", "s3://source", "s3://source"], &sides[..]].concat()).wait().exits(0);
    assert_eq!(other.store().keys("source"), ["k"]);
}

#[test]
fn a_bucket_in_another_region_is_followed() {
    let world = World::new();
    world.store().create_bucket_in("source", "eu-west-1").expect("a bucket");
    world.store().create_bucket_in("replica", "ap-southeast-2").expect("a bucket");
    world.put("source", "k", "v");
    world.sync(&[]).exits(0);
    world.assert_twins();
    world.audit(&["--region", "sa-east-1"]).exits(0);
    world.audit(&["--source-region", "eu-west-1", "--replica-region", "ap-southeast-2"]).exits(0);
}
