//! Deletes: what they spare, and how they go.

use super::*;

fn deletes(keys: &[(&str, &Stored)]) -> Vec<DeleteTask> {
    let task = |(key, stored): &(&str, &Stored)| DeleteTask {
        key: (*key).into(),
        version_id: None,
        if_match: stored.etag.clone(),
    };
    keys.iter().map(task).collect()
}

#[tokio::test(start_paused = true)]
async fn deletes_spare_what_changed_and_make_one_marker() {
    let never = CancellationToken::new();
    for fault in [Fault::Pass, Fault::Lose, Fault::Drop, Fault::Break(0)] {
        for conditional in [true, false] {
            let store = Double::new("here");
            let stored: Vec<_> = ["a", "b", "c", "d"]
                .iter()
                .map(|key| store.put_there("dst", &format!("out/{key}"), BODY, &[]))
                .collect();
            let tasks =
                deletes(&[("a", &stored[0]), ("b", &stored[1]), ("c", &stored[2]), ("d", &stored[3])]);
            store.put_there("dst", "out/b", b"new", &[]);
            store.script(Delete, fault.clone());
            let outcomes = delete_keys(&store.side("s3://dst/out/"), &tasks, conditional, &never).await;
            for (outcome, key) in outcomes.iter().zip(["a", "b", "c", "d"]) {
                assert_eq!(outcome.key, key);
                let versions = store.versions("dst", &format!("out/{key}"));
                let markers = versions.iter().filter(|stored| stored.marker).count();
                if key == "b" {
                    assert_eq!(outcome.result.as_ref().unwrap_err().reason(), "changed-meanwhile");
                    assert_eq!(markers, 0);
                } else {
                    assert!(outcome.result.is_ok(), "{outcome:?}");
                    assert_eq!(markers, 1, "{fault:?} {conditional} {key}");
                }
            }
        }
    }
}

#[tokio::test]
async fn deletes_go_in_batches_and_versions_by_name() {
    let store = Double::new("here");
    let never = CancellationToken::new();
    let tasks: Vec<_> = (0..2_500)
        .map(|n| {
            let key = format!("{n}");
            let stored = store.put_there("dst", &key, b"x", &[]);
            DeleteTask { key, version_id: Some(stored.version), if_match: None }
        })
        .collect();
    let outcomes = delete_keys(&store.side("s3://dst"), &tasks, true, &never).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.result.is_ok()).count(), 2_500);
    assert_eq!(store.log(), [Delete, Delete, Delete]);
    assert!(store.versions("dst", "7").is_empty());
    never.cancel();
    let refused = delete_keys(&store.side("s3://dst"), &tasks[..1], true, &never).await;
    assert_eq!(refused[0].result.as_ref().unwrap_err().reason(), "cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_lost_delete_without_a_condition_is_not_repeated() {
    let store = Double::new("here");
    store.put_there("dst", "k", BODY, &[]);
    store.script(Delete, Fault::Lose);
    let task = DeleteTask { key: "k".into(), version_id: None, if_match: None };
    let outcomes = delete_keys(&store.side("s3://dst"), &[task], true, &CancellationToken::new()).await;
    assert!(outcomes[0].result.is_ok());
    assert_eq!(store.log(), [Delete, Head]);
    assert_eq!(store.versions("dst", "k").iter().filter(|stored| stored.marker).count(), 1);
}
