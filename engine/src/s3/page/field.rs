//! Values of single fields: numbers, flags, names of classes and algorithms, ETags.

use crate::model::{ChecksumAlgorithm, ChecksumType, ETag, StorageClass};

/// A decimal number without sign.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// `true` or `false`.
pub(super) fn flag(text: &[u8]) -> Option<bool> {
    match text {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

/// The usual storage class without a look at the others; `None` for one that only the model can name.
pub(super) fn storage_class(text: &[u8]) -> Option<StorageClass> {
    if text == b"STANDARD" {
        return Some(StorageClass::Standard);
    }
    match StorageClass::from_name(std::str::from_utf8(text).ok()?) {
        StorageClass::Other(_) => None,
        known => Some(known),
    }
}

/// A known algorithm; S3's default without a look at the others.
pub(super) fn checksum_algorithm(text: &[u8]) -> Option<ChecksumAlgorithm> {
    if text == b"CRC64NVME" {
        return Some(ChecksumAlgorithm::Crc64nvme);
    }
    ChecksumAlgorithm::from_name(std::str::from_utf8(text).ok()?)
}

/// A known checksum type.
pub(super) fn checksum_type(text: &[u8]) -> Option<ChecksumType> {
    match text {
        b"FULL_OBJECT" => Some(ChecksumType::FullObject),
        b"COMPOSITE" => Some(ChecksumType::Composite),
        _ => None,
    }
}

/// The two usual ETags straight from the document, in quotes, `&quot;` or nothing. `None`: decode, then
/// [`ETag::parse`].
pub(super) fn etag(raw: &[u8]) -> Option<ETag> {
    let inner = strip(raw, b"&quot;").or_else(|| strip(raw, b"\"")).unwrap_or(raw);
    let (hex, suffix) = inner.split_first_chunk::<32>()?;
    let digest = digest(hex)?;
    match suffix {
        [] => Some(ETag::Plain(digest)),
        [b'-', first @ b'1'..=b'9', more @ ..] => {
            let more_digits = if more.is_empty() { 0 } else { number(more)? };
            let scale = 10_u64.checked_pow(u32::try_from(more.len()).ok()?)?;
            let parts = u64::from(first - b'0').checked_mul(scale)?.checked_add(more_digits)?;
            Some(ETag::Multipart { digest, parts: u32::try_from(parts).ok()? })
        }
        _ => None,
    }
}

fn strip<'a>(raw: &'a [u8], quote: &[u8]) -> Option<&'a [u8]> {
    raw.strip_prefix(quote)?.strip_suffix(quote)
}

/// Sixteen bytes from 32 hexadecimal digits of either case.
fn digest(hex: &[u8; 32]) -> Option<[u8; 16]> {
    let mut bytes = [0_u8; 16];
    let mut invalid = 0_u8;
    let (pairs, _) = hex.as_chunks::<2>();
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (nibble(*high), nibble(*low));
        invalid |= high | low;
        *byte = high << 4 | (low & 0xf);
    }
    (invalid & 0xf0 == 0).then_some(bytes)
}

/// The value of a hexadecimal digit; 0xff for anything else. Without branches, so that a digest is a loop of SIMD.
pub(super) fn nibble(byte: u8) -> u8 {
    let digit = byte.wrapping_sub(b'0');
    let letter = (byte | 0x20).wrapping_sub(b'a');
    if digit < 10 {
        digit
    } else if letter < 6 {
        letter + 10
    } else {
        0xff
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_and_flags() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(number(b"007"), Some(7));
        for bad in ["", "18446744073709551616", "-1", "+1", "1.0", " 1", "0x1"] {
            assert_eq!(number(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(
            (flag(b"true"), flag(b"false"), flag(b"True"), flag(b"1")),
            (Some(true), Some(false), None, None)
        );
    }

    proptest! {
        /// The short cut may decline, but never disagrees with the model.
        #[test]
        fn etags_agree_with_the_model(text in "[0-9a-fA-F]{31,33}(-[0-9+]{0,12})?|[ -~]{0,40}", style in 0..3) {
            let raw = match style { 0 => text.clone(), 1 => format!("\"{text}\""), _ => format!("&quot;{text}&quot;") };
            if let Some(tag) = etag(raw.as_bytes()) {
                prop_assert_eq!(tag, ETag::parse(&text));
            }
        }

        #[test]
        fn usual_etags_take_the_short_cut(text in "[0-9a-f]{32}(-[1-9][0-9]{0,4})?") {
            let quoted = format!("&quot;{text}&quot;");
            prop_assert_eq!(etag(quoted.as_bytes()), Some(ETag::parse(&text)));
        }
    }
}
