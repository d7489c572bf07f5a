//! Two labs (or one) with a copier between them, over HTTP.

use bytes::Bytes;
use s3twin_engine::act::{
    Bandwidth, Copier, CopyLimits, CopyOptions, CopyOutcome, CopyTask, CopyTools, MemoryTickets, NoUploadLog,
    Seen, Standing,
};
use s3twin_engine::flow::{Pace, PaceLimits};
use s3twin_engine::list::Side;
use s3twin_engine::s3::aws::{AwsStore, EndpointSettings, StaticCredentials};
use s3twin_engine::s3::{ListObjects, Meter, Paced, RetryPolicy};
use s3twin_engine::verify::pool::CpuPool;
use s3twin_engine::verify::service::DigestService;
use s3twin_fixtures::store::Version;
use s3twin_fixtures::{ACCESS_KEY, Lab, LabOptions, Limits, PutSpec, REGION, SECRET_KEY, Versioning};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub(crate) const MIB: usize = 1 << 20;
/// A part in labs that take parts of any size, so that debug builds do not hash megabytes.
pub(crate) const PART: usize = 100_000;

/// Source and destination. `to` is `None` when one lab holds both buckets.
pub(crate) struct Stage {
    pub(crate) from: Lab,
    to: Option<Lab>,
    pub(crate) source: Side,
    pub(crate) replica: Side,
    pub(crate) options: CopyOptions,
    pub(crate) memory: u64,
    pub(crate) cancel: CancellationToken,
}

async fn lab() -> Lab {
    let limits = Limits { min_part_bytes: 1, ..Limits::default() };
    let lab = Lab::start(LabOptions { limits, ..LabOptions::default() }).await.unwrap();
    for bucket in ["src", "dst"] {
        lab.store().create_bucket(bucket, Versioning::Enabled).unwrap();
    }
    lab
}

pub(crate) async fn side(lab: &Lab, location: &str, cancel: &CancellationToken) -> Side {
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
    let store = AwsStore::open(&settings).await.unwrap();
    let policy = RetryPolicy {
        base: Duration::from_millis(1),
        cap: Duration::from_millis(20),
        ..RetryPolicy::default()
    };
    let pace = Pace::new(PaceLimits::default());
    let store = Paced::new(Arc::new(store), pace, Arc::new(Meter::default()), cancel.clone(), policy);
    Side::new(Arc::new(store), location.parse().unwrap())
}

impl Stage {
    pub(crate) async fn one_lab() -> Self {
        Self::of(lab().await, None).await
    }

    pub(crate) async fn two_labs() -> Self {
        Self::of(lab().await, Some(lab().await)).await
    }

    async fn of(from: Lab, to: Option<Lab>) -> Self {
        let cancel = CancellationToken::new();
        let source = side(&from, "s3://src/in/", &cancel).await;
        let replica = side(to.as_ref().unwrap_or(&from), "s3://dst/out/", &cancel).await;
        let options =
            CopyOptions { server_part: PART as u64, relay_part: PART as u64, ..CopyOptions::default() };
        Self { from, to, source, replica, options, memory: 64 << 20, cancel }
    }

    pub(crate) fn to(&self) -> &Lab {
        self.to.as_ref().unwrap_or(&self.from)
    }

    /// Lowers the largest source that CopyObject takes, on both sides of the wire.
    pub(crate) fn set_copy_limit(&mut self, bytes: u64) {
        self.options.limits = CopyLimits { copy: bytes, ..CopyLimits::default() };
        self.from.set_limits(Limits { copy_limit_bytes: bytes, min_part_bytes: 1, ..Limits::default() });
    }

    pub(crate) fn copier(&self) -> Copier {
        let tools = CopyTools {
            digests: DigestService::new(CpuPool::new(1).unwrap()),
            memory: MemoryTickets::new(self.memory),
            bandwidth: Arc::new(Bandwidth::new(None)),
            uploads: Arc::new(NoUploadLog),
            cancel: self.cancel.clone(),
        };
        Copier::new(self.source.clone(), self.replica.clone(), self.options.clone(), tools)
    }

