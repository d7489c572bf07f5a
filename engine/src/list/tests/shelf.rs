//! A shelf of keys behind the store trait: listings only, with pages of any size.

use crate::model::{ETag, EntryKind, Page, PageBuilder, Row};
use crate::s3::*;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Keys with their number of versions.
pub(super) struct Shelf {
    pub(super) keys: Mutex<BTreeMap<String, u32>>,
    pub(super) page: usize,
    pub(super) requests: AtomicU64,
    /// The n-th listing fails for good.
    pub(super) fails_at: Option<u64>,
    /// How long an answer takes.
    pub(super) latency: Duration,
    /// Keys that come and go: each page takes one away or puts one back.
    pub(super) restless: Vec<String>,
}

impl Shelf {
    pub(super) fn new(keys: impl IntoIterator<Item = (String, u32)>, page: usize) -> Self {
        Self {
            keys: Mutex::new(keys.into_iter().collect()),
            page,
            requests: AtomicU64::new(0),
            fails_at: None,
            latency: Duration::ZERO,
            restless: Vec::new(),
        }
    }

    fn count(&self, operation: Operation, bucket: &str) -> Answer<()> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if self.fails_at == Some(number) {
            return Err(S3Error::local(Kind::Transient, operation, bucket, "the shelf fell over"));
        }
        if !self.restless.is_empty() {
            let key = &self.restless[usize::try_from(number).unwrap() % self.restless.len()];
            let mut keys = self.keys.lock().unwrap();
            if keys.remove(key).is_none() {
                keys.insert(key.clone(), 1);
            }
        }
        Ok(())
    }

    async fn answer(&self) {
        tokio::task::yield_now().await;
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }
}

fn row(kind: EntryKind, is_latest: bool) -> Row {
    Row { kind, is_latest, size: 1, etag: Some(ETag::Plain([7; 16])), ..Row::default() }
}

#[async_trait]
impl Lister for Shelf {
    fn service(&self) -> &str {
        "shelf"
    }

    fn reason(&self) -> &'static str {
        "a shelf only lists"
    }

    async fn list_objects(&self, r: &ListObjects) -> Answer<Page> {
        self.count(Operation::ListObjectsV2, &r.bucket)?;
        self.answer().await;
        let keys = self.keys.lock().unwrap();
        let limit = self.page.min(usize::from(r.max_keys));
        let from = if r.start_after.is_empty() { Bound::Unbounded } else { Bound::Excluded(&*r.start_after) };
        let beyond = keys.range::<str, _>((from, Bound::Unbounded)).map(|(key, _)| key);
        let mut found = beyond.filter(|key| key.starts_with(&r.prefix));
        let mut builder = PageBuilder::new();
        for key in found.by_ref().take(limit) {
            builder.push(key, "", row(EntryKind::Object, true)).unwrap();
        }
        builder.page_mut().truncated = found.next().is_some();
        Ok(builder.finish())
    }

    async fn list_versions(&self, r: &ListVersions) -> Answer<Page> {
        self.count(Operation::ListObjectVersions, &r.bucket)?;
        self.answer().await;
        let keys = self.keys.lock().unwrap();
        let limit = self.page.min(usize::from(r.max_keys));
        let marker = r.version_id_marker.as_ref().map(|id| id[1..].parse::<u32>().unwrap());
        let from = match (&*r.key_marker, marker) {
            ("", _) => Bound::Unbounded,
            (key, None) => Bound::Excluded(key),
            (key, Some(_)) => Bound::Included(key),
        };
        let beyond = keys.range::<str, _>((from, Bound::Unbounded));
        let all = beyond.flat_map(|(key, versions)| (0..*versions).map(move |version| (key, version)));
        let mut found = all.filter(|(key, version)| {
            let is_left = marker.is_none_or(|marker| **key != r.key_marker || *version > marker);
            is_left && key.starts_with(&r.prefix)
        });
        let mut builder = PageBuilder::new();
        let mut last = None;
        for (key, version) in found.by_ref().take(limit) {
            let kind = if version % 3 == 1 { EntryKind::DeleteMarker } else { EntryKind::Object };
            builder.push(key, &format!("v{version}"), row(kind, version == 0)).unwrap();
            last = Some((key.clone(), format!("v{version}")));
        }
        let page = builder.page_mut();
        page.truncated = found.next().is_some();
        if let Some((key, version)) = last.filter(|_| page.truncated) {
            page.next_key_marker = Some(key.into());
            page.next_version_id_marker = Some(version.into());
        }
        Ok(builder.finish())
    }
}
