//! Server-side copies over HTTP.

use crate::act_stage::{MIB, PART, Stage, dressed};
use s3twin_engine::act::{DeleteTask, Note, Standing, Way, delete_keys};
use s3twin_engine::compare::Evidence;
use s3twin_engine::model::ETag;
use s3twin_fixtures::PutSpec;
use s3twin_fixtures::checksum::{Algorithm, Kind};
use s3twin_fixtures::store::Encryption;

#[tokio::test]
async fn one_request_copies_an_object_with_all_it_wears() {
    let stage = Stage::one_lab().await;
    stage.put("k", "the fox", &dressed());
    let task = stage.task("k").await;
    stage.from.reset_requests();
    let outcome = stage.copier().copy(&task).await;
    assert_eq!(stage.from.requests(), [("CopyObject".to_owned(), 1)].into());
    let copied = outcome.result.unwrap();
    assert_eq!((copied.proof, outcome.way), (Evidence::Etag, Some(Way::Copy)));
    let version = stage.copied("k");
    assert_eq!(copied.version_id.as_deref(), Some(&*version.id));
    let attributes = &version.object.as_ref().unwrap().attributes;
    assert_eq!(attributes.content_type.as_deref(), Some("text/x-fox; charset=utf-8"));
    assert_eq!(attributes.user["colour"], "brown");
    assert_eq!(attributes.tags["team"], "ops & dev=1");
    assert_eq!(attributes.storage_class, "STANDARD_IA");
}

#[tokio::test]
async fn odd_keys_arrive_under_their_own_names() {
    let stage = Stage::one_lab().await;
    let away = Stage::two_labs().await;
    for key in ["a b+%é\n", "a?versionId=x&y", "//", "a//b/", "%2F", "日本/🦊", "plus+space ", "\u{7f}\"'<&>"]
    {
        for stage in [&stage, &away] {
            stage.put(key, key, &dressed());
            stage.copy_right(key).await;
            stage.put_parts(key, &[PART, 1], &dressed());
            let mut task = stage.task(key).await;
            let standing = stage.copied(key);
            task.standing = Standing::Present {
                etag: ETag::parse(&standing.object.as_ref().unwrap().etag),
                last_modified: s3twin_engine::model::Timestamp::from_seconds(
                    standing.last_modified.as_second(),
                ),
            };
            let outcome = stage.copier().copy(&task).await;
            assert!(outcome.result.is_ok(), "{key:?} {outcome:?}");
            assert!(stage.same_etag(key));
        }
    }
}

#[tokio::test]
async fn a_multipart_object_keeps_its_etag() {
    let stage = Stage::one_lab().await;
    for (key, sizes) in [
        ("even", &[5 * MIB, 5 * MIB, 77][..]),
        ("odd", &[PART, 2 * PART, PART + 1, 1]),
        ("one", &[300]),
        ("empty", &[0]),
    ] {
        for (name, spec) in [
            ("none", dressed().algorithm(None)),
            ("crc64", dressed()),
            ("sha256", dressed().algorithm(Some(Algorithm::Sha256)).kind(Kind::Composite)),
            ("crc32c", dressed().algorithm(Some(Algorithm::Crc32c)).kind(Kind::Composite)),
        ] {
            let key = format!("{key}-{name}");
            stage.put_parts(&key, sizes, &spec);
            let outcome = stage.copy_right(&key).await;
            assert_eq!(outcome.result.unwrap().proof, Evidence::Etag);
            assert!(stage.same_etag(&key));
            let of = |version: std::sync::Arc<s3twin_fixtures::store::Version>| {
                version.object.as_ref().unwrap().checksum.clone()
            };
            // What the source stores, the copy stores; what it lacks, the copy gains.
            match of(stage.original(&key)) {
                Some(checksum) => assert_eq!(of(stage.copied(&key)), Some(checksum), "{key}"),
                None => assert_eq!(of(stage.copied(&key)).unwrap().algorithm, Algorithm::Crc64Nvme),
            }
        }
    }
}

#[tokio::test]
async fn beyond_the_copy_limit_in_parts() {
    let mut stage = Stage::one_lab().await;
    stage.set_copy_limit(2 * PART as u64);
    stage.put("k", vec![7; 2 * PART + 1], &dressed());
    let outcome = stage.copy_right("k").await;
    assert_eq!((outcome.result.unwrap().proof, outcome.way), (Evidence::Checksum, Some(Way::CopyParts)));
    assert_eq!(stage.sent("UploadPartCopy"), 3);
    // No stored checksum at the source: only reading it once can prove the copy.
    stage.put("old", vec![8; 2 * PART + 1], &dressed().algorithm(None));
    assert_eq!(stage.copy("old").await.result.unwrap_err().reason(), "unproven-copy");
    stage.to().store().forget("dst", "out/old").unwrap();
    stage.options.read_to_prove = true;
    assert_eq!(stage.copy_right("old").await.result.unwrap().proof, Evidence::Bytes);
}

