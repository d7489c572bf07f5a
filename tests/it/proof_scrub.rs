//! Bit rot behind an unchanged ETag, samples and what they say, and what describes an object.

use crate::proof_stage::{A, B, Stage, noise};
use s3twin_fixtures::PutSpec;

fn twins(stage: &Stage, count: u64) -> Vec<String> {
    let keys: Vec<String> = (0..count).map(|number| format!("k/{number:03}")).collect();
    for (key, seed) in keys.iter().zip(0..) {
        let bytes = noise(seed, 3000);
        stage.store().put(A, key, bytes.clone(), &PutSpec::default()).unwrap();
        stage.store().put(B, key, bytes, &PutSpec::default()).unwrap();
    }
    keys
}

#[test]
fn proof_a_scrub_finds_bit_rot() {
    let stage = Stage::new();
    let keys = twins(&stage, 30);
    stage.store().corrupt(B, &keys[11], None, 8 * 1234 + 3).unwrap();
    let ran = stage.audit(&["--depth", "bytes"]);
    assert_eq!((ran.code, ran.findings.len()), (0, 0), "unread, it cannot be seen");
    let ran = stage.audit(&["--scrub", "all"]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.findings[&keys[11]], "different/bytes-differ");
    assert_eq!(ran.details[&keys[11]], "the first byte that differs is at offset 1234");
    assert_eq!(ran.findings.len(), 1);
    assert_eq!(ran.summary["scrub"]["read"], 30);
    assert_eq!(ran.summary["scrub"]["bad"], 1);
    assert_eq!(ran.summary["evidence"]["bytes"], 29);
}

#[test]
fn proof_n_runs_read_every_key_once() {
    let stage = Stage::new();
    let keys = twins(&stage, 40);
    stage.store().corrupt(A, &keys[5], None, 9).unwrap();
    let (mut read, mut found) = (0, 0);
    for slice in ["1/3", "2/3", "3/3"] {
        let ran = stage.audit(&["--scrub", slice]);
        let part = ran.summary["scrub"]["read"].as_u64().unwrap();
        assert!((1..40).contains(&part));
        assert_eq!(ran.summary["scrub"]["of"], 40);
        assert_eq!(stage.requests("GetObject"), 2 * part + 2 * 2 * ran.findings.len() as u64 / 2);
        if ran.findings.is_empty() {
            let statement = ran.summary["scrub"]["statement"].as_str().unwrap().to_owned();
            assert!(statement.contains("at 95 % confidence"), "{statement}");
        }
        read += part;
        found += ran.findings.len();
    }
    assert_eq!((read, found), (40, 1));
    let half = stage.audit(&["--scrub", "60000B"]);
    assert!((5..35).contains(&half.summary["scrub"]["read"].as_u64().unwrap()));
}

#[test]
fn proof_what_describes_an_object_is_compared_on_request() {
    let stage = Stage::new();
    let bytes = noise(1, 500);
    let put = |bucket, key: &str, spec: &PutSpec| {
        stage.store().put(bucket, key, bytes.clone(), spec).unwrap();
    };
    let plain = PutSpec::default().content_type("audio/mpeg").metadata("a", "1").tag("t", "1");
    for key in ["acl", "class", "meta", "same", "tag-count", "tag-value", "type"] {
        put(A, key, &plain);
    }
    let mut acl = plain.clone();
    acl.attributes.acl = "public-read".to_owned();
    put(B, "acl", &acl);
    put(B, "class", &plain.clone().storage_class("STANDARD_IA"));
    put(B, "meta", &plain.clone().metadata("a", "2"));
    put(B, "same", &plain);
    put(B, "tag-count", &plain.clone().tag("u", "2"));
    put(B, "tag-value", &plain.clone().tag("t", "2"));
    put(B, "type", &plain.content_type("text/plain"));
    assert_eq!(stage.audit(&[]).code, 0);
    let ran = stage.audit(&["--compare", "storage-class"]);
    assert_eq!(ran.findings["class"], "different/storage-class-differs");
    assert_eq!((ran.findings.len(), stage.requests("HeadObject")), (1, 0));
    let ran = stage.audit(&["--compare", "metadata,tags,storage-class,lock,encryption,acl"]);
    let expected = [
        ("acl", "different/acl-differs"),
        ("class", "different/storage-class-differs"),
        ("meta", "different/metadata-differs"),
        ("tag-count", "different/tags-differ"),
        ("tag-value", "different/tags-differ"),
        ("type", "different/metadata-differs"),
    ];
    assert_eq!(ran.findings, expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into());
    assert_eq!(ran.details["type"], "Content-Type is not the same");
    // The class needs no HEAD, metadata and counts no tags: 6 × 2 HEADs, 3 × 2 for tags.
    assert_eq!(stage.requests("HeadObject"), 12);
    assert_eq!(stage.requests("GetObjectTagging"), 6);
}
