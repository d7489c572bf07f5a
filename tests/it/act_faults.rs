//! Copies over a network and a server that fail.

use crate::act_stage::{PART, Stage, dressed};
use s3twin_engine::act::Note;
use s3twin_fixtures::{FaultKind, FaultPlan, PutSpec};
use std::time::Duration;

#[tokio::test]
async fn a_lost_answer_makes_no_second_version() {
    for (relay, key, operation) in [
        (false, "k", "CopyObject"),
        (false, "p", "CompleteMultipartUpload"),
        (true, "k", "PutObject"),
        (true, "p", "CompleteMultipartUpload"),
    ] {
        for fault in
            [FaultKind::ResetAfter, FaultKind::ResetBefore, FaultKind::InternalError, FaultKind::SlowDown]
        {
            let stage = if relay { Stage::two_labs().await } else { Stage::one_lab().await };
            stage.put("k", "body", &dressed());
            stage.put_parts("p", &[PART, 5], &dressed());
            stage.to().faults().set(FaultPlan::default().nth(operation, 1, fault));
            let outcome = stage.copy_right(key).await;
            let found = outcome.notes.contains(&Note::FoundInPlace);
            assert_eq!(found, fault == FaultKind::ResetAfter, "{operation} {fault:?}");
            assert_eq!(stage.to().faults().injected().len(), 1);
        }
    }
}

#[tokio::test]
async fn an_error_inside_a_200_is_an_error() {
    for (key, operation) in [("k", "CopyObject"), ("p", "UploadPartCopy"), ("p", "CompleteMultipartUpload")] {
        let stage = Stage::one_lab().await;
        stage.put("k", "body", &dressed());
        stage.put_parts("p", &[PART, 5], &dressed());
        stage.to().faults().set(FaultPlan::default().nth(operation, 1, FaultKind::ErrorInOk));
        stage.copy_right(key).await;
        assert!(stage.sent(operation) >= 2, "{operation}");
    }
}

#[tokio::test]
async fn bodies_that_break_or_lie_are_read_again() {
    for fault in [FaultKind::TruncatedBody, FaultKind::CorruptedBody, FaultKind::WrongContentLength] {
        for key in ["k", "p"] {
            let stage = Stage::two_labs().await;
            stage.put("k", vec![5; 100_000], &dressed());
            stage.put_parts("p", &[PART, 5], &dressed());
            stage.from.faults().set(FaultPlan::default().nth("GetObject", 1, fault));
            let outcome = stage.copy_right(key).await;
            assert!(outcome.notes.is_empty(), "{fault:?} {outcome:?}");
            assert!(stage.same_etag(key));
        }
    }
}

#[tokio::test]
async fn a_storm_of_everything_loses_nothing() {
    for relay in [false, true] {
        let stage = if relay { Stage::two_labs().await } else { Stage::one_lab().await };
        let mut tasks = Vec::new();
        for n in 0..60 {
            let key = format!("k{n}");
            if n % 10 == 0 {
                stage.put_parts(&key, &[PART, n + 1], &dressed());
            } else {
                stage.put(&key, vec![n as u8; n * 100], &dressed());
            }
            tasks.push(stage.task(&key).await);
        }
        let plan = || {
            let plan = FaultPlan { burst: 3, stall: Duration::from_millis(1), ..FaultPlan::seeded(7) };
            let kinds = [FaultKind::SlowDown, FaultKind::InternalError, FaultKind::ResetBefore];
            let kinds = kinds.into_iter().chain([
                FaultKind::ResetAfter,
                FaultKind::TruncatedBody,
                FaultKind::ErrorInOk,
            ]);
            kinds.fold(plan, |plan, kind| plan.rate(kind, 0.05))
        };
        stage.from.faults().set(plan());
        stage.to().faults().set(plan());
        let copier = stage.copier();
        let outcomes = futures::future::join_all(tasks.iter().map(|task| copier.copy(task))).await;
        stage.to().faults().clear();
        for (task, outcome) in tasks.iter().zip(&outcomes) {
            assert!(outcome.result.is_ok(), "{relay} {} {outcome:?}", task.key);
            assert!(stage.same_etag(&task.key));
            assert_eq!(stage.versions(&task.key), 1, "{relay} {}", task.key);
        }
    }
}

#[tokio::test]
async fn a_cancelled_run_leaves_no_upload() {
    let stage = Stage::two_labs().await;
    stage.put_parts("p", &[PART, PART, 5], &PutSpec::default());
    let task = stage.task("p").await;
    stage.from.faults().set(FaultPlan { stall: Duration::from_secs(3), ..FaultPlan::default() }.nth(
        "GetObject",
        1,
        FaultKind::Stall,
    ));
    let copier = stage.copier();
    let cancel = stage.cancel.clone();
    let later = async {
        while stage.open_uploads() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(copier.copy(&task), later);
    assert_eq!(outcome.result.unwrap_err().reason(), "cancelled");
    assert_eq!((stage.open_uploads(), stage.versions("p")), (0, 0));
}
