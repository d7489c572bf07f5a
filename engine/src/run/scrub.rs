//! Which share of the keys a scrub reads in this run.

use super::Session;
use super::watch::last_proof;
use crate::Error;
use crate::compare::{Ages, Scrub, ScrubWish};
use crate::list::{Listing, Objects, Sides, Visitor, WalkLimits, WalkStats, walk};
use crate::model::{Entry, KeyRange};
use crate::observe::Stage;
use crate::plan::Filter;
use crate::report::Ledger;
use crate::report::ledger::Lookup;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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

/// Counts what there is to read by when it was last proved.
#[derive(Debug)]
struct Count {
    filter: Filter,
    ledger: Ledger,
    ages: Mutex<Ages>,
}

impl Visitor<Objects> for Count {
    type Segment = (Ages, Lookup);

    fn open(&self, _: u32) -> (Ages, Lookup) {
        (Ages::new(), self.ledger.lookup())
    }

    fn pair(&self, (ages, proofs): &mut (Ages, Lookup), a: Option<Entry<'_>>, b: Option<Entry<'_>>) {
        let (Some(source), Some(replica)) = (a, b) else { return };
        let size = source.row.size;
        if size == 0 || size != replica.row.size || !self.filter.admits(source.key) {
            return;
        }
        let counted = ages.entry(Scrub::class(last_proof(proofs, a, b))).or_default();
        *counted = (counted.0 + 1, counted.1 + size);
    }

    async fn batch(&self, _: &mut (Ages, Lookup), _: KeyRange) -> Result<(), Error> {
        Ok(())
    }

    async fn close(&self, (ages, _): (Ages, Lookup)) -> Result<(), Error> {
        let mut sums = self.ages.lock().unwrap_or_else(PoisonError::into_inner);
        for (class, (keys, bytes)) in ages {
            let sum = sums.entry(class).or_default();
            *sum = (sum.0 + keys, sum.1 + bytes);
        }
        Ok(())
    }
}

/// The keys that were never proved by reading, then those proved longest ago, as many as `wish` asks for. Both sides
/// are listed once to count them.
///
/// # Errors
/// Any listing error.
pub async fn scrub_stalest(
    wish: ScrubWish,
    sides: &Sides,
    filter: &Filter,
    ledger: &Ledger,
    session: &Session,
) -> Result<Scrub, Error> {
    if wish == ScrubWish::All {
        return Ok(Scrub::ALL);
    }
    session.progress.enter(Stage::Surveying);
    let count = Count { filter: filter.clone(), ledger: ledger.clone(), ages: Mutex::default() };
    let count = Arc::new(count);
    let limits = WalkLimits { ranges_max: session.ranges_max, listing: Listing::Objects, first_id: 0 };
    let (ranges, stats) = (vec![KeyRange::all()], Arc::<WalkStats>::default());
    walk::<Objects, _>(sides.clone(), ranges, limits, Arc::clone(&count), stats, session.cancel.clone())
        .await?;
    let seed = session.clock.now().millis().unsigned_abs();
    let ages = count.ages.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Scrub::stalest(wish, &ages, seed))
}
