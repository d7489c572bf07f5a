//! Start and end tags: the short way for the names a listing is made of, the careful way for everything XML allows.

use super::MAX_TOKEN;
use super::entity;
use super::error::{Fault, Step};
use super::name::Name;
use super::scan::Token;
use memchr::memchr;

/// Most attributes of one tag: checking that they differ takes time in the square of their number.
const MAX_ATTRIBUTES: usize = 32;

/// An element's name: as written, for matching its end tag, and as known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// With its namespace prefix.
    pub(super) raw: &'a [u8],
    /// By its local part.
    pub(super) name: Name,
}

/// The local name of the tag that seems to begin here, however broken: for telling HTML from a broken listing.
pub(super) fn peek_name(buf: &[u8]) -> Name {
    let after = buf.strip_prefix(b"<").unwrap_or_default();
    let raw = after.get(..name_length(after)).unwrap_or_default();
    Name::of(raw.rsplit(|byte| *byte == b':').next().unwrap_or_default())
}

/// `<Name>text</Name>` in one piece: its tag, its raw text, and the length of it all. Nine tenths of a listing are
/// this. `None` means only that the way through single tokens has to be taken: the name is not a known one or has
/// attributes, the end is not in sight, there is more in it than text.
#[inline]
pub(super) fn field(buf: &[u8]) -> Option<(Tag<'_>, &[u8], usize)> {
    let inside = buf.strip_prefix(b"<")?;
    let (tag, rest) = inside.split_at_checked(tag_end(inside)?)?;
    let rest = rest.strip_prefix(b">")?;
    let name = Name::of(tag);
    if name == Name::Other {
        return None;
    }
    let (text, tail) = rest.split_at_checked(memchr(b'<', rest)?)?;
    let (end, after) = tail.strip_prefix(b"</")?.split_at_checked(tag.len())?;
    let after = after.strip_prefix(b">")?;
    let whole = same(end, tag) && text.len() <= MAX_TOKEN;
    whole.then_some((Tag { raw: tag, name }, text, buf.len() - after.len()))
}

/// A start tag. The known plain names need one look for `>`; everything else goes the long way.
pub(super) fn open(buf: &[u8]) -> Step<Option<(Token<'_>, usize)>> {
    let Some(end) = tag_end(buf) else {
        return Ok(None);
    };
    let raw = buf.get(1..end).unwrap_or_default();
    let tag = Tag { raw, name: Name::of(raw) };
    if tag.name == Name::Other {
        return open_with_care(buf);
    }
    Ok(Some((Token::Open(tag), end + 1)))
}

/// The position of the first `>`. Names are short, so eight bytes at a time beat the call of a vector search.
#[inline]
fn tag_end(buf: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const WORDS: usize = 3;
    let (words, _) = buf.as_chunks::<8>();
    for (index, word) in words.iter().take(WORDS).enumerate() {
        let zero_if_hit = u64::from_le_bytes(*word) ^ (ONES * u64::from(b'>'));
        let hit = zero_if_hit.wrapping_sub(ONES) & !zero_if_hit & (ONES << 7);
        if hit != 0 {
            // The lowest bit set is exact; those above it may be carries.
            return Some(index * 8 + hit.trailing_zeros() as usize / 8);
        }
    }
    memchr(b'>', buf)
}

/// Equality of two names of one length, for the lengths that names have, without a call.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    match a.len() {
        8..=16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        4..=7 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
        _ => a == b,
    }
}

