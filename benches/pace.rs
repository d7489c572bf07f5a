//! The rate controller: what it costs per request, and how much of a server's limit it finds.
//!
//! The second runs in simulated time, so that it is the same every time: a server that bears so many requests per
//! second and answers 503 beyond. What is measured there is our own time per request that got through.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use s3twin_benches::shelf::Shelf;
use s3twin_engine::flow::{Pace, PaceLimits};
use s3twin_engine::s3::{HeadObject, ListOnly, Meter, ObjectId, Operation, Paced, RetryPolicy, Store as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Requests of an iteration.
const REQUESTS: u32 = 10_000;
/// Askers at once, as a sync has copies.
const ASKERS: u32 = 250;

fn paced(shelf: ListOnly<Shelf>) -> (Arc<Paced<ListOnly<Shelf>>>, Arc<Meter>) {
    let (pace, meter) = (Pace::new(PaceLimits::default()), Arc::<Meter>::default());
    let policy = RetryPolicy { attempts_throttled: u32::MAX, ..RetryPolicy::default() };
    let (cancel, counts) = (CancellationToken::new(), Arc::clone(&meter));
    (Arc::new(Paced::new(Arc::new(shelf), pace, meter, cancel, policy)), counts)
}

/// All requests, from many askers at once. Returns how many got an answer.
async fn ask(store: &Arc<Paced<ListOnly<Shelf>>>) -> u32 {
    let askers = (0..ASKERS).map(|_| {
        let store = Arc::clone(store);
        async move {
            let id = ObjectId::current("shelf", "k");
            let request = HeadObject { id, checksum: false, part_number: None };
            let mut answered = 0;
            for _ in 0..REQUESTS / ASKERS {
                answered += u32::from(store.head(&request).await.is_ok());
            }
            answered
        }
    });
    futures::future::join_all(askers).await.into_iter().sum()
}

fn unhindered(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut group = criterion.benchmark_group("paced");
    group.sample_size(10).throughput(Throughput::Elements(u64::from(REQUESTS)));
    group.bench_function("a server that bears everything", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let (store, meter) = paced(Shelf::new(1));
            assert_eq!(ask(&store).await, REQUESTS);
            assert_eq!((meter.of(Operation::HeadObject), meter.retries()), (u64::from(REQUESTS), 0));
        });
    });
    group.finish();
}

/// Simulated seconds that the requests took, and the share of requests that were refused.
async fn under_limit(per_second: u32) -> (f64, f64) {
    let (store, meter) = paced(Shelf::bearing(1, Duration::from_millis(20), per_second));
    let begun = Instant::now();
    assert_eq!(ask(&store).await, REQUESTS);
    #[allow(clippy::cast_precision_loss)]
    let refused = meter.throttled() as f64 / meter.total() as f64;
    (begun.elapsed().as_secs_f64(), refused)
}

fn throttled(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("paced/throttled");
    group.sample_size(10).throughput(Throughput::Elements(u64::from(REQUESTS)));
    for per_second in [500, 2000] {
        group.bench_function(BenchmarkId::from_parameter(format!("{per_second} per second")), |bencher| {
            bencher.iter(|| {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
                let (seconds, refused) = runtime.expect("a runtime").block_on(under_limit(per_second));
                let share = f64::from(REQUESTS) / seconds / f64::from(per_second);
                assert!(share > 0.7, "only {share:.2} of what the server bears");
                assert!(refused < 0.1, "{refused:.3} of all requests were refused");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, unhindered, throttled);
criterion_main!(benches);
