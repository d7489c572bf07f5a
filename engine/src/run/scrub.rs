//! Which share of the keys a scrub reads in this run.

use super::Session;
use crate::Error;
use crate::compare::{Scrub, ScrubWish};
use crate::list::{Listing, Objects, Sides, Visitor, WalkLimits, WalkStats, walk};
use crate::model::{Entry, KeyRange};
use crate::observe::Stage;
use crate::plan::Filter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const DAY_SECONDS: i64 = 86_400;

/// Sums the bytes there are to read.
#[derive(Debug)]
struct Sum {
    filter: Filter,
    bytes: AtomicU64,
}

impl Visitor<Objects> for Sum {
    type Segment = u64;

    fn open(&self, _: u32) -> u64 {
        0
    }

    fn pair(&self, sum: &mut u64, source: Option<Entry<'_>>, _: Option<Entry<'_>>) {
        if let Some(entry) = source.filter(|entry| self.filter.admits(entry.key)) {
            *sum += entry.row.size;
        }
    }

    async fn batch(&self, _: &mut u64, _: KeyRange) -> Result<(), Error> {
        Ok(())
    }

    async fn close(&self, sum: u64) -> Result<(), Error> {
        self.bytes.fetch_add(sum, Ordering::Relaxed);
        Ok(())
    }
}

/// The keys to read today. A share in bytes is a share of all there is, so the source is listed once for its sum.
/// A run that is resumed on another day goes on with that day's keys.
///
/// # Errors
/// Any listing error.
pub async fn scrub_arc(
    wish: ScrubWish,
    sides: &Sides,
    filter: &Filter,
    session: &Session,
) -> Result<Scrub, Error> {
    let day = u64::try_from(session.clock.now().seconds() / DAY_SECONDS).unwrap_or_default();
    let ScrubWish::Bytes(_) = wish else { return Ok(wish.arc(day, 0)) };
    session.progress.enter(Stage::Surveying);
    let sum = Arc::new(Sum { filter: filter.clone(), bytes: AtomicU64::new(0) });
    let limits = WalkLimits { ranges_max: session.ranges_max, listing: Listing::Objects, first_id: 0 };
    let source = Sides { source: Arc::clone(&sides.source), replica: None };
    let stats = Arc::<WalkStats>::default();
    walk::<Objects, _>(
        source,
        vec![KeyRange::all()],
        limits,
        Arc::clone(&sum),
        stats,
        session.cancel.clone(),
    )
    .await?;
    Ok(wish.arc(day, sum.bytes.load(Ordering::Relaxed)))
}
