//! Any store, paced: concurrency and rate control, retries with backoff, and the count of every request, in
//! one place for all operations. Nothing below this layer retries, so nothing is hidden from the controller.

use super::*;
use crate::flow::{Backoff, Pace, RetryBudget};
use crate::model::Page;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Counts what was sent. Shared by both sides of a run.
#[derive(Debug)]
pub struct Meter {
    requests: Vec<AtomicU64>,
    retries: AtomicU64,
    throttled: AtomicU64,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            requests: Operation::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            retries: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
        }
    }
}

impl Meter {
    fn count(&self, operation: Operation) {
        if let Some(counter) = self.requests.get(operation as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Requests sent so far, retries included, by operation; operations never used are left out.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<&'static str, u64> {
        let counts = Operation::ALL.iter().zip(&self.requests);
        counts.map(|(op, count)| (op.name(), count.load(Ordering::Relaxed))).filter(|(_, n)| *n > 0).collect()
    }

    /// Requests of one operation.
    #[must_use]
    pub fn of(&self, operation: Operation) -> u64 {
        self.requests.get(operation as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// All requests sent so far.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.requests.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// How many requests were sent again.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// How many answers asked for less.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }
}

/// When to give up on one request.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// Attempts in all for transient failures.
    pub attempts: u32,
    /// Attempts in all when throttled: being told to slow down is not a failure, so this is patient.
    pub attempts_throttled: u32,
    /// Attempts in all when no connection can be made: long enough for a restart, short enough for a typing error.
    pub attempts_unreachable: u32,
    /// First backoff interval.
    pub base: Duration,
    /// Longest backoff interval.
    pub cap: Duration,
    /// Seed of the jitter.
    pub seed: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 8,
            attempts_throttled: 40,
            attempts_unreachable: 5,
            base: Duration::from_millis(100),
            cap: Duration::from_secs(10),
            seed: 0,
        }
    }
}

/// Writes that are not safe to send twice: after an ambiguous end (no answer) the caller must look before it
/// repeats, or a versioned bucket gets a version too many, or an upload stays open that nobody knows of.
macro_rules! once_if_ambiguous {
    ($self:ident, $operation:expr, $bucket:expr, $call:expr) => {{
        // `Kind::Transient` without a code means no answer arrived; the caller reads back.
        $self
            .send($operation, $bucket, || async {
                match $call.await {
                    Err(error) if error.is_ambiguous() => Ok(Err(error)),
                    other => other.map(Ok),
                }
            })
            .await?
    }};
}

/// A store with pacing, retries and a meter around it.
pub struct Paced<S: ?Sized> {
    pace: Arc<Pace>,
    meter: Arc<Meter>,
    cancel: CancellationToken,
    policy: RetryPolicy,
    backoff: Backoff,
    budget: RetryBudget,
    inner: Arc<S>,
}

/// How often a HEAD is sent that is denied without saying why: one answer may set the clock wrong, the next right.
const WORDLESS_ATTEMPTS: u32 = 3;

impl<S: Store + ?Sized> Paced<S> {
    /// Wraps a store. Stores of one service share one [`Pace`], so that all operations share its limit.
    pub fn new(
        inner: Arc<S>,
        pace: Arc<Pace>,
        meter: Arc<Meter>,
        cancel: CancellationToken,
        policy: RetryPolicy,
    ) -> Self {
        let backoff = Backoff::new(policy.base, policy.cap, policy.seed);
        // 200 retries are free, then one per five requests: a server that fails every fifth request for
        // hours is still worked with, one that fails all of them is given up on quickly.
        Self { pace, meter, cancel, policy, backoff, budget: RetryBudget::new(200, 5), inner }
    }

    async fn send<T, F>(
        &self,
        operation: Operation,
        bucket: &str,
        attempt_once: impl FnMut() -> F,
    ) -> Answer<T>
    where
        F: Future<Output = Answer<T>>,
    {
        self.send_until(&self.cancel, operation, bucket, attempt_once).await
    }

