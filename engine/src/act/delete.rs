//! Deletes, a thousand per request, each on the condition that the object is still the one that was listed.
//!
//! On a versioned bucket a repeated delete makes another marker. So after an answer that was lost, every key is
//! looked at before it is deleted again.

use crate::list::Side;
use crate::model::{ETag, EntryKind};
use crate::s3::{
    Answer, DeleteKey, Deleted, Feature, HeadObject, Kind, ListVersions, ObjectId, ObjectInfo, Operation,
    S3Error, Support,
};
use futures::StreamExt as _;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Keys of one DeleteObjects. S3's limit.
const BATCH: usize = 1_000;
/// Tries per key.
const TRIES: u32 = 4;
/// Pause before a try, times the number of tries.
const PAUSE: Duration = Duration::from_millis(200);
/// HEADs, or deletes of one key, at once.
const REQUESTS_IN_FLIGHT: usize = 32;

/// One object or version to delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteTask {
    /// Key, relative to the side's location.
    pub key: String,
    /// Version to remove for good; `None` deletes the current version (a marker, on versioned buckets).
    pub version_id: Option<String>,
    /// Only if the current version still has this ETag. Not for versions, which do not change.
    pub if_match: Option<ETag>,
}

/// What became of one.
#[derive(Clone, Debug)]
pub struct DeleteOutcome {
    /// The key asked for, relative.
    pub key: String,
    /// The version asked for.
    pub version_id: Option<String>,
    /// The delete marker made, where an answer or, when that was lost, the history told; or why the object is still
    /// there.
    pub result: Result<Option<String>, S3Error>,
}

/// Deletes. The outcomes are in the order of the tasks, one for each. `conditional`: the server has If-Match on
/// deletes; without, each key is looked at just before.
pub async fn delete_keys(
    side: &Side,
    tasks: &[DeleteTask],
    conditional: bool,
    cancel: &CancellationToken,
) -> Vec<DeleteOutcome> {
    let mut outcomes = Vec::with_capacity(tasks.len());
    for batch in tasks.chunks(BATCH) {
        let mut results =
            Batch { side, tasks: batch, conditional, results: HashMap::new(), lost: HashSet::new() };
        let open: Vec<usize> = (0..batch.len()).collect();
        if cancel.is_cancelled() {
            let error = results.error(Kind::Cancelled, "the run was interrupted");
            results.fail(&open, &error);
        } else {
            results.run(open).await;
        }
        outcomes.extend(results.finish());
    }
    outcomes
}

pub(super) struct Batch<'a> {
    pub(super) side: &'a Side,
    pub(super) tasks: &'a [DeleteTask],
    pub(super) conditional: bool,
    pub(super) results: HashMap<usize, Result<Option<String>, S3Error>>,
    /// Deleted, or not, by a request whose answer was lost.
    pub(super) lost: HashSet<usize>,
}

