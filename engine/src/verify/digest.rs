//! Several hashes of one byte stream in one pass.
//!
//! The stream is cut into slices that stay in the L1/L2 cache while each hash in turn goes over them,
//! so memory is read once. Values are raw bytes, big-endian, as S3 stores them before base64.
//!
//! Bound: a hasher holds its states and no data.

use super::crc::Crc;
use super::kind::{HashKind, Wanted};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use std::fmt;
use xxhash_rust::xxh3::Xxh3;
use xxhash_rust::xxh64::Xxh64;

/// Bytes every hash takes before the next one has its turn.
pub const SLICE: usize = 16 * 1024;

/// Bytes of one value of every kind.
const STORAGE: usize = 180;

/// Finished hash values by kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    present: Wanted,
    bytes: [u8; STORAGE],
}

impl Default for Digests {
    fn default() -> Self {
        Self { present: Wanted::NONE, bytes: [0; STORAGE] }
    }
}

impl Digests {
    /// The kinds there is a value of.
    #[must_use]
    pub const fn present(&self) -> Wanted {
        self.present
    }

    /// The value of `kind`, [`HashKind::size`] bytes, if it was computed.
    #[must_use]
    pub fn get(&self, kind: HashKind) -> Option<&[u8]> {
        self.bytes.get(Self::place(kind)).filter(|_| self.present.has(kind))
    }

    /// The MD5, if it was computed.
    #[must_use]
    pub fn md5(&self) -> Option<[u8; 16]> {
        self.get(HashKind::Md5).and_then(|bytes| bytes.try_into().ok())
    }

