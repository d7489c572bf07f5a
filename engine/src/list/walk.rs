//! The walk: ranges are worked on side by side and cut while they are, until every key of both sides has been
//! seen once, in key order within each range.

use super::live::{BLIND_PAGES, Live, SPLIT_PAGES_MIN, UNKNOWN_PAGES};
use super::scout::scout;
use super::worker::Worker;
use super::{Atlas, Feed, Listing, Side};
use crate::Error;
use crate::model::KeyRange;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Where keys are wanted in order, a range is cut until about half so many pages are left in it to so many. One of
/// unknown extent is looked into first.
const NEAR_PAGES: f64 = UNKNOWN_PAGES + 2.0;
const _: () = assert!(BLIND_PAGES > NEAR_PAGES, "where the atlas sees nothing, cuts come near");
/// Where keys are wanted in order, what lies behind so many pages is worth nothing yet.
const AHEAD_PAGES: f64 = 128.0;

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

/// What is begun next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Where most is left: all is done soonest.
    Any,
    /// What comes first by key: whoever waits for the keys in order gets them soonest.
    ByKey,
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
    Scheduler::new(sides, ranges, limits, visitor, stats, Order::Any).run::<F>(cancel).await
}

/// Decides which range is worked on when.
pub(super) struct Scheduler<V> {
    sides: Sides,
    limits: WalkLimits,
    order: Order,
    visitor: Arc<V>,
    stats: Arc<WalkStats>,
    atlas: Arc<Mutex<Atlas>>,
    progress: Arc<Notify>,
    live: Vec<Arc<Live>>,
    /// Not begun yet, in key order.
    waiting: VecDeque<Live>,
    workers: JoinSet<(u32, Result<(), Error>)>,
    scouts: JoinSet<Result<(), Error>>,
    next_id: u32,
}

impl<V> Scheduler<V> {
    pub(super) fn new(
        sides: Sides,
        ranges: Vec<KeyRange>,
        limits: WalkLimits,
        visitor: Arc<V>,
        stats: Arc<WalkStats>,
        order: Order,
    ) -> Self {
        let ids = limits.first_id..;
        let count = if sides.replica.is_some() { 2 } else { 1 };
        let waiting: VecDeque<_> = ids.zip(ranges).map(|(id, range)| Live::new(id, count, range)).collect();
        let next_id = waiting.back().map_or(limits.first_id, |last| last.id + 1);
        Self {
            sides,
            limits,
            order,
            visitor,
            stats,
            atlas: Arc::default(),
            progress: Arc::new(Notify::new()),
            live: Vec::new(),
            waiting,
            workers: JoinSet::new(),
            scouts: JoinSet::new(),
            next_id,
        }
    }

    pub(super) async fn run<F: Feed>(mut self, cancel: CancellationToken) -> Result<(), Error>
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

    /// Begins ranges while there is room.
    fn fill_slots<F: Feed>(&mut self)
    where
        V: Visitor<F>,
    {
        while self.live.len() < self.limits.ranges_max {
            let next = match self.order {
                Order::Any => self.waiting.pop_front().or_else(|| self.half_of_longest()),
                Order::ByKey => self.nearest(),
            };
            let Some(next) = next else { break };
            self.start::<F>(next);
        }
    }

    /// Ranges nobody has looked into yet must not outnumber the rest: a wrong guess then costs one round trip, not
    /// a storm of empty listings.
    fn is_guessing(&self) -> bool {
        let unconfirmed = self.live.iter().filter(|live| live.is_unconfirmed()).count();
        unconfirmed > 0 && unconfirmed * 2 > self.live.len()
    }

    /// Cuts the range with most left.
    fn half_of_longest(&mut self) -> Option<Live> {
        if self.is_guessing() {
            return None;
        }
        let atlas = Arc::clone(&self.atlas);
        let atlas = atlas.lock().unwrap_or_else(PoisonError::into_inner);
        let ripe = self.live.iter().filter(|live| live.may_be_cut());
        let mut by_length: Vec<_> = ripe.map(|live| (live.pages_left(&atlas), Arc::clone(live))).collect();
        by_length.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let id = self.next_id;
        let cut = by_length.iter().take(4).find_map(|(_, live)| live.cut(id, &atlas, SPLIT_PAGES_MIN));
        match &cut {
            Some(_) => self.next_id += 1,
            None => self.send_scout(&atlas, SPLIT_PAGES_MIN),
        }
        cut
    }

    /// The first range that waits, once those at work are short.
    fn nearest(&mut self) -> Option<Live> {
        if self.is_guessing() {
            return None;
        }
        let atlas = Arc::clone(&self.atlas);
        let atlas = atlas.lock().unwrap_or_else(PoisonError::into_inner);
        self.live.sort_by_cached_key(|live| live.range().after);
        let waiting = self.waiting.len();
        let mut news = false;
        for live in self.live.iter().filter(|live| live.has_news()) {
            news = true;
            while let Some(beyond) = live.cut(self.next_id, &atlas, NEAR_PAGES) {
                let after = beyond.range().after;
                let place = self.waiting.partition_point(|other| other.range().after < after);
                self.waiting.insert(place, beyond);
                self.next_id += 1;
            }
        }
        if news && self.waiting.len() == waiting {
            self.send_scout(&atlas, NEAR_PAGES);
        }
        // Estimates reach far and may be far out: ranges are cut only once they have been looked into, and begun
        // only when little is left before them.
        let after = self.waiting.front()?.range().after;
        let before = self.live.iter().filter(|live| live.range().after < after);
        let left: f64 = before.map(|live| live.left()).sum();
        if left < AHEAD_PAGES { self.waiting.pop_front() } else { None }
    }

    /// Looks ahead of one range where the atlas is blind; at most one expedition at a time.
    fn send_scout(&mut self, known: &Atlas, pages_min: f64) {
        if !self.scouts.is_empty() {
            return;
        }
        let Some((first, last, upto)) = self.live.iter().find_map(|live| live.wants_scout(known, pages_min))
        else {
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
