//! Appends to the journal: what a piece costs when nobody waits, and what waiting for the disk costs when many
//! or few share it.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use s3twin_engine::journal::{Journal, Note, Record};
use s3twin_engine::model::Timestamp;
use std::path::Path;

/// Records per iteration.
const RECORDS: u64 = 8192;

fn record(n: u64) -> Record {
    // As long as a typical piece.
    let detail = serde_json::json!({"after": format!("logs/2026/11/{n:020}"), "tally": vec![n; 24]});
    Record::Note(Note { at: Timestamp::from_seconds(1_795_270_500), topic: "bench".to_owned(), detail })
}

/// Each task appends its share and waits for the disk after every `wait_each` of them.
async fn append(path: &Path, tasks: u64, wait_each: u64) {
    let _ = std::fs::remove_file(path);
    let journal = Journal::create(path, "bench").expect("a journal in a temporary directory");
    let tasks = (0..tasks).map(|task| {
        let journal = journal.clone();
        tokio::spawn(async move {
            for n in 0..RECORDS / tasks {
                journal.append(&record(task << 32 | n)).await.expect("an append");
                if (n + 1) % wait_each == 0 {
                    journal.durable().await.expect("a sync");
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
    journal.close().await.expect("a close");
}

fn group_commit(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("journal");
    let mut group = criterion.benchmark_group("journal");
    group.sample_size(10).throughput(Throughput::Elements(RECORDS));
    for tasks in [1_u64, 64] {
        for (name, wait_each) in [("unwaited", u64::MAX), ("durable-each-64", 64)] {
            group.bench_function(BenchmarkId::new(name, format!("{tasks}-tasks")), |bencher| {
                bencher.to_async(&runtime).iter(|| append(&path, tasks, wait_each));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, group_commit);
criterion_main!(benches);
