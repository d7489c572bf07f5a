//! The three CRCs that S3 knows, by carry-less multiplication where the CPU has it.
//!
//! A CRC is linear: the value of a whole follows from the values and lengths of its parts
//! ([`combine`]), so a full-object CRC needs no byte read when the parts' CRCs are known.
//!
//! Values are held in the low bits of a `u64`, 32 or 64 of them.

use crc_fast::{CrcAlgorithm, Digest, checksum_combine};

/// One of S3's CRCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CrcKind {
    /// CRC-32 of ISO-HDLC, as in gzip.
    Crc32,
    /// CRC-32C (Castagnoli), as in iSCSI.
    Crc32c,
    /// CRC-64 of the NVMe specification.
    Crc64Nvme,
}

impl CrcKind {
    fn algorithm(self) -> CrcAlgorithm {
        match self {
            Self::Crc32 => CrcAlgorithm::Crc32IsoHdlc,
            Self::Crc32c => CrcAlgorithm::Crc32Iscsi,
            Self::Crc64Nvme => CrcAlgorithm::Crc64Nvme,
        }
    }

    /// Bytes of a value as S3 stores it, big-endian.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
        }
    }
}

/// A CRC in the making.
#[derive(Clone, Debug)]
pub struct Crc(Digest);

impl Crc {
    /// The CRC of nothing so far.
    #[must_use]
    pub fn new(kind: CrcKind) -> Self {
        Self(Digest::new(kind.algorithm()))
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The value of all bytes so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.finalize()
    }
}

/// The CRC of A followed by B, from the CRC of each and the length of B in bytes.
#[must_use]
pub fn combine(kind: CrcKind, crc_a: u64, crc_b: u64, len_b: u64) -> u64 {
    if len_b == 0 {
        return crc_a;
    }
    checksum_combine(kind.algorithm(), crc_a, crc_b, len_b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [CrcKind; 3] = [CrcKind::Crc32, CrcKind::Crc32c, CrcKind::Crc64Nvme];

    fn direct(kind: CrcKind, bytes: &[u8]) -> u64 {
        let mut crc = Crc::new(kind);
        crc.update(bytes);
        crc.value()
    }

    /// CRC bit by bit from the definition; `polynomial` is reflected.
    fn bitwise(polynomial: u64, width: u32, bytes: &[u8]) -> u64 {
        let ones = u64::MAX >> (64 - width);
        let mut crc = ones;
        for byte in bytes {
            crc ^= u64::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ polynomial } else { crc >> 1 };
            }
        }
        crc ^ ones
    }

    fn definition(kind: CrcKind, bytes: &[u8]) -> u64 {
        match kind {
            CrcKind::Crc32 => bitwise(0xedb8_8320, 32, bytes),
            CrcKind::Crc32c => bitwise(0x82f6_3b78, 32, bytes),
            CrcKind::Crc64Nvme => bitwise(0x9a6c_9329_ac4b_c9b5, 64, bytes),
        }
    }

    #[test]
    fn check_values() {
        assert_eq!(direct(CrcKind::Crc32, b"123456789"), 0xcbf4_3926);
        assert_eq!(direct(CrcKind::Crc32c, b"123456789"), 0xe306_9283);
        assert_eq!(direct(CrcKind::Crc64Nvme, b"123456789"), 0xae8b_1486_0a79_9888);
        for kind in ALL {
            assert_eq!(direct(kind, b""), 0);
        }
    }

    #[test]
    fn combine_over_long_distances() {
        // Zeros only, so that doubling gives the CRC of 2^40 of them without hashing a terabyte.
        for kind in ALL {
            let mut doubled = direct(kind, &[0; 64]);
            for power in 6..40 {
                doubled = combine(kind, doubled, doubled, 1 << power);
                if power == 20 {
                    assert_eq!(doubled, direct(kind, &vec![0; 1 << 21]));
                }
            }
            let (one, third) = (direct(kind, &[0]), 1_u64 << 40);
            assert_eq!(combine(kind, one, doubled, third), combine(kind, doubled, one, 1), "{kind:?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(bytes in prop::collection::vec(any::<u8>(), 0..3000), cut in 0usize..3000) {
            let (a, b) = bytes.split_at(cut.min(bytes.len()));
            for kind in ALL {
                let whole = definition(kind, &bytes);
                prop_assert_eq!(direct(kind, &bytes), whole);
                let mut pieces = Crc::new(kind);
                pieces.update(a);
                pieces.update(b);
                prop_assert_eq!(pieces.value(), whole);
                prop_assert_eq!(combine(kind, direct(kind, a), direct(kind, b), b.len() as u64), whole);
            }
            prop_assert_eq!(direct(CrcKind::Crc32c, &bytes), u64::from(crc32c::crc32c(&bytes)));
        }

        #[test]
        fn combine_agrees_with_the_other_crate(a in any::<u32>(), b in any::<u32>(), length in 0usize..1 << 40) {
            let other = u64::from(crc32c::crc32c_combine(a, b, length));
            if length > 0 {
                prop_assert_eq!(combine(CrcKind::Crc32c, a.into(), b.into(), length as u64), other);
            }
        }
    }
}
