//! Percent-encoding, and how servers disagree about the space in it.

use super::field::nibble;
use memchr::memchr2;

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
pub(super) fn decode(
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

    #[test]
    fn percent() {
        let decoded = |text: &str, literal: bool| {
            let (mut out, mut style) = (String::new(), SpaceStyle::default());
            decode(text, literal, &mut style, &mut out).map(|()| (out, style.plus, style.percent))
        };
        assert_eq!(decoded("a/b~c", false).unwrap(), ("a/b~c".into(), false, false));
        assert_eq!(decoded("a+b%2Bc", false).unwrap(), ("a b+c".into(), true, false));
        assert_eq!(decoded("a+b%20c", true).unwrap(), ("a+b c".into(), true, true));
        assert_eq!(decoded("%ED%95%9c%25%01", false).unwrap().0, "한%\u{1}");
        for bad in ["%", "%2", "%zz", "a%4", "%ff", "%ED%95", "%+1"] {
            assert!(decoded(bad, false).is_err(), "{bad}");
        }
    }
}
