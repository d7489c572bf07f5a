//! MD5 of many messages: the plain crate one after the other, against the lanes, per kernel.
//!
//! Two shapes: 64 parts of 8 MiB, and 4096 objects of 10 KiB, both in frames as the network delivers them.
#![allow(missing_docs)]

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use md5::{Digest, Md5};
use s3twin_benches::is_trial;
use s3twin_engine::verify::kind::{HashKind, Wanted};
use s3twin_engine::verify::lanes::Kernel;
use s3twin_engine::verify::md5_many::md5_many_on;
use s3twin_engine::verify::pool::CpuPool;
use s3twin_engine::verify::service::DigestService;
use std::hint::black_box;
use std::time::Duration;

/// Bytes of a frame: what one read from a socket gives.
const FRAME: usize = 16 * 1024;

fn messages(count: usize, length: usize) -> Vec<Vec<Bytes>> {
    let message =
        |seed: usize| -> Bytes { (0..length).map(|i| (i.wrapping_mul(31 + seed) >> 4) as u8).collect() };
    let frames = |message: Bytes| {
        (0..length).step_by(FRAME).map(|at| message.slice(at..length.min(at + FRAME))).collect()
    };
    (0..count).map(|seed| frames(message(seed))).collect()
}

fn one_by_one(messages: &[Vec<Bytes>]) -> Vec<[u8; 16]> {
    let one = |frames: &Vec<Bytes>| {
        let mut md5 = Md5::new();
        frames.iter().for_each(|frame| md5.update(frame));
        md5.finalize().into()
    };
    messages.iter().map(one).collect()
}

/// Name, number and length of messages.
fn shapes() -> [(&'static str, usize, usize); 2] {
    if is_trial() {
        [("64x64KiB", 64, 64 << 10), ("256x10KiB", 256, 10 << 10)]
    } else {
        [("64x8MiB", 64, 8 << 20), ("4096x10KiB", 4096, 10 << 10)]
    }
}

fn md5(criterion: &mut Criterion) {
    for (name, count, length) in shapes() {
        let messages = messages(count, length);
        let wanted = one_by_one(&messages);
        let mut group = criterion.benchmark_group(format!("md5/{name}"));
        group.sample_size(10).measurement_time(Duration::from_secs(4));
        group.throughput(Throughput::Bytes((count * length) as u64));
        group.bench_function("md-5 crate", |bencher| bencher.iter(|| black_box(one_by_one(&messages))));
        for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()) {
            group.bench_function(BenchmarkId::from_parameter(format!("{kernel:?}")), |bencher| {
                bencher.iter(|| {
                    let digests = md5_many_on(kernel, messages.iter().map(Vec::as_slice));
                    assert!(digests == wanted, "{kernel:?} and the plain crate disagree");
                });
            });
        }
        group.finish();
    }
}

/// The MD5s of all messages, all asked for at once, as they come.
async fn ask(service: &DigestService, messages: &[Vec<Bytes>], wanted: Wanted) -> Vec<[u8; 16]> {
    let mut calls = tokio::task::JoinSet::new();
    for frames in messages.iter().cloned() {
        let service = service.clone();
        calls.spawn(async move { service.digest(frames, wanted).await });
    }
    let answers = calls.join_all().await.into_iter().flatten();
    answers.filter_map(|digests| digests.md5()).collect()
}

fn service(criterion: &mut Criterion) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    let Ok(pool) = CpuPool::new(1) else { return };
    let service = DigestService::new(pool);
    for (name, count, length) in shapes() {
        let messages = messages(count, length);
        let mut wanted_md5 = one_by_one(&messages);
        wanted_md5.sort_unstable();
        let mut group = criterion.benchmark_group(format!("service/{name}"));
        group.sample_size(10).measurement_time(Duration::from_secs(4));
        group.throughput(Throughput::Bytes((count * length) as u64));
        let both = Wanted::MD5.with(HashKind::Crc64Nvme);
        for (what, wanted) in [("md5", Wanted::MD5), ("md5+crc64nvme", both)] {
            group.bench_function(what, |bencher| {
                bencher.iter(|| {
                    let mut found = runtime.block_on(ask(&service, &messages, wanted));
                    found.sort_unstable();
                    assert!(found == wanted_md5, "the service and the plain crate disagree");
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, md5, service);
criterion_main!(benches);
