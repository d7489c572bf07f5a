//! Reading a range of the source to its last byte, whatever the network does on the way.
//!
//! A body that ends early or breaks is gone on with at the next byte, pinned to the same version and ETag, so
//! that the pieces are of one object. Frames are kept as they came; nothing is copied together.

use super::Failure;
use super::bandwidth::Bandwidth;
use crate::model::ETag;
use crate::s3::{Body, GetObject, Kind, ObjectId, ObjectInfo, Operation, S3Error, Store};
use bytes::Bytes;
use futures::StreamExt as _;
use std::time::Duration;

/// Tries that may bring no byte at all, one after the other. Requests refused are retried below this layer;
/// this counts bodies that broke.
const FRUITLESS: u32 = 5;
/// Pause before such a try is repeated, times the number of tries.
const PAUSE: Duration = Duration::from_millis(100);

/// What to read.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// Object, pinned to a version where it is known.
    pub(super) id: ObjectId,
    /// The ETag it must have.
    pub(super) etag: Option<ETag>,
    /// First byte.
    pub(super) first: u64,
    /// How many bytes.
    pub(super) length: u64,
    /// Is that the whole object? Then no range is asked for.
    pub(super) whole: bool,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Read {
    /// Headers of the first answer.
    pub(super) info: ObjectInfo,
    /// The bytes.
    pub(super) frames: Vec<Bytes>,
}

/// Reads it all; `passed` hears of every byte received, those of broken bodies included.
pub(super) async fn read(
    store: &dyn Store,
    wish: &Wish,
    bandwidth: &Bandwidth,
    passed: &(dyn Fn(u64) + Send + Sync),
) -> Result<Read, Failure> {
    let mut wish = wish.clone();
    let mut frames = Vec::new();
    let mut info: Option<ObjectInfo> = None;
    let mut got = 0;
    let mut fruitless = 0;
    loop {
        let body = store.get(&request(&wish, got)).await?;
        if let (Some(wanted), Some(found)) = (&wish.etag, &body.info.etag)
            && wanted != found
        {
            // A server that ignores If-Match.
            return Err(Failure::Changed(format!("the source has ETag {found} instead of {wanted}")));
        }
        // The first answer pins what it read for the tries after it.
        wish.etag = wish.etag.or_else(|| body.info.etag.clone());
        wish.id.version_id = wish.id.version_id.or_else(|| body.info.version_id.clone());
        let before = got;
        let broken = match misannounced(&wish, &body, got) {
            Some(error) => Some(error),
            None => {
                info.get_or_insert(body.info);
                drain(body.chunks, wish.length, &mut got, &mut frames, bandwidth).await
            }
        };
        passed(got - before);
        if let Some(info) = info.take_if(|_| got == wish.length) {
            return Ok(Read { info, frames });
        }
        fruitless = if got > before { 1 } else { fruitless + 1 };
        let error = broken.unwrap_or_else(|| short(&wish));
        if fruitless >= FRUITLESS {
            return Err(error.into());
        }
        tracing::debug!(%error, got, of = wish.length, "a body broke: going on at the next byte");
        tokio::time::sleep(PAUSE * fruitless).await;
    }
}

fn request(wish: &Wish, got: u64) -> GetObject {
    // An empty range cannot be said; an empty object is read whole.
    let ranged = wish.length > 0 && !(wish.whole && got == 0);
    let range = ranged.then(|| (wish.first + got, wish.first + wish.length - 1));
    GetObject { id: wish.id.clone(), range, if_match: wish.etag.clone() }
}

/// Another length than asked for, of an object with the right ETag: a header that lies, or a server that ignores
/// ranges. None of its bytes are taken.
fn misannounced(wish: &Wish, body: &Body, got: u64) -> Option<S3Error> {
    let wanted = wish.length - got;
    let why = format!("{wanted} bytes were asked for, {} are announced", body.length);
    let error = || S3Error::local(Kind::Protocol, Operation::GetObject, &wish.id.bucket, why);
    (body.length != wanted).then(|| error().on_key(&wish.id.key))
}

/// Takes frames until the end, an error, or a byte too many.
async fn drain(
    mut chunks: futures::stream::BoxStream<'static, Result<Bytes, S3Error>>,
    length: u64,
    got: &mut u64,
    frames: &mut Vec<Bytes>,
    bandwidth: &Bandwidth,
) -> Option<S3Error> {
    while let Some(chunk) = chunks.next().await {
        let mut chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return Some(error),
        };
        let room = usize::try_from(length - *got).unwrap_or(usize::MAX);
        if room == 0 && !chunk.is_empty() {
            return None;
        }
        chunk.truncate(room);
        bandwidth.take(chunk.len()).await;
        *got += chunk.len() as u64;
        if !chunk.is_empty() {
            frames.push(chunk);
        }
    }
    None
}

fn short(wish: &Wish) -> S3Error {
    let error = S3Error::local(
        Kind::Transient,
        Operation::GetObject,
        &wish.id.bucket,
        "the body ended before its length",
    );
    error.on_key(&wish.id.key)
}
