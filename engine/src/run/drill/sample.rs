//! A sample of the real objects, restored to scratch by the copier itself.

use super::scratch::{SCRATCH, below};
use super::{DrillJob, Tried};
use crate::Error;
use crate::act::{Copier, CopyTask, CopyTools, Seen, Standing, Traffic};
use crate::compare::{Reason, Verdict};
use crate::list::{Listing, Objects, Side, Sides, Visitor, WalkLimits, walk};
use crate::model::{Entry, KeyRange, StorageClass};
use crate::run::Session;
use futures::StreamExt as _;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Copies in flight at once, as a restore has. The pace of the store is the real limit.
const AT_ONCE: usize = 256;

/// What the listing shows.
#[derive(Default)]
pub(super) struct Found {
    pub(super) objects: u64,
    pub(super) bytes: u64,
    pub(super) archived: u64,
    pub(super) seconds: f64,
    pub(super) chosen: Vec<(String, Seen)>,
}

/// The keys with the smallest hashes are a fair sample, whatever the order in which they are seen.
#[derive(Default)]
struct Share {
    found: Found,
    smallest: BTreeMap<(u64, String), Seen>,
}

struct Chooser {
    seed: u64,
    size: usize,
    sum: Mutex<Share>,
}

impl Chooser {
    fn keep(&self, smallest: &mut BTreeMap<(u64, String), Seen>) {
        while smallest.len() > self.size {
            smallest.pop_last();
        }
    }
}

impl Visitor<Objects> for Chooser {
    type Segment = Share;

    fn open(&self, _: u32) -> Share {
        Share::default()
    }

    fn pair(&self, share: &mut Share, source: Option<Entry<'_>>, _: Option<Entry<'_>>) {
        let Some(entry) = source.filter(|entry| !entry.key.starts_with(SCRATCH)) else { return };
        let seen = Seen::listed(entry);
        share.found.objects += 1;
        if seen.is_archived() {
            share.found.archived += 1;
            return;
        }
        share.found.bytes += seen.size;
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(entry.key.as_bytes(), self.seed);
        let largest = share.smallest.last_key_value().map(|((hash, _), _)| *hash);
        if share.smallest.len() < self.size || largest.is_some_and(|largest| hash < largest) {
            share.smallest.insert((hash, entry.key.to_owned()), seen);
            self.keep(&mut share.smallest);
        }
    }

    async fn batch(&self, _: &mut Share, _: KeyRange) -> Result<(), Error> {
        Ok(())
    }

    async fn close(&self, mut share: Share) -> Result<(), Error> {
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        sum.found.objects += share.found.objects;
        sum.found.bytes += share.found.bytes;
        sum.found.archived += share.found.archived;
        sum.smallest.append(&mut share.smallest);
        self.keep(&mut sum.smallest);
        Ok(())
    }
}

/// Lists everything once and chooses.
pub(super) async fn take(job: &DrillJob, session: &Session) -> Result<Found, Error> {
    let begun = Instant::now();
    let chooser = Arc::new(Chooser { seed: job.seed, size: job.sample, sum: Mutex::default() });
    let limits = WalkLimits { ranges_max: session.ranges_max, listing: Listing::Objects, first_id: 0 };
    let sides = Sides { source: Arc::clone(&job.side), replica: None };
    let (ranges, stats) = (vec![KeyRange::all()], Arc::clone(&session.progress.walk));
    walk::<Objects, _>(sides, ranges, limits, Arc::clone(&chooser), stats, session.cancel.clone()).await?;
    let sum = std::mem::take(&mut *chooser.sum.lock().unwrap_or_else(PoisonError::into_inner));
    let mut found = sum.found;
    found.chosen = sum.smallest.into_iter().map(|((_, key), seen)| (key, seen)).collect();
    found.seconds = begun.elapsed().as_secs_f64();
    Ok(found)
}

/// Restores them to scratch, side by side. Copies are of STANDARD: other classes bill months for what lives minutes.
pub(super) async fn restore(
    job: &DrillJob,
    place: &Arc<Side>,
    chosen: Vec<(String, Seen)>,
    tools: CopyTools,
) -> (Vec<Tried>, Traffic, f64) {
    let begun = Instant::now();
    let mut copy = job.copy.clone();
    copy.storage_class = Some(StorageClass::Standard);
    let copier = Copier::new((*job.side).clone(), (*below(place, "sample/")).clone(), copy, tools);
    let copies = futures::stream::iter(chosen.into_iter().enumerate()).map(|(index, (key, source))| {
        let copier = copier.clone();
        async move {
            let size = source.size;
            // Its own key might be too long below scratch.
            let target_key = Some(format!("{index:06}"));
            let task = CopyTask { key: key.clone(), target_key, source, standing: Standing::Absent };
            let outcome = copier.copy(&task).await;
            let result = outcome.result.map(|copied| copied.proof).map_err(|failure| {
                let why = format!("{}: {}", failure.reason(), failure.advice());
                (Verdict::Unreadable, Reason::ServerError, why)
            });
            (Tried { key, size, result }, outcome.traffic)
        }
    });
    let (mut tried, mut traffic) = (Vec::new(), Traffic::default());
    let mut copies = copies.buffer_unordered(AT_ONCE);
    while let Some((one, moved)) = copies.next().await {
        tried.push(one);
        traffic.server_side += moved.server_side;
        traffic.streamed += moved.streamed;
        traffic.hashed += moved.hashed;
    }
    (tried, traffic, begun.elapsed().as_secs_f64())
}
