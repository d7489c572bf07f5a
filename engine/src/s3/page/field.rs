//! Values of single fields: timestamps, numbers, flags, ETags, percent-encoding.

use crate::model::{ChecksumAlgorithm, ChecksumType, ETag, StorageClass, Timestamp};
use memchr::memchr2;

/// RFC 3339 as S3 and its relatives write it: `2026-11-20T12:34:56` with up to nine fraction digits, then `Z` or
/// an offset. Digits below the millisecond are cut off.
pub(super) fn timestamp(text: &[u8]) -> Option<Timestamp> {
    let [y0, y1, y2, y3, b'-', o0, o1, b'-', d0, d1, b'T', h0, h1, b':', m0, m1, b':', s0, s1, rest @ ..] =
        text
    else {
        return None;
    };
    let year = two(*y0, *y1)? * 100 + two(*y2, *y3)?;
    let (month, day) = (two(*o0, *o1)?, two(*d0, *d1)?);
    let (hour, minute, second) = (two(*h0, *h1)?, two(*m0, *m1)?, two(*s0, *s1)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (millis, zone) = fraction(rest)?;
    let seconds = days(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second - offset(zone)?;
    Some(Timestamp::from_millis(seconds * 1000 + millis))
}

/// Two decimal digits.
fn two(tens: u8, units: u8) -> Option<i64> {
    let both = tens.is_ascii_digit() && units.is_ascii_digit();
    both.then(|| i64::from(tens - b'0') * 10 + i64::from(units - b'0'))
}

/// `.5` to 500 milliseconds, and what follows.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', digits @ ..] = text else {
        return Some((0, text));
    };
    let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 || count > 9 {
        return None;
    }
    let (digits, rest) = digits.split_at_checked(count)?;
    let millis = (0..3).fold(0, |sum, place| {
        sum * 10 + digits.get(place).map_or(0, |digit| i64::from(digit.saturating_sub(b'0')))
    });
    Some((millis, rest))
}

/// Seconds east of Greenwich.
fn offset(zone: &[u8]) -> Option<i64> {
    match zone {
        b"Z" => Some(0),
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => {
            let (hours, minutes) = (two(*h0, *h1)?, two(*m0, *m1)?);
            let seconds = hours * 3600 + minutes * 60;
            let valid = hours < 24 && minutes < 60;
            valid.then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; `None` if there is no such date.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    // The year begins in March, so that the leap day is its last.
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(
        year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468,
    )
}

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
fn nibble(byte: u8) -> u8 {
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

/// What a page's percent-encoded values show about the server that wrote them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SpaceStyle {
    /// A bare `+` was read.
    pub(super) plus: bool,
    /// `%20` was read.
    pub(super) percent: bool,
}

/// Undoes `encoding-type=url`.
///
/// S3 and MinIO write a space as `+` and a plus as `%2B`; Ceph writes `%20` and `%2B`. So a bare `+` is a space,
/// except from servers that leave it alone (`plus_is_literal`). `style` gathers the evidence.
pub(super) fn percent_decode(
    text: &str,
    plus_is_literal: bool,
    style: &mut SpaceStyle,
    out: &mut String,
) -> Result<(), &'static str> {
    let mut rest = text.as_bytes();
    if memchr2(b'%', b'+', rest).is_none() {
        out.push_str(text);
        return Ok(());
    }
    let mut bytes = std::mem::take(out).into_bytes();
    while let Some(at) = memchr2(b'%', b'+', rest) {
        let (head, tail) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        bytes.extend_from_slice(head);
        rest = match tail {
            [b'+', after @ ..] => {
                style.plus = true;
                bytes.push(if plus_is_literal { b'+' } else { b' ' });
                after
            }
            [b'%', high, low, after @ ..] => {
                let (high, low) = (nibble(*high), nibble(*low));
                if (high | low) & 0xf0 != 0 {
                    return Err("`%` without two hexadecimal digits");
                }
                let byte = high << 4 | low;
                style.percent |= byte == b' ';
                bytes.push(byte);
                after
            }
            _ => return Err("`%` without two hexadecimal digits"),
        };
    }
    bytes.extend_from_slice(rest);
    *out = String::from_utf8(bytes).map_err(|_| "percent-encoded bytes that are not UTF-8")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn timestamps() {
        let millis = |text: &str| timestamp(text.as_bytes()).map(Timestamp::millis);
        assert_eq!(millis("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(millis("2026-11-20T12:34:56.000Z"), Some(1_795_178_096_000));
        assert_eq!(millis("2026-11-20T12:34:56.7Z"), Some(1_795_178_096_700));
        assert_eq!(millis("2026-11-20T12:34:56.123999999Z"), Some(1_795_178_096_123));
        assert_eq!(millis("2026-11-20T14:34:56+02:00"), Some(1_795_178_096_000));
        assert_eq!(millis("2026-11-20T07:04:56.5-05:30"), Some(1_795_178_096_500));
        assert_eq!(millis("1969-12-31T23:59:59.250Z"), Some(-750));
        assert!(millis("2024-02-29T00:00:00Z").is_some());
        for bad in [
            "",
            "2026-11-20",
            "2026-11-20T12:34:56",
            "2026-11-20 12:34:56Z",
            "2026-11-20T12:34:56.Z",
            "2026-11-20T12:34:56.1234567890Z",
            "2026-11-20T24:00:00Z",
            "2026-11-20T12:60:00Z",
            "2026-11-20T12:34:60Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-11-00T00:00:00Z",
            "2026-11-20T12:34:56+24:00",
            "2026-11-20T12:34:56+0200",
            "2026-11-20T12:34:56ZZ",
            "2026-11-2xT12:34:56Z",
        ] {
            assert_eq!(millis(bad), None, "{bad}");
        }
    }

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

    #[test]
    fn percent() {
        let decode = |text: &str, literal: bool| {
            let (mut out, mut style) = (String::new(), SpaceStyle::default());
            percent_decode(text, literal, &mut style, &mut out).map(|()| (out, style.plus, style.percent))
        };
        assert_eq!(decode("a/b~c", false).unwrap(), ("a/b~c".into(), false, false));
        assert_eq!(decode("a+b%2Bc", false).unwrap(), ("a b+c".into(), true, false));
        assert_eq!(decode("a+b%20c", true).unwrap(), ("a+b c".into(), true, true));
        assert_eq!(decode("%ED%95%9c%25%01", false).unwrap().0, "한%\u{1}");
        for bad in ["%", "%2", "%zz", "a%4", "%ff", "%ED%95", "%+1"] {
            assert!(decode(bad, false).is_err(), "{bad}");
        }
    }

    proptest! {
        /// The calendar here is the calendar of the library the rest of the engine prints with.
        #[test]
        fn timestamps_agree_with_jiff(millis in -62_135_596_800_000_i64..253_402_300_799_999) {
            let text = jiff::Timestamp::from_millisecond(millis).unwrap().to_string();
            prop_assert_eq!(timestamp(text.as_bytes()), Some(Timestamp::from_millis(millis)));
        }

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