#[tokio::test]
async fn encrypted_sources_are_proved_by_checksum() {
    let stage = Stage::one_lab().await;
    let mut spec = dressed();
    spec.attributes.encryption = Encryption::Kms { key_id: "key".into(), bucket_key: false, dual: false };
    stage.put("k", "secret", &spec);
    assert_eq!(stage.copy_right("k").await.result.unwrap().proof, Evidence::Checksum);
    // In parts, too: the layout is worth nothing, so it is copied as one.
    stage.put_parts("p", &[PART, 9], &spec);
    let outcome = stage.copy_right("p").await;
    assert_eq!((outcome.result.unwrap().proof, outcome.way), (Evidence::Checksum, Some(Way::Copy)));
}

#[tokio::test]
async fn archived_objects_are_named_not_copied() {
    let stage = Stage::one_lab().await;
    stage.put("k", "cold", &PutSpec::default().storage_class("GLACIER"));
    let task = stage.task("k").await;
    stage.from.reset_requests();
    assert_eq!(stage.copier().copy(&task).await.result.unwrap_err().reason(), "archived");
    assert!(stage.from.requests().is_empty());
}

#[tokio::test]
async fn the_website_redirect_travels_on_request() {
    let mut stage = Stage::one_lab().await;
    stage.options.fidelity_heads = true;
    let mut spec = dressed();
    spec.attributes.website_redirect = Some("/elsewhere".into());
    stage.put("k", "x", &spec);
    stage.copy_right("k").await;
    let copy = stage.copied("k");
    let attributes = &copy.object.as_ref().unwrap().attributes;
    assert_eq!(attributes.website_redirect.as_deref(), Some("/elsewhere"));
    assert_eq!(attributes.content_type.as_deref(), Some("text/x-fox; charset=utf-8"));
}

#[tokio::test]
async fn another_writer_wins() {
    for stage in [Stage::one_lab().await, Stage::two_labs().await] {
        stage.put("k", "ours", &PutSpec::default());
        stage.put_parts("p", &[PART, 5], &PutSpec::default());
        for key in ["k", "p"] {
            let task = stage.task(key).await;
            let full = format!("out/{key}");
            stage
                .to()
                .store()
                .put("dst", &full, s3twin_fixtures::store::Body::default(), &PutSpec::default())
                .unwrap();
            let outcome = stage.copier().copy(&task).await;
            assert_eq!(outcome.result.unwrap_err().reason(), "changed-meanwhile");
            assert_eq!((stage.versions(key), stage.open_uploads()), (1, 0));
        }
    }
}

#[tokio::test]
async fn restoring_a_version_over_its_key() {
    let stage = Stage::one_lab().await;
    stage.put("k", "first", &dressed());
    let mut task = stage.task("k").await;
    task.source.version_id = Some(stage.original("k").id.to_string());
    stage.put("k", "second", &PutSpec::default());
    let second = stage.original("k");
    task.standing = Standing::Present {
        etag: ETag::parse(&second.object.as_ref().unwrap().etag),
        last_modified: s3twin_engine::model::Timestamp::from_seconds(second.last_modified.as_second()),
    };
    let mut back = stage;
    back.replica = back.source.clone();
    back.options.fidelity_heads = true;
    let outcome = back.copier().copy(&task).await;
    assert!(outcome.result.is_ok(), "{outcome:?}");
    assert_eq!(back.original("k").object.as_ref().unwrap().body.to_vec(), b"first");
    assert!(!outcome.notes.contains(&Note::FoundInPlace));
}

#[tokio::test]
async fn deletes_are_conditional_and_make_markers() {
    let stage = Stage::one_lab().await;
    let store = stage.to().store();
    let mut tasks = Vec::new();
    for n in 0..1_200 {
        let key = format!("k{n:04} +%");
        let version = store
            .put("dst", &format!("out/{key}"), s3twin_fixtures::store::Body::default(), &PutSpec::default())
            .unwrap();
        let if_match = Some(ETag::parse(&version.object.as_ref().unwrap().etag));
        tasks.push(DeleteTask { key, version_id: None, if_match });
    }
    let changed = s3twin_fixtures::store::Body::new(vec![bytes::Bytes::from_static(b"new")]);
    store.put("dst", "out/k0007 +%", changed, &PutSpec::default()).unwrap();
    let outcomes = delete_keys(&stage.replica, &tasks, true, &stage.cancel).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        match &outcome.result {
            Err(error) => assert_eq!((n, error.reason()), (7, "changed-meanwhile")),
            Ok(marker) => assert!(marker.is_some(), "{outcome:?}"),
        }
    }
    assert_eq!(store.keys("dst"), ["out/k0007 +%"]);
    assert_eq!(stage.sent("DeleteObjects"), 2);
}
