//! `audit --self`: one bucket against what is stored of its own bytes.

use crate::proof_stage::{A, Ran, Stage, cut, noise};
use s3twin_fixtures::PutSpec;
use s3twin_fixtures::checksum::{Algorithm, Kind};
use s3twin_fixtures::store::Encryption;

const UNIT: usize = 1 << 14;

fn own(stage: &Stage) -> Ran {
    stage.run(&["audit", "s3://primary", "--self"])
}

fn kms(algorithm: Option<Algorithm>) -> PutSpec {
    let mut spec = PutSpec::default().algorithm(algorithm);
    spec.attributes.encryption = Encryption::Kms { key_id: "k".to_owned(), bucket_key: false, dual: false };
    spec
}

/// An object in every way that something is stored about it.
fn fill(stage: &Stage) -> Vec<String> {
    let store = stage.store();
    let bytes = noise(1, 5 * UNIT + 7);
    let mut keys = Vec::new();
    let mut key = |name: String| {
        keys.push(name.clone());
        name
    };
    let algorithms =
        [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256];
    for algorithm in [None].into_iter().chain(algorithms.map(Some)) {
        let spec = PutSpec::default().algorithm(algorithm);
        store.put(A, &key(format!("plain-{algorithm:?}")), bytes.clone(), &spec).unwrap();
        let parts = || cut(&bytes, 2 * UNIT);
        store.put_multipart(A, &key(format!("parts-{algorithm:?}")), parts(), &spec).unwrap();
        let mut uneven = cut(&bytes[..UNIT + 3], UNIT + 3);
        uneven.extend(cut(&bytes[UNIT + 3..], 2 * UNIT));
        store.put_multipart(A, &key(format!("uneven-{algorithm:?}")), uneven, &spec).unwrap();
        if algorithm.is_some() {
            store.put(A, &key(format!("kms-{algorithm:?}")), bytes.clone(), &kms(algorithm)).unwrap();
            store
                .put_multipart(A, &key(format!("kms-parts-{algorithm:?}")), parts(), &kms(algorithm))
                .unwrap();
        }
    }
    for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
        let spec = PutSpec::default().algorithm(Some(algorithm)).kind(Kind::FullObject);
        let name = key(format!("full-{algorithm:?}"));
        store.put_multipart(A, &name, cut(&bytes, 2 * UNIT), &spec).unwrap();
    }
    store.put(A, &key("empty".to_owned()), Vec::new(), &PutSpec::default()).unwrap();
    keys.sort();
    keys
}

#[test]
fn proof_what_is_sound_is_proved_by_its_bytes() {
    let stage = Stage::new();
    let keys = fill(&stage);
    let ran = own(&stage);
    assert_eq!(ran.findings, Default::default());
    assert_eq!(ran.code, 0);
    assert_eq!(ran.summary["keys"]["source"], keys.len());
    assert_eq!(ran.summary["evidence"]["bytes"], keys.len() - 1);
    assert_eq!(ran.summary["replica"], serde_json::Value::Null);
    let writes: Vec<_> = stage.lab.requests().into_keys().filter(|name| !is_read(name)).collect();
    assert_eq!(writes, Vec::<String>::new());
}

fn is_read(operation: &str) -> bool {
    operation.starts_with("Get") || operation.starts_with("Head") || operation.starts_with("List")
}

#[test]
fn proof_one_rotten_bit_is_found_wherever_it_is() {
    let stage = Stage::new();
    let keys = fill(&stage);
    let rotten: Vec<&String> = keys.iter().filter(|key| *key != "empty").collect();
    for (key, seed) in rotten.iter().zip(0..) {
        let bit = (seed * 7919 * 13) % (8 * (5 * UNIT as u64 + 7));
        stage.store().corrupt(A, key, None, bit).unwrap();
    }
    let ran = own(&stage);
    assert_eq!(ran.code, 1);
    for key in &rotten {
        assert_eq!(ran.findings.get(*key).map(String::as_str), Some("different/bit-rot"), "{key}");
    }
    assert_eq!(ran.findings.len(), rotten.len());
}

#[test]
fn proof_without_anything_stored_nothing_is_claimed() {
    let stage = Stage::new();
    let bytes = noise(2, 3 * UNIT);
    stage.store().put(A, "bare", bytes.clone(), &kms(None)).unwrap();
    stage.store().put_multipart(A, "bare-parts", cut(&bytes, UNIT), &kms(None)).unwrap();
    stage.store().put(A, "frozen", bytes, &PutSpec::default()).unwrap();
    stage.store().set_storage_class(A, "frozen", None, "GLACIER").unwrap();
    let ran = own(&stage);
    assert_eq!(ran.findings["bare"], "unproven/nothing-stored");
    assert_eq!(ran.findings["bare-parts"], "unproven/nothing-stored");
    assert_eq!(ran.findings["frozen"], "unproven/archived");
    assert_eq!((ran.code, stage.requests("GetObject")), (1, 0));
}

#[test]
fn proof_large_parts_are_hashed_chunk_by_chunk() {
    let stage = Stage::new();
    let bytes = noise(3, 41 << 20);
    let spec = PutSpec::default().algorithm(Some(Algorithm::Sha256));
    stage.store().put_multipart(A, "large", cut(&bytes, 40 << 20), &spec).unwrap();
    assert_eq!(own(&stage).findings, Default::default());
    stage.store().corrupt(A, "large", None, 8 * (40 << 20) + 5).unwrap();
    assert_eq!(own(&stage).findings["large"], "different/bit-rot");
}
