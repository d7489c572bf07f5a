//! Objects encrypted with keys of the customer's (SSE-C), on either side or both.

use crate::harness::{Done, World, noise};
use bytes::Bytes;
use s3twin_fixtures::store::{Encryption, Object};
use s3twin_fixtures::{PutSpec, Versioning};
use std::path::Path;

/// A key, what S3 shows of it (the base64 MD5), and the key in base64.
struct Key {
    raw: &'static [u8; 32],
    md5: &'static str,
    base64: &'static str,
}

const OURS: Key = Key {
    raw: b"0123456789abcdefghijklmnopqrstuv",
    md5: "qkvGcbTBx6OOKYAPUO9jRg==",
    base64: "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
};
const THEIRS: Key = Key {
    raw: b"another-key-of-thirty-two-bytes!",
    md5: "2BqlEQ0LtTGdJIqqdjetcQ==",
    base64: "YW5vdGhlci1rZXktb2YtdGhpcnR5LXR3by1ieXRlcyE=",
};

fn sealed(key: &Key) -> PutSpec {
    let mut spec = PutSpec::default().metadata("m", "v").tag("t", "v");
    spec.attributes.encryption = Encryption::Customer { key_md5: key.md5.to_owned() };
    spec
}

/// A source with plain and multipart objects under a key, and one that has none; the key files beside it.
fn sealed_source() -> World {
    let world = World::pair();
    for number in 0..5 {
        world.put_with("source", &format!("k{number}"), noise(4_000, number), &sealed(&OURS));
    }
    let parts = vec![Bytes::from(noise(5 << 20, 7)), Bytes::from(noise(1 << 20, 8))];
    world.store().put_multipart("source", "parts", parts, &sealed(&OURS)).expect("written");
    world.put("source", "open", noise(300, 9));
    std::fs::write(world.state.path().join("ours"), OURS.raw).expect("a key file");
    std::fs::write(world.state.path().join("theirs"), format!("{}\n", THEIRS.base64)).expect("a key file");
    world
}

fn file(world: &World, name: &str) -> String {
    world.state.path().join(name).to_string_lossy().into_owned()
}

fn encryption(world: &World, bucket: &str, key: &str) -> Encryption {
    let version = world.store().get(bucket, key, None).expect("there");
    let object: &Object = version.object.as_ref().expect("an object");
    object.attributes.encryption.clone()
}

/// No file below the state dir and no word of the program holds a key.
fn assert_secret(world: &World, done: &Done) {
    let forms = |text: &str| {
        [&OURS, &THEIRS].iter().any(|key| {
            text.contains(key.base64) || text.contains(std::str::from_utf8(key.raw).expect("ASCII"))
        })
    };
    assert!(!forms(&done.stdout) && !forms(&done.stderr), "a key was printed");
    let mut folders = vec![world.state.path().join("runs")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path())
        {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                files += 1;
                let content = std::fs::read(&entry).expect("readable");
                assert!(!forms(&String::from_utf8_lossy(&content)), "{}", entry.display());
            }
        }
    }
    assert!(files > 3, "{files}");
}

#[test]
fn each_way_carries_objects_from_one_key_to_another() {
    for mode in ["server", "relay"] {
        let world = sealed_source();
        let (ours, theirs) = (file(&world, "ours"), file(&world, "theirs"));
        let keys = ["--source-sse-c-key-file", &ours, "--replica-sse-c-key-file", &theirs];
        let done = world.sync(&[&keys[..], &["--copy-mode", mode, "-vvv"]].concat()).exits(0);
        assert_eq!(done.number("actions.copied"), 7, "{mode}");
        world.assert_twins();
        for key in ["k0", "parts", "open"] {
            let expected = Encryption::Customer { key_md5: THEIRS.md5.to_owned() };
            assert_eq!(encryption(&world, "replica", key), expected, "{mode} {key}");
        }
        assert_secret(&world, &done);
        // Their ETags are no digests: checksums must prove it, and a second sync has nothing to do.
        for depth in ["checksums", "bytes"] {
            let done = world.audit(&[&keys[..], &["--depth", depth]].concat()).exits(0);
            assert_eq!(done.number("evidence.etag"), 0, "{mode} {depth}");
            assert_eq!(done.number("evidence.checksum"), 7, "{mode} {depth}");
        }
        assert_eq!(world.sync(&keys).exits(0).number("actions.copied"), 0);
        let read = world.audit(&[&keys[..], &["--scrub", "all"]].concat()).exits(0);
        assert_eq!(read.number("evidence.bytes"), 7);
    }
}

