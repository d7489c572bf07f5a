//! Character data to text: UTF-8, entities, line ends.
//!
//! More lenient than XML 1.0 in one point, on purpose: control characters are taken, written as references
//! (S3 itself emits `&#x1;` for such a key) or raw, because a key holding one is legal and unambiguous. Only a
//! raw NUL is refused, which no writer means.

use memchr::memchr3;

/// Longest reference worth reading: `&#x10FFFF;` and some leading zeros.
const MAX_REFERENCE: usize = 24;

/// Why some character data is not text: the offset into it and the reason.
pub(super) type TextFault = (usize, &'static str);

/// The text itself when nothing in it needs replacing, which is nearly always. `None`: ask [`append`].
pub(super) fn plain(raw: &[u8]) -> Option<&str> {
    if memchr3(b'&', b'\r', 0, raw).is_some() { None } else { std::str::from_utf8(raw).ok() }
}

/// Appends the text that `raw` stands for.
pub(super) fn append(raw: &[u8], out: &mut String) -> Result<(), TextFault> {
    let text = utf8(raw)?;
    let mut rest = text;
    while let Some(at) = memchr3(b'&', b'\r', 0, rest.as_bytes()) {
        let offset = text.len() - rest.len() + at;
        let (head, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(head);
        rest = if let Some(after) = tail.strip_prefix('&') {
            let (c, after) = reference(after).map_err(|reason| (offset, reason))?;
            out.push(c);
            after
        } else {
            line_end(tail, out).ok_or((offset, "a raw NUL byte"))?
        };
    }
    out.push_str(rest);
    Ok(())
}

/// Appends the content of a CDATA section: no entities, but line ends count.
pub(super) fn append_cdata(raw: &[u8], out: &mut String) -> Result<(), TextFault> {
    let text = utf8(raw)?;
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'\r', 0, rest.as_bytes()) {
        let offset = text.len() - rest.len() + at;
        let (head, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(head);
        rest = line_end(tail, out).ok_or((offset, "a raw NUL byte"))?;
    }
    out.push_str(rest);
    Ok(())
}

/// Bytes as UTF-8, or where they stop being it.
pub(super) fn utf8(raw: &[u8]) -> Result<&str, TextFault> {
    std::str::from_utf8(raw).map_err(|error| (error.valid_up_to(), "not UTF-8"))
}

/// CR LF and a lone CR are one LF (XML 1.0, section 2.11). `None` if the text does not begin with CR.
fn line_end<'a>(text: &'a str, out: &mut String) -> Option<&'a str> {
    let after = text.strip_prefix('\r')?;
    out.push('\n');
    Some(after.strip_prefix('\n').unwrap_or(after))
}

/// Reads a reference after its `&`: the character, and what follows the `;`.
fn reference(text: &str) -> Result<(char, &str), &'static str> {
    let window = text.as_bytes().get(..MAX_REFERENCE).unwrap_or(text.as_bytes());
    let end = memchr::memchr(b';', window).ok_or("`&` without an entity")?;
    let (name, after) = text.split_at_checked(end).ok_or("`&` without an entity")?;
    let after = after.strip_prefix(';').unwrap_or(after);
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => match name.strip_prefix('#') {
            Some(number) => character(number)?,
            None => return Err("an entity XML does not define"),
        },
    };
    Ok((c, after))
}

/// The character of `65` or `x41`.
fn character(number: &str) -> Result<char, &'static str> {
    let (digits, radix) = match number.strip_prefix('x') {
        Some(hex) => (hex, 16),
        None => (number, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err("a character reference that is not a number");
    }
    u32::from_str_radix(digits, radix)
        .ok()
        .and_then(char::from_u32)
        .ok_or("a character reference outside Unicode or to a surrogate")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> Result<String, TextFault> {
        let mut out = String::new();
        append(raw.as_bytes(), &mut out).map(|()| out)
    }

    #[test]
    fn references() {
        assert_eq!(text("a&amp;b&lt;&gt;&quot;&apos;").unwrap(), "a&b<>\"'");
        assert_eq!(text("&#65;&#x42;&#x1;&#0;&#xe9;&#128512;&#x000000041;").unwrap(), "AB\u{1}\0é😀A");
        assert_eq!(text("&amp;amp;&#38;lt;").unwrap(), "&amp;&lt;");
        for bad in [
            "&",
            "a&b",
            "&;",
            "&nbsp;",
            "&AMP;",
            "&#;",
            "&#x;",
            "&#X41;",
            "&#+65;",
            "&#xD800;",
            "&#xDFFF;",
            "&#x110000;",
            "&#99999999999;",
            "&# 65;",
            "&#6é;",
            "& amp;",
        ] {
            assert!(text(bad).is_err(), "{bad}");
        }
        assert_eq!(text("ok &nbsp;").unwrap_err().0, 3);
    }

    #[test]
    fn line_ends_and_raw_bytes() {
        assert_eq!(text("a\r\nb\rc\nd\r").unwrap(), "a\nb\nc\nd\n");
        assert_eq!(text("&#13;&#xD;\n").unwrap(), "\r\r\n");
        assert_eq!(text("\u{1}\u{7f}").unwrap(), "\u{1}\u{7f}");
        assert_eq!(text("a\0").unwrap_err().0, 1);
        assert_eq!(append(b"ab\xff", &mut String::new()).unwrap_err().0, 2);
        let mut out = String::new();
        append_cdata(b"&amp;\r\n<]]", &mut out).unwrap();
        assert_eq!(out, "&amp;\n<]]");
        assert!(append_cdata(b"\0", &mut out).is_err());
    }

    #[test]
    fn plain_is_only_what_needs_no_work() {
        assert_eq!(plain("käse".as_bytes()), Some("käse"));
        for work in ["a&amp;", "a\r", "a\0"] {
            assert_eq!(plain(work.as_bytes()), None);
        }
        assert_eq!(plain(b"\xc3"), None);
    }
}
