//! Timestamps, without a calendar library in the inner loop.

use crate::model::Timestamp;

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

    proptest! {
        /// The calendar here is the calendar of the library the rest of the engine prints with.
        #[test]
        fn timestamps_agree_with_jiff(millis in -62_135_596_800_000_i64..253_402_300_799_999) {
            let text = jiff::Timestamp::from_millisecond(millis).unwrap().to_string();
            prop_assert_eq!(timestamp(text.as_bytes()), Some(Timestamp::from_millis(millis)));
        }
    }
}
