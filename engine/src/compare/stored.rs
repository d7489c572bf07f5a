//! L2 and L3: what HEAD and GetObjectAttributes prove without reading a byte. Pure.

use super::{Evidence, Judgement, Reason};
use crate::model::{Checksum, ChecksumAlgorithm, ETag};
use crate::s3::{Attributes, ObjectInfo, PartInfo};

/// L2: two HEADs with checksum mode, sizes known to be equal. `None` leaves the pair open.
#[must_use]
pub fn judge_heads(a: &ObjectInfo, b: &ObjectInfo) -> Option<Judgement> {
    if a.size != b.size {
        return Some(Judgement::different(Reason::SizeDiffers));
    }
    let md5 = a.encryption.keeps_md5() && b.encryption.keeps_md5();
    let checksums = judge_checksums(&a.checksums, &b.checksums);
    match (&a.etag, &b.etag) {
        // Against an equal CRC too: 32 bits can be made to agree.
        (Some(ETag::Plain(x)), Some(ETag::Plain(y)))
            if md5 && x != y && checksums.is_none_or(|judgement| judgement.reason.is_none()) =>
        {
            Some(Judgement::different(Reason::EtagDiffers))
        }
        _ => checksums,
    }
}

/// Whether all that the two share are 32-bit CRCs.
#[must_use]
pub fn rests_on_32_bits(a: &[Checksum], b: &[Checksum]) -> bool {
    let long = |checksum: &&Checksum| checksum.algorithm.value_bytes() > 4;
    !a.iter().filter(long).any(|x| b.iter().any(|y| y.algorithm == x.algorithm))
}

/// Full-object against full-object, and equal composites. Unequal composites prove nothing by themselves: the
/// parts may be cut elsewhere.
fn judge_checksums(a: &[Checksum], b: &[Checksum]) -> Option<Judgement> {
    let shared = a.iter().filter_map(|x| Some((x, b.iter().find(|y| y.algorithm == x.algorithm)?)));
    for (x, y) in shared {
        match (x.parts, y.parts) {
            _ if x == y => return Some(Judgement::identical(Evidence::Checksum)),
            (None, None) => return Some(Judgement::different(Reason::ChecksumDiffers)),
            _ => {}
        }
    }
    None
}

/// L3: parts. Full-object CRCs derived from part CRCs, on one side or both; or equal layouts part by part.
#[must_use]
pub fn judge_parts(a: &Attributes, b: &Attributes) -> Option<Judgement> {
    for algorithm in [ChecksumAlgorithm::Crc64nvme, ChecksumAlgorithm::Crc32c, ChecksumAlgorithm::Crc32] {
        if let (Some(x), Some(y)) = (full_crc(a, algorithm), full_crc(b, algorithm)) {
            return Some(if x == y {
                Judgement::identical(Evidence::Parts)
            } else {
                Judgement::different(Reason::ChecksumDiffers)
            });
        }
    }
    judge_same_layout(a, b)
}

/// With equal part sizes every part can be compared by whatever both sides store of it.
fn judge_same_layout(a: &Attributes, b: &Attributes) -> Option<Judgement> {
    let same_layout = a.parts.len() == b.parts.len()
        && !a.parts.is_empty()
        && a.parts.iter().zip(&b.parts).all(|(x, y)| x.size == y.size);
    if !same_layout || !is_complete(a) || !is_complete(b) {
        return None;
    }
    let mut all_equal = true;
    for (x, y) in a.parts.iter().zip(&b.parts) {
        match judge_checksums(&x.checksums, &y.checksums) {
            Some(Judgement { reason: None, .. }) => {}
            Some(_) => return Some(Judgement::different(Reason::ChecksumDiffers)),
            None => all_equal = false,
        }
    }
    all_equal.then(|| Judgement::identical(Evidence::Parts))
}

/// A part list proves something about the object only if it is the whole list.
fn is_complete(attributes: &Attributes) -> bool {
    let total: u64 = attributes.parts.iter().map(|part| part.size).sum();
    let count = u32::try_from(attributes.parts.len()).ok();
    total == attributes.size && attributes.parts_count.is_none_or(|n| Some(n) == count)
}

/// The CRC of the whole object: stored, or combined from its parts. A CRC is linear, so the CRC of a
/// concatenation follows from the parts' CRCs and lengths.
fn full_crc(attributes: &Attributes, algorithm: ChecksumAlgorithm) -> Option<u64> {
    let of = |checksums: &[Checksum]| {
        let found = checksums.iter().find(|c| c.algorithm == algorithm && c.parts.is_none())?;
        Some(found.value.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte)))
    };
    if let Some(stored) = of(&attributes.checksums) {
        return Some(stored);
    }
    if attributes.parts.is_empty() || !is_complete(attributes) {
        return None;
    }
    let mut parts = attributes.parts.iter();
    let mut next = || parts.next().map(|PartInfo { size, checksums, .. }| (of(checksums), *size));
    let (first, _) = next()?;
    let mut crc = first?;
    while let Some((part, size)) = next() {
        crc = crc_fast::checksum_combine(crc_algorithm(algorithm)?, crc, part?, size);
    }
    Some(crc)
}

