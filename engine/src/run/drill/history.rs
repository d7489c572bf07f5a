//! Test objects: written, overwritten or deleted, and brought back by the restore itself.

use super::scratch::below;
use super::{DrillJob, Tried, side_error};
use crate::Error;
use crate::act::CopyTools;
use crate::compare::{Evidence, Reason, Verdict};
use crate::journal::{Outcome, RunId, Started, StateDir};
use crate::list::{Side, Sides};
use crate::model::Timestamp;
use crate::observe::Progress;
use crate::plan::{DoubtRules, Filter, Goal, Moment, PlanRules, Strategy, Uncertain};
use crate::run::{Recorder, RestoreJob, Session, ThawRules};
use crate::s3::{DeleteKey, GetObject, HeadObject, PutObject, S3Error};
use bytes::Bytes;
use futures::TryStreamExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of a test object.
const SIZE: usize = 64 << 10;
/// S3 stamps whole seconds: what comes after this pause has a later one.
const NEXT_SECOND: Duration = Duration::from_millis(1_500);

/// Returns each test object as it was found after the restore, and the seconds the restore took.
pub(super) async fn recover(
    job: &DrillJob,
    place: &Arc<Side>,
    tools: &CopyTools,
    session: &Session,
) -> Result<(Vec<Tried>, f64), Error> {
    let place = below(place, "history/");
    let mut moment = Timestamp::default();
    for index in 0..job.objects {
        put(&place, index, content(job.seed, index, 1)).await?;
        let id = place.object(&key(index));
        let info = place.store.head(&HeadObject { id, ..HeadObject::default() }).await.map_err(side_error)?;
        moment = moment.max(info.last_modified);
    }
    tokio::time::sleep(NEXT_SECOND).await;
    spoil(job, &place).await?;
    let begun = Instant::now();
    restore(job, &place, tools, session, moment).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut tried = Vec::new();
    for index in 0..job.objects {
        let wanted = content(job.seed, index, 1);
        let result = match read(&place, index).await {
            Ok(bytes) if bytes == wanted => Ok(Evidence::Bytes),
            Ok(_) => Err((
                Verdict::Different,
                Reason::BytesDiffer,
                "the restore left other bytes there".to_owned(),
            )),
            Err(error) => Err((Verdict::Unreadable, Reason::ServerError, error.to_string())),
        };
        tried.push(Tried { key: place.location.key(&key(index)), size: SIZE as u64, result });
    }
    Ok((tried, seconds))
}

/// Every other object is overwritten, the rest deleted.
async fn spoil(job: &DrillJob, place: &Side) -> Result<(), Error> {
    let mut deletes = Vec::new();
    for index in 0..job.objects {
        if index % 2 == 0 {
            put(place, index, content(job.seed, index, 2)).await?;
        } else {
            deletes.push(DeleteKey { key: place.location.key(&key(index)), ..DeleteKey::default() });
        }
    }
    for deleted in place.store.delete(place.bucket(), &deletes).await.map_err(side_error)? {
        deleted.error.map_or(Ok(()), |error| Err(side_error(error)))?;
    }
    Ok(())
}

/// A restore with a journal of its own, inside the drill's folder.
async fn restore(
    job: &DrillJob,
    place: &Arc<Side>,
    tools: &CopyTools,
    session: &Session,
    at: Timestamp,
) -> Result<(), Error> {
    let state = StateDir::new(session.recorder.run().path().join("restore"));
    let now = session.clock.now();
    let random = u16::try_from(job.seed & 0xffff).unwrap_or_default();
    let run = state.create_run(RunId::new(now, "restore", random)?)?;
    let started = Started {
        command: "restore".to_owned(),
        job: serde_json::json!({ "drill": session.recorder.run().id.to_string() }),
        started_at: now,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let recorder = Arc::new(Recorder::begin(run, started).await?);
    let progress = Arc::new(Progress::new(Arc::clone(&session.progress.meter)));
    let inner = Session { recorder: Arc::clone(&recorder), progress, ..session.clone() };
    let restore = RestoreJob {
        sides: Sides { source: Arc::clone(place), replica: None },
        rules: PlanRules {
            goal: Goal::State(Moment { at, inclusive: true }),
            strategy: Strategy::Fewest,
            uncertain: Uncertain::Skip,
            doubts: DoubtRules::default(),
            keep_new: false,
        },
        folder: None,
        filter: Filter::default(),
        prune: false,
        copy: job.copy.clone(),
        thaw: ThawRules::default(),
        one: None,
        plan: None,
        dry_run: false,
    };
    Box::pin(crate::run::restore(restore, tools.clone(), &inner)).await?;
    recorder.finish(session.clock.now(), Outcome::Complete, 0).await
}

fn key(index: u32) -> String {
    format!("{index:04}")
}

async fn put(place: &Side, index: u32, body: Bytes) -> Result<(), Error> {
    let id = place.object(&key(index));
    let request = PutObject { bucket: id.bucket, key: id.key, frames: vec![body], ..PutObject::default() };
    place.store.put(&request).await.map(|_| ()).map_err(side_error)
}

async fn read(place: &Side, index: u32) -> Result<Bytes, S3Error> {
    let request = GetObject { id: place.object(&key(index)), ..GetObject::default() };
    let body = place.store.get(&request).await?;
    let chunks: Vec<Bytes> = body.chunks.try_collect().await?;
    Ok(chunks.concat().into())
}

/// Bytes that no other object, generation or drill has.
fn content(seed: u64, index: u32, generation: u64) -> Bytes {
    let mut bytes = Vec::with_capacity(SIZE);
    let mut word = u64::from(index);
    while bytes.len() < SIZE {
        word = xxhash_rust::xxh3::xxh3_64_with_seed(&word.to_le_bytes(), seed.wrapping_add(generation));
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.into()
}
