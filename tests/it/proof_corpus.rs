//! The adversarial corpus: every pair that is easy to judge wrongly, and none may be.

use crate::proof_stage::{A, B, Stage, cut, noise};
use bytes::Bytes;
use s3twin_fixtures::PutSpec;
use s3twin_fixtures::checksum::{Algorithm, Kind};
use s3twin_fixtures::store::Encryption;

const MIB: usize = 1 << 20;
/// A MiB in miniature, where only the verdict matters.
const UNIT: usize = MIB / 64;

fn bare() -> PutSpec {
    PutSpec::default().algorithm(None)
}

fn kms() -> PutSpec {
    let mut spec = bare();
    spec.attributes.encryption = Encryption::Kms { key_id: "k".to_owned(), bucket_key: false, dual: false };
    spec
}

/// The ways one content can be stored without a checksum.
fn stored(stage: &Stage, bucket: &str, key: &str, bytes: &[u8], layout: &str, mib: usize) {
    let store = stage.store();
    let multipart = |parts: Vec<Bytes>, spec: &PutSpec| {
        store.put_multipart(bucket, key, parts, spec).unwrap();
    };
    match layout {
        "plain" => drop(store.put(bucket, key, bytes.to_vec(), &bare()).unwrap()),
        "kms" => drop(store.put(bucket, key, bytes.to_vec(), &kms()).unwrap()),
        "kms5" => multipart(cut(bytes, 5 * mib), &kms()),
        "one" => multipart(cut(bytes, bytes.len()), &bare()),
        "odd" => {
            let (head, tail) = bytes.split_at(3 * mib + 17);
            let mut parts = cut(head, head.len());
            parts.extend(cut(tail, 6 * mib + 1));
            multipart(parts, &bare());
        }
        count => multipart(cut(bytes, count.parse::<usize>().unwrap() * mib), &bare()),
    }
}

const LAYOUTS: [&str; 8] = ["plain", "5", "8", "16", "one", "odd", "kms", "kms5"];

#[test]
fn proof_equal_bytes_in_any_layout_are_identical() {
    let stage = Stage::new();
    let bytes = noise(1, 17 * UNIT + 5);
    for a in LAYOUTS {
        for b in LAYOUTS {
            let key = format!("{a}-{b}");
            stored(&stage, A, &key, &bytes, a, UNIT);
            stored(&stage, B, &key, &bytes, b, UNIT);
        }
    }
    let ran = stage.audit(&["--depth", "bytes"]);
    assert_eq!(ran.findings, Default::default());
    assert_eq!(ran.code, 0);
    assert_eq!(ran.summary["verdicts"]["identical"], 64);
    // Layouts that agree are not read at all.
    assert_eq!(ran.summary["evidence"]["etag"], 6);
    assert_eq!(ran.summary["evidence"]["bytes"], 58);
}

#[test]
fn proof_one_side_is_read_where_its_bytes_settle_it() {
    let stage = Stage::new();
    let bytes = noise(5, 17 * MIB + 5);
    let pairs = [("plain", "8"), ("5", "plain"), ("odd", "5"), ("odd", "kms")];
    for (a, b) in pairs {
        stored(&stage, A, &format!("{a}-{b}"), &bytes, a, MIB);
        stored(&stage, B, &format!("{a}-{b}"), &bytes, b, MIB);
    }
    let ran = stage.audit(&["--depth", "bytes"]);
    assert_eq!(ran.findings, Default::default());
    assert_eq!(ran.summary["evidence"]["bytes"], 4);
    assert_eq!(ran.summary["bytes"]["hashed"].as_u64().unwrap(), 4 * bytes.len() as u64);
    // One side of four pairs, in chunks of 8 MiB or of whole parts up to that: three for each.
    assert_eq!(stage.requests("GetObject"), 12);
}

