//! Reading for proof: pinned to one object, gone on with where a body broke, in bounded memory.
//!
//! Chunks of [`CHUNK`] bytes are asked for ahead and handed out in order. Every byte in hand is covered by a
//! ticket; tickets are granted in the order of asking, so the chunk that is waited for never waits for a later one.

use crate::act::{Bandwidth, MemoryTickets, Ticket};
use crate::list::Side;
use crate::model::ETag;
use crate::s3::{Answer, Body, GetObject, Kind, ObjectId, Operation, S3Error};
use crate::verify::pool::{CpuPool, PoolError};
use crate::verify::service::DigestService;
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of one ranged GET.
pub(super) const CHUNK: u64 = 8 << 20;
/// Chunks of one object asked for ahead: enough to hide a request's latency behind the chunk before it.
pub(super) const AHEAD: usize = 4;
/// Bytes that reading for proof may hold at once unless told otherwise.
const MEMORY: u64 = 128 << 20;
/// Bodies in a row that may break without a byte.
const FRUITLESS: u32 = 5;
/// Pause before such a try is repeated, times the number of tries.
const PAUSE: Duration = Duration::from_millis(100);

/// What reading shares with the rest of the run. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Hashes streams off the network's threads.
    pub pool: CpuPool,
    /// Hashes messages that are held whole, many at once.
    pub digests: DigestService,
    /// Bytes in hand at once.
    pub memory: MemoryTickets,
    /// Bytes per second.
    pub bandwidth: Arc<Bandwidth>,
}

impl Reading {
    /// 128 MiB in hand, one hashing thread per core, no cap on bandwidth.
    ///
    /// # Errors
    /// When the hashing threads cannot be started.
    pub fn new() -> Result<Self, PoolError> {
        let (memory, bandwidth) = (MemoryTickets::new(MEMORY), Arc::new(Bandwidth::new(None)));
        let pool = CpuPool::new(0)?;
        Ok(Self { digests: DigestService::new(pool.clone()), pool, memory, bandwidth })
    }
}

/// One object as it must still be when it is read.
#[derive(Clone, Debug)]
pub(super) struct Pinned {
    side: Side,
    id: ObjectId,
    etag: Option<ETag>,
    size: u64,
    tap: Option<Arc<dyn Tap>>,
}

/// Takes the bytes that are read for proof, and keeps them.
pub trait Tap: std::fmt::Debug + Send + Sync + 'static {
    /// The bytes from `first` on. Ranges come in any order; one that was read again comes again. May block.
    ///
    /// # Errors
    /// An error ends the reading.
    fn take(&self, first: u64, frames: &[Bytes]) -> io::Result<()>;
}

/// Bytes in order, and the right to hold them.
pub(super) struct Chunk {
    pub(super) frames: Vec<Bytes>,
    _ticket: Ticket,
}

impl Pinned {
    /// The version of a relative key that has this ETag and size.
    pub(super) fn new(side: &Side, key: &str, version: Option<&str>, etag: Option<&ETag>, size: u64) -> Self {
        Self { side: side.clone(), id: side.version(key, version), etag: etag.cloned(), size, tap: None }
    }

    /// With somebody who takes the bytes.
    pub(super) fn tapped(self, tap: Arc<dyn Tap>) -> Self {
        Self { tap: Some(tap), ..self }
    }

    /// The whole object, chunk by chunk.
    pub(super) fn chunks<'a>(&'a self, reading: &'a Reading) -> impl Stream<Item = Answer<Chunk>> + 'a {
        let chunk = move |(first, length): (u64, u64)| async move {
            let ticket = reading.memory.acquire(length).await;
            Ok(Chunk { frames: self.read(first, length, reading).await?, _ticket: ticket })
        };
        stream::iter(cuts(self.size)).map(chunk).buffered(AHEAD)
    }

    /// `length` bytes from `first` on, held whole.
    pub(super) async fn read(&self, first: u64, length: u64, reading: &Reading) -> Answer<Vec<Bytes>> {
        let mut frames = Vec::new();
        self.read_each((first, length), reading, |frame| frames.push(frame)).await?;
        match &self.tap {
            Some(tap) => self.pass(first, frames, Arc::clone(tap)).await,
            None => Ok(frames),
        }
    }

    /// `length` bytes from `first` on, frame by frame in order, however often the body breaks.
    pub(super) async fn read_each(
        &self,
        (first, length): (u64, u64),
        reading: &Reading,
        mut take: impl FnMut(Bytes) + Send,
    ) -> Answer<()> {
        let (mut got, mut fruitless) = (0, 0);
        while got < length {
            let range = Some((first + got, first + length - 1));
            let request = GetObject { id: self.id.clone(), range, if_match: self.etag.clone() };
            let body = self.side.store.get(&request).await?;
            self.check(&body)?;
            let before = got;
            // A header that lies, once, or a server that ignores ranges, always: none of its bytes are taken.
            let misannounced = body.length != length - got;
            let broken = if misannounced {
                Some(self.error(Kind::Protocol, "the answer is not the range that was asked for"))
            } else {
                drain(body, length, &mut got, &mut take, &reading.bandwidth).await
            };
            if got == length {
                break;
            }
            fruitless = if got > before { 1 } else { fruitless + 1 };
            let error =
                broken.unwrap_or_else(|| self.error(Kind::Transient, "the body ended before its length"));
            if fruitless >= FRUITLESS || !(error.is_retryable() || misannounced) {
                return Err(error);
            }
            tokio::time::sleep(PAUSE * fruitless).await;
        }
        Ok(())
    }

    async fn pass(&self, first: u64, frames: Vec<Bytes>, tap: Arc<dyn Tap>) -> Answer<Vec<Bytes>> {
        let pass = move || tap.take(first, &frames).map(|()| frames);
        let passed =
            tokio::task::spawn_blocking(pass).await.unwrap_or_else(|error| Err(io::Error::other(error)));
        passed.map_err(|error| self.error(Kind::Invalid, &format!("the bytes could not be kept: {error}")))
    }

    /// Servers that ignore If-Match would give another object than the one asked for.
    fn check(&self, body: &Body) -> Answer<()> {
        if let (Some(wanted), Some(found)) = (&self.etag, &body.info.etag)
            && wanted != found
        {
            return Err(self.error(Kind::Changed, "the object has another ETag now"));
        }
        Ok(())
    }

    /// Bytes of the object.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn error(&self, kind: Kind, message: &str) -> S3Error {
        S3Error::local(kind, Operation::GetObject, &self.id.bucket, message).on_key(&self.id.key)
    }
}

/// First byte and length of every chunk.
pub(super) fn cuts(size: u64) -> impl Iterator<Item = (u64, u64)> {
    (0..size.div_ceil(CHUNK)).map(move |index| (index * CHUNK, CHUNK.min(size - index * CHUNK)))
}

/// Takes frames until the end, an error, or a byte too many.
async fn drain(
    mut body: Body,
    length: u64,
    got: &mut u64,
    take: &mut (impl FnMut(Bytes) + Send),
    bandwidth: &Bandwidth,
) -> Option<S3Error> {
    while let Some(chunk) = body.chunks.next().await {
        let mut chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return Some(error),
        };
        chunk.truncate(usize::try_from(length - *got).unwrap_or(usize::MAX));
        bandwidth.take(chunk.len()).await;
        *got += chunk.len() as u64;
        if !chunk.is_empty() {
            take(chunk);
        }
    }
    None
}