    /// A CRC as a number, if `kind` is one and was computed.
    #[must_use]
    pub fn crc(&self, kind: HashKind) -> Option<u64> {
        kind.crc()?;
        Some(self.get(kind)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Adds or replaces a value. One of the wrong length is not taken.
    pub fn set(&mut self, kind: HashKind, value: &[u8]) {
        if let Some(slot) = self.bytes.get_mut(Self::place(kind)).filter(|slot| slot.len() == value.len()) {
            slot.copy_from_slice(value);
            self.present = self.present.with(kind);
        }
    }

    fn place(kind: HashKind) -> std::ops::Range<usize> {
        let start = HashKind::ALL.into_iter().take(kind as usize).map(HashKind::size).sum();
        start..start + kind.size()
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.present.iter().map(|kind| (kind, hex::encode(self.get(kind).unwrap_or_default())));
        f.debug_map().entries(values).finish()
    }
}

/// One hash in the making.
#[derive(Clone)]
enum State {
    Md5(Md5),
    Crc(HashKind, Crc),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
    Xxh64(Xxh64),
    /// One state for both widths of XXH3.
    Xxh3(Box<Xxh3>),
}

/// Hashes one byte stream by all wanted kinds.
#[derive(Clone)]
pub struct Hasher {
    wanted: Wanted,
    states: Vec<State>,
}

impl Hasher {
    /// A hasher before the first byte.
    #[must_use]
    pub fn new(wanted: Wanted) -> Self {
        let state = |kind: HashKind| match kind {
            HashKind::Md5 => Some(State::Md5(Md5::new())),
            HashKind::Crc32 | HashKind::Crc32c | HashKind::Crc64Nvme => {
                kind.crc().map(|crc| State::Crc(kind, Crc::new(crc)))
            }
            HashKind::Sha1 => Some(State::Sha1(Sha1::new())),
            HashKind::Sha256 => Some(State::Sha256(Sha256::new())),
            HashKind::Sha512 => Some(State::Sha512(Sha512::new())),
            HashKind::Xxh64 => Some(State::Xxh64(Xxh64::new(0))),
            HashKind::Xxh128 if wanted.has(HashKind::Xxh3) => None,
            HashKind::Xxh3 | HashKind::Xxh128 => Some(State::Xxh3(Box::new(Xxh3::new()))),
        };
        Self { wanted, states: wanted.iter().filter_map(state).collect() }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for slice in bytes.chunks(SLICE) {
            for state in &mut self.states {
                match state {
                    State::Md5(md5) => md5.update(slice),
                    State::Crc(_, crc) => crc.update(slice),
                    State::Sha1(sha) => sha.update(slice),
                    State::Sha256(sha) => sha.update(slice),
                    State::Sha512(sha) => sha.update(slice),
                    State::Xxh64(xxh) => xxh.update(slice),
                    State::Xxh3(xxh) => xxh.update(slice),
                }
            }
        }
    }

    /// The values of all bytes taken.
    #[must_use]
    pub fn finish(self) -> Digests {
        let mut digests = Digests::default();
        for state in self.states {
            match state {
                State::Md5(md5) => digests.set(HashKind::Md5, &md5.finalize()),
                State::Crc(kind, crc) => {
                    let value = crc.value().to_be_bytes();
                    digests.set(kind, value.get(8 - kind.size()..).unwrap_or(&value));
                }
                State::Sha1(sha) => digests.set(HashKind::Sha1, &sha.finalize()),
                State::Sha256(sha) => digests.set(HashKind::Sha256, &sha.finalize()),
                State::Sha512(sha) => digests.set(HashKind::Sha512, &sha.finalize()),
                State::Xxh64(xxh) => digests.set(HashKind::Xxh64, &xxh.digest().to_be_bytes()),
                State::Xxh3(xxh) => {
                    if self.wanted.has(HashKind::Xxh3) {
                        digests.set(HashKind::Xxh3, &xxh.digest().to_be_bytes());
                    }
                    if self.wanted.has(HashKind::Xxh128) {
                        digests.set(HashKind::Xxh128, &xxh.digest128().to_be_bytes());
                    }
                }
            }
        }
        digests
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

/// All wanted hashes of `bytes`.
#[must_use]
pub fn digest(wanted: Wanted, bytes: &[u8]) -> Digests {
    let mut hasher = Hasher::new(wanted);
    hasher.update(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    fn base64(digests: &Digests, kind: HashKind) -> String {
        STANDARD.encode(digests.get(kind).unwrap())
    }

    fn all() -> Wanted {
        HashKind::ALL.into_iter().collect()
    }

    #[test]
    fn storage_fits_exactly() {
        assert_eq!(HashKind::ALL.into_iter().map(HashKind::size).sum::<usize>(), STORAGE);
        for (index, kind) in HashKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
    }

    #[test]
    fn known_answers() {
        let of = |bytes: &[u8]| digest(all(), bytes);
        let nine = of(b"123456789");
        assert_eq!(nine.present(), all());
        assert_eq!(base64(&nine, HashKind::Crc32), "y/Q5Jg==");
        assert_eq!(base64(&nine, HashKind::Crc32c), "4waSgw==");
        assert_eq!(base64(&nine, HashKind::Crc64Nvme), "rosUhgp5mIg=");
        assert_eq!(nine.crc(HashKind::Crc64Nvme), Some(0xae8b_1486_0a79_9888));
        assert_eq!(nine.crc(HashKind::Md5), None);
        let empty = of(b"");
        assert_eq!(base64(&empty, HashKind::Crc32), "AAAAAA==");
        assert_eq!(base64(&empty, HashKind::Crc64Nvme), "AAAAAAAAAAA=");
        assert_eq!(base64(&empty, HashKind::Sha256), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        let hex = |kind| hex::encode(empty.get(kind).unwrap());
        assert_eq!(hex(HashKind::Md5), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex(HashKind::Xxh64), "ef46db3751d8e999");
        assert_eq!(hex(HashKind::Xxh3), "2d06800538d394c2");
        assert_eq!(hex(HashKind::Xxh128), "99aa06d3014798d86001c324468d497f");
        let part = of(&vec![b'B'; 5 << 20]);
        assert_eq!(base64(&part, HashKind::Crc32), "QoZTGg==");
        assert_eq!(base64(&part, HashKind::Crc32c), "TH4EZg==");
        assert_eq!(base64(&part, HashKind::Crc64Nvme), "xW1l19VobYM=");
        assert_eq!(base64(&part, HashKind::Sha1), "LS/TJ32bAVKEwRu+sE3X7awh/lk=");
        assert_eq!(base64(&part, HashKind::Sha256), "mrHwOfjTL5Zwfj74F05HOQGLdUb7E5szdCbxgUSq6NM=");
        assert_eq!(hex::encode(part.md5().unwrap()), "ba8c3fac0e224c9b79a8e74bebd54654");
    }

    #[test]
    fn any_cut_gives_the_same() {
        let bytes: Vec<u8> = (0..100_000u32).map(|i| (i.wrapping_mul(i) >> 5) as u8).collect();
        let whole = digest(all(), &bytes);
        for cut in [1000, 16_384, 33_333] {
            let mut hasher = Hasher::new(all());
            bytes.chunks(cut).for_each(|chunk| hasher.update(chunk));
            assert_eq!(hasher.finish(), whole);
        }
        for kind in HashKind::ALL {
            let one = digest(Wanted::of(kind), &bytes);
            assert_eq!(one.present(), Wanted::of(kind));
            assert_eq!(one.get(kind), whole.get(kind));
        }
    }

    #[test]
    fn a_value_of_the_wrong_length_is_not_taken() {
        let mut digests = Digests::default();
        digests.set(HashKind::Md5, &[1; 15]);
        assert_eq!(digests.get(HashKind::Md5), None);
        assert_eq!(digests, Digests::default());
    }
}