impl Batch<'_> {
    async fn run(&mut self, mut open: Vec<usize>) {
        self.try_condition(&mut open).await;
        let mut tries = 0;
        while !open.is_empty() {
            tries += 1;
            if !self.conditional {
                open = self.still_there(open).await;
                self.name_markers().await;
                if open.is_empty() {
                    return;
                }
            }
            let keys: Vec<DeleteKey> = open.iter().filter_map(|index| self.request(*index)).collect();
            let (again, error) = match self.send(&keys).await {
                Ok(answers) => self.sort(open, answers),
                Err(error) if error.is_ambiguous() => {
                    self.lost.extend(&open);
                    (open, error)
                }
                Err(error) => return self.fail(&open, &error),
            };
            // Whatever the reason: what comes again is looked at first.
            open = self.still_there(again).await;
            self.name_markers().await;
            if tries >= TRIES {
                return self.fail(&open, &error);
            }
            if !open.is_empty() {
                tokio::time::sleep(PAUSE * tries).await;
            }
        }
    }

    pub(super) fn request(&self, index: usize) -> Option<DeleteKey> {
        let task = self.tasks.get(index)?;
        let if_match = task.if_match.clone().filter(|_| self.conditional && task.version_id.is_none());
        Some(DeleteKey {
            key: self.side.location.key(&task.key),
            version_id: task.version_id.clone(),
            if_match,
        })
    }

    /// Takes what is decided; gives back what has to be looked at, with the reason.
    fn sort(&mut self, open: Vec<usize>, answers: Vec<Deleted>) -> (Vec<usize>, S3Error) {
        let mut by_key: HashMap<String, Vec<Deleted>> = HashMap::new();
        for answer in answers {
            by_key.entry(answer.key.clone()).or_default().push(answer);
        }
        let mut reason = self.error(Kind::Transient, "the answer did not name the key");
        let mut again = Vec::new();
        for index in open {
            let Some(task) = self.tasks.get(index) else { continue };
            let answers = by_key.get_mut(&self.side.location.key(&task.key));
            // Several versions of one key may stand in one batch.
            let answer = answers.and_then(|answers| {
                let same =
                    |answer: &Deleted| task.version_id.is_none() || answer.version_id == task.version_id;
                let place = answers.iter().position(same).or((answers.len() == 1).then_some(0))?;
                Some(answers.swap_remove(place))
            });
            match answer {
                None => again.push(index),
                Some(Deleted { error: None, version_id, .. }) => {
                    self.results.insert(index, Ok(version_id.filter(|_| task.version_id.is_none())));
                }
                Some(Deleted { error: Some(error), .. }) => match error.kind {
                    // Gone is what was wished for.
                    Kind::NotFound => drop(self.results.insert(index, Ok(None))),
                    _ if error.kind == Kind::Unsupported && self.conditional => {
                        self.conditional = false;
                        reason = error;
                        again.push(index);
                    }
                    // 412 may be the answer to our own earlier try.
                    _ if error.is_retryable() || matches!(error.kind, Kind::Changed | Kind::Conflict) => {
                        // One by one, answers are lost one by one.
                        if error.is_ambiguous() {
                            self.lost.insert(index);
                        }
                        reason = error;
                        again.push(index);
                    }
                    _ => drop(self.results.insert(index, Err(error))),
                },
            }
        }
        (again, reason)
    }

    /// All in one request; one by one where the server does not know that request.
    pub(super) async fn send(&self, keys: &[DeleteKey]) -> Answer<Vec<Deleted>> {
        let Side { store, profile, .. } = self.side;
        if !profile.lacks(Feature::BatchDelete) {
            let answer = store.delete(self.side.bucket(), keys).await;
            let refused = |error: &S3Error| {
                matches!(error.kind, Kind::Unsupported | Kind::Invalid | Kind::DeleteMarker)
                    && profile.support(Feature::BatchDelete) != Support::Has
            };
            match answer {
                Err(error) if refused(&error) => tracing::debug!(%error, "deleting one by one"),
                Err(error) => return Err(error),
                Ok(deleted) => {
                    profile.saw(Feature::BatchDelete);
                    return Ok(deleted);
                }
            }
        }
        let answers = self.one_by_one(keys).await;
        if answers.iter().any(|answer| answer.error.is_none()) {
            profile.misses(Feature::BatchDelete);
        }
        Ok(answers)
    }

    async fn one_by_one(&self, keys: &[DeleteKey]) -> Vec<Deleted> {
        let (store, bucket) = (&self.side.store, self.side.bucket());
        let requests: Vec<_> = keys.to_vec();
        let requests = futures::stream::iter(requests).map(|key: DeleteKey| async move {
            store.delete_one(bucket, &key).await.unwrap_or_else(|error| {
                let DeleteKey { key, version_id, .. } = key;
                Deleted { key, version_id, delete_marker: false, error: Some(error) }
            })
        });
        requests.buffer_unordered(REQUESTS_IN_FLIGHT).collect().await
    }

    /// Looks at each of the keys: those gone are done, those overwritten are failures, the rest is given back.
    pub(super) async fn still_there(&mut self, open: Vec<usize>) -> Vec<usize> {
        let side = self.side;
        // Owned tasks: a closure over borrowed ones would not be `Send` for every lifetime.
        let looks: Vec<_> =
            open.into_iter().filter_map(|index| Some((index, self.tasks.get(index)?.clone()))).collect();
        let heads = futures::stream::iter(looks).map(|(index, task): (usize, DeleteTask)| async move {
            let id = ObjectId { version_id: task.version_id.clone(), ..side.object(&task.key) };
            (index, task, side.store.head(&HeadObject { id, checksum: false, part_number: None }).await)
        });
        let mut heads = heads.buffer_unordered(REQUESTS_IN_FLIGHT);
        let mut open = Vec::new();
        while let Some((index, task, head)) = heads.next().await {
            match head {
                Ok(info) if is_other(&task, &info) => {
                    let error = self.error(Kind::Changed, "the object was overwritten after it was listed");
                    self.results.insert(index, Err(error.on_key(&side.location.key(&task.key))));
                }
                Ok(_) => open.push(index),
                Err(error) => match error.kind {
                    Kind::NotFound => drop(self.results.insert(index, Ok(None))),
                    // The version named is a delete marker, and there.
                    Kind::DeleteMarker if task.version_id.is_some() => open.push(index),
                    Kind::DeleteMarker => drop(self.results.insert(index, Ok(None))),
                    _ => drop(self.results.insert(index, Err(error))),
                },
            }
        }
        open.sort_unstable();
        open
    }

    /// What a lost answer would have said: which delete marker was made. It is what takes the delete back.
    async fn name_markers(&mut self) {
        let nameless = |index: &usize| {
            let task = self.tasks.get(*index)?;
            let gone = matches!(self.results.get(index), Some(Ok(None))) && task.version_id.is_none();
            gone.then(|| (*index, self.side.location.key(&task.key)))
        };
        let places: Vec<_> = self.lost.iter().filter_map(nameless).collect();
        let side = self.side;
        let looks = futures::stream::iter(places)
            .map(|(index, key): (usize, String)| async move { (index, marker_on(side, key).await) });
        let mut looks = looks.buffer_unordered(REQUESTS_IN_FLIGHT);
        while let Some((index, marker)) = looks.next().await {
            self.lost.remove(&index);
            match marker {
                Ok(marker) => drop(self.results.insert(index, Ok(marker))),
                // It is deleted all the same.
                Err(error) => {
                    tracing::warn!(%error, "a delete marker is not known by its id: undo will not remove it");
                }
            }
        }
    }

    fn error(&self, kind: Kind, message: &str) -> S3Error {
        S3Error::local(kind, Operation::DeleteObjects, self.side.bucket(), message)
    }

    fn fail(&mut self, open: &[usize], error: &S3Error) {
        for index in open {
            let Some(task) = self.tasks.get(*index) else { continue };
            self.results.insert(*index, Err(error.clone().on_key(&self.side.location.key(&task.key))));
        }
    }

    fn finish(mut self) -> Vec<DeleteOutcome> {
        let mut outcomes = Vec::with_capacity(self.tasks.len());
        // Every way out of `run` decides every key; were one forgotten, it must not pass for deleted.
        let forgotten = self.error(Kind::Transient, "no answer");
        for (index, task) in self.tasks.iter().enumerate() {
            let result = self.results.remove(&index).unwrap_or_else(|| Err(forgotten.clone()));
            outcomes.push(DeleteOutcome {
                key: task.key.clone(),
                version_id: task.version_id.clone(),
                result,
            });
        }
        outcomes
    }
}

/// The delete marker on top of a key, by id.
async fn marker_on(side: &Side, key: String) -> Answer<Option<String>> {
    let request = ListVersions {
        bucket: side.bucket().to_owned(),
        prefix: key.clone(),
        max_keys: 1,
        ..ListVersions::default()
    };
    // Of all keys that begin like this one it is the first.
    let page = side.store.list_versions(&request).await?;
    let top =
        page.iter().next().filter(|entry| entry.key == key && entry.row.kind == EntryKind::DeleteMarker);
    Ok(top.and_then(|entry| entry.version_id.map(str::to_owned)))
}

fn is_other(task: &DeleteTask, info: &ObjectInfo) -> bool {
    task.version_id.is_none() && task.if_match.is_some() && task.if_match != info.etag
}