    /// One logical request: a permit, an attempt, and again while that makes sense and nobody cancels.
    async fn send_until<T, F>(
        &self,
        cancel: &CancellationToken,
        operation: Operation,
        bucket: &str,
        mut attempt_once: impl FnMut() -> F,
    ) -> Answer<T>
    where
        F: Future<Output = Answer<T>>,
    {
        self.budget.request();
        let mut attempt = 1;
        let interrupted = || S3Error::local(Kind::Cancelled, operation, bucket, "the run was interrupted");
        loop {
            let permit = tokio::select! {
                permit = self.pace.acquire() => permit,
                () = cancel.cancelled() => return Err(interrupted()),
            };
            self.meter.count(operation);
            let answer = attempt_once().await;
            drop(permit);
            let error = match answer {
                Ok(value) => {
                    self.pace.succeeded();
                    return Ok(value);
                }
                Err(error) => error,
            };
            if error.kind == Kind::Throttled {
                self.meter.throttled.fetch_add(1, Ordering::Relaxed);
                self.pace.throttled();
            }
            if !self.may_retry(&error, attempt) {
                return Err(error);
            }
            tracing::debug!(%error, attempt, "retrying");
            self.meter.retries.fetch_add(1, Ordering::Relaxed);
            tokio::select! {
                () = tokio::time::sleep(self.backoff.delay(attempt)) => {}
                () = cancel.cancelled() => return Err(interrupted()),
            }
            attempt += 1;
        }
    }

    async fn copy_once(&self, r: &CopyObject) -> Answer<Written> {
        once_if_ambiguous!(self, Operation::CopyObject, &r.bucket, self.inner.copy(r))
    }

    fn may_retry(&self, error: &S3Error, attempt: u32) -> bool {
        let attempts = match error.kind {
            Kind::Throttled => self.policy.attempts_throttled,
            Kind::Unreachable => self.policy.attempts_unreachable,
            _ => self.policy.attempts,
        };
        // A HEAD is denied without a word. The clocks may have been apart: the SDK corrects its own by the answer,
        // so that the same request is signed right a second time.
        let wordless = error.kind == Kind::Denied && error.code.is_none() && error.status == Some(403);
        if wordless && error.operation == Operation::HeadObject {
            return attempt < WORDLESS_ATTEMPTS && self.budget.try_retry();
        }
        // A throttled request costs no budget: the controller has already slowed everything down.
        error.is_retryable()
            && attempt < attempts
            && (error.kind == Kind::Throttled || self.budget.try_retry())
    }
}

/// A bucket may hold objects with and without a key of the customer's (SSE-C), and no listing tells which. A key
/// given for an object that has none is refused: the same request goes again without.
fn without_key<T>(id: &ObjectId, answer: &Answer<T>) -> Option<ObjectId> {
    let refused = answer.as_ref().is_err_and(|error| error.kind == Kind::Invalid);
    (refused && id.customer_key.is_some()).then(|| ObjectId { customer_key: None, ..id.clone() })
}

#[async_trait]
impl<S: Store + Leftovers + ?Sized> Leftovers for Paced<S> {
    async fn uploads(&self, bucket: &str, prefix: &str, after: Option<&UploadMarker>) -> Answer<UploadPage> {
        let page = || self.inner.uploads(bucket, prefix, after);
        self.send(Operation::ListMultipartUploads, bucket, page).await
    }