fn crc_algorithm(algorithm: ChecksumAlgorithm) -> Option<crc_fast::CrcAlgorithm> {
    match algorithm {
        ChecksumAlgorithm::Crc64nvme => Some(crc_fast::CrcAlgorithm::Crc64Nvme),
        ChecksumAlgorithm::Crc32c => Some(crc_fast::CrcAlgorithm::Crc32Iscsi),
        ChecksumAlgorithm::Crc32 => Some(crc_fast::CrcAlgorithm::Crc32IsoHdlc),
        _ => None,
    }
}

/// Why a pair stays open after all levels asked.
#[must_use]
pub fn open_reason(a: &ObjectInfo, b: &ObjectInfo) -> Reason {
    if !a.encryption.keeps_md5() || !b.encryption.keeps_md5() {
        Reason::EncryptedNoSharedChecksum
    } else if matches!(
        (&a.etag, &b.etag),
        (Some(ETag::Multipart { .. }), _) | (_, Some(ETag::Multipart { .. }))
    ) {
        Reason::PartLayoutOnly
    } else {
        Reason::NoSharedChecksum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::Encryption;

    fn checksum(algorithm: ChecksumAlgorithm, text: &str) -> Checksum {
        Checksum::parse(algorithm, text).unwrap()
    }

    /// The three 5 MiB parts of 'A', 'B', 'C' (known answers, S3 facts, section 1.3).
    fn abc(algorithm: ChecksumAlgorithm, texts: [&str; 3]) -> Attributes {
        let parts = texts.iter().enumerate().map(|(index, text)| PartInfo {
            number: u32::try_from(index).unwrap() + 1,
            size: 5 << 20,
            checksums: vec![checksum(algorithm, text)],
        });
        Attributes { size: 15 << 20, parts_count: Some(3), parts: parts.collect(), ..Attributes::default() }
    }

    fn full(algorithm: ChecksumAlgorithm, text: &str) -> Attributes {
        Attributes { size: 15 << 20, checksums: vec![checksum(algorithm, text)], ..Attributes::default() }
    }

    #[test]
    fn part_crcs_combine_to_the_known_full_object_values() {
        use ChecksumAlgorithm::{Crc32, Crc32c, Crc64nvme};
        let cases = [
            (Crc32, ["JRTCyQ==", "QoZTGg==", "YAgjqw=="], "WgDhBQ=="),
            (Crc32c, ["MDaLrw==", "TH4EZg==", "Z7mBIQ=="], "xU+Krw=="),
            (Crc64nvme, ["L/E4WYn8v98=", "xW1l19VobYM=", "cK5MnNaWrW4="], "i+6LR0y3eFo="),
        ];
        for (algorithm, parts, whole) in cases {
            let same = Some(Judgement::identical(Evidence::Parts));
            assert_eq!(judge_parts(&abc(algorithm, parts), &full(algorithm, whole)), same);
            let mut swapped = parts;
            swapped.swap(0, 1);
            let differs = Some(Judgement::different(Reason::ChecksumDiffers));
            assert_eq!(judge_parts(&abc(algorithm, swapped), &full(algorithm, whole)), differs);
        }
    }

    #[test]
    fn incomplete_part_lists_prove_nothing() {
        let mut short = abc(ChecksumAlgorithm::Crc32, ["JRTCyQ==", "QoZTGg==", "YAgjqw=="]);
        short.parts.pop();
        assert_eq!(judge_parts(&short, &full(ChecksumAlgorithm::Crc32, "WgDhBQ==")), None);
    }

    #[test]
    fn composite_and_full_object_are_never_compared() {
        let info = |text: &str| ObjectInfo {
            checksums: vec![checksum(ChecksumAlgorithm::Crc32c, text)],
            ..ObjectInfo::default()
        };
        assert_eq!(judge_heads(&info("xU+Krw=="), &info("g9DPqQ==-3")), None);
        assert_eq!(judge_heads(&info("g9DPqQ==-3"), &info("xU+Krw==-3")), None);
        let same = judge_heads(&info("g9DPqQ==-3"), &info("g9DPqQ==-3"));
        assert_eq!(same, Some(Judgement::identical(Evidence::Checksum)));
        let differs = judge_heads(&info("xU+Krw=="), &info("MDaLrw=="));
        assert_eq!(differs, Some(Judgement::different(Reason::ChecksumDiffers)));
    }

    #[test]
    fn unequal_md5s_count_only_where_they_are_md5s() {
        let info = |digit: &str, algorithm: Option<&str>| ObjectInfo {
            etag: Some(ETag::parse(&digit.repeat(32))),
            encryption: Encryption { algorithm: algorithm.map(str::to_owned), ..Encryption::default() },
            ..ObjectInfo::default()
        };
        let differs = judge_heads(&info("1", None), &info("2", Some("AES256")));
        assert_eq!(differs, Some(Judgement::different(Reason::EtagDiffers)));
        let (a, b) = (info("1", None), info("2", Some("aws:kms")));
        assert_eq!(judge_heads(&a, &b), None);
        assert_eq!(open_reason(&a, &b), Reason::EncryptedNoSharedChecksum);
    }
}
