//! Reading one list page of a thousand entries: what a listing costs besides the network.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use s3twin_engine::s3::page::{ListKind, ListReader};
use std::fmt::Write as _;
use std::hint::black_box;

const ENTRIES: usize = 1000;
/// About what a connection hands over at a time.
const CHUNK: usize = 16 << 10;

/// A page as S3 sends it: one line, encoded keys, quoted ETags, every tenth entry multipart, long keys.
fn page(kind: ListKind) -> String {
    let root = match kind {
        ListKind::Objects => "ListBucketResult",
        ListKind::Versions => "ListVersionsResult",
    };
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Name>media-primary</Name><Prefix></Prefix><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>\
         <IsTruncated>true</IsTruncated>"
    );
    match kind {
        ListKind::Objects => xml.push_str(
            "<KeyCount>1000</KeyCount><NextContinuationToken>1ueGcxLPRx1Tr</NextContinuationToken>",
        ),
        ListKind::Versions => {
            xml.push_str("<NextKeyMarker>z</NextKeyMarker><NextVersionIdMarker>null</NextVersionIdMarker>");
        }
    }
    for n in 0..ENTRIES {
        entry(&mut xml, kind, n);
    }
    let _ = write!(xml, "</{root}>");
    xml
}

fn entry(xml: &mut String, kind: ListKind, n: usize) {
    let digest = (n as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let parts = if n.is_multiple_of(10) { "-17" } else { "" };
    let (tag, key) = ("Version", n / 2);
    let common = format!(
        "<LastModified>2026-11-20T12:34:{:02}.000Z</LastModified><ETag>&quot;{digest:032x}{parts}&quot;</ETag>\
         <ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>\
         <Size>{}</Size><StorageClass>STANDARD</StorageClass>",
        n % 60,
        n * 7919
    );
    let _ = match kind {
        ListKind::Objects => write!(
            xml,
            "<Contents><Key>datasets/2026/11/20/part-{n:08}/segment+{:04}.parquet</Key>{common}</Contents>",
            n % 97
        ),
        ListKind::Versions => write!(
            xml,
            "<{tag}><Key>datasets/2026/11/20/part-{key:08}/segment.parquet</Key>\
             <VersionId>3sL4kqtJlcpXroDTDmJ{n:013}</VersionId><IsLatest>{}</IsLatest>{common}\
             <Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID></Owner></{tag}>",
            n.is_multiple_of(2)
        ),
    };
}

fn read(kind: ListKind, body: &[u8]) -> usize {
    let mut reader = ListReader::new(kind);
    for chunk in body.chunks(CHUNK) {
        reader.push(chunk).expect("a good page");
    }
    reader.finish().expect("a good page").len()
}

fn list_page(criterion: &mut Criterion) {
    for (name, kind) in [("objects", ListKind::Objects), ("versions", ListKind::Versions)] {
        let body = page(kind);
        assert_eq!(read(kind, body.as_bytes()), ENTRIES);
        let mut group = criterion.benchmark_group("list_page");
        group.throughput(Throughput::ElementsAndBytes { elements: ENTRIES as u64, bytes: body.len() as u64 });
        group.bench_function(name, |bencher| bencher.iter(|| read(kind, black_box(body.as_bytes()))));
        group.finish();
    }
}

criterion_group!(benches, list_page);
criterion_main!(benches);
