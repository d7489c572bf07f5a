//! The additional checksums S3 stores beside an object.
//!
//! `FULL_OBJECT` is the checksum of the bytes; `COMPOSITE` is a checksum of the parts' checksums and carries
//! `-N`. The two are never comparable with each other (User Guide, "Checking object integrity").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Every algorithm S3 can store (service model, `ChecksumAlgorithm`, 2026-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum ChecksumAlgorithm {
    Crc64nvme,
    Crc32,
    Crc32c,
    Sha1,
    Sha256,
    Sha512,
    Md5,
    Xxhash64,
    Xxhash3,
    Xxhash128,
}

impl ChecksumAlgorithm {
    /// All of them; S3's default first.
    pub const ALL: [Self; 10] = [
        Self::Crc64nvme,
        Self::Crc32,
        Self::Crc32c,
        Self::Sha1,
        Self::Sha256,
        Self::Sha512,
        Self::Md5,
        Self::Xxhash64,
        Self::Xxhash3,
        Self::Xxhash128,
    ];

    /// The name S3 uses in listings and headers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc64nvme => "CRC64NVME",
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
            Self::Md5 => "MD5",
            Self::Xxhash64 => "XXHASH64",
            Self::Xxhash3 => "XXHASH3",
            Self::Xxhash128 => "XXHASH128",
        }
    }

    /// The algorithm of that name, in the exact spelling of S3.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Length of the value in bytes.
    #[must_use]
    pub fn value_bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64nvme | Self::Xxhash64 | Self::Xxhash3 => 8,
            Self::Md5 | Self::Xxhash128 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// Whether a checksum covers the object's bytes or the checksums of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChecksumType {
    /// Over the bytes of the whole object; comparable whatever the part layout.
    FullObject,
    /// Over the parts' checksums; comparable only between equal part layouts.
    Composite,
}

/// A set of algorithms, as a listing row names them. Two bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AlgorithmSet(u16);

impl AlgorithmSet {
    /// Adds one.
    pub fn insert(&mut self, algorithm: ChecksumAlgorithm) {
        self.0 |= 1 << (algorithm as u16);
    }

    /// Is it in the set?
    #[must_use]
    pub fn contains(self, algorithm: ChecksumAlgorithm) -> bool {
        self.0 & (1 << (algorithm as u16)) != 0
    }

    /// True when the listing named no algorithm: either there is none, or the server does not say.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members in the order of [`ChecksumAlgorithm::ALL`].
    pub fn iter(self) -> impl Iterator<Item = ChecksumAlgorithm> {
        ChecksumAlgorithm::ALL.into_iter().filter(move |algorithm| self.contains(*algorithm))
    }
}

impl fmt::Debug for AlgorithmSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(ChecksumAlgorithm::name)).finish()
    }
}

/// One stored checksum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Checksum {
    /// Which algorithm.
    pub algorithm: ChecksumAlgorithm,
    /// The value, big-endian, [`ChecksumAlgorithm::value_bytes`] long.
    pub value: Box<[u8]>,
    /// `Some(N)` for a composite checksum over N parts, `None` for a full-object one.
    pub parts: Option<u32>,
}

/// A checksum header that no S3 server should have sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a {algorithm} checksum: expected {expected} bytes in base64, optionally followed by -N"
)]
pub struct ParseChecksumError {
    text: String,
    algorithm: &'static str,
    expected: usize,
}

impl Checksum {
    /// Reads the header or XML value, e.g. `g9DPqQ==-3`. Base64 has no `-`, so the split is unambiguous.
    ///
    /// # Errors
    /// When the value is not base64 of the algorithm's length or the part count is not a positive number.
    pub fn parse(algorithm: ChecksumAlgorithm, text: &str) -> Result<Self, ParseChecksumError> {
        let error = || ParseChecksumError {
            text: text.to_owned(),
            algorithm: algorithm.name(),
            expected: algorithm.value_bytes(),
        };
        let (value, parts) = match text.split_once('-') {
            None => (text, None),
            Some((value, parts)) => {
                let digits = !parts.is_empty() && parts.bytes().all(|b| b.is_ascii_digit());
                let parts = if digits { parts.parse::<u32>().ok() } else { None };
                (value, Some(parts.filter(|n| *n > 0).ok_or_else(error)?))
            }
        };
        let value = BASE64.decode(value).map_err(|_| error())?;
        if value.len() != algorithm.value_bytes() {
            return Err(error());
        }
        Ok(Self { algorithm, value: value.into(), parts })
    }

    /// Full-object or composite.
    #[must_use]
    pub fn kind(&self) -> ChecksumType {
        if self.parts.is_some() { ChecksumType::Composite } else { ChecksumType::FullObject }
    }

    /// The base64 value with its `-N`, as S3 writes it.
    #[must_use]
    pub fn text(&self) -> String {
        let value = BASE64.encode(&self.value);
        match self.parts {
            Some(parts) => format!("{value}-{parts}"),
            None => value,
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let full = Checksum::parse(ChecksumAlgorithm::Crc32c, "xU+Krw==").unwrap();
        assert_eq!(full.kind(), ChecksumType::FullObject);
        let composite = Checksum::parse(ChecksumAlgorithm::Crc32c, "g9DPqQ==-3").unwrap();
        assert_eq!((composite.kind(), composite.parts), (ChecksumType::Composite, Some(3)));
        assert_eq!(composite.text(), "g9DPqQ==-3");
        for bad in ["", "g9DPqQ==-", "g9DPqQ==-0", "g9DPqQ==-x", "g9DP", "i+6LR0y3eFo="] {
            assert!(Checksum::parse(ChecksumAlgorithm::Crc32c, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_round_trip() {
        for algorithm in ChecksumAlgorithm::ALL {
            assert_eq!(ChecksumAlgorithm::from_name(algorithm.name()), Some(algorithm));
            assert_eq!(serde_json::to_value(algorithm).unwrap(), algorithm.name());
        }
    }
}
