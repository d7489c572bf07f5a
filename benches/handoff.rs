//! From the listing to the acting stage: what it costs to bring a key from a page on both sides through the merge
//! to a task at work, with a server that answers at once.
//!
//! `pages alone` makes the same pages and drops them: the rest is hand-off.
#![allow(missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::StreamExt as _;
use s3twin_benches::counter_page;
use s3twin_benches::shelf::Shelf;
use s3twin_engine::Error;
use s3twin_engine::list::{Listing, Objects, Side, Sides, Visitor, WalkLimits, walk};
use s3twin_engine::model::{Entry, KeyRange};
use s3twin_engine::s3::Store;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;

const KEYS: u64 = 100_000;
const PAGE: u64 = 1000;
/// As many tasks of a piece at once as the engine's own acting stage has.
const AT_ONCE: usize = 256;

/// Counts what it is given, and acts on it or not.
#[derive(Default)]
struct Hands {
    acts: bool,
    paired: AtomicU64,
    done: AtomicU64,
}

impl Visitor<Objects> for Hands {
    type Segment = Vec<String>;

    fn open(&self, _: u32) -> Vec<String> {
        Vec::new()
    }

    fn pair(&self, waiting: &mut Vec<String>, source: Option<Entry<'_>>, replica: Option<Entry<'_>>) {
        let (Some(source), Some(replica)) = (source, replica) else { return };
        self.paired.fetch_add(u64::from(source.row.etag == replica.row.etag), Ordering::Relaxed);
        if self.acts {
            waiting.push(source.key.to_owned());
        }
    }

    async fn batch(&self, waiting: &mut Vec<String>, _: KeyRange) -> Result<(), Error> {
        let tasks = futures::stream::iter(waiting.drain(..)).map(|key| async move {
            tokio::task::yield_now().await;
            black_box(key.len())
        });
        let done = tasks.buffer_unordered(AT_ONCE).count().await;
        self.done.fetch_add(done as u64, Ordering::Relaxed);
        Ok(())
    }

    async fn close(&self, waiting: Vec<String>) -> Result<(), Error> {
        assert!(waiting.is_empty(), "a piece was not handed over");
        Ok(())
    }
}

async fn hand_over(acts: bool) -> Arc<Hands> {
    let side = || {
        let shelf: Arc<dyn Store> = Arc::new(Shelf::new(KEYS));
        Arc::new(Side::new(shelf, "s3://shelf".parse().expect("a location")))
    };
    let sides = Sides { source: side(), replica: Some(side()) };
    let limits = WalkLimits { ranges_max: 32, listing: Listing::Objects, first_id: 0 };
    let hands = Arc::new(Hands { acts, ..Hands::default() });
    let (visitor, ranges) = (Arc::clone(&hands), vec![KeyRange::all()]);
    walk::<Objects, _>(sides, ranges, limits, visitor, Arc::default(), CancellationToken::new())
        .await
        .expect("a walk to the end");
    hands
}

fn hand_off(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("hand-off");
    group.sample_size(10).throughput(Throughput::Elements(KEYS));
    group.bench_function("pages alone", |bencher| {
        bencher.iter(|| {
            let pages = (0..KEYS / PAGE).flat_map(|page| [page, page]);
            let rows: usize = pages.map(|page| black_box(counter_page(page * PAGE, PAGE)).len()).sum();
            assert_eq!(rows as u64, 2 * KEYS);
        });
    });
    group.bench_function("list to merge", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let hands = hand_over(false).await;
            assert_eq!(hands.paired.load(Ordering::Relaxed), KEYS);
        });
    });
    group.bench_function("list to act", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let hands = hand_over(true).await;
            assert_eq!(hands.done.load(Ordering::Relaxed), KEYS);
        });
    });
    group.finish();
}

criterion_group!(benches, hand_off);
criterion_main!(benches);