#[test]
fn proof_one_bit_swapped_parts_and_tails_are_different() {
    let stage = Stage::new();
    let bytes = noise(2, 17 * UNIT + 5);
    let mut flipped = bytes.clone();
    flipped[9 * UNIT + 3] ^= 0x10;
    let mut swapped = bytes.clone();
    swapped[..10 * UNIT].rotate_left(5 * UNIT);
    for a in LAYOUTS {
        for b in ["plain", "8", "odd", "kms"] {
            let key = |what: &str| format!("{what}-{a}-{b}");
            for what in ["flip", "swap"] {
                stored(&stage, A, &key(what), &bytes, a, UNIT);
            }
            stored(&stage, B, &key("flip"), &flipped, b, UNIT);
            stored(&stage, B, &key("swap"), &swapped, b, UNIT);
        }
        stored(&stage, A, &format!("tail-{a}"), &bytes, a, UNIT);
        stored(&stage, B, &format!("tail-{a}"), &bytes[..bytes.len() - 1], a, UNIT);
    }
    let ran = stage.audit(&["--depth", "bytes"]);
    assert_eq!(ran.findings.len(), 8 * 4 * 2 + 8);
    for (key, finding) in &ran.findings {
        assert!(finding.starts_with("different/"), "{key}: {finding}");
    }
    assert_eq!(ran.findings["flip-plain-8"], "different/bytes-differ");
    assert_eq!(
        ran.details["flip-plain-8"],
        format!("the first byte that differs is at offset {}", 9 * UNIT + 3)
    );
    assert_eq!(ran.details["swap-5-odd"], "the first byte that differs is at offset 0");
    assert_eq!(ran.findings["tail-odd"], "different/size-differs");
    // What the stored values leave open is unproven without reading, never equal and never different.
    let shallow = stage.audit(&[]);
    assert_eq!(shallow.findings["flip-plain-8"], "unproven/part-layout-only");
    assert_eq!(shallow.findings["flip-plain-kms"], "unproven/encrypted-no-shared-checksum");
    assert_eq!(shallow.findings["flip-plain-plain"], "different/etag-differs");
}

/// Four bytes that bring the CRC-32 register from one state to another.
fn patch(bytes: &mut [u8], at: usize, wanted: u32) {
    // Linear: find which of the 32 bits to turn over so that the CRC becomes the wanted one.
    let crc = |bytes: &[u8]| {
        let raw = Algorithm::Crc32.raw(&[Bytes::copy_from_slice(bytes)]);
        u32::from_be_bytes(raw.try_into().unwrap())
    };
    let base = crc(bytes);
    let mut rows: Vec<(u32, u32)> = (0..32)
        .map(|bit| {
            bytes[at + bit / 8] ^= 1 << (bit % 8);
            let effect = crc(bytes) ^ base;
            bytes[at + bit / 8] ^= 1 << (bit % 8);
            (effect, 1_u32 << bit)
        })
        .collect();
    let (mut need, mut turn) = (base ^ wanted, 0_u32);
    for column in 0..32 {
        let Some(place) = rows.iter().position(|(effect, _)| effect >> column & 1 == 1) else { continue };
        let pivot = rows.swap_remove(place);
        for row in &mut rows {
            if row.0 >> column & 1 == 1 {
                *row = (row.0 ^ pivot.0, row.1 ^ pivot.1);
            }
        }
        if need >> column & 1 == 1 {
            (need, turn) = (need ^ pivot.0, turn ^ pivot.1);
        }
    }
    for bit in 0..32 {
        if turn >> bit & 1 == 1 {
            bytes[at + bit / 8] ^= 1 << (bit % 8);
        }
    }
    assert_eq!(crc(bytes), wanted);
}

