//! Merge-join and verdict of a million pairs, as the range worker does it: two sorted pages at a time.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use s3twin_benches::counter_page;
use s3twin_engine::compare::{Judged, Rules, judge};
use s3twin_engine::model::{Entry, Page};
use s3twin_engine::report::Tally;
use std::hint::black_box;

const PAGES: u64 = 1000;
const ENTRIES: u64 = 1000;

/// Pairs the entries of two sorted pages and tallies the verdicts.
fn join(source: &Page, replica: &Page, rules: &Rules, tally: &mut Tally) {
    let (mut a, mut b) = (source.iter().peekable(), replica.iter().peekable());
    loop {
        let (left, right) = match (a.peek(), b.peek()) {
            (None, None) => return,
            (Some(_), None) => (a.next(), None),
            (None, Some(_)) => (None, b.next()),
            (Some(x), Some(y)) if x.key < y.key => (a.next(), None),
            (Some(x), Some(y)) if x.key > y.key => (None, b.next()),
            _ => (a.next(), b.next()),
        };
        let size = |entry: Option<Entry<'_>>| entry.map(|entry| entry.row.size);
        tally.see(size(left), size(right));
        if let Judged::Settled(judgement) = judge(left, right, rules) {
            tally.conclude(&judgement);
        }
    }
}

fn merge_join(criterion: &mut Criterion) {
    // The same page a thousand times: it stays in cache, as a page just parsed does.
    let (source, replica) = (counter_page(0, ENTRIES), counter_page(0, ENTRIES));
    let rules = Rules::default();
    let mut group = criterion.benchmark_group("compare");
    group.throughput(Throughput::Elements(PAGES * ENTRIES)).sample_size(10);
    group.bench_function("merge-join of 1 M pairs", |bencher| {
        bencher.iter(|| {
            let mut tally = Tally::default();
            for _ in 0..PAGES {
                join(black_box(&source), black_box(&replica), &rules, &mut tally);
            }
            assert_eq!(tally.verdicts.identical, PAGES * ENTRIES);
            tally
        });
    });
    group.finish();
}

criterion_group!(benches, merge_join);
criterion_main!(benches);
