//! Digests of the parts of one object. Parts are messages of their own, so many are hashed at once in the SIMD lanes.

use super::reading::{CHUNK, Pinned, Reading};
use crate::s3::{Answer, Kind};
use crate::verify::digest::{Digests, Hasher};
use crate::verify::kind::{HashKind, Wanted};
use crate::verify::multipart::full_object_crc;
use futures::StreamExt as _;

/// Parts up to this size are held whole, so that they can share the lanes; larger ones pass chunk by chunk.
const WHOLE: u64 = 32 << 20;
/// Parts under way at once: as many as there are lanes. The memory tickets bound the bytes.
const AT_ONCE: usize = 32;

/// The digests of consecutive parts of these sizes, in order.
pub(super) async fn part_digests(
    object: &Pinned,
    sizes: &[u64],
    wanted: Wanted,
    reading: &Reading,
) -> Answer<Vec<Digests>> {
    let mut first = 0;
    let mut parts = Vec::with_capacity(sizes.len());
    for size in sizes {
        parts.push((first, *size));
        first += size;
    }
    let digests = futures::stream::iter(parts)
        .map(|(first, size)| one_part(object, first, size, wanted, reading))
        .buffered(AT_ONCE);
    let digests: Vec<Answer<Digests>> = digests.collect().await;
    digests.into_iter().collect()
}

async fn one_part(
    object: &Pinned,
    first: u64,
    size: u64,
    wanted: Wanted,
    reading: &Reading,
) -> Answer<Digests> {
    let broken = |error: crate::verify::pool::PoolError| object.error(Kind::Protocol, &error.to_string());
    if size <= WHOLE {
        let _ticket = reading.memory.acquire(size).await;
        let frames = object.read(first, size, reading).await?;
        return reading.digests.digest(frames, wanted).await.map_err(broken);
    }
    let mut hasher = Hasher::new(wanted);
    for at in (0..size).step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX)) {
        let length = CHUNK.min(size - at);
        let _ticket = reading.memory.acquire(length).await;
        let frames = object.read(first + at, length, reading).await?;
        let update = move || {
            frames.iter().for_each(|frame| hasher.update(frame));
            hasher
        };
        hasher = reading.pool.run(update).await.map_err(broken)?;
    }
    Ok(hasher.finish())
}

/// The CRC of the whole, in the bytes that S3 stores, from the parts' digests.
pub(super) fn whole_crc(kind: HashKind, parts: &[Digests], sizes: &[u64]) -> Option<Vec<u8>> {
    let crcs: Option<Vec<(u64, u64)>> =
        parts.iter().zip(sizes).map(|(digests, size)| Some((digests.crc(kind)?, *size))).collect();
    let value = full_object_crc(kind.crc()?, crcs?).to_be_bytes();
    value.get(value.len() - kind.size()..).map(<[u8]>::to_vec)
}