#[test]
fn proof_the_same_crc32_is_not_the_same_bytes() {
    let stage = Stage::new();
    let bytes = noise(3, 9000);
    let mut other = bytes.clone();
    other[100] ^= 0xff;
    let crc = u32::from_be_bytes(Algorithm::Crc32.raw(&[Bytes::from(bytes.clone())]).try_into().unwrap());
    patch(&mut other, 4000, crc);
    assert_ne!(bytes, other);
    let spec = PutSpec::default().algorithm(Some(Algorithm::Crc32));
    let parts = spec.clone().kind(Kind::FullObject);
    let store = stage.store();
    store.put(A, "plain", bytes.clone(), &spec).unwrap();
    store.put(B, "plain", other.clone(), &spec).unwrap();
    store.put(A, "parts", bytes.clone(), &spec).unwrap();
    store.put_multipart(B, "parts", cut(&other, 4096), &parts).unwrap();
    store.put(A, "same", bytes.clone(), &spec).unwrap();
    store.put_multipart(B, "same", cut(&bytes, 4096), &parts).unwrap();
    // Plain MD5s that differ are believed against an equal CRC at any depth.
    assert_eq!(stage.audit(&[]).findings["plain"], "different/etag-differs");
    let ran = stage.audit(&["--depth", "bytes"]);
    assert_eq!(ran.findings["plain"], "different/etag-differs");
    assert_eq!(ran.findings["parts"], "different/bytes-differ");
    assert_eq!(ran.findings.len(), 2);
}

#[test]
fn proof_archived_objects_are_compared_without_thawing() {
    let stage = Stage::new();
    let bytes = noise(4, 2 * MIB);
    let mut flipped = bytes.clone();
    flipped[7] ^= 1;
    for key in ["frozen-source", "frozen-replica", "frozen-both", "frozen-different"] {
        stored(&stage, A, key, &bytes, "plain", MIB);
        stored(&stage, B, key, if key == "frozen-different" { &flipped } else { &bytes }, "1", MIB);
    }
    let freeze = |bucket, key| stage.store().set_storage_class(bucket, key, None, "GLACIER").unwrap();
    freeze(A, "frozen-source");
    freeze(A, "frozen-different");
    freeze(B, "frozen-replica");
    freeze(A, "frozen-both");
    freeze(B, "frozen-both");
    let ran = stage.audit(&["--depth", "bytes"]);
    assert_eq!(ran.findings["frozen-both"], "unproven/archived");
    assert_eq!(ran.findings["frozen-different"], "different/bytes-differ");
    assert_eq!(ran.findings.len(), 2, "{:?}", ran.findings);
}

#[test]
fn proof_l1_settles_for_nothing() {
    let stage = Stage::new();
    for number in 0..40_u64 {
        let bytes = noise(number, 1000);
        stage.store().put(A, &format!("k/{number:03}"), bytes.clone(), &bare()).unwrap();
        stage.store().put(B, &format!("k/{number:03}"), bytes, &bare()).unwrap();
    }
    stored(&stage, A, "open", &noise(99, 2 * MIB), "plain", MIB);
    stored(&stage, B, "open", &noise(99, 2 * MIB), "1", MIB);
    let ran = stage.audit(&["--depth", "bytes"]);
    assert_eq!(ran.code, 0, "{:?}", ran.findings);
    // Two HEADs and one GET for the one key that the listing left open.
    assert_eq!(stage.requests("HeadObject"), 2);
    assert_eq!(stage.requests("GetObject"), 1);
    assert_eq!(stage.requests("GetObjectAttributes"), 0);
}

#[test]
fn proof_an_object_replaced_during_the_audit_is_never_judged() {
    let stage = Stage::new();
    let bytes = noise(6, 100_000);
    for bucket in [A, B] {
        stored(&stage, bucket, "moving", &bytes, "kms", MIB);
    }
    stage.lab.set_latency(std::time::Duration::from_millis(200));
    let ran = std::thread::scope(|scope| {
        let audit = scope.spawn(|| stage.audit(&["--depth", "bytes"]));
        // Both HEADs are in: what they saw is gone before it is read.
        while stage.requests("HeadObject") < 2 {
            assert!(!audit.is_finished(), "it was never looked at");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        stored(&stage, B, "moving", &noise(7, 100_000), "kms", MIB);
        audit.join().unwrap()
    });
    assert_eq!(ran.findings["moving"], "unproven/changed-meanwhile");
}
