//! Hashing for async callers, many messages at a time.
//!
//! Callers hand over a message as frames and wait for its digests. Waiting messages share the SIMD
//! lanes of a worker: it takes what is queued now, never waits for more, and lets messages that arrive
//! later join as lanes become free. The other hashes of a message follow the lanes slice by slice, while
//! the bytes are still in the cache.
//!
//! A further worker starts only when there is work for half its lanes: two half-empty vectors cost twice
//! the CPU time of a full one.
//!
//! Bounds: `QUEUE` messages wait in the queue, further callers wait outside it; per worker as many
//! messages as lanes and 64 KiB of buffers. The bytes are the callers' own.

use super::digest::{Digests, Hasher, SLICE};
use super::kind::{HashKind, Wanted};
use super::lanes::Kernel;
use super::md5_many::{Cursor, Feed, Message, run};
use super::pool::{CpuPool, PoolError};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::oneshot;

/// Messages in the queue: enough to refill every lane of several workers at once.
const QUEUE: usize = 128;

/// Bytes a worker takes on before other jobs of the pool get their turn.
const TURN: u64 = 256 << 20;

/// Work that costs less than handing it over, in picoseconds.
const AT_ONCE: u64 = 2_000_000;

/// Async front of the lane engine. Cheap to clone; clones share queue and workers.
#[derive(Clone, Debug)]
pub struct DigestService {
    shared: Arc<Shared>,
}

impl DigestService {
    /// A service on the threads of `pool`, or at once on the caller if the pool is inline.
    #[must_use]
    pub fn new(pool: CpuPool) -> Self {
        let (sender, queue) = async_channel::bounded(QUEUE);
        let shared = Shared {
            threads: pool.threads(),
            pool,
            kernel: Kernel::best(),
            sender,
            queue,
            load: Arc::default(),
            workers: AtomicUsize::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The wanted digests of the message that `frames` make. The frames are shared, not copied. A
    /// call that is dropped is not hashed if no worker has begun with it.
    ///
    /// # Errors
    /// [`PoolError::Panicked`] if the worker failed.
    pub async fn digest(&self, frames: Vec<Bytes>, wanted: Wanted) -> Result<Digests, PoolError> {
        let bytes = frames.iter().map(|frame| frame.len() as u64).sum();
        if self.shared.pool.is_inline() || cost(wanted).saturating_mul(bytes) <= AT_ONCE {
            return Ok(at_once(&frames, wanted));
        }
        let (answer, result) = oneshot::channel();
        let weight = self.shared.weight(wanted);
        let job = Job::new(frames, bytes, wanted, Load::new(&self.shared.load, weight), answer);
        // The queue closes only with the service, which is borrowed here.
        self.shared.sender.send(job).await.map_err(|_| PoolError::Panicked)?;
        self.shared.wake();
        result.await.map_err(|_| PoolError::Panicked)
    }
}

/// A rough price of all `wanted` hashes on one core, in picoseconds per byte.
fn cost(wanted: Wanted) -> u64 {
    let price = |kind| match kind {
        HashKind::Md5 | HashKind::Sha512 => 1_500,
        HashKind::Sha1 | HashKind::Sha256 => 500,
        HashKind::Xxh64 => 60,
        HashKind::Crc32 | HashKind::Crc32c | HashKind::Crc64Nvme | HashKind::Xxh3 | HashKind::Xxh128 => 30,
    };
    wanted.iter().map(price).sum()
}

fn at_once(frames: &[Bytes], wanted: Wanted) -> Digests {
    let mut hasher = Hasher::new(wanted);
    frames.iter().for_each(|frame| hasher.update(frame));
    hasher.finish()
}

/// What callers and workers share.
#[derive(Debug)]
struct Shared {
    pool: CpuPool,
    threads: usize,
    kernel: Kernel,
    sender: async_channel::Sender<Job>,
    queue: async_channel::Receiver<Job>,
    /// Lanes' worth of work not yet answered.
    load: Arc<AtomicUsize>,
    /// Workers running or about to.
    workers: AtomicUsize,
}

impl Shared {
    /// Lanes' worth of work that justifies one more worker.
    fn share(&self) -> usize {
        self.kernel.lanes().div_ceil(2)
    }

    /// A lane for an MD5, CRCs with it included; a worker of its own for anything the lanes cannot do.
    fn weight(&self, wanted: Wanted) -> usize {
        let beside = cost(wanted.without(HashKind::Md5));
        if wanted.has(HashKind::Md5) && beside < 500 { 1 } else { self.share() }
    }

    /// Starts a worker if there is work for one more.
    fn wake(self: &Arc<Self>) {
        let needed = self.load.load(Ordering::SeqCst).div_ceil(self.share()).clamp(1, self.threads.max(1));
        let started = self.workers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |workers| {
            (workers < needed).then_some(workers + 1)
        });
        if started.is_ok() {
            let worker = Worker(Arc::clone(self));
            self.pool.spawn(move || run(worker.0.kernel, &mut Turn { worker: &worker.0, bytes: 0 }));
        }
    }
}

/// The right to be a worker. Given back even if the worker panics.
struct Worker(Arc<Shared>);

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.workers.fetch_sub(1, Ordering::SeqCst);
        // A job queued after the worker's last look saw it still counted, and woke no other.
        if !self.0.queue.is_empty() {
            self.0.wake();
        }
    }
}