    async fn weigh(&self, upload: &UploadId) -> Answer<UploadWeight> {
        self.send(Operation::ListParts, &upload.bucket, || self.inner.weigh(upload)).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for Paced<S> {
    fn service(&self) -> &str {
        self.inner.service()
    }

    async fn list_objects(&self, r: &ListObjects) -> Answer<Page> {
        self.send(Operation::ListObjectsV2, &r.bucket, || self.inner.list_objects(r)).await
    }

    async fn list_versions(&self, r: &ListVersions) -> Answer<Page> {
        self.send(Operation::ListObjectVersions, &r.bucket, || self.inner.list_versions(r)).await
    }

    async fn list_uploads(&self, bucket: &str, prefix: &str) -> Answer<Vec<PendingUpload>> {
        self.send(Operation::ListMultipartUploads, bucket, || self.inner.list_uploads(bucket, prefix)).await
    }

    async fn head_bucket(&self, bucket: &str) -> Answer<()> {
        self.send(Operation::HeadBucket, bucket, || self.inner.head_bucket(bucket)).await
    }

    async fn versioning(&self, bucket: &str) -> Answer<Versioning> {
        self.send(Operation::GetBucketVersioning, bucket, || self.inner.versioning(bucket)).await
    }

    async fn head(&self, r: &HeadObject) -> Answer<ObjectInfo> {
        let answer = self.send(Operation::HeadObject, &r.id.bucket, || self.inner.head(r)).await;
        let Some(id) = without_key(&r.id, &answer) else { return answer };
        self.head(&HeadObject { id, ..r.clone() }).await
    }

    async fn attributes(&self, id: &ObjectId) -> Answer<Attributes> {
        let operation = Operation::GetObjectAttributes;
        let answer = self.send(operation, &id.bucket, || self.inner.attributes(id)).await;
        let Some(id) = without_key(id, &answer) else { return answer };
        self.attributes(&id).await
    }

    async fn get(&self, r: &GetObject) -> Answer<Body> {
        let answer = self.send(Operation::GetObject, &r.id.bucket, || self.inner.get(r)).await;
        let Some(id) = without_key(&r.id, &answer) else { return answer };
        self.get(&GetObject { id, ..r.clone() }).await
    }

    async fn tags(&self, id: &ObjectId) -> Answer<Vec<(String, String)>> {
        self.send(Operation::GetObjectTagging, &id.bucket, || self.inner.tags(id)).await
    }

    async fn put_tags(&self, id: &ObjectId, tags: &[(String, String)]) -> Answer<()> {
        self.send(Operation::PutObjectTagging, &id.bucket, || self.inner.put_tags(id, tags)).await
    }

    async fn acl(&self, id: &ObjectId) -> Answer<String> {
        self.send(Operation::GetObjectAcl, &id.bucket, || self.inner.acl(id)).await
    }

    async fn put(&self, r: &PutObject) -> Answer<Written> {
        once_if_ambiguous!(self, Operation::PutObject, &r.bucket, self.inner.put(r))
    }

    async fn copy(&self, r: &CopyObject) -> Answer<Written> {
        let answer = self.copy_once(r).await;
        let Some(source) = without_key(&r.source, &answer) else { return answer };
        self.copy(&CopyObject { source, ..r.clone() }).await
    }

    async fn create_upload(&self, r: &CreateUpload) -> Answer<UploadId> {
        once_if_ambiguous!(self, Operation::CreateMultipartUpload, &r.bucket, self.inner.create_upload(r))
    }

    async fn upload_part(&self, r: &UploadPart) -> Answer<UploadedPart> {
        self.send(Operation::UploadPart, &r.upload.bucket, || self.inner.upload_part(r)).await
    }

    async fn copy_part(&self, r: &CopyPart) -> Answer<UploadedPart> {
        let bucket = &r.upload.bucket;
        let answer = self.send(Operation::UploadPartCopy, bucket, || self.inner.copy_part(r)).await;
        let Some(source) = without_key(&r.source, &answer) else { return answer };
        self.copy_part(&CopyPart { source, ..r.clone() }).await
    }

    async fn complete_upload(&self, r: &CompleteUpload) -> Answer<Written> {
        once_if_ambiguous!(
            self,
            Operation::CompleteMultipartUpload,
            &r.upload.bucket,
            self.inner.complete_upload(r)
        )
    }

    async fn abort_upload(&self, upload: &UploadId) -> Answer<()> {
        // Cleaning up is what a cancelled run still does.
        let never = CancellationToken::new();
        let abort = || self.inner.abort_upload(upload);
        self.send_until(&never, Operation::AbortMultipartUpload, &upload.bucket, abort).await
    }

    async fn delete(&self, bucket: &str, keys: &[DeleteKey]) -> Answer<Vec<Deleted>> {
        once_if_ambiguous!(self, Operation::DeleteObjects, bucket, self.inner.delete(bucket, keys))
    }

    async fn delete_one(&self, bucket: &str, key: &DeleteKey) -> Answer<Deleted> {
        once_if_ambiguous!(self, Operation::DeleteObject, bucket, self.inner.delete_one(bucket, key))
    }

    async fn restore_archived(&self, r: &RestoreArchived) -> Answer<bool> {
        self.send(Operation::RestoreObject, &r.id.bucket, || self.inner.restore_archived(r)).await
    }
}
