//! Everything that describes an object goes with it, whatever way its bytes go, and is set right when asked for.

use crate::harness::{Done, World, noise};
use bytes::Bytes;
use s3twin_fixtures::store::{Attributes, Retention};
use s3twin_fixtures::{LabOptions, Limits, PutSpec};

/// All that S3 lets a writer set, to its limits.
fn laden() -> PutSpec {
    let mut spec = PutSpec::default().content_type("text/plain; charset=utf-8").storage_class("STANDARD_IA");
    let attributes = &mut spec.attributes;
    for (name, value) in [
        ("cache-control", "max-age=60, public"),
        ("content-disposition", "attachment; filename=\"a b.txt\""),
        ("content-encoding", "gzip"),
        ("content-language", "de-AT, en"),
        ("expires", "Wed, 21 Oct 2026 07:28:00 GMT"),
    ] {
        attributes.system.insert(name, value.to_owned());
    }
    for (name, value) in
        [("artist", "Müller & Söhne – 音楽 🎵"), ("plain", "=?not?a?word?="), ("edge", "a, b=c;d\"e\"")]
    {
        attributes.user.insert(name.to_owned(), value.to_owned());
    }
    // Together as much as S3 takes: 2 KB.
    let used: usize = attributes.user.iter().map(|(name, value)| name.len() + value.len()).sum();
    attributes.user.insert("filler".to_owned(), "x".repeat(1_600 - used));
    for number in 0..8 {
        attributes.tags.insert(format!("tag {number} +-=._:/@"), format!("ä&={number}?#% "));
    }
    attributes.tags.insert("empty".to_owned(), String::new());
    attributes.tags.insert("日本".to_owned(), "🦊".repeat(100));
    attributes.website_redirect = Some("https://example.net/x?y=z".to_owned());
    attributes.acl = "public-read".to_owned();
    spec
}

fn small_parts() -> World {
    let limits = Limits { min_part_bytes: 1, ..Limits::default() };
    let world = World::with(LabOptions { limits, ..LabOptions::default() });
    world.bucket("source");
    world.bucket("replica");
    world
}

fn world() -> World {
    let world = small_parts();
    world.put_with("source", "plain", noise(1_000, 1), &laden());
    world.put_with("source", "empty", Vec::new(), &laden());
    let parts = vec![Bytes::from(noise(20_000, 2)), Bytes::from(noise(500, 3))];
    world.store().put_multipart("source", "parts", parts, &laden()).expect("written");
    world
}

fn attributes(world: &World, key: &str) -> Attributes {
    let version = world.store().get("replica", key, None).expect("there");
    version.object.as_ref().expect("an object").attributes.clone()
}

fn action(done: &Done, key: &str) -> String {
    let row = done.findings().into_iter().find(|row| row["key"] == key);
    row.map(|row| row["action"].as_str().unwrap_or_default().to_owned()).unwrap_or_default()
}

#[test]
fn everything_travels_by_every_way() {
    for mode in ["server", "relay"] {
        let world = world();
        world.sync(&["--copy-mode", mode, "--acl", "copy", "--copy-redirects"]).exits(0);
        world.assert_twins();
        for key in ["plain", "empty", "parts"] {
            let copy = attributes(&world, key);
            assert_eq!(copy.website_redirect.as_deref(), Some("https://example.net/x?y=z"), "{mode} {key}");
            assert_eq!(copy.acl, "public-read", "{mode} {key}");
        }
        let compare = ["--compare", "metadata,tags,storage-class,lock,encryption,acl"];
        world.audit(&compare).exits(0);
    }
}

#[test]
fn unasked_the_owner_alone_has_access_and_empty_objects_keep_their_redirect() {
    let world = world();
    world.sync(&[]).exits(0);
    assert_eq!(attributes(&world, "plain").acl, "private");
    assert!(attributes(&world, "empty").website_redirect.is_some());
    assert_eq!(world.seen("GetObjectAcl"), 0);
}

#[test]
fn a_ready_made_list_is_set_on_every_copy() {
    for mode in ["server", "relay"] {
        let world = world();
        world.sync(&["--copy-mode", mode, "--acl", "bucket-owner-full-control"]).exits(0);
        for key in ["plain", "empty", "parts"] {
            assert_eq!(attributes(&world, key).acl, "bucket-owner-full-control", "{mode} {key}");
        }
    }
    World::pair().sync(&["--acl", "everybody"]).exits(2);
}

#[test]
fn locks_travel_on_request() {
    for mode in ["server", "relay"] {
        let world = small_parts();
        for bucket in ["source", "replica"] {
            world.store().bucket(bucket).expect("there").write().object_lock = true;
        }
        let mut spec = PutSpec::default();
        let until = "2099-01-01T00:00:00Z".parse().expect("a time");
        spec.attributes.retention = Some(Retention { compliance: false, until });
        spec.attributes.legal_hold = true;
        world.put_with("source", "k", "locked", &spec);
        let parts = vec![Bytes::from(noise(20_000, 2)), Bytes::from(noise(500, 3))];
        world.store().put_multipart("source", "parts", parts, &spec).expect("written");
        world.sync(&["--copy-mode", mode, "--copy-lock"]).exits(0);
        for key in ["k", "parts"] {
            let copy = attributes(&world, key);
            assert_eq!(
                (copy.retention, copy.legal_hold),
                (spec.attributes.retention.clone(), true),
                "{mode} {key}"
            );
        }
    }
}

#[test]
fn a_sync_sets_right_what_it_is_asked_to_compare() {
    let world = world();
    world.sync(&[]).exits(0);
    let bucket = world.store().bucket("replica").expect("there");
    let change = |key: &str, edit: fn(&mut Attributes)| {
        bucket.change(key, None, |object| edit(&mut object.attributes)).expect("changed");
    };
    change("plain", |attributes| drop(attributes.user.insert("artist".into(), "nobody".into())));
    change("empty", |attributes| attributes.storage_class = "STANDARD".into());
    change("parts", |attributes| drop(attributes.tags.insert("empty".into(), "no".into())));
    world.sync(&[]).exits(0);
    assert_eq!(attributes(&world, "plain").user["artist"], "nobody", "unasked, nothing is compared");
    let rehearsal = world.sync(&["--dry-run", "--compare", "metadata,tags,storage-class"]).exits(0);
    assert_eq!(action(&rehearsal, "parts"), "would set the tags");
    world.lab.reset_requests();
    let done = world.sync(&["--compare", "metadata,tags,storage-class"]).exits(0);
    assert_eq!(done.number("actions.copied"), 3);
    world.assert_twins();
    assert_eq!(action(&done, "parts"), "tags set, and read back");
    assert_eq!((world.seen("PutObjectTagging"), world.seen("CreateMultipartUpload")), (1, 0));
    assert!(action(&done, "plain").starts_with("copied"));
    assert_eq!(
        world.sync(&["--compare", "metadata,tags,storage-class"]).exits(0).number("actions.copied"),
        0
    );
    let lists = world.sync(&["--compare", "acl"]).exits(0);
    assert_eq!(lists.number("actions.copied"), 3);
    assert_eq!(attributes(&world, "parts").acl, "public-read");
}

#[test]
fn what_could_never_become_equal_is_refused_at_once() {
    let world = World::pair();
    for arguments in [
        &["--compare", "storage-class", "--storage-class", "STANDARD_IA"][..],
        &["--compare", "encryption"],
        &["--compare", "acl", "--acl", "private"],
    ] {
        world.sync(arguments).exits(2);
    }
    assert!(world.lab.requests().is_empty());
}