/// A start tag that may have a prefix, attributes, white space, a final slash.
fn open_with_care(buf: &[u8]) -> Step<Option<(Token<'_>, usize)>> {
    let mut at = 1;
    let raw = take(buf, &mut at, name_length);
    let tag = Tag { raw, name: local_name(raw).ok_or_else(|| Fault::malformed(0, "`<` without a name"))? };
    let mut seen: Vec<&[u8]> = Vec::new();
    loop {
        let spaces = take(buf, &mut at, space_length).len();
        match buf.get(at..).unwrap_or_default() {
            [] | [b'/'] => return Ok(None),
            [b'>', ..] => return Ok(Some((Token::Open(tag), at + 1))),
            [b'/', b'>', ..] => return Ok(Some((Token::Empty(tag), at + 2))),
            _ if spaces == 0 => return Err(Fault::malformed(at, "a stray character in a tag")),
            _ => {}
        }
        let start = at;
        match attribute(buf, &mut at)? {
            Some(name) if seen.contains(&name) => {
                return Err(Fault::malformed(start, "an attribute given twice"));
            }
            Some(_) if seen.len() == MAX_ATTRIBUTES => {
                return Err(Fault::too_large("the number of attributes", MAX_ATTRIBUTES));
            }
            Some(name) => seen.push(name),
            None => return Ok(None),
        }
    }
}

/// `name="value"`; the name, or `None` if the buffer ends first.
fn attribute<'a>(buf: &'a [u8], at: &mut usize) -> Step<Option<&'a [u8]>> {
    let start = *at;
    let name = take(buf, at, name_length);
    take(buf, at, space_length);
    match buf.get(*at) {
        None => return Ok(None),
        Some(b'=') if local_name(name).is_some() => *at += 1,
        Some(_) => {
            return Err(Fault::malformed(start, "a tag that is neither closed nor followed by attributes"));
        }
    }
    take(buf, at, space_length);
    let quote = match buf.get(*at) {
        None => return Ok(None),
        Some(quote @ (b'"' | b'\'')) => *quote,
        Some(_) => return Err(Fault::malformed(*at, "an attribute value without quotes")),
    };
    *at += 1;
    let rest = buf.get(*at..).unwrap_or_default();
    let Some(end) = memchr(quote, rest) else {
        return Ok(None);
    };
    let value = rest.get(..end).unwrap_or_default();
    if let Some(stray) = memchr(b'<', value) {
        return Err(Fault::malformed(*at + stray, "`<` in an attribute"));
    }
    entity::append(value, &mut String::new())
        .map_err(|(offset, reason)| Fault::malformed(*at + offset, reason))?;
    *at += end + 1;
    Ok(Some(name))
}

/// An end tag.
pub(super) fn close(buf: &[u8]) -> Step<Option<(Token<'_>, usize)>> {
    let Some(end) = memchr(b'>', buf) else {
        return Ok(None);
    };
    let raw = buf.get(2..end).unwrap_or_default();
    Ok(Some((Token::Close(raw.trim_ascii_end()), end + 1)))
}

/// Moves `at` past what `length` measures there, and returns it.
fn take<'a>(buf: &'a [u8], at: &mut usize, length: fn(&[u8]) -> usize) -> &'a [u8] {
    let rest = buf.get(*at..).unwrap_or_default();
    let taken = rest.get(..length(rest)).unwrap_or_default();
    *at += taken.len();
    taken
}

fn space_length(buf: &[u8]) -> usize {
    buf.iter().take_while(|byte| is_space(**byte)).count()
}

pub(super) fn name_length(buf: &[u8]) -> usize {
    let in_name =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-' | b'.' | 0x80..);
    buf.iter().take_while(in_name).count()
}

/// The element a qualified name stands for; `None` if it is not a name: empty, of two prefixes, begun by a digit.
pub(super) fn local_name(raw: &[u8]) -> Option<Name> {
    entity::utf8(raw).ok()?;
    let (prefix, local) = match memchr(b':', raw) {
        Some(colon) => (raw.get(..colon)?, raw.get(colon + 1..)?),
        None => (raw, raw),
    };
    let starts_well =
        |part: &[u8]| part.first().is_some_and(|b| !b.is_ascii_digit() && !matches!(b, b'-' | b'.' | b':'));
    let valid = starts_well(prefix) && starts_well(local) && memchr(b':', local).is_none();
    valid.then(|| Name::of(local))
}

/// White space as XML has it.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
