//! The census: one side's histories, and its uploads that never ended. Writes to no bucket.

use crate::Error;
use crate::list::{Listing, Side, Sides, Stack, Versions, Visitor, WalkLimits, walk};
use crate::model::{KeyRange, Timestamp};
use crate::observe::{Progress, Stage};
use crate::report::{Census, UploadsUse};
use crate::s3::{Kind, Leftovers, S3Error};
use futures::StreamExt as _;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Uploads weighed at once.
const WEIGHED_AT_ONCE: usize = 32;
/// An upload that was begun longer ago is taken for forgotten.
const OLD_MILLIS: i64 = 7 * 86_400_000;

struct Counter {
    prefix_len: usize,
    now: Timestamp,
    sum: Mutex<Census>,
}

impl Visitor<Versions> for Counter {
    type Segment = Census;

    fn open(&self, _: u32) -> Census {
        Census::default()
    }

    fn pair(&self, counted: &mut Census, source: Option<&Stack>, _: Option<&Stack>) {
        if let Some(stack) = source {
            counted.see(stack, self.prefix_len, self.now);
        }
    }

    async fn batch(&self, _: &mut Census, _: KeyRange) -> Result<(), Error> {
        Ok(())
    }

    async fn close(&self, counted: Census) -> Result<(), Error> {
        self.sum.lock().unwrap_or_else(PoisonError::into_inner).add(&counted);
        Ok(())
    }
}

/// Counts everything below a location.
///
/// # Errors
/// A listing that fails for good, [`Error::Cancelled`]. Uploads that may not be listed are counted as such.
pub async fn census(
    side: Arc<Side>,
    leftovers: &dyn Leftovers,
    now: Timestamp,
    ranges_max: usize,
    progress: &Arc<Progress>,
    cancel: CancellationToken,
) -> Result<Census, Error> {
    progress.enter(Stage::Working);
    let prefix_len = side.location.prefix.len();
    let counter = Arc::new(Counter { prefix_len, now, sum: Mutex::default() });
    let limits = WalkLimits { ranges_max, listing: Listing::Versions, first_id: 0 };
    let sides = Sides { source: Arc::clone(&side), replica: None };
    let stats = Arc::clone(&progress.walk);
    walk::<Versions, _>(sides, vec![KeyRange::all()], limits, Arc::clone(&counter), stats, cancel).await?;
    let mut sum = std::mem::take(&mut *counter.sum.lock().unwrap_or_else(PoisonError::into_inner));
    sum.uploads = uploads(&side, leftovers, now).await?;
    Ok(sum)
}

async fn uploads(side: &Side, leftovers: &dyn Leftovers, now: Timestamp) -> Result<UploadsUse, Error> {
    let (mut found, mut after) = (UploadsUse::default(), None);
    loop {
        let page = leftovers.uploads(side.bucket(), &side.location.prefix, after.as_ref()).await;
        let page = page.map_err(listing)?;
        let mut weighed = futures::stream::iter(&page.uploads)
            .map(|pending| async move { (pending, leftovers.weigh(&pending.upload).await) })
            .buffer_unordered(WEIGHED_AT_ONCE);
        while let Some((pending, weight)) = weighed.next().await {
            let bytes = match weight {
                Ok(weight) => weight.bytes,
                // Ended meanwhile.
                Err(error) if error.kind == Kind::NoSuchUpload => continue,
                Err(error) if error.kind == Kind::Cancelled => return Err(Error::Cancelled),
                Err(_) => {
                    found.unweighed += 1;
                    0
                }
            };
            let old = now.millis() - pending.initiated.millis() > OLD_MILLIS;
            found.uploads += 1;
            found.bytes += bytes;
            found.old_uploads += u64::from(old);
            found.old_bytes += if old { bytes } else { 0 };
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

fn listing(error: S3Error) -> Error {
    Error::source_listing(error)
}
