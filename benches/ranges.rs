//! Range decisions and request hand-off: what the scheduler and the pace cost per page.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use s3twin_benches::counter_page;
use s3twin_engine::flow::{Pace, PaceLimits};
use s3twin_engine::list::{Atlas, middle, remaining_share};
use std::hint::black_box;

fn split(criterion: &mut Criterion) {
    let mut atlas = Atlas::default();
    for first in [0, 100_000, 5_000_000] {
        counter_page(first, 1000).iter().step_by(125).for_each(|entry| atlas.observe(entry.key));
    }
    let mut group = criterion.benchmark_group("ranges");
    group.bench_function("observe a page", |bencher| {
        let page = counter_page(77_000, 1000);
        bencher
            .iter(|| page.iter().step_by(125).for_each(|entry| atlas.clone().observe(black_box(entry.key))));
    });
    group.bench_function("split decision", |bencher| {
        bencher.iter(|| {
            let left = remaining_share("k/0000000000", black_box("k/0000105999"), Some("k/00002"), &atlas);
            (left, middle(black_box("k/0000105999"), Some("k/00002"), &atlas))
        });
    });
    group.finish();
}

fn hand_off(criterion: &mut Criterion) {
    const REQUESTS: u64 = 1000;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let Ok(runtime) = runtime else { return };
    let mut group = criterion.benchmark_group("pace");
    group.throughput(Throughput::Elements(REQUESTS));
    group.bench_function("permit and release", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let pace = Pace::new(PaceLimits::default());
                for _ in 0..REQUESTS {
                    drop(pace.acquire().await);
                    pace.succeeded();
                }
            });
        });
    });
    group.bench_function("hand-off between 64 waiting tasks", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let pace = Pace::new(PaceLimits { start: 8, ceiling: 8, requests_per_second: None });
                let workers = (0..64).map(|_| {
                    let pace = pace.clone();
                    async move {
                        for _ in 0..REQUESTS / 64 {
                            let permit = pace.acquire().await;
                            tokio::task::yield_now().await;
                            drop(permit);
                        }
                    }
                });
                futures::future::join_all(workers).await
            });
        });
    });
    group.finish();
}

criterion_group!(benches, split, hand_off);
criterion_main!(benches);
