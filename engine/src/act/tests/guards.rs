//! Other writers, and writes whose answers are lost.

use super::*;

#[tokio::test]
async fn another_writer_is_never_overwritten() {
    for (stage, operation, parts) in [
        (Stage::one_service(), Copy, &[][..]),
        (Stage::one_service(), Complete, &[40, 3]),
        (Stage::two_services(), Put, &[]),
        (Stage::two_services(), Complete, &[40, 3]),
    ] {
        let old = stage.to.put_there("dst", "out/k", b"old", &[]);
        let mut task = stage.source("k", BODY, parts);
        task.standing = present(&old);
        stage.to.script(operation, Fault::Overtake("out/k", b"new"));
        let outcome = stage.copy(&task).await;
        assert_eq!(reason(&outcome), "changed-meanwhile", "{operation:?}");
        assert_eq!(stage.target("k").body, b"new");
        assert_eq!(stage.to.open_uploads(), 0);
        // Created and deleted are changes, too.
        task.standing = Standing::Absent;
        assert_eq!(reason(&stage.copy(&task).await), "changed-meanwhile");
    }
}

#[tokio::test]
async fn a_source_that_changed_is_not_copied() {
    for (stage, parts) in [
        (Stage::one_service(), &[][..]),
        (Stage::one_service(), &[40, 3]),
        (Stage::two_services(), &[]),
        (Stage::two_services(), &[40, 3]),
    ] {
        let task = stage.source("k", BODY, parts);
        stage.from.put_there("src", "in/k", b"another body of forty-three bytes, you see", &[]);
        let outcome = stage.copy(&task).await;
        assert_eq!(reason(&outcome), "changed-meanwhile", "{outcome:?}");
        assert!(stage.to.current("dst", "out/k").is_none());
        assert_eq!(stage.to.open_uploads(), 0);
    }
}

#[tokio::test]
async fn an_older_version_is_copied_over_its_successor() {
    let store = Double::new("here");
    let old = store.put_there("bkt", "k", BODY, &[]);
    let new = store.put_there("bkt", "k", b"spoilt", &[]);
    let copier = Copier::new(store.side("s3://bkt"), store.side("s3://bkt"), CopyOptions::default(), tools());
    let mut task = task("k", &old);
    task.source.version_id = Some(old.version.clone());
    task.standing = present(&new);
    assert!(copier.copy(&task).await.result.is_ok());
    assert_eq!(store.current("bkt", "k").unwrap().body, BODY);
}

#[tokio::test]
async fn a_server_without_conditions_is_looked_at_first() {
    let stage = Stage::two_services();
    stage.to.traits.lock().unwrap().conditional = false;
    let outcome = stage.copy(&stage.source("k", BODY, &[])).await;
    assert_eq!(outcome.notes, [Note::Unguarded]);
    assert_eq!(stage.to.log(), [Put, Head, Put]);
    // Learnt: the second object pays no refusal.
    assert!(stage.copy(&stage.source("l", BODY, &[])).await.result.is_ok());
    assert_eq!(stage.to.log(), [Head, Put]);
    stage.to.put_there("dst", "out/m", b"new", &[]);
    assert_eq!(reason(&stage.copy(&stage.source("m", BODY, &[])).await), "changed-meanwhile");
    assert_eq!(stage.target("m").body, b"new");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_makes_no_second_version() {
    for (stage, operation, parts) in [
        (Stage::one_service(), Copy, &[][..]),
        (Stage::one_service(), Complete, &[40, 3]),
        (Stage::two_services(), Put, &[]),
        (Stage::two_services(), Complete, &[40, 3]),
    ] {
        for (fault, notes) in [(Fault::Lose, &[Note::FoundInPlace][..]), (Fault::Drop, &[])] {
            let key = format!("{fault:?}");
            stage.to.script(operation, fault.clone());
            let outcome = stage.copy(&stage.source(&key, BODY, parts)).await;
            assert_eq!(proof(&outcome), Evidence::Etag, "{operation:?} {key}");
            assert_eq!(outcome.notes, notes);
            assert_eq!(stage.writes(&key), 1);
            assert_eq!(stage.to.open_uploads(), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_rewrite_of_equal_bytes_is_told_from_what_stood_there() {
    let stage = Stage::one_service();
    let old = stage.to.put_there("dst", "out/k", BODY, &[]);
    let mut task = stage.source("k", BODY, &[]);
    task.standing = present(&old);
    for (fault, writes) in [(Fault::Drop, 2), (Fault::Lose, 3)] {
        stage.to.script(Copy, fault);
        assert!(stage.copy(&task).await.result.is_ok());
        assert_eq!(stage.writes("k"), writes);
        task.standing = present(&stage.target("k"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_copy_into_kms_is_known_by_its_checksum() {
    let stage = Stage::one_service();
    let task = stage.source("k", BODY, &[]);
    stage.to.traits.lock().unwrap().kms = true;
    stage.to.script(Copy, Fault::Lose);
    let outcome = stage.copy(&task).await;
    assert_eq!(proof(&outcome), Evidence::Checksum);
    assert_eq!(stage.writes("k"), 1);
}

#[tokio::test(start_paused = true)]
async fn answers_that_never_come_end_in_a_failure() {
    let stage = Stage::one_service();
    for _ in 0..10 {
        stage.to.script(Copy, Fault::Drop);
    }
    assert_eq!(reason(&stage.copy(&stage.source("k", BODY, &[])).await), "server-error");
    assert!(stage.to.log().len() <= 8);
}

#[tokio::test(start_paused = true)]
async fn conflicts_are_tried_again_and_lost_uploads_begun_again() {
    let stage = Stage::one_service();
    stage.to.script(Copy, Fault::Refuse(Kind::Conflict, "ConditionalRequestConflict"));
    assert!(stage.copy(&stage.source("k", BODY, &[])).await.result.is_ok());
    stage.to.script(Complete, Fault::Refuse(Kind::NoSuchUpload, "NoSuchUpload"));
    assert!(stage.copy(&stage.source("l", BODY, &[40, 3])).await.result.is_ok());
    assert_eq!((stage.writes("l"), stage.to.open_uploads()), (1, 0));
}