/// One worker's turn as a feed of the lanes.
struct Turn<'w> {
    worker: &'w Shared,
    bytes: u64,
}

impl Feed for Turn<'_> {
    type Job = Job;

    fn next(&mut self) -> Option<Job> {
        while self.bytes < TURN {
            let job = self.worker.queue.try_recv().ok()?;
            if job.answer.is_closed() {
                continue;
            }
            self.bytes += job.bytes;
            if job.wanted.has(HashKind::Md5) {
                return Some(job);
            }
            let digests = at_once(&job.frames, job.wanted);
            job.finish(digests);
        }
        None
    }

    fn done(&mut self, mut job: Job, md5: [u8; 16]) {
        job.follow();
        let mut digests = job.hasher.take().map(Hasher::finish).unwrap_or_default();
        digests.set(HashKind::Md5, &md5);
        job.finish(digests);
    }
}

/// A message on its way through the service.
#[derive(Debug)]
struct Job {
    frames: Vec<Bytes>,
    bytes: u64,
    wanted: Wanted,
    answer: oneshot::Sender<Digests>,
    /// Everything but the MD5, if there is anything, and how far it lags behind the lanes.
    hasher: Option<Hasher>,
    place: Cursor,
    lag: usize,
    load: Load,
}

impl Job {
    fn new(
        frames: Vec<Bytes>,
        bytes: u64,
        wanted: Wanted,
        load: Load,
        answer: oneshot::Sender<Digests>,
    ) -> Self {
        let beside = wanted.without(HashKind::Md5);
        let follows = wanted.has(HashKind::Md5) && !beside.is_empty();
        let hasher = follows.then(|| Hasher::new(beside));
        Self { frames, bytes, wanted, answer, hasher, place: Cursor::default(), lag: 0, load }
    }

    /// Brings the other hashes to where the lanes are.
    fn follow(&mut self) {
        if let Some(hasher) = &mut self.hasher {
            self.place.read(&self.frames, self.lag, |piece| hasher.update(piece));
        }
        self.lag = 0;
    }

    fn finish(self, digests: Digests) {
        // The caller must find the load already lowered, and may have gone away.
        drop(self.load);
        let _ = self.answer.send(digests);
    }
}

impl Message for Job {
    fn frame(&self, index: usize) -> Option<&[u8]> {
        self.frames.frame(index)
    }

    fn passed(&mut self, bytes: usize) {
        self.lag += bytes;
        if self.lag >= SLICE {
            self.follow();
        }
    }
}

/// A job's part of the load, for as long as it exists.
#[derive(Debug)]
struct Load {
    total: Arc<AtomicUsize>,
    weight: usize,
}