    pub(crate) fn put(&self, key: &str, body: impl Into<Vec<u8>>, spec: &PutSpec) {
        let body = s3twin_fixtures::store::Body::new(vec![Bytes::from(body.into())]);
        self.from.store().put("src", &format!("in/{key}"), body, spec).unwrap();
    }

    pub(crate) fn put_parts(&self, key: &str, sizes: &[usize], spec: &PutSpec) {
        let parts = sizes.iter().zip(b'a'..).map(|(size, byte)| Bytes::from(vec![byte; *size])).collect();
        self.from.store().put_multipart("src", &format!("in/{key}"), parts, spec).unwrap();
    }

    /// A task for a key, from what the listing shows.
    pub(crate) async fn task(&self, key: &str) -> CopyTask {
        let full = format!("in/{key}");
        let request =
            ListObjects { bucket: "src".into(), prefix: full.clone(), max_keys: 1, ..ListObjects::default() };
        let page = self.source.store.list_objects(&request).await.unwrap();
        let entry = page.get(0).filter(|entry| entry.key == full).unwrap();
        CopyTask {
            key: key.into(),
            source: Seen::listed(entry),
            standing: Standing::Absent,
            ..CopyTask::default()
        }
    }

    pub(crate) async fn copy(&self, key: &str) -> CopyOutcome {
        self.copier().copy(&self.task(key).await).await
    }

    /// Copies and holds the result against the source: bytes, ETag, metadata, tags.
    pub(crate) async fn copy_right(&self, key: &str) -> CopyOutcome {
        let outcome = self.copy(key).await;
        assert!(outcome.result.is_ok(), "{key:?}: {outcome:?}");
        let (source, copy) = (self.original(key), self.copied(key));
        let (source, copy) = (source.object.as_ref().unwrap(), copy.object.as_ref().unwrap());
        assert!(source.body.to_vec() == copy.body.to_vec(), "{key:?}: other bytes");
        assert_eq!(source.attributes.user, copy.attributes.user, "{key:?}");
        assert_eq!(source.attributes.system, copy.attributes.system, "{key:?}");
        assert_eq!(source.attributes.tags, copy.attributes.tags, "{key:?}");
        assert_eq!(source.attributes.storage_class, copy.attributes.storage_class, "{key:?}");
        assert_eq!(self.versions(key), 1, "{key:?}");
        assert_eq!(self.open_uploads(), 0, "{key:?}");
        outcome
    }

    pub(crate) fn original(&self, key: &str) -> Arc<Version> {
        self.from.store().get("src", &format!("in/{key}"), None).unwrap()
    }

    pub(crate) fn copied(&self, key: &str) -> Arc<Version> {
        self.to().store().get("dst", &format!("out/{key}"), None).unwrap()
    }

    pub(crate) fn versions(&self, key: &str) -> usize {
        let full = format!("out/{key}");
        let all = self.to().store().versions("dst");
        all.iter().find(|(key, _)| *key == full).map_or(0, |(_, versions)| versions.len())
    }

    pub(crate) fn open_uploads(&self) -> usize {
        self.to().store().bucket("dst").unwrap().read().uploads.len()
    }

    pub(crate) fn same_etag(&self, key: &str) -> bool {
        let etag = |version: Arc<Version>| version.object.as_ref().unwrap().etag.clone();
        etag(self.original(key)) == etag(self.copied(key))
    }

    pub(crate) fn sent(&self, operation: &str) -> u64 {
        self.to().requests().get(operation).copied().unwrap_or_default()
    }
}

/// Metadata, a tag and a class.
pub(crate) fn dressed() -> PutSpec {
    PutSpec::default()
        .content_type("text/x-fox; charset=utf-8")
        .metadata("colour", "brown")
        .tag("team", "ops & dev=1")
        .storage_class("STANDARD_IA")
}
