//! Audits against the plain truth: each key in the verdict that it deserves, never a false proof.

use crate::history::{REPLICA, SOURCE, Wishes, begin};
use crate::model::Version;
use crate::stage::{Stage, findings};
use s3twin_engine::act::{Bandwidth, MemoryTickets};
use s3twin_engine::compare::{Depth, Reading, Rules};
use s3twin_engine::model::ETag;
use s3twin_engine::plan::Filter;
use s3twin_engine::run::{AuditJob, audit_reading};
use s3twin_engine::s3::Versioning;
use s3twin_engine::verify::pool::CpuPool;
use s3twin_engine::verify::service::DigestService;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Can anything but the bytes tell whether these two are the same?
fn is_provable(a: &Version, b: &Version) -> bool {
    let plain = |version: &Version| matches!(version.etag, ETag::Plain(_)) && !version.kms;
    a.size() != b.size()
        || a.size() == 0
        || a.etag == b.etag
        || (a.checksum.is_some() && b.checksum.is_some())
        || (plain(a) && plain(b))
}

/// What an audit ought to say of a key.
pub(crate) fn verdict(a: Option<&Version>, b: Option<&Version>, reads: bool) -> &'static str {
    match (a, b) {
        (Some(_), None) => "missing",
        (None, Some(_)) => "extra",
        (Some(a), Some(b)) if !reads && !is_provable(a, b) => "unproven",
        (Some(a), Some(b)) if a.body == b.body => "identical",
        _ => "different",
    }
}

pub(crate) fn run(seed: u64, mut rng: fastrand::Rng) {
    let wishes = Wishes {
        opaque: rng.bool(),
        replica: if rng.bool() { Versioning::Enabled } else { Versioning::Off },
        faults: [0, 10, 40][rng.usize(..3)],
        ..Wishes::default()
    };
    let depth = if rng.bool() { Depth::Checksums } else { Depth::Bytes };
    let cuts = rng.bool();
    let world = begin(seed, &mut rng, wishes);
    let mut stage = Stage::new(seed, rng, world);
    let before =
        format!("{:?}", stage.world().model.buckets.values().map(|b| &b.keys).map(strip).collect::<Vec<_>>());
    let ended = stage.run("audit", cuts, |scene| async move {
        let reading = Reading {
            pool: CpuPool::inline(),
            digests: DigestService::new(CpuPool::inline()),
            memory: MemoryTickets::new(64 << 20),
            bandwidth: Arc::new(Bandwidth::new(None)),
        };
        let rules = Rules { depth, ..Rules::default() };
        let job =
            AuditJob { sides: scene.sides, rules, filter: Filter::default(), manifest: None, ledger: None };
        audit_reading(job, (depth == Depth::Bytes).then_some(reading), &scene.session).await
    });
    let tally = ended.result.expect("an audit through passing faults comes to its end");
    let world = stage.world();
    let (a, b) = (world.model.bucket(SOURCE).objects("in/"), world.model.bucket(REPLICA).objects("out/"));
    let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let rows = findings(&ended.dir);
    let told: BTreeMap<String, String> = rows
        .iter()
        .map(|row| (row["key"].as_str().expect("a key").into(), row["verdict"].as_str().expect("one").into()))
        .collect();
    for key in &keys {
        let deserved = verdict(a.get(*key).copied(), b.get(*key).copied(), depth == Depth::Bytes);
        let said = told.get(*key).map_or("identical", String::as_str);
        let (a, b) = (a.get(*key), b.get(*key));
        assert_eq!(said, deserved, "{key:?}: {a:?} against {b:?}: {rows:?}");
    }
    assert!(told.keys().all(|key| keys.contains(key)), "a finding about nothing: {told:?}");
    assert_eq!((tally.union_keys, tally.verdicts.total()), (keys.len() as u64, keys.len() as u64));
    assert_eq!(tally.evidence.total(), tally.verdicts.identical);
    let after = format!("{:?}", world.model.buckets.values().map(|b| &b.keys).map(strip).collect::<Vec<_>>());
    assert_eq!(before, after, "an audit writes to no bucket");
}

/// Histories by id.
fn strip(keys: &BTreeMap<String, Vec<Version>>) -> Vec<(&String, Vec<&String>)> {
    keys.iter().map(|(key, versions)| (key, versions.iter().map(|version| &version.id).collect())).collect()
}
