//! The survey before a deletion: both listings to their end, counted, nothing changed, nothing recorded.

use super::{Session, SyncJob};
use crate::Error;
use crate::list::{Listing, Objects, Visitor, WalkLimits, WalkStats, walk};
use crate::model::{Entry, KeyRange};
use crate::observe::Stage;
use crate::plan::{Filter, Survey};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts what the brakes want to know.
#[derive(Debug)]
struct Count {
    filter: Filter,
    sum: Mutex<Survey>,
}

impl Visitor<Objects> for Count {
    type Segment = Survey;

    fn open(&self, _: u32) -> Survey {
        Survey::default()
    }

    fn pair(&self, counted: &mut Survey, source: Option<Entry<'_>>, replica: Option<Entry<'_>>) {
        if source.or(replica).is_some_and(|entry| self.filter.admits(entry.key)) {
            counted.source += u64::from(source.is_some());
            counted.replica += u64::from(replica.is_some());
            counted.deletions += u64::from(source.is_none());
        }
    }

    async fn batch(&self, _: &mut Survey, _: KeyRange) -> Result<(), Error> {
        Ok(())
    }

    async fn close(&self, counted: Survey) -> Result<(), Error> {
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        sum.source += counted.source;
        sum.replica += counted.replica;
        sum.deletions += counted.deletions;
        Ok(())
    }
}

/// Lists both sides to their end.
///
/// # Errors
/// Any listing error: then nothing may be deleted, and nothing was changed.
pub(super) async fn survey(job: &SyncJob, session: &Session) -> Result<Survey, Error> {
    session.progress.enter(Stage::Surveying);
    let count = Arc::new(Count { filter: job.filter.clone(), sum: Mutex::default() });
    let limits = WalkLimits { ranges_max: session.ranges_max, listing: Listing::Objects, first_id: 0 };
    // Always everything, also on resume: a share of a replica is judged against the whole of it.
    let ranges = vec![KeyRange::all()];
    let stats = Arc::<WalkStats>::default();
    walk::<Objects, _>(job.sides.clone(), ranges, limits, Arc::clone(&count), stats, session.cancel.clone())
        .await?;
    let sum = *count.sum.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(sum)
}