impl Load {
    fn new(total: &Arc<AtomicUsize>, weight: usize) -> Self {
        total.fetch_add(weight, Ordering::SeqCst);
        Self { total: Arc::clone(total), weight }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.total.fetch_sub(self.weight, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest::digest;
    use super::*;
    use futures::FutureExt as _;
    use futures::future::join_all;

    fn message(seed: usize, length: usize, frame: usize) -> Vec<Bytes> {
        let bytes: Vec<u8> = (0..length).map(|i| (i.wrapping_mul(31 + seed) >> 3) as u8).collect();
        bytes.chunks(frame).map(Bytes::copy_from_slice).collect()
    }

    fn wanted(index: usize) -> Wanted {
        match index % 5 {
            0 => Wanted::MD5,
            1 => Wanted::MD5.with(HashKind::Crc64Nvme),
            2 => Wanted::of(HashKind::Crc32c).with(HashKind::Crc32),
            3 => Wanted::MD5.with(HashKind::Sha256).with(HashKind::Xxh128),
            _ => Wanted::of(HashKind::Sha1),
        }
    }

    async fn check(service: &DigestService, index: usize, length: usize) {
        let frames = message(index, length, 1 + index * 37 % 5000);
        let whole = frames.concat();
        let digests = service.digest(frames, wanted(index)).await.unwrap();
        assert_eq!(digests, digest(wanted(index), &whole), "{index} {length}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_concurrent_callers() {
        for threads in [1, 3] {
            let service = DigestService::new(CpuPool::new(threads).unwrap());
            let calls = (0..600).map(|index| {
                let service = service.clone();
                tokio::spawn(async move { check(&service, index, index * 7919 % 20_011).await })
            });
            for call in calls.collect::<Vec<_>>() {
                call.await.unwrap();
            }
            assert_eq!(service.shared.load.load(Ordering::SeqCst), 0);
            assert!(service.shared.queue.is_empty());
        }
    }

    #[tokio::test]
    async fn one_after_the_other_never_hangs() {
        let service = DigestService::new(CpuPool::new(2).unwrap());
        for index in 0..300 {
            check(&service, index, 6000).await;
        }
    }

    #[tokio::test]
    async fn inline_needs_no_waiting() {
        let service = DigestService::new(CpuPool::inline());
        let frames = message(1, 100_000, 1000);
        let expected = digest(wanted(3), &frames.concat());
        assert_eq!(service.digest(frames, wanted(3)).now_or_never().unwrap().unwrap(), expected);
        assert_eq!(service.digest(vec![], Wanted::NONE).await.unwrap(), Digests::default());
    }

    #[tokio::test]
    async fn cancelled_callers_leave_nothing_behind() {
        let service = DigestService::new(CpuPool::new(1).unwrap());
        // The only thread is busy, so that everything below stays in the queue.
        let (release, held) = std::sync::mpsc::sync_channel::<()>(0);
        let pool = service.shared.pool.clone();
        let busy = tokio::spawn(async move { pool.run(move || held.recv()).await });
        tokio::task::yield_now().await;
        // More than the queue holds: some are cancelled inside it, some in front of it.
        let mut calls: Vec<_> =
            (0..200).map(|index| Box::pin(service.digest(message(index, 9000, 999), Wanted::MD5))).collect();
        for call in &mut calls {
            assert!(call.now_or_never().is_none());
        }
        let keep = calls.split_off(190);
        drop(calls);
        assert_eq!(service.shared.load.load(Ordering::SeqCst), 128 + 10);
        release.send(()).unwrap();
        busy.await.unwrap().unwrap().unwrap();
        for (index, digests) in (190..).zip(join_all(keep).await) {
            let expected = digest(Wanted::MD5, &message(index, 9000, 999).concat());
            assert_eq!(digests.unwrap(), expected);
        }
        assert_eq!(service.shared.load.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn other_work_gets_its_turn() {
        let pool = CpuPool::new(1).unwrap();
        let service = DigestService::new(pool.clone());
        let hashing = join_all((0..40).map(|index| check(&service, index, 50_000)));
        let (_, other) = tokio::join!(hashing, pool.run(|| 1));
        assert_eq!(other.unwrap(), 1);
    }
}
