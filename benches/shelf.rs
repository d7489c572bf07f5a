//! A server without a network: a shelf of counter keys behind the store trait, with a rate it bears if one is set.
//!
//! What is measured over it is the machinery between the requests, not the requests.

use crate::{counter_key, counter_page};
use async_trait::async_trait;
use s3twin_engine::model::Page;
use s3twin_engine::s3::{
    Answer, HeadObject, Kind, ListObjects, ListOnly, Lister, ObjectInfo, Operation, S3Error,
};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A rate per second, with what was left over of the last tenth of a second saved up.
#[derive(Debug)]
struct Bearing {
    per_second: f64,
    left: f64,
    at: Instant,
}

impl Bearing {
    const SAVED_SECONDS: f64 = 0.1;

    fn takes_one(&mut self) -> bool {
        let now = Instant::now();
        let most = self.per_second * Self::SAVED_SECONDS;
        let earned = now.duration_since(self.at).as_secs_f64() * self.per_second;
        self.left = (self.left + earned).min(most);
        self.at = now;
        let takes = self.left >= 1.0;
        if takes {
            self.left -= 1.0;
        }
        takes
    }
}

/// See the module text. Lists and answers HEADs; everything else is refused.
#[derive(Debug)]
pub struct Shelf {
    keys: u64,
    latency: Duration,
    bearing: Option<Mutex<Bearing>>,
}

impl Shelf {
    /// A shelf that answers at once and bears everything.
    #[must_use]
    pub fn new(keys: u64) -> ListOnly<Self> {
        ListOnly(Self { keys, latency: Duration::ZERO, bearing: None })
    }

    /// A shelf that takes its time, and answers with a 503 whatever comes faster than it bears.
    #[must_use]
    pub fn bearing(keys: u64, latency: Duration, per_second: u32) -> ListOnly<Self> {
        let bearing = Bearing { per_second: f64::from(per_second), left: 0.0, at: Instant::now() };
        ListOnly(Self { keys, latency, bearing: Some(Mutex::new(bearing)) })
    }

    async fn admit(&self, operation: Operation) -> Answer<()> {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        let Some(bearing) = &self.bearing else { return Ok(()) };
        let takes = bearing.lock().unwrap_or_else(PoisonError::into_inner).takes_one();
        if takes { Ok(()) } else { Err(S3Error::local(Kind::Throttled, operation, "shelf", "SlowDown")) }
    }

    /// How many keys do not lie beyond this one, which may be a cut between two of them.
    fn upto(&self, key: &str) -> u64 {
        let (mut low, mut high) = (0, self.keys);
        while low < high {
            let middle = low.midpoint(high);
            if counter_key(middle).as_str() <= key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

#[async_trait]
impl Lister for Shelf {
    fn service(&self) -> &'static str {
        "shelf"
    }

    fn reason(&self) -> &'static str {
        "a shelf only lists and answers HEADs"
    }

    async fn list_objects(&self, request: &ListObjects) -> Answer<Page> {
        self.admit(Operation::ListObjectsV2).await?;
        let first = self.upto(&request.start_after);
        let len = u64::from(request.max_keys).min(self.keys - first);
        let mut page = counter_page(first, len);
        page.truncated = first + len < self.keys;
        Ok(page)
    }

    async fn head(&self, _: &HeadObject) -> Answer<ObjectInfo> {
        self.admit(Operation::HeadObject).await?;
        Ok(ObjectInfo::default())
    }
}
