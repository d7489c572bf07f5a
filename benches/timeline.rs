//! Point in time: what stood at a moment in a thousand histories, and the step that brings each back.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use s3twin_engine::list::{Stack, StackEntry};
use s3twin_engine::model::{ETag, EntryKind, StorageClass, Timestamp};
use s3twin_engine::plan::{
    DoubtRules, Goal, Moment, PlanRules, Step, Strategy, Uncertain, plan_in_place, state_at,
};
use std::hint::black_box;

const KEYS: usize = 1000;
/// Seconds between two writes of a key.
const PAUSE: i64 = 3600;

/// A history of so many writes, the newest first. In every fourth key the newest entry is a delete marker.
fn stack(number: usize, versions: usize) -> Stack {
    let entry = |age: usize| {
        let marker = age == 0 && number.is_multiple_of(4);
        let seed = (number * 1000 + age + 1) as u128;
        let digest = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        StackEntry {
            version_id: format!("3sL4kqtJlcpXroDTDmJ{number:07}{age:06}").into(),
            kind: if marker { EntryKind::DeleteMarker } else { EntryKind::Object },
            is_latest: age == 0,
            size: if marker { 0 } else { 10_240 },
            last_modified: Timestamp::from_seconds(PAUSE * (versions - age) as i64),
            etag: (!marker).then(|| ETag::Plain(digest.to_be_bytes())),
            storage_class: StorageClass::Standard,
            restore: None,
        }
    };
    Stack { key: format!("k/{number:010}").into(), entries: (0..versions).map(entry).collect() }
}

fn state(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timeline/state");
    group.throughput(Throughput::Elements(KEYS as u64));
    for versions in [3, 30, 300] {
        let stacks: Vec<_> = (0..KEYS).map(|number| stack(number, versions)).collect();
        // The middle of the history: half of it has to be looked over.
        let at = versions / 2;
        let moment = Moment::at(Timestamp::from_seconds(PAUSE * at as i64));
        group.bench_function(BenchmarkId::from_parameter(format!("{versions} versions")), |bencher| {
            bencher.iter(|| {
                let then = |stack| state_at(black_box(stack), moment, DoubtRules::default());
                let right = stacks
                    .iter()
                    .map(then)
                    .filter(|then| then.index == Some(versions - at) && then.doubt.is_none());
                assert_eq!(right.count(), KEYS);
            });
        });
    }
    group.finish();
}

fn plan(criterion: &mut Criterion) {
    let stacks: Vec<_> = (0..KEYS).map(|number| stack(number, 3)).collect();
    let rules = |at| PlanRules {
        goal: Goal::State(Moment::at(Timestamp::from_seconds(PAUSE * at))),
        strategy: Strategy::Fewest,
        uncertain: Uncertain::Skip,
        doubts: DoubtRules::default(),
        keep_new: false,
    };
    let mut group = criterion.benchmark_group("timeline/plan");
    group.throughput(Throughput::Elements(KEYS as u64));
    // As it is now: all kept, every fourth being gone. One write back: removed markers, and copies.
    for (name, at, wanted) in
        [("keep", 3, (0, 0)), ("bring back", 2, (KEYS / 4, KEYS - KEYS / 4)), ("before all", 0, (0, 0))]
    {
        let rules = rules(at);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let (mut uncovered, mut copied) = (0, 0);
                for stack in &stacks {
                    match plan_in_place(black_box(stack), &rules).map(|planned| planned.action) {
                        Some(Step::RemoveMarker) => uncovered += 1,
                        Some(Step::CopyVersion) => copied += 1,
                        _ => {}
                    }
                }
                assert_eq!((uncovered, copied), wanted);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, state, plan);
criterion_main!(benches);
