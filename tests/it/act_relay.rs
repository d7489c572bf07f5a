//! Relays between two endpoints.

use crate::act_stage::{MIB, PART, Stage, dressed};
use s3twin_engine::act::{CopyMode, Note, Way};
use s3twin_engine::compare::Evidence;
use s3twin_fixtures::PutSpec;
use s3twin_fixtures::checksum::{Algorithm, Kind};
use s3twin_fixtures::store::Encryption;

#[tokio::test]
async fn small_objects_go_by_get_and_put() {
    let stage = Stage::two_labs().await;
    for (key, body) in [("empty", vec![]), ("small", vec![1; 1000]), ("frames", vec![2; MIB])] {
        stage.put(key, body.clone(), &dressed());
        stage.from.reset_requests();
        let outcome = stage.copy_right(key).await;
        assert_eq!((outcome.result.unwrap().proof, outcome.way), (Evidence::Etag, Some(Way::Put)));
        assert_eq!(outcome.traffic.streamed, body.len() as u64);
        assert_eq!(stage.from.requests()["GetObject"], 1);
    }
}

#[tokio::test]
async fn parts_keep_layout_etag_and_checksum() {
    let stage = Stage::two_labs().await;
    for (key, sizes, algorithm, kind) in [
        ("even", &[5 * MIB, 5 * MIB, 77][..], Algorithm::Crc64Nvme, Kind::FullObject),
        ("odd", &[PART, 2 * PART, 1], Algorithm::Sha256, Kind::Composite),
        ("full", &[PART + 1, 2 * PART, 1], Algorithm::Crc32c, Kind::FullObject),
        ("one", &[300], Algorithm::Crc32, Kind::Composite),
        ("empty", &[0], Algorithm::Crc64Nvme, Kind::FullObject),
    ] {
        stage.put_parts(key, sizes, &dressed().algorithm(Some(algorithm)).kind(kind));
        let outcome = stage.copy_right(key).await;
        assert_eq!((outcome.result.unwrap().proof, outcome.way), (Evidence::Etag, Some(Way::PutParts)));
        let (a, b) = (stage.original(key), stage.copied(key));
        assert_eq!(a.object.as_ref().unwrap().checksum, b.object.as_ref().unwrap().checksum, "{key}");
    }
}

#[tokio::test]
async fn a_large_plain_object_is_proved_by_its_checksum() {
    let mut stage = Stage::two_labs().await;
    stage.options.single_put = PART as u64;
    let body: Vec<u8> = (0..2 * PART + 1).map(|n| (n >> 7) as u8).collect();
    stage.put("k", body.clone(), &dressed());
    let outcome = stage.copy_right("k").await;
    assert_eq!((outcome.result.unwrap().proof, outcome.way), (Evidence::Checksum, Some(Way::PutParts)));
    stage.put("old", body, &dressed().algorithm(None));
    assert_eq!(stage.copy_right("old").await.result.unwrap().proof, Evidence::Bytes);
}

#[tokio::test]
async fn encrypted_sources_are_relayed() {
    let stage = Stage::two_labs().await;
    let mut spec = dressed();
    spec.attributes.encryption = Encryption::Kms { key_id: "key".into(), bucket_key: false, dual: false };
    stage.put("k", "secret", &spec);
    stage.put_parts("p", &[PART, 9], &spec);
    for key in ["k", "p"] {
        let outcome = stage.copy_right(key).await;
        assert!(outcome.notes.contains(&Note::EncryptionNotCopied));
        assert!(matches!(outcome.result.unwrap().proof, Evidence::Checksum | Evidence::Bytes));
    }
}

#[tokio::test]
async fn without_checksums_or_conditions_it_still_works() {
    let mut stage = Stage::two_labs().await;
    stage.options.request_checksums = false;
    stage.options.conditional_writes = false;
    stage.put("k", vec![3; PART], &PutSpec::default());
    stage.put_parts("p", &[PART, 9], &PutSpec::default());
    for key in ["k", "p"] {
        let outcome = stage.copy_right(key).await;
        assert_eq!(outcome.result.unwrap().proof, Evidence::Etag);
        assert_eq!(outcome.notes, [Note::Unguarded]);
    }
}

#[tokio::test]
async fn the_relay_can_be_asked_for() {
    let mut stage = Stage::one_lab().await;
    stage.options.mode = CopyMode::Relay;
    stage.put("k", "x", &dressed());
    assert_eq!(stage.copy_right("k").await.way, Some(Way::Put));
    assert_eq!(stage.sent("CopyObject"), 0);
}

#[tokio::test]
async fn parts_that_do_not_fit_into_memory_are_cut_smaller() {
    let mut stage = Stage::two_labs().await;
    stage.memory = 64 << 10;
    stage.options.relay_part = 30_000;
    stage.put_parts("k", &[PART, PART, 1], &dressed());
    let outcome = stage.copy_right("k").await;
    assert_eq!(outcome.notes, [Note::PartLayoutLost]);
    assert!(!stage.same_etag("k"));
    assert!(matches!(outcome.result.unwrap().proof, Evidence::Checksum | Evidence::Bytes));
}
