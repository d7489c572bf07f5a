//! The walk: ranges are worked on side by side and cut while they are, until every key of both sides has been
//! seen once, in key order within each range.

use super::live::{Live, Received};
use super::scout::scout;
use super::{Atlas, Feed, Listing, Side};
use crate::Error;
use crate::model::KeyRange;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The two sides of a walk; without a replica the walk sees one side only.
#[derive(Clone, Debug)]
pub struct Sides {
    /// Primary or source.
    pub source: Arc<Side>,
    /// Replica.
    pub replica: Option<Arc<Side>>,
}

/// What happens to the keys. One visitor serves all ranges; what belongs to one range lives in its segment.
pub trait Visitor<F: Feed>: Send + Sync + 'static {
    /// State of one range.
    type Segment: Send + 'static;

    /// A range begins. Ids count from the number handed to [`walk`] in order of creation, not of keys.
    fn open(&self, id: u32) -> Self::Segment;

    /// One key, seen on one side or both. Called in key order within a range; must not block.
    fn pair(&self, segment: &mut Self::Segment, source: Option<F::Item<'_>>, replica: Option<F::Item<'_>>);

    /// All keys of `piece` have been paired since the last call. Pieces of a range are contiguous.
    ///
    /// # Errors
    /// An error ends the walk.
    fn batch(
        &self,
        segment: &mut Self::Segment,
        piece: KeyRange,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// The range is done.
    ///
    /// # Errors
    /// An error ends the walk.
    fn close(&self, segment: Self::Segment) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Bounds of a walk.
#[derive(Clone, Debug)]
pub struct WalkLimits {
    /// Ranges at work at once. Bounds memory: each holds at most two pages per side, about 150 kB each.
    pub ranges_max: usize,
    /// Which listing the feed reads, for probes.
    pub listing: Listing,
    /// The first range id to give out.
    pub first_id: u32,
}

/// What the walk did, for progress and for the request economy.
#[derive(Debug, Default)]
pub struct WalkStats {
    /// Ranges begun.
    pub ranges: AtomicU32,
    /// Ranges in which no key was found: cuts into nothing.
    pub empty_ranges: AtomicU32,
    /// One-key probes sent.
    pub probes: AtomicU32,
    /// Ranges at work now.
    pub active: AtomicU32,
    /// Keys paired so far.
    pub keys: AtomicU64,
}

/// Walks both sides over `ranges`, which must be disjoint. Returns when every key has been visited.
///
/// # Errors
/// The first listing error that retries could not cure, the first visitor's error, or [`Error::Cancelled`].
/// Work in other ranges is stopped at its next await; pieces already handed to `batch` stay valid.
pub async fn walk<F: Feed, V: Visitor<F>>(
    sides: Sides,
    ranges: Vec<KeyRange>,
    limits: WalkLimits,
    visitor: Arc<V>,
    stats: Arc<WalkStats>,
    cancel: CancellationToken,
) -> Result<(), Error> {
    let scheduler = Scheduler {
        sides,
        next_id: limits.first_id,
        limits,
        visitor,
        stats,
        atlas: Arc::default(),
        progress: Arc::new(Notify::new()),
        live: Vec::new(),
        waiting: ranges.into(),
        workers: JoinSet::new(),
        scouts: JoinSet::new(),
    };
    scheduler.run::<F>(cancel).await
}

struct Scheduler<V> {
    sides: Sides,
    limits: WalkLimits,
    visitor: Arc<V>,
    stats: Arc<WalkStats>,
    atlas: Arc<Mutex<Atlas>>,
    progress: Arc<Notify>,
    live: Vec<Arc<Live>>,
    waiting: VecDeque<KeyRange>,
    workers: JoinSet<(u32, Result<(), Error>)>,
    scouts: JoinSet<Result<(), Error>>,
    next_id: u32,
}

impl<V> Scheduler<V> {
    async fn run<F: Feed>(mut self, cancel: CancellationToken) -> Result<(), Error>
    where
        V: Visitor<F>,
    {
        loop {
            self.fill_slots::<F>();
            self.stats.active.store(u32::try_from(self.live.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
            if self.workers.is_empty() {
                return Ok(());
            }
            tokio::select! {
                () = cancel.cancelled() => return Err(Error::Cancelled),
                Some(done) = self.workers.join_next() => {
                    let (id, result) = done.map_err(Error::task)?;
                    result?;
                    self.live.retain(|live| live.id != id);
                }
                Some(done) = self.scouts.join_next() => done.map_err(Error::task)??,
                () = self.progress.notified() => {}
            }
        }
    }

    /// Starts waiting ranges, then cuts the longest while there is room.
    fn fill_slots<F: Feed>(&mut self)
    where
        V: Visitor<F>,
    {
        while self.live.len() < self.limits.ranges_max {
            if let Some(range) = self.waiting.pop_front() {
                let id = self.take_id();
                self.start::<F>(Live::new(id, range, None, None));
            } else if !self.cut_longest::<F>() {
                break;
            }
        }
    }

    fn take_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Cuts the range with most left. Ranges nobody has looked into yet must not outnumber the rest: a wrong
    /// guess then costs one round trip, not a storm of empty listings.
    fn cut_longest<F: Feed>(&mut self) -> bool
    where
        V: Visitor<F>,
    {
        let unconfirmed = self.live.iter().filter(|live| live.is_unconfirmed()).count();
        if unconfirmed > 0 && unconfirmed * 2 > self.live.len() {
            return false;
        }
        let atlas = Arc::clone(&self.atlas);
        let atlas = atlas.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_length: Vec<_> =
            self.live.iter().map(|live| (live.pages_left(&atlas), Arc::clone(live))).collect();
        by_length.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let id = self.next_id;
        let cut = by_length.iter().take(4).find_map(|(_, live)| live.cut(id, &atlas));
        if cut.is_none() {
            self.send_scout(&atlas);
        }
        drop(atlas);
        let Some(upper) = cut else { return false };
        self.next_id += 1;
        self.start::<F>(upper);
        true
    }

    /// Looks ahead of one range where the atlas is blind; at most one expedition at a time.
    fn send_scout(&mut self, known: &Atlas) {
        if !self.scouts.is_empty() {
            return;
        }
        let Some((first, last, upto)) = self.live.iter().find_map(|live| live.wants_scout(known)) else {
            return;
        };
        let (sides, listing, atlas, stats) =
            (self.sides.clone(), self.limits.listing, Arc::clone(&self.atlas), Arc::clone(&self.stats));
        let progress = Arc::clone(&self.progress);
        self.scouts.spawn(async move {
            let probes = scout(&sides.source, listing, (&first, &last), upto.as_deref(), &atlas).await;
            let mut probes = probes.map_err(Error::source_listing)?;
            if probes > 0
                && let Some(replica) = &sides.replica
            {
                // The source ended here; the replica may be the one that goes on.
                let blind = super::middle(
                    &last,
                    upto.as_deref(),
                    &atlas.lock().unwrap_or_else(PoisonError::into_inner),
                )
                .is_none();
                if blind {
                    let more = scout(replica, listing, (&first, &last), upto.as_deref(), &atlas).await;
                    probes += more.map_err(Error::replica_listing)?;
                }
            }
            stats.probes.fetch_add(probes, Ordering::Relaxed);
            progress.notify_one();
            Ok(())
        });
    }

    fn start<F: Feed>(&mut self, live: Live)
    where
        V: Visitor<F>,
    {
        self.stats.ranges.fetch_add(1, Ordering::Relaxed);
        let live = Arc::new(live);
        self.live.push(Arc::clone(&live));
        let worker = Worker {
            live: Arc::clone(&live),
            visitor: Arc::clone(&self.visitor),
            atlas: Arc::clone(&self.atlas),
            progress: Arc::clone(&self.progress),
            stats: Arc::clone(&self.stats),
        };
        let sides = self.sides.clone();
        let id = live.id;
        self.workers.spawn(async move { (id, worker.run::<F>(&sides).await) });
    }
}

/// Works one range: fetch, merge, hand over, again.
struct Worker<V> {
    live: Arc<Live>,
    visitor: Arc<V>,
    atlas: Arc<Mutex<Atlas>>,
    progress: Arc<Notify>,
    stats: Arc<WalkStats>,
}

/// What one side can give the merge right now.
enum Head<'a> {
    Key(&'a str),
    Dry,
    Finished,
}

fn head<'a, F: Feed>(feed: Option<&'a F>, upto: Option<&str>) -> Head<'a> {
    let Some(feed) = feed else { return Head::Finished };
    match feed.key() {
        Some(key) if upto.is_none_or(|upto| key <= upto) => Head::Key(key),
        Some(_) => Head::Finished,
        None if feed.ended() || upto.is_some_and(|upto| feed.is_beyond(upto)) => Head::Finished,
        None => Head::Dry,
    }
}

impl<V> Worker<V> {
    async fn run<F: Feed>(self, sides: &Sides) -> Result<(), Error>
    where
        V: Visitor<F>,
    {
        let range = self.live.range();
        let mut segment = self.visitor.open(self.live.id);
        let mut source = F::open(&sides.source, &range.after);
        let mut replica = sides.replica.as_ref().map(|side| F::open(side, &range.after));
        let mut covered = range.after;
        loop {
            self.fetch(&mut source, replica.as_mut()).await?;
            let upto = self.live.upto();
            let merged = self.merge(&mut segment, &mut source, replica.as_mut(), upto.as_deref());
            let Some(last) = merged else {
                // Both sides are through. A cut may have lowered the bound meanwhile, never below what was
                // paired, and what it took over is somebody else's.
                let (range, populated) = self.live.finish();
                if !populated {
                    self.found_nothing();
                }
                self.visitor.batch(&mut segment, KeyRange { after: covered, upto: range.upto }).await?;
                self.progress.notify_one();
                return self.visitor.close(segment).await;
            };
            if let Some(last) = last {
                let piece = KeyRange { after: covered, upto: Some(last.clone()) };
                covered = last;
                self.visitor.batch(&mut segment, piece).await?;
            }
        }
    }

    /// Brings a page to each side that ran dry, both at once, and sends the next ones on their way.
    async fn fetch<F: Feed>(&self, source: &mut F, replica: Option<&mut F>) -> Result<(), Error> {
        let upto = self.live.upto();
        let from_source = async {
            if matches!(head(Some(&*source), upto.as_deref()), Head::Dry) {
                source.fill().await.map_err(Error::source_listing)?;
                self.learn(source);
            }
            Ok::<_, Error>(())
        };
        let from_replica = async {
            if let Some(replica) = replica
                && matches!(head(Some(&*replica), upto.as_deref()), Head::Dry)
            {
                replica.fill().await.map_err(Error::replica_listing)?;
                self.learn(replica);
            }
            Ok::<_, Error>(())
        };
        tokio::try_join!(from_source, from_replica)?;
        Ok(())
    }

    /// Notes what a page shows, and fetches ahead if the range goes on beyond it.
    fn learn<F: Feed>(&self, feed: &mut F) {
        {
            let mut atlas = self.atlas.lock().unwrap_or_else(PoisonError::into_inner);
            feed.sample().for_each(|key| atlas.observe(key));
        }
        let more = !feed.ended();
        let received = Received { frontier: feed.frontier(), bounds: feed.page_bounds(), more };
        let upto = self.live.received(&received);
        if more && upto.is_none_or(|upto| feed.frontier() < &*upto) {
            feed.read_ahead();
        }
        self.progress.notify_one();
    }

    /// Pairs keys until a side runs dry. `None` when both are through; else the last key paired, if any.
    #[allow(clippy::option_option)]
    fn merge<F: Feed>(
        &self,
        segment: &mut V::Segment,
        source: &mut F,
        mut replica: Option<&mut F>,
        upto: Option<&str>,
    ) -> Option<Option<Box<str>>>
    where
        V: Visitor<F>,
    {
        let mut last: Option<String> = None;
        let mut keys = 0_u64;
        let through = loop {
            let (a, b) = (head(Some(&*source), upto), head(replica.as_deref(), upto));
            let (take_source, take_replica) = match (&a, &b) {
                (Head::Dry, _) | (_, Head::Dry) => break false,
                (Head::Finished, Head::Finished) => break true,
                (Head::Key(_), Head::Finished) => (true, false),
                (Head::Finished, Head::Key(_)) => (false, true),
                (Head::Key(a), Head::Key(b)) => (a <= b, b <= a),
            };
            if let Head::Key(key) = if take_source { a } else { b } {
                // One buffer for the whole batch: only the last key is kept.
                let kept = last.get_or_insert_default();
                kept.clear();
                kept.push_str(key);
            }
            let left = if take_source { source.item() } else { None };
            let right = if take_replica { replica.as_deref().and_then(Feed::item) } else { None };
            self.visitor.pair(segment, left, right);
            keys += 1;
            if take_source {
                source.advance();
            }
            if take_replica && let Some(replica) = replica.as_deref_mut() {
                replica.advance();
            }
        };
        self.stats.keys.fetch_add(keys, Ordering::Relaxed);
        if through { None } else { Some(last.map(String::into_boxed_str)) }
    }

    fn found_nothing(&self) {
        self.stats.empty_ranges.fetch_add(1, Ordering::Relaxed);
        if let Some(position) = self.live.born_at {
            self.atlas.lock().unwrap_or_else(PoisonError::into_inner).strike(position);
        }
    }
}
