//! `lag`: both histories once, side by side, and a HEAD for what has not arrived. Writes to no bucket.

use crate::Error;
use crate::compare::arrival::{Arrived, KeyArrival, Open, judge_arrival};
use crate::flow::Clock;
use crate::list::{Listing, Side, Sides, Stack, Versions, Visitor, WalkLimits, walk};
use crate::model::{KeyRange, Timestamp};
use crate::observe::{Progress, Stage};
use crate::plan::Filter;
use crate::report::{Lag, OpenVersion, Status};
use crate::s3::{HeadObject, Kind, ObjectId, ObjectInfo};
use futures::StreamExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// HEADs of one piece at once. The pace of the store is the real limit.
const HEADS_AT_ONCE: usize = 64;

/// What to measure.
#[derive(Clone, Debug)]
pub struct LagJob {
    /// Both sides.
    pub sides: Sides,
    /// Which keys take part.
    pub filter: Filter,
    /// Lags of versions written before are left out.
    pub since: Option<Timestamp>,
    /// Versions whose status is asked for at most.
    pub heads_max: u64,
    /// Key ranges worked on at once.
    pub ranges_max: usize,
}

/// Lists and asks, to the end.
///
/// # Errors
/// A listing that fails for good, [`Error::Cancelled`].
pub async fn lag(
    job: LagJob,
    clock: &Clock,
    progress: &Arc<Progress>,
    cancel: CancellationToken,
) -> Result<Lag, Error> {
    progress.enter(Stage::Working);
    let visitor = Arc::new(Arrivals {
        primary: Arc::clone(&job.sides.source),
        replica: job.sides.replica.clone(),
        filter: job.filter,
        since: job.since,
        now: clock.now(),
        heads_left: AtomicU64::new(job.heads_max),
        sum: Mutex::default(),
    });
    let limits = WalkLimits { ranges_max: job.ranges_max, listing: Listing::Versions, first_id: 0 };
    let stats = Arc::clone(&progress.walk);
    walk::<Versions, _>(job.sides, vec![KeyRange::all()], limits, Arc::clone(&visitor), stats, cancel)
        .await?;
    let mut sum = visitor.sum.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *sum))
}

struct Arrivals {
    primary: Arc<Side>,
    replica: Option<Arc<Side>>,
    filter: Filter,
    since: Option<Timestamp>,
    now: Timestamp,
    heads_left: AtomicU64,
    sum: Mutex<Lag>,
}

#[derive(Default)]
struct Segment {
    lag: Lag,
    open: Vec<(String, Open)>,
}

impl Visitor<Versions> for Arrivals {
    type Segment = Segment;

    fn open(&self, _: u32) -> Segment {
        Segment::default()
    }

    fn pair(&self, segment: &mut Segment, source: Option<&Stack>, replica: Option<&Stack>) {
        // What only the replica has did not come from here.
        let Some(source) = source.filter(|stack| self.filter.admits(&stack.key)) else { return };
        let key = judge_arrival(source, replica);
        segment.lag.arrive(&key, self.since);
        segment.open.extend(key.open.into_iter().map(|open| (source.key.to_string(), open)));
    }

    async fn batch(&self, segment: &mut Segment, _: KeyRange) -> Result<(), Error> {
        let open = std::mem::take(&mut segment.open);
        let mut asked = futures::stream::iter(open)
            .map(|(key, open)| async move { Ok::<_, Error>((self.ask(&key, &open).await?, key, open)) })
            .buffer_unordered(HEADS_AT_ONCE);
        while let Some(answer) = asked.next().await {
            let (answer, key, open) = answer?;
            match answer {
                Answered::Arrived(arrived) => {
                    segment
                        .lag
                        .arrive(&KeyArrival { arrived: Some(arrived), ..KeyArrival::default() }, self.since);
                }
                Answered::Open(status) => segment.lag.wait(self.version(key, open, status)),
            }
        }
        Ok(())
    }

    async fn close(&self, segment: Segment) -> Result<(), Error> {
        self.sum.lock().unwrap_or_else(PoisonError::into_inner).add(segment.lag);
        Ok(())
    }
}

/// What HEADs say of a version that the listing left open.
enum Answered {
    /// It is there after all: encryption makes its ETag another.
    Arrived(Arrived),
    Open(Status),
}

impl Arrivals {
    fn version(&self, key: String, open: Open, status: Status) -> OpenVersion {
        let age = self.now.millis().saturating_sub(open.since.millis()) / 1000;
        OpenVersion {
            key,
            version_id: open.version_id.into(),
            current: open.current,
            since: open.since,
            age_seconds: u64::try_from(age).unwrap_or_default(),
            status,
        }
    }

    async fn ask(&self, key: &str, open: &Open) -> Result<Answered, Error> {
        let version = Some(&*open.version_id).filter(|id| *id != "null");
        let Some(info) = self.head(&self.primary, self.primary.version(key, version)).await? else {
            return Ok(Answered::Open(Status::Unknown));
        };
        if let Some(seconds) = open.alike {
            let is_md5 = info.encryption.keeps_md5() && self.keeps_md5_there(key).await?;
            if !is_md5 {
                let written = info.last_modified;
                return Ok(Answered::Arrived(Arrived { written, seconds: Some(seconds), by_size: true }));
            }
        }
        Ok(Answered::Open(Status::of_header(info.replication_status.as_deref())))
    }

    /// Where it cannot be known, a difference counts as one.
    async fn keeps_md5_there(&self, key: &str) -> Result<bool, Error> {
        let Some(replica) = &self.replica else { return Ok(true) };
        let info = self.head(replica, replica.object(key)).await?;
        Ok(info.is_none_or(|info| info.encryption.keeps_md5()))
    }

    /// `None` once enough was asked, or where the server does not say.
    async fn head(&self, side: &Side, id: ObjectId) -> Result<Option<ObjectInfo>, Error> {
        let left =
            self.heads_left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_err() {
            return Ok(None);
        }
        match side.store.head(&HeadObject { id, ..HeadObject::default() }).await {
            Ok(info) => Ok(Some(info)),
            Err(error) if error.kind == Kind::Cancelled => Err(Error::Cancelled),
            // Listed, and not to be asked about: it still has not arrived.
            Err(_) => Ok(None),
        }
    }
}
