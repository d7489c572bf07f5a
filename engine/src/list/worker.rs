//! The worker of one range: fetch, merge, hand over, again.

use super::live::{Live, Received};
use super::walk::{Sides, Visitor, WalkStats};
use super::{Atlas, Feed};
use crate::Error;
use crate::model::KeyRange;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// See the module text.
pub(super) struct Worker<V> {
    pub(super) live: Arc<Live>,
    pub(super) visitor: Arc<V>,
    pub(super) atlas: Arc<Mutex<Atlas>>,
    pub(super) progress: Arc<Notify>,
    pub(super) stats: Arc<WalkStats>,
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
    pub(super) async fn run<F: Feed>(self, sides: &Sides) -> Result<(), Error>
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
