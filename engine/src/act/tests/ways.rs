//! Which way an object takes, what it costs, what travels along, and what is done when the server refuses.

use super::*;

#[tokio::test]
async fn a_plain_object_costs_one_request() {
    let stage = Stage::one_service();
    let outcome = stage.copy(&stage.source("k", BODY, &[])).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Etag, Some(Way::Copy)));
    assert_eq!(stage.to.log(), [Copy]);
    assert_eq!(outcome.traffic, Traffic { server_side: 43, ..Traffic::default() });
    assert!(outcome.notes.is_empty());
    assert!(outcome.result.unwrap().version_id.is_some());
}

#[tokio::test]
async fn a_multipart_source_keeps_its_layout() {
    let stage = Stage::one_service();
    let source = stage.source("k", BODY, &[20, 20, 3]);
    let outcome = stage.copy(&source).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Etag, Some(Way::CopyParts)));
    assert_eq!(outcome.result.unwrap().etag, source.source.etag);
    // The whole and part 1 at once, the last part, tags; then the upload.
    assert_eq!(stage.to.log(), [Head, Head, Head, Tags, Create, CopyPart, CopyPart, CopyPart, Complete]);
    let log = stage.log.0.lock().unwrap();
    assert_eq!((log.0.len(), &log.0), (1, &log.1));
}

#[tokio::test]
async fn odd_layouts_are_learnt_from_attributes_or_part_by_part() {
    for attributes in [true, false] {
        let stage = Stage::one_service();
        stage.to.traits.lock().unwrap().attributes = attributes;
        let source = stage.source("k", BODY, &[10, 20, 13]);
        let outcome = stage.copy(&source).await;
        assert_eq!(proof(&outcome), Evidence::Etag);
        assert_eq!(stage.target("k").parts, [10, 20, 13]);
        let heads = stage.to.log().iter().filter(|operation| **operation == Head).count();
        assert_eq!(heads, if attributes { 2 } else { 5 });
    }
}

#[tokio::test]
async fn an_even_looking_layout_is_confirmed_by_its_last_part() {
    let stage = Stage::one_service();
    let source = stage.source("k", BODY, &[15, 10, 18]);
    assert_eq!(proof(&stage.copy(&source).await), Evidence::Etag);
    assert_eq!(stage.to.log()[..4], [Head, Head, Head, Attributes]);
}

#[tokio::test]
async fn an_unknown_layout_is_copied_whole_and_said() {
    let stage = Stage::one_service();
    {
        let mut traits = stage.to.traits.lock().unwrap();
        traits.attributes = false;
        traits.part_numbers = false;
    }
    let outcome = stage.copy(&stage.source("k", BODY, &[20, 20, 3])).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Checksum, Some(Way::Copy)));
    assert_eq!(outcome.notes, [Note::PartLayoutLost]);
}

#[tokio::test]
async fn one_part_and_no_bytes_keep_their_etags() {
    for body in [BODY, b""] {
        for stage in [Stage::one_service(), Stage::two_services()] {
            let source = stage.source("k", body, &[body.len() as u64]);
            let outcome = stage.copy(&source).await;
            assert_eq!(outcome.result.unwrap().etag, source.source.etag);
        }
    }
    for stage in [Stage::one_service(), Stage::two_services()] {
        assert_eq!(proof(&stage.copy(&stage.source("k", b"", &[])).await), Evidence::Etag);
    }
}

#[tokio::test]
async fn over_the_copy_limit_goes_in_parts_and_is_proved_by_checksum() {
    let stage = Stage::one_service().with(|options| options.limits.copy = 42);
    let outcome = stage.copy(&stage.source("k", BODY, &[])).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Checksum, Some(Way::CopyParts)));
    assert_eq!(stage.target("k").parts, [10, 10, 10, 10, 3]);
}

#[tokio::test]
async fn a_small_relay_is_get_and_put() {
    let stage = Stage::two_services();
    let outcome = stage.copy(&stage.source("k", BODY, &[])).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Etag, Some(Way::Put)));
    assert_eq!((stage.from.log(), stage.to.log()), (vec![Get], vec![Put]));
    assert_eq!(outcome.traffic, Traffic { server_side: 0, streamed: 43, hashed: 43 });
}

#[tokio::test]
async fn a_large_relay_goes_in_the_layout_of_its_source() {
    let stage = Stage::two_services();
    let source = stage.source("k", BODY, &[7, 30, 6]);
    let outcome = stage.copy(&source).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Etag, Some(Way::PutParts)));
    assert_eq!(stage.target("k").parts, [7, 30, 6]);
    assert_eq!(outcome.traffic.streamed, 43);
}

#[tokio::test]
async fn a_plain_large_relay_is_proved_by_checksum() {
    let stage = Stage::two_services().with(|options| options.single_put = 20);
    let outcome = stage.copy(&stage.source("k", BODY, &[])).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Checksum, Some(Way::PutParts)));
    assert_eq!(stage.target("k").checksums, [crc64(BODY)]);
    assert_eq!(stage.target("k").body, BODY);
}