#[test]
fn a_sealed_source_is_opened_for_a_replica_without_a_key() {
    for mode in ["server", "relay"] {
        let world = sealed_source();
        let ours = file(&world, "ours");
        let key = ["--source-sse-c-key-file", &ours];
        let done = world.sync(&[&key[..], &["--copy-mode", mode]].concat()).exits(0);
        world.assert_twins();
        assert_eq!(encryption(&world, "replica", "parts"), Encryption::S3);
        let rows = done.findings();
        let sealed = rows.iter().find(|row| row["key"] == "k0").expect("a finding");
        assert!(sealed["detail"].as_str().unwrap_or_default().contains("encryption-not-copied"), "{sealed}");
        world.audit(&key).exits(0);
    }
}

#[test]
fn damage_under_a_key_is_found() {
    let world = sealed_source();
    let ours = file(&world, "ours");
    let keys = ["--sse-c-key-file", &ours];
    world.sync(&keys).exits(0);
    let mut bytes = noise(4_000, 3);
    bytes[1_234] ^= 1;
    world.put_with("replica", "k3", bytes, &sealed(&OURS));
    let done = world.audit(&keys).exits(1);
    assert_eq!(done.verdict_of("k3"), "different");
    assert_eq!(done.number("verdicts.identical"), 6);
    // Where nothing is stored, the bytes tell.
    let without = sealed(&OURS).algorithm(None);
    world.put_with("source", "k1", noise(4_000, 1), &without);
    world.put_with("replica", "k1", noise(4_000, 1), &without);
    let done = world.audit(&keys).exits(1);
    assert_eq!(done.verdicts()["k1"], ("unproven".to_owned(), "encrypted-no-shared-checksum".to_owned()));
    let done = world.audit(&[&keys[..], &["--depth", "bytes"]].concat()).exits(1);
    assert_eq!(done.number("verdicts.different"), 1);
    assert!(done.number("evidence.bytes") >= 1);
}

#[test]
fn without_the_key_or_with_a_wrong_one_nothing_is_claimed() {
    let world = sealed_source();
    let (ours, theirs) = (file(&world, "ours"), file(&world, "theirs"));
    world.sync(&["--sse-c-key-file", &ours]).exits(0);
    let done = world.audit(&[]).exits(1);
    assert_eq!(done.number("verdicts.unreadable"), 7);
    let done = world.audit(&["--sse-c-key-file", &theirs]).exits(1);
    assert_eq!(done.verdicts()["k0"], ("unreadable".to_owned(), "access-denied".to_owned()));
    world.store().create_bucket("empty", Versioning::Enabled).expect("a bucket");
    let done = world.run(&["sync", "s3://source", "s3://empty"]).exits(1);
    assert_eq!(done.number("actions.failed"), 6);
    let row = done.findings().into_iter().find(|row| row["key"] == "k0").expect("a finding");
    assert!(row["advice"].as_str().unwrap_or_default().contains("--sse-c-key-file"), "{row}");
}

#[test]
fn a_file_that_holds_no_key_is_refused_unrepeated() {
    let world = World::pair();
    let file = world.state.path().join("short");
    std::fs::write(&file, "hush-hush").expect("written");
    let refuse = |file: &Path, words: &[&str]| {
        let name = file.to_string_lossy().into_owned();
        let done = world.sync(&["--sse-c-key-file", &name]);
        assert!(!done.stderr.contains("hush"), "{}", done.stderr);
        done.exits(2).says(words);
    };
    refuse(&file, &["short", "32 raw bytes"]);
    refuse(&world.state.path().join("none"), &["none", "No such file"]);
    world.sync(&["--sse-c-key-file", "x", "--sse", "AES256"]).exits(2);
}
