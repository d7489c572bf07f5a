//! Identical only with proof, different only with proof, and unproven in between.

use crate::harness::{World, noise};
use bytes::Bytes;
use s3twin_fixtures::PutSpec;
use s3twin_fixtures::checksum::{Algorithm, Kind};
use s3twin_fixtures::data::{Size, content_platform};
use s3twin_fixtures::store::Encryption;

fn in_two(bytes: &[u8], at: usize) -> Vec<Bytes> {
    vec![Bytes::copy_from_slice(&bytes[..at]), Bytes::copy_from_slice(&bytes[at..])]
}

fn kms() -> PutSpec {
    let mut spec = PutSpec::default();
    spec.attributes.encryption = Encryption::Kms { key_id: "key".into(), bucket_key: false, dual: false };
    spec
}

#[test]
fn identical_buckets_are_proved_by_etag_and_size_without_a_request_per_key() {
    let world = World::pair();
    content_platform(world.store(), "source", 1, &Size::small()).expect("filled");
    world.store().replicate("source", "replica").expect("replicated");
    let done = world.audit(&[]).exits(0);
    let keys = world.store().keys("source").len() as u64;
    let empty = world.held("source", "").values().filter(|held| held.bytes.is_empty()).count() as u64;
    assert_eq!(done.number("verdicts.identical"), keys);
    assert_eq!(done.number("evidence.size"), empty);
    assert_eq!(done.number("evidence.etag"), keys - empty);
    assert_eq!(world.seen("HeadObject") + world.seen("GetObject") + world.seen("GetObjectAttributes"), 0);
    assert_eq!(done.number("requests.ListObjectsV2"), world.seen("ListObjectsV2"));
}

#[test]
fn only_the_keys_that_the_listing_leaves_open_are_asked_about() {
    let world = World::pair();
    for number in 0..50 {
        let key = format!("same/{number}");
        world.put("source", &key, key.clone());
        world.put("replica", &key, key.clone());
    }
    world.put("source", "open", "aa");
    world.put("replica", "open", "bb");
    let done = world.audit(&[]).exits(1);
    assert_eq!(done.verdict_of("open"), "different");
    assert_eq!(world.seen("HeadObject"), 2);
    world.lab.reset_requests();
    world.audit(&["--depth", "listing"]).exits(1);
    assert_eq!(world.seen("HeadObject"), 0);
}

#[test]
fn another_part_layout_is_proved_by_a_checksum_of_the_whole() {
    let world = World::pair();
    let bytes = noise(60_000, 7);
    let spec = PutSpec::default();
    world.put_with("source", "one-request", bytes.clone(), &spec);
    world.store().put_multipart("replica", "one-request", in_two(&bytes, 20_000), &spec).expect("written");
    world.store().put_multipart("source", "two-cuts", in_two(&bytes, 10_000), &spec).expect("written");
    world.store().put_multipart("replica", "two-cuts", in_two(&bytes, 50_000), &spec).expect("written");
    let done = world.audit(&[]).exits(0);
    assert_eq!(done.number("evidence.checksum") + done.number("evidence.parts"), 2);

    let done = world.audit(&["--depth", "listing"]).exits(1);
    let unproven = ("unproven".to_owned(), "part-layout-only".to_owned());
    assert_eq!(done.verdicts().into_values().collect::<Vec<_>>(), [unproven.clone(), unproven]);
}

#[test]
fn crcs_of_parts_add_up_across_layouts() {
    let world = World::pair();
    let bytes = noise(60_000, 8);
    for algorithm in [Algorithm::Crc32, Algorithm::Crc32c] {
        let spec = PutSpec::default().algorithm(Some(algorithm)).kind(Kind::Composite);
        let key = format!("{algorithm:?}");
        world.put_with("source", &key, bytes.clone(), &spec);
        world.store().put_multipart("replica", &key, in_two(&bytes, 20_000), &spec).expect("written");
    }
    let done = world.audit(&[]).exits(0);
    assert_eq!(done.number("evidence.parts"), 2);
}

#[test]
fn another_layout_with_other_bytes_is_different() {
    let world = World::pair();
    let (one, mut two) = (noise(60_000, 9), noise(60_000, 9));
    two[59_999] ^= 1;
    world.put("source", "k", one);
    world.store().put_multipart("replica", "k", in_two(&two, 20_000), &PutSpec::default()).expect("written");
    let done = world.audit(&[]).exits(1);
    assert_eq!(done.verdicts()["k"], ("different".into(), "checksum-differs".into()));
}

#[test]
fn another_layout_without_a_shared_checksum_is_unproven() {
    let world = World::pair();
    let bytes = noise(60_000, 10);
    let spec = PutSpec::default().algorithm(None);
    world.put_with("source", "k", bytes.clone(), &spec);
    world.store().put_multipart("replica", "k", in_two(&bytes, 20_000), &spec).expect("written");
    let done = world.audit(&[]).exits(1);
    assert_eq!(done.verdicts()["k"], ("unproven".into(), "part-layout-only".into()));
}

#[test]
fn unequal_etags_under_kms_are_not_called_different() {
    let world = World::pair();
    world.put_with("source", "checksum", "the same", &kms());
    world.put_with("replica", "checksum", "the same", &kms());
    world.put_with("source", "none", "the same", &kms().algorithm(None));
    world.put_with("replica", "none", "the same", &kms().algorithm(None));
    world.put_with("source", "other", "the same", &kms());
    world.put_with("replica", "other", "not same", &kms());
    let done = world.audit(&[]).exits(1);
    let verdicts = done.verdicts();
    assert_eq!(done.number("evidence.checksum"), 1);
    assert_eq!(verdicts["none"], ("unproven".into(), "encrypted-no-shared-checksum".into()));
    assert_eq!(verdicts["other"], ("different".into(), "checksum-differs".into()));
    assert_eq!(verdicts.len(), 2);
}

#[test]
fn an_object_that_may_not_be_read_is_unreadable_not_different() {
    let world = World::pair();
    world.put("source", "secret/k", "aa");
    world.put("replica", "secret/k", "bb");
    let denial = s3twin_fixtures::Denial {
        operation: Some("HeadObject".into()),
        bucket: Some("replica".into()),
        prefix: "secret/".into(),
    };
    world.lab.credentials().deny(s3twin_fixtures::ACCESS_KEY, denial);
    let done = world.audit(&[]).exits(1);
    assert_eq!(done.verdicts()["secret/k"], ("unreadable".into(), "access-denied".into()));
}
