//! ETags: read from a listing, written into a request, made from the parts of a multipart object.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use md5::{Digest, Md5};
use s3twin_engine::model::ETag;
use s3twin_engine::verify::multipart::multipart_etag;
use std::hint::black_box;

const ETAGS: usize = 1000;

/// ETags as a server sends them, in quotes.
fn sent(suffix: &str) -> Vec<String> {
    let digest = |number: usize| hex(&Md5::digest(number.to_string()));
    (0..ETAGS).map(|number| format!("\"{}{suffix}\"", digest(number))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("etag");
    group.throughput(Throughput::Elements(ETAGS as u64));
    for (name, suffix, parts) in [("plain", "", None), ("multipart", "-10000", Some(10_000))] {
        let sent = sent(suffix);
        group.bench_function(BenchmarkId::new("parse", name), |bencher| {
            bencher.iter(|| {
                let read = sent.iter().map(|text| ETag::parse(black_box(text)));
                let right = |etag: &ETag| etag.parts() == parts && !matches!(etag, ETag::Opaque(_));
                assert_eq!(read.filter(right).count(), ETAGS);
            });
        });
        let read: Vec<_> = sent.iter().map(|text| ETag::parse(text)).collect();
        group.bench_function(BenchmarkId::new("write", name), |bencher| {
            bencher.iter(|| {
                let written = read.iter().map(|etag| black_box(etag).quoted());
                assert!(written.eq(sent.iter().cloned()));
            });
        });
    }
    group.finish();
}

fn compose(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("etag/compose");
    for parts in [2_usize, 100, 10_000] {
        let digests: Vec<[u8; 16]> = (0..parts).map(|part| Md5::digest(part.to_string()).into()).collect();
        let wanted = format!("{}-{parts}", hex(&Md5::digest(digests.concat())));
        group.throughput(Throughput::Elements(parts as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("{parts} parts")), |bencher| {
            bencher.iter(|| assert_eq!(multipart_etag(black_box(&digests)), wanted));
        });
    }
    group.finish();
}

criterion_group!(benches, text, compose);
criterion_main!(benches);
