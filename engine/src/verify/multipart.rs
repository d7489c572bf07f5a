//! Arithmetic of multipart objects: what S3 stores for a whole, from what it stores for the parts.
//!
//! No bytes are read here. Parts are always in ascending part number, and their count is the number of
//! parts listed at completion.

use super::crc::{CrcKind, combine};
use super::digest::digest;
use super::kind::{HashKind, Wanted};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

/// A multipart ETag in the making.
#[derive(Clone, Debug, Default)]
pub struct MultipartEtag {
    parts: u32,
    md5: Md5,
}

impl MultipartEtag {
    /// Adds the MD5 of the next part.
    pub fn push(&mut self, part: &[u8; 16]) {
        self.parts = self.parts.saturating_add(1);
        self.md5.update(part);
    }

    /// The parts so far.
    #[must_use]
    pub const fn parts(&self) -> u32 {
        self.parts
    }

    /// The ETag without quotes: `md5(md5(part 1) || …)` in hex, a dash, the number of parts.
    #[must_use]
    pub fn finish(self) -> String {
        format!("{}-{}", hex::encode(self.md5.finalize()), self.parts)
    }
}

/// The ETag, without quotes, of an object uploaded in parts with these MD5s.
#[must_use]
pub fn multipart_etag(parts: &[[u8; 16]]) -> String {
    let mut etag = MultipartEtag::default();
    parts.iter().for_each(|part| etag.push(part));
    etag.finish()
}

/// The COMPOSITE checksum of an object with these part checksums (raw bytes): `base64(H(H1 || …))-N`.
/// `None` where S3 has no such value: for CRC64NVME, without parts, or if a part's length is wrong.
#[must_use]
pub fn composite<'p>(kind: HashKind, parts: impl IntoIterator<Item = &'p [u8]>) -> Option<String> {
    let mut all = Vec::new();
    let mut count = 0;
    for part in parts {
        if part.len() != kind.size() {
            return None;
        }
        all.extend_from_slice(part);
        count += 1;
    }
    if count == 0 || kind == HashKind::Crc64Nvme {
        return None;
    }
    let digests = digest(Wanted::of(kind), &all);
    digests.get(kind).map(|value| format!("{}-{count}", STANDARD.encode(value)))
}

/// The CRC of the whole object from each part's CRC and length in bytes. Of no parts: the CRC of
/// nothing.
#[must_use]
pub fn full_object_crc(kind: CrcKind, parts: impl IntoIterator<Item = (u64, u64)>) -> u64 {
    parts.into_iter().fold(0, |whole, (crc, length)| combine(kind, whole, crc, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> [Vec<u8>; 3] {
        [b'A', b'B', b'C'].map(|byte| vec![byte; 5 << 20])
    }

    #[test]
    fn etags() {
        let md5 = |bytes: &[u8]| <[u8; 16]>::from(Md5::digest(bytes));
        let three = parts().map(|part| md5(&part));
        assert_eq!(multipart_etag(&three), "b2add96cc9702bbf4efb0ccdfc6b7747-3");
        assert_eq!(multipart_etag(&[md5(b"")]), "59adb24ef3cdbe0297f05b395827453f-1");
        assert_eq!(multipart_etag(&[md5(b"123456789")]), "5927c5d64d94a5786f90003aa26d0159-1");
    }

    #[test]
    fn composites() {
        let kinds = [HashKind::Crc32, HashKind::Crc32c, HashKind::Sha1, HashKind::Sha256];
        let three = parts().map(|part| digest(kinds.into_iter().collect(), &part));
        let expected = [
            "Z+ry2Q==-3",
            "g9DPqQ==-3",
            "sizjvY4eud3MrcHdZM3cQ/ol39o=-3",
            "uWBwpe1dxI4Vw8Gf0X9ynOdw/SS6VBzfWm9giiv1sf4=-3",
        ];
        for (kind, expected) in kinds.into_iter().zip(expected) {
            let values = three.iter().map(|part| part.get(kind).unwrap());
            assert_eq!(composite(kind, values).unwrap(), expected);
        }
        assert_eq!(composite(HashKind::Crc64Nvme, [&[0u8; 8][..]]), None);
        assert_eq!(composite(HashKind::Sha1, [&[0u8; 19][..]]), None);
        assert_eq!(composite(HashKind::Sha1, []), None);
    }

    #[test]
    fn full_objects() {
        let kinds = [HashKind::Crc32, HashKind::Crc32c, HashKind::Crc64Nvme];
        let three = parts().map(|part| digest(kinds.into_iter().collect(), &part));
        for (kind, expected) in kinds.into_iter().zip(["WgDhBQ==", "xU+Krw==", "i+6LR0y3eFo="]) {
            let crc = kind.crc().unwrap();
            let whole = full_object_crc(crc, three.iter().map(|part| (part.crc(kind).unwrap(), 5 << 20)));
            assert_eq!(STANDARD.encode(&whole.to_be_bytes()[8 - kind.size()..]), expected);
            assert_eq!(full_object_crc(crc, []), 0);
        }
    }
}
