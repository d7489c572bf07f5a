//! Deep audit over loopback: reading and proving, beside the same requests with their bytes dropped.
//!
//! `drop` asks for the same ranges of the same objects and forgets the bytes: the program with hashing switched off.
//! The bar: proving has at least 85 % of its throughput.
#![allow(missing_docs)]

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::{StreamExt as _, TryStreamExt as _};
use s3twin_benches::is_trial;
use s3twin_engine::compare::evidence::{OpenPair, read_both};
use s3twin_engine::compare::own::prove_own;
use s3twin_engine::compare::{Evidence, Facts, Reading, Reason};
use s3twin_engine::list::Side;
use s3twin_engine::model::Location;
use s3twin_engine::s3::aws::{EndpointSettings, StaticCredentials, reach};
use s3twin_engine::s3::{GetObject, HeadObject, Store};
use s3twin_fixtures::{ACCESS_KEY, Lab, LabOptions, PutSpec, REGION, SECRET_KEY, Versioning};
use std::sync::Arc;
use std::time::Duration;

const OBJECTS: usize = 4;
const PARTS: usize = 8;
const CHUNK: u64 = 8 << 20;
/// Objects at once, and chunks of each.
const AT_ONCE: (usize, usize) = (4, 4);

/// Bytes of a part.
fn part_bytes() -> usize {
    if is_trial() { 256 << 10 } else { 8 << 20 }
}

struct Stage {
    _lab: Lab,
    sides: [Side; 2],
    objects: Vec<(String, Facts)>,
}

/// Two buckets with the same multipart objects, on a lab of its own.
async fn stage() -> Stage {
    let lab = Lab::start_blocking(LabOptions::default()).expect("a lab");
    for bucket in ["primary", "replica"] {
        lab.store().create_bucket(bucket, Versioning::Enabled).expect("a bucket");
        for number in 0..OBJECTS {
            let part = |seed: usize| -> Bytes {
                (0..part_bytes()).map(|i| (i.wrapping_mul(31 + seed) >> 4) as u8).collect()
            };
            let parts = (0..PARTS).map(|index| part(number * PARTS + index)).collect();
            let spec = PutSpec::default().algorithm(None);
            lab.store().put_multipart(bucket, &number.to_string(), parts, &spec).expect("written");
        }
    }
    let settings = EndpointSettings {
        endpoint_url: Some(lab.endpoint()),
        region: Some(REGION.to_owned()),
        credentials: Some(StaticCredentials {
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            session_token: None,
        }),
        ..EndpointSettings::default()
    };
    let side = async |bucket: &str| {
        let wrap = |store| -> Arc<dyn Store> { Arc::new(store) };
        let store = reach(&settings, bucket, wrap).await.expect("reached");
        let location: Location = format!("s3://{bucket}").parse().expect("a location");
        Side::new(store, location)
    };
    let sides = [side("primary").await, side("replica").await];
    let mut objects = Vec::new();
    for number in 0..OBJECTS {
        let key = number.to_string();
        let request = HeadObject { id: sides[0].object(&key), checksum: false, part_number: None };
        let info = sides[0].store.head(&request).await.expect("there");
        objects.push((key, Facts { size: info.size, etag: info.etag, ..Facts::default() }));
    }
    Stage { _lab: lab, sides, objects }
}

/// The same ranges as a proof asks for; the bytes are dropped as they come.
async fn drop_bytes(sides: &[Side], objects: &[(String, Facts)]) -> u64 {
    let one = async |side: &Side, key: &str, size: u64| -> u64 {
        let chunks = futures::stream::iter((0..size.div_ceil(CHUNK)).map(|index| index * CHUNK)).map(
            |first| async move {
                let range = Some((first, (first + CHUNK).min(size) - 1));
                let request = GetObject { id: side.object(key), range, if_match: None };
                let body = side.store.get(&request).await.expect("an answer");
                body.chunks
                    .try_fold(0, async |sum, chunk| Ok(sum + chunk.len() as u64))
                    .await
                    .expect("the bytes")
            },
        );
        chunks.buffered(AT_ONCE.1).fold(0, async |sum, got| sum + got).await
    };
    let mut total = 0;
    for side in sides {
        let reads = futures::stream::iter(objects).map(|(key, facts)| one(side, key, facts.size));
        total += reads.buffered(AT_ONCE.0).fold(0, async |sum, got| sum + got).await;
    }
    total
}

async fn prove_each(stage: &Stage, reading: &Reading) {
    let proofs = futures::stream::iter(&stage.objects).map(|(key, facts)| async move {
        prove_own(&stage.sides[0], key, &mut facts.clone(), reading).await.judgement
    });
    let judgements: Vec<_> = proofs.buffered(AT_ONCE.0).collect().await;
    assert!(judgements.iter().all(|judgement| judgement.evidence == Some(Evidence::Bytes)));
}

async fn compare_each(stage: &Stage, reading: &Reading) {
    let proofs = futures::stream::iter(&stage.objects).map(|(key, facts)| async move {
        let mut pair = OpenPair::new(key, facts.clone(), facts.clone(), Reason::PartLayoutOnly);
        read_both((&stage.sides[0], &stage.sides[1]), &mut pair, reading).await
    });
    let judgements: Vec<_> = proofs.buffered(AT_ONCE.0).collect().await;
    assert!(judgements.iter().all(|judgement| judgement.evidence == Some(Evidence::Bytes)));
}

fn proof(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let stage = runtime.block_on(stage());
    let reading = Reading::new().expect("threads");
    let bytes = (OBJECTS * PARTS * part_bytes()) as u64;
    let mut group = criterion.benchmark_group(format!("proof/{OBJECTS}x{}MiB", (PARTS * part_bytes()) >> 20));
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("one side: drop", |bencher| {
        bencher.iter(|| assert_eq!(runtime.block_on(drop_bytes(&stage.sides[..1], &stage.objects)), bytes));
    });
    group.bench_function("one side: hash", |bencher| {
        bencher.iter(|| runtime.block_on(prove_each(&stage, &reading)));
    });
    group.throughput(Throughput::Bytes(2 * bytes));
    group.bench_function("both sides: drop", |bencher| {
        bencher.iter(|| assert_eq!(runtime.block_on(drop_bytes(&stage.sides, &stage.objects)), 2 * bytes));
    });
    group.bench_function("both sides: compare", |bencher| {
        bencher.iter(|| runtime.block_on(compare_each(&stage, &reading)));
    });
    group.finish();
}

criterion_group!(benches, proof);
criterion_main!(benches);
