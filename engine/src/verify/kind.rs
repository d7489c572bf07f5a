//! The hashes S3 can store, and sets of them.

use super::crc::CrcKind;

/// A hash that S3 stores for an object or a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum HashKind {
    /// MD5: plain and multipart ETags, and an additional checksum.
    Md5,
    /// CRC-32 of ISO-HDLC.
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// CRC-64/NVME, the default checksum.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// XXH64 with seed 0.
    Xxh64,
    /// XXH3, 64 bits, with seed 0.
    Xxh3,
    /// XXH3, 128 bits, with seed 0.
    Xxh128,
}

impl HashKind {
    /// Every kind, in the order of their storage.
    pub const ALL: [Self; 10] = [
        Self::Md5,
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
        Self::Sha512,
        Self::Xxh64,
        Self::Xxh3,
        Self::Xxh128,
    ];

    /// Bytes of a value.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme | Self::Xxh64 | Self::Xxh3 => 8,
            Self::Md5 | Self::Xxh128 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The CRC behind this kind, if it is one: only CRCs can be combined from parts.
    #[must_use]
    pub const fn crc(self) -> Option<CrcKind> {
        match self {
            Self::Crc32 => Some(CrcKind::Crc32),
            Self::Crc32c => Some(CrcKind::Crc32c),
            Self::Crc64Nvme => Some(CrcKind::Crc64Nvme),
            _ => None,
        }
    }
}

/// A set of hashes to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wanted(u16);

impl Wanted {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// MD5 alone.
    pub const MD5: Self = Self::of(HashKind::Md5);

    /// One kind.
    #[must_use]
    pub const fn of(kind: HashKind) -> Self {
        Self(1 << kind as u8)
    }

    /// This set and `kind`.
    #[must_use]
    pub const fn with(self, kind: HashKind) -> Self {
        Self(self.0 | Self::of(kind).0)
    }

    /// This set but `kind`.
    #[must_use]
    pub const fn without(self, kind: HashKind) -> Self {
        Self(self.0 & !Self::of(kind).0)
    }

    /// The kinds in either set.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `kind` is wanted.
    #[must_use]
    pub const fn has(self, kind: HashKind) -> bool {
        self.0 & Self::of(kind).0 != 0
    }

    /// Whether nothing is wanted.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds in the set.
    pub fn iter(self) -> impl Iterator<Item = HashKind> {
        HashKind::ALL.into_iter().filter(move |kind| self.has(*kind))
    }
}

impl FromIterator<HashKind> for Wanted {
    fn from_iter<I: IntoIterator<Item = HashKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        let set: Wanted = [HashKind::Sha256, HashKind::Md5].into_iter().collect();
        assert!(set.has(HashKind::Md5) && set.has(HashKind::Sha256) && !set.has(HashKind::Sha1));
        assert_eq!(set.iter().collect::<Vec<_>>(), [HashKind::Md5, HashKind::Sha256]);
        assert_eq!(set.without(HashKind::Sha256), Wanted::MD5);
        assert_eq!(Wanted::MD5.or(Wanted::of(HashKind::Sha256)), set);
        assert!(Wanted::MD5.without(HashKind::Md5).is_empty());
        assert_eq!(HashKind::ALL.into_iter().collect::<Wanted>().iter().count(), 10);
    }
}