#[tokio::test]
async fn without_a_checksum_at_the_source_the_hashed_bytes_prove_a_relay() {
    let stage = Stage::two_services().with(|options| options.single_put = 20);
    stage.from.traits.lock().unwrap().checksums = false;
    assert_eq!(proof(&stage.copy(&stage.source("k", BODY, &[])).await), Evidence::Bytes);
}

#[tokio::test]
async fn everything_travels_whatever_the_way() {
    let metadata = Metadata {
        content_type: Some("text/x-fox".into()),
        user: [("colour".to_owned(), "brown".to_owned())].into(),
        ..Metadata::default()
    };
    let write = WriteAttributes {
        metadata: Some(metadata.clone()),
        tags: Some(vec![("a".into(), "b".into())]),
        storage_class: Some(StorageClass::StandardIa),
        ..WriteAttributes::default()
    };
    for (relay, parts) in [(false, &[][..]), (false, &[40, 3]), (true, &[]), (true, &[40, 3])] {
        let stage = if relay { Stage::two_services() } else { Stage::one_service() };
        let stored = stage.from.put_with("src", "in/k", BODY, parts, write.clone());
        let mut task = task("k", &stored);
        task.source.storage_class = StorageClass::StandardIa;
        task.target_key = Some("other".into());
        let outcome = stage.copy(&task).await;
        assert_eq!(proof(&outcome), Evidence::Etag, "{relay} {parts:?}");
        let found = stage.target("other").write;
        assert_eq!(found.metadata, Some(metadata.clone()));
        assert_eq!(found.tags, write.tags);
        assert_eq!(found.storage_class, write.storage_class);
    }
}

#[tokio::test]
async fn a_class_the_destination_does_not_know_is_left_out_and_said() {
    for (stage, operation) in [(Stage::one_service(), Copy), (Stage::two_services(), Put)] {
        stage.to.script(operation, Fault::Refuse(Kind::Invalid, "InvalidStorageClass"));
        let mut task = stage.source("k", BODY, &[]);
        task.source.storage_class = StorageClass::Other("SNOW".into());
        let outcome = stage.copy(&task).await;
        assert_eq!(outcome.notes, [Note::StorageClassRefused("SNOW".into())]);
        assert_eq!(stage.target("k").write.storage_class, None);
    }
}

#[tokio::test]
async fn an_archived_object_costs_no_request() {
    let stage = Stage::one_service();
    let mut task = stage.source("k", BODY, &[]);
    task.source.storage_class = StorageClass::DeepArchive;
    let outcome = stage.copy(&task).await;
    assert_eq!((reason(&outcome), outcome.way), ("archived", None));
    assert!(stage.to.log().is_empty());
    task.source.restore = Some(crate::model::Restore::Until(Timestamp::from_seconds(9)));
    assert!(stage.copy(&task).await.result.is_ok());
}

#[tokio::test]
async fn a_refused_copy_is_relayed_and_the_rule_is_learnt() {
    let stage = Stage::one_service();
    stage.to.traits.lock().unwrap().copies = false;
    for n in 0..3 {
        let outcome = stage.copy(&stage.source(&format!("k{n}"), BODY, &[])).await;
        assert_eq!((proof(&outcome), outcome.way), (Evidence::Etag, Some(Way::Put)));
        assert!(matches!(outcome.notes[..], [.., Note::ServerSideRefused(_)]));
    }
    stage.to.log();
    let outcome = stage.copy(&stage.source("k9", BODY, &[])).await;
    assert_eq!((stage.to.log(), outcome.notes), (vec![Get, Put], vec![]));
}

#[tokio::test]
async fn in_server_mode_a_refusal_is_a_failure() {
    let stage = Stage::one_service().with(|options| options.mode = CopyMode::Server);
    stage.to.script(Copy, Fault::Refuse(Kind::Denied, "AccessDenied"));
    assert_eq!(reason(&stage.copy(&stage.source("k", BODY, &[])).await), "access-denied");
    let apart = Stage::two_services().with(|options| options.mode = CopyMode::Server);
    assert_eq!(reason(&apart.copy(&apart.source("k", BODY, &[])).await), "not-one-service");
}

#[tokio::test]
async fn a_bucket_that_takes_nothing_is_not_sent_every_object() {
    let stage = Stage::one_service();
    for n in 0..10 {
        stage.to.script(Copy, Fault::Refuse(Kind::Denied, "AccessDenied"));
        stage.to.script(Put, Fault::Refuse(Kind::Denied, "AccessDenied"));
        assert_eq!(reason(&stage.copy(&stage.source(&format!("k{n}"), BODY, &[])).await), "access-denied");
    }
    assert_eq!(stage.to.log().iter().filter(|operation| **operation == Get).count(), 3);
}
