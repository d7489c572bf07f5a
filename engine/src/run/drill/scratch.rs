//! The scratch folder: made by writing into it, gone when it is empty.

use super::{DrillJob, side_error};
use crate::Error;
use crate::act::{DeleteTask, delete_keys};
use crate::list::{Feed as _, Side, Versions};
use crate::model::Timestamp;
use crate::run::Session;
use crate::s3::{HeadObject, PutObject};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The folder of all drills, below the location.
pub(super) const SCRATCH: &str = ".s3twin-drill/";
/// Versions removed at a time; one request.
const BATCH: usize = 1000;
/// A folder that nobody here knows is another machine's; after so long it is taken for left behind.
const FORGOTTEN_MILLIS: i64 = 24 * 3_600_000;

/// The folder of one drill.
#[must_use]
pub fn scratch(side: &Side, run: &str) -> Arc<Side> {
    below(side, &format!("{SCRATCH}{run}/"))
}

pub(super) fn below(side: &Side, folder: &str) -> Arc<Side> {
    let mut location = side.location.clone();
    location.prefix = location.key(folder).into();
    Arc::new(Side::new(Arc::clone(&side.store), location))
}

/// Removes everything in a scratch folder for good: every version, every delete marker, every upload that was not
/// ended. Returns how many versions and markers that were.
///
/// # Errors
/// When the folder cannot be listed, or something in it cannot be removed.
pub async fn clean(place: &Arc<Side>) -> Result<u64, Error> {
    let uploads =
        place.store.list_uploads(place.bucket(), &place.location.prefix).await.map_err(side_error)?;
    for pending in uploads {
        place.store.abort_upload(&pending.upload).await.map_err(side_error)?;
    }
    // What may be sent after a cancellation is the store's choice, not this token's.
    let never = CancellationToken::new();
    let (mut removed, mut tasks) = (0, Vec::new());
    let mut feed = Versions::open(place, "");
    loop {
        feed.fill().await.map_err(Error::source_listing)?;
        let ended = feed.item().is_none();
        if let Some(stack) = feed.item() {
            tasks.extend(stack.entries.iter().map(|entry| DeleteTask {
                key: stack.key.to_string(),
                version_id: Some(entry.version_id.to_string()),
                if_match: None,
            }));
        }
        if tasks.len() >= BATCH || ended {
            for outcome in delete_keys(place, &tasks, true, &never).await {
                outcome.result.map_err(side_error)?;
                removed += 1;
            }
            tasks.clear();
        }
        if ended {
            return Ok(removed);
        }
        feed.advance();
    }
}

/// Cleans the folders of drills that died.
pub(super) async fn clean_dead(job: &DrillJob, session: &Session) -> Result<u64, Error> {
    let all = below(&job.side, SCRATCH);
    let mut newest: BTreeMap<String, Timestamp> = BTreeMap::new();
    let mut feed = Versions::open(&all, "");
    loop {
        feed.fill().await.map_err(Error::source_listing)?;
        let Some(stack) = feed.item() else { break };
        if let Some((run, _)) = stack.key.split_once('/') {
            let last = stack.entries.iter().map(|entry| entry.last_modified).max().unwrap_or_default();
            let known = newest.entry(run.to_owned()).or_default();
            *known = (*known).max(last);
        }
        feed.advance();
        feed.read_ahead();
    }
    let mut cleaned = 0;
    for (run, last) in newest {
        let old = session.clock.now().millis() - last.millis() > FORGOTTEN_MILLIS;
        let dead = (job.alive)(&run).map_or(old, |alive| !alive);
        if dead && run != session.recorder.run().id.as_str() {
            clean(&scratch(&job.side, &run)).await?;
            cleaned += 1;
        }
    }
    Ok(cleaned)
}

/// Writes one small object and looks at it: may what is written here be removed again, and does it stay here?
pub(super) async fn probe(place: &Arc<Side>, allow_replicated: bool) -> Result<(), Error> {
    let id = place.object("probe");
    let request = PutObject {
        bucket: id.bucket.clone(),
        key: id.key.clone(),
        frames: vec![Bytes::from_static(b"s3twin drill")],
        ..PutObject::default()
    };
    place.store.put(&request).await.map_err(side_error)?;
    let info = place.store.head(&HeadObject { id, ..HeadObject::default() }).await.map_err(side_error)?;
    let bucket = place.bucket();
    if info.lock.mode.is_some() {
        return Err(Error::Invalid(format!(
            "object lock of {bucket} protects everything that is written there: a drill cannot clean up (one object of a few \
             bytes stays). Drill on a bucket without default retention"
        )));
    }
    if info.replication_status.is_some() && !allow_replicated {
        return Err(Error::Brake(format!(
            "a replication rule of {bucket} carries what a drill writes to the replica, and removals do not follow. Leave \
             {SCRATCH} out of the rule, or say --allow-replicated and clean the replica yourself"
        )));
    }
    Ok(())
}
