//! End to end: whole audits and syncs in this process, over loopback, journal and findings included.
//!
//! The server is a thread of this process and shares its CPU: figures of one machine compare with each other,
//! not with those of whole processes.
#![allow(missing_docs)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use s3twin_benches::stage::Stage;

/// Keys of an audit.
const KEYS: u64 = 10_000;
/// Keys and copies of a sync.
const COPIES: u64 = 2_000;

fn run(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let stage = Stage::new().expect("a server");
    let mut group = criterion.benchmark_group("run");
    group.sample_size(10).throughput(Throughput::Elements(KEYS));
    group.bench_function("audit, equal", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let tally = stage.audit("syn-flat-10k-a", "syn-flat-10k-b").await.expect("an audit");
            assert_eq!((tally.union_keys, tally.verdicts.identical), (KEYS, KEYS));
        });
    });
    group.bench_function("audit, 1 % missing", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let tally = stage.audit("syn-flat-10k-a", "syn-flat-10k-missing1pct").await.expect("an audit");
            let missing = tally.verdicts.missing;
            assert_eq!((tally.union_keys, tally.verdicts.identical), (KEYS, KEYS - missing));
            assert!(missing > 0, "one key in a hundred is missing");
        });
    });
    group.throughput(Throughput::Elements(COPIES));
    group.bench_function("sync to an empty bucket", |bencher| {
        bencher.to_async(&runtime).iter_batched(
            || stage.empty("twin").expect("an empty bucket"),
            async |()| {
                let tally = stage.sync("syn-flat-2k-a", "twin").await.expect("a sync");
                assert_eq!((tally.actions.copied, tally.actions.failed), (COPIES, 0));
                assert_eq!(stage.held("twin") as u64, COPIES);
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, run);
criterion_main!(benches);
