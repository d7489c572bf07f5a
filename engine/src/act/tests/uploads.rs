//! Uploads that end before their time.

use super::*;

#[tokio::test]
async fn a_failed_upload_is_aborted_or_stays_in_the_log() {
    for stage in [Stage::one_service(), Stage::two_services()] {
        for operation in [CopyPart, Part, Complete] {
            stage.to.script(operation, Fault::Refuse(Kind::Credentials, "ExpiredToken"));
        }
        let task = stage.source("k", BODY, &[40, 3]);
        assert_eq!(reason(&stage.copy(&task).await), "credentials");
        assert_eq!(stage.to.open_uploads(), 0);
        stage.to.script(Abort, Fault::Refuse(Kind::Credentials, "ExpiredToken"));
        assert_eq!(reason(&stage.copy(&task).await), "credentials");
        assert_eq!(stage.to.open_uploads(), 1);
        let log = stage.log.0.lock().unwrap();
        assert_eq!((log.0.len(), log.1.len()), (2, 1));
    }
}

#[tokio::test]
async fn a_dropped_or_cancelled_copy_aborts_its_upload() {
    let stage = Stage::two_services();
    let task = stage.source("k", BODY, &[40, 3]);
    // Dropped right after the upload was begun.
    {
        let copier = stage.copier();
        let copy = copier.copy(&task);
        tokio::pin!(copy);
        let begun = || !stage.log.0.lock().unwrap().0.is_empty();
        while !begun() {
            assert!(futures::poll!(&mut copy).is_pending());
            tokio::task::yield_now().await;
        }
    }
    while stage.log.0.lock().unwrap().1.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.to.open_uploads(), 0);
    stage.cancel.cancel();
    assert_eq!(reason(&stage.copy(&task).await), "cancelled");
}
