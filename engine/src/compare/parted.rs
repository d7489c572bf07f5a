//! Digests of the parts of one object. Parts are messages of their own, so many are hashed at once in the SIMD lanes.

use super::reading::{CHUNK, Pinned, Reading};
use crate::s3::{Answer, Kind, S3Error};
use crate::verify::digest::{Digests, Hasher};
use crate::verify::kind::{HashKind, Wanted};
use crate::verify::multipart::full_object_crc;
use crate::verify::pool::PoolError;
use bytes::Bytes;
use futures::StreamExt as _;
use std::collections::VecDeque;

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
    let digests = futures::stream::iter(groups(sizes))
        .map(|group| one_group(object, group, wanted, reading))
        .buffered(AT_ONCE);
    let digests: Vec<Answer<Vec<Digests>>> = digests.collect().await;
    Ok(digests.into_iter().collect::<Answer<Vec<_>>>()?.concat())
}

/// Consecutive parts that one request brings.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    first: u64,
    sizes: Vec<u64>,
}

/// Small parts come together, up to the size of a chunk.
fn groups(sizes: &[u64]) -> Vec<Group> {
    let (mut groups, mut at): (Vec<Group>, u64) = (Vec::new(), 0);
    for size in sizes {
        match groups.last_mut() {
            Some(group) if group.sizes.iter().sum::<u64>() + size <= CHUNK => group.sizes.push(*size),
            _ => groups.push(Group { first: at, sizes: vec![*size] }),
        }
        at += size;
    }
    groups
}

async fn one_group(object: &Pinned, group: Group, wanted: Wanted, reading: &Reading) -> Answer<Vec<Digests>> {
    let Group { first, sizes } = group;
    let size = sizes.iter().sum();
    if size > WHOLE {
        return Ok(vec![large_part(object, first, size, wanted, reading).await?]);
    }
    let _ticket = reading.memory.acquire(size).await;
    let mut frames: VecDeque<Bytes> = object.read(first, size, reading).await?.into();
    let parts = sizes.iter().map(|size| reading.digests.digest(take(&mut frames, *size), wanted));
    futures::future::try_join_all(parts).await.map_err(|error| broken(object, &error))
}

/// The next `size` bytes of the frames; no byte is copied.
fn take(frames: &mut VecDeque<Bytes>, size: u64) -> Vec<Bytes> {
    let (mut taken, mut left) = (Vec::new(), usize::try_from(size).unwrap_or(usize::MAX));
    while left > 0 {
        let Some(mut frame) = frames.pop_front() else { break };
        if frame.len() > left {
            frames.push_front(frame.split_off(left));
        }
        left -= frame.len();
        taken.push(frame);
    }
    taken
}

async fn large_part(
    object: &Pinned,
    first: u64,
    size: u64,
    wanted: Wanted,
    reading: &Reading,
) -> Answer<Digests> {
    let mut hasher = Hasher::new(wanted);
    let mut at = 0;
    while at < size {
        let length = CHUNK.min(size - at);
        let _ticket = reading.memory.acquire(length).await;
        let frames = object.read(first + at, length, reading).await?;
        let update = move || {
            frames.iter().for_each(|frame| hasher.update(frame));
            hasher
        };
        hasher = reading.pool.run(update).await.map_err(|error| broken(object, &error))?;
        at += length;
    }
    Ok(hasher.finish())
}

fn broken(object: &Pinned, error: &PoolError) -> S3Error {
    object.error(Kind::Protocol, &error.to_string())
}

/// The CRC of the whole, in the bytes that S3 stores, from the parts' digests.
pub(super) fn whole_crc(kind: HashKind, parts: &[Digests], sizes: &[u64]) -> Option<Vec<u8>> {
    let crcs: Option<Vec<(u64, u64)>> =
        parts.iter().zip(sizes).map(|(digests, size)| Some((digests.crc(kind)?, *size))).collect();
    let value = full_object_crc(kind.crc()?, crcs?).to_be_bytes();
    value.get(value.len() - kind.size()..).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_parts_come_together_and_large_ones_alone() {
        let sizes = [5 << 20, 3 << 20, 1, CHUNK, 40 << 20, 7, 0, 9];
        let found: Vec<(u64, usize)> =
            groups(&sizes).into_iter().map(|group| (group.first, group.sizes.len())).collect();
        let end = (8 << 20) + 1 + CHUNK;
        assert_eq!(found, [(0, 2), (8 << 20, 1), ((8 << 20) + 1, 1), (end, 1), (end + (40 << 20), 3)]);
        assert!(groups(&[]).is_empty());
    }

    #[test]
    fn frames_are_cut_at_the_parts() {
        let whole: Vec<u8> = (0..100).collect();
        let mut frames: VecDeque<Bytes> = whole.chunks(7).map(Bytes::copy_from_slice).collect();
        let mut joined = Vec::new();
        for size in [0, 3, 4, 1, 50, 42] {
            let part = take(&mut frames, size).concat();
            assert_eq!(part.len() as u64, size);
            joined.extend(part);
        }
        assert_eq!(joined, whole);
    }
}
