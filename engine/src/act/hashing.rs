//! Hashes of relayed bytes, in the terms of the seam: an MD5 for ETags, one stored checksum.
//!
//! The work itself is done by [`crate::verify`], off the threads that drive the network.

use super::Failure;
use crate::model::{Checksum, ChecksumAlgorithm, ChecksumType, ETag};
use crate::verify::digest::Digests;
use crate::verify::kind::{HashKind, Wanted};
use crate::verify::multipart;
use crate::verify::service::DigestService;
use bytes::Bytes;

/// The hashes of one piece of an object: of all of it, or of a part.
#[derive(Clone, Debug)]
pub(super) struct Hashes {
    /// Bytes hashed.
    pub(super) size: u64,
    /// What the ETag is, where ETags are digests.
    pub(super) md5: [u8; 16],
    /// The checksum asked for.
    pub(super) checksum: Option<Checksum>,
}

impl Hashes {
    pub(super) async fn of(
        frames: &[Bytes],
        algorithm: Option<ChecksumAlgorithm>,
        service: &DigestService,
    ) -> Result<Self, Failure> {
        let kind = algorithm.map(kind_of);
        let wanted = kind.map_or(Wanted::MD5, |kind| Wanted::MD5.with(kind));
        let digests = service.digest(frames.to_vec(), wanted).await;
        let digests = digests.map_err(|error| Failure::Internal(error.to_string()))?;
        let md5 = digests.md5().ok_or_else(|| Failure::Internal("no MD5 was computed".into()))?;
        let checksum = algorithm.and_then(|algorithm| checksum(algorithm, &digests));
        Ok(Self { size: frames.iter().map(|frame| frame.len() as u64).sum(), md5, checksum })
    }
}

fn checksum(algorithm: ChecksumAlgorithm, digests: &Digests) -> Option<Checksum> {
    let value = digests.get(kind_of(algorithm))?;
    Some(Checksum { algorithm, value: value.into(), parts: None })
}

fn kind_of(algorithm: ChecksumAlgorithm) -> HashKind {
    match algorithm {
        ChecksumAlgorithm::Crc64nvme => HashKind::Crc64Nvme,
        ChecksumAlgorithm::Crc32 => HashKind::Crc32,
        ChecksumAlgorithm::Crc32c => HashKind::Crc32c,
        ChecksumAlgorithm::Sha1 => HashKind::Sha1,
        ChecksumAlgorithm::Sha256 => HashKind::Sha256,
        ChecksumAlgorithm::Sha512 => HashKind::Sha512,
        ChecksumAlgorithm::Md5 => HashKind::Md5,
        ChecksumAlgorithm::Xxhash64 => HashKind::Xxh64,
        ChecksumAlgorithm::Xxhash3 => HashKind::Xxh3,
        ChecksumAlgorithm::Xxhash128 => HashKind::Xxh128,
    }
}

/// Can checksums of parts be combined to one of the whole?
pub(super) fn is_combinable(algorithm: ChecksumAlgorithm) -> bool {
    kind_of(algorithm).crc().is_some()
}

/// The ETag of an upload of parts with these MD5s.
pub(super) fn multipart_etag(parts: &[[u8; 16]]) -> ETag {
    ETag::parse(&multipart::multipart_etag(parts))
}

/// The checksum of the whole from those of its parts with their sizes; `None` if there is no such thing.
pub(super) fn whole(
    (algorithm, kind): (ChecksumAlgorithm, ChecksumType),
    parts: &[(u64, Checksum)],
) -> Option<Checksum> {
    let hash = kind_of(algorithm);
    if parts.is_empty() || parts.iter().any(|(_, part)| part.algorithm != algorithm || part.parts.is_some()) {
        return None;
    }
    match kind {
        ChecksumType::Composite => {
            let text = multipart::composite(hash, parts.iter().map(|(_, part)| &*part.value))?;
            Checksum::parse(algorithm, &text).ok()
        }
        ChecksumType::FullObject => {
            let number = |value: &[u8]| value.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
            let crcs = parts.iter().map(|(size, part)| (number(&part.value), *size));
            let crc = multipart::full_object_crc(hash.crc()?, crcs).to_be_bytes();
            let value = crc.get(8 - hash.size()..)?;
            Some(Checksum { algorithm, value: value.into(), parts: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::pool::CpuPool;

    /// Known answers: three parts of 5 MiB of `A`, `B`, `C` (S3 facts, section 1.3).
    #[tokio::test]
    async fn parts_make_the_known_whole() {
        let service = DigestService::new(CpuPool::inline());
        let known = [
            (ChecksumAlgorithm::Crc32c, ChecksumType::FullObject, "xU+Krw=="),
            (ChecksumAlgorithm::Crc32c, ChecksumType::Composite, "g9DPqQ==-3"),
            (ChecksumAlgorithm::Crc64nvme, ChecksumType::FullObject, "i+6LR0y3eFo="),
            (ChecksumAlgorithm::Sha1, ChecksumType::Composite, "sizjvY4eud3MrcHdZM3cQ/ol39o=-3"),
        ];
        for (algorithm, kind, expected) in known {
            let mut md5s = Vec::new();
            let mut parts = Vec::new();
            for byte in [b'A', b'B', b'C'] {
                let frames = [Bytes::from(vec![byte; 5 << 20])];
                let hashes = Hashes::of(&frames, Some(algorithm), &service).await.unwrap();
                md5s.push(hashes.md5);
                parts.push((hashes.size, hashes.checksum.unwrap()));
            }
            assert_eq!(whole((algorithm, kind), &parts).unwrap().text(), expected);
            assert_eq!(multipart_etag(&md5s).to_string(), "b2add96cc9702bbf4efb0ccdfc6b7747-3");
        }
        assert!(whole((ChecksumAlgorithm::Sha1, ChecksumType::FullObject), &[]).is_none());
    }
}
