//! From bytes to markup tokens, without allocation and without state: a token is either whole in the slice or not
//! there yet, and the caller comes back with more bytes.
//!
//! Invariants: a token never spans more than [`MAX_TOKEN`] bytes; its bytes are UTF-8 wherever they can reach a
//! result; well-formedness inside a token is checked here, across tokens in [`super::listing`].

use super::MAX_TOKEN;
use super::entity;
use super::error::{Fault, Step};
use super::name::Name;
use memchr::{memchr, memmem};

/// An element's name: as written, for matching its end tag, and as known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// With its namespace prefix.
    pub(super) raw: &'a [u8],
    /// By its local part.
    pub(super) name: Name,
}

/// One piece of markup or text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `<a>`
    Open(Tag<'a>),
    /// `<a/>`
    Empty(Tag<'a>),
    /// `<a>text</a>` at once: by far the most common shape. Never given for unknown names or names with attributes.
    Leaf(Tag<'a>, &'a [u8]),
    /// `</a>`: the name as written.
    Close(&'a [u8]),
    /// Character data, entities and all, not yet validated.
    Text(&'a [u8]),
    /// The inside of a CDATA section, not yet validated.
    Cdata(&'a [u8]),
    /// The inside of `<?xml …?>`.
    Declaration(&'a [u8]),
    /// A comment or processing instruction.
    Aside,
}

/// The token at the beginning of `buf` and its length; `None` if its end is not in sight.
///
/// # Errors
/// When what begins here cannot be XML, or is longer than [`MAX_TOKEN`].
pub(super) fn next(buf: &[u8]) -> Step<Option<(Token<'_>, usize)>> {
    let found = match buf {
        [] | [b'<'] => None,
        [b'<', b'/', ..] => close(buf)?,
        [b'<', b'!', ..] => declaration(buf)?,
        [b'<', b'?', ..] => instruction(buf)?,
        [b'<', ..] => open(buf)?,
        _ => memchr(b'<', buf).and_then(|end| Some((Token::Text(buf.get(..end)?), end))),
    };
    let length = found.map_or(buf.len(), |(_, length)| length);
    if length > MAX_TOKEN {
        return Err(Fault::too_large("an element or text", MAX_TOKEN));
    }
    Ok(found)
}

/// The local name of the tag that seems to begin here, however broken: for telling HTML from a broken listing.
pub(super) fn peek_name(buf: &[u8]) -> Name {
    let after = buf.strip_prefix(b"<").unwrap_or_default();
    let raw = after.get(..name_length(after)).unwrap_or_default();
    Name::of(raw.rsplit(|byte| *byte == b':').next().unwrap_or_default())
}

/// A start tag. The known plain names need one look for `>`; everything else goes the long way.
fn open(buf: &[u8]) -> Step<Option<(Token<'_>, usize)>> {
    let Some(end) = tag_end(buf) else {
        return Ok(None);
    };
    let (Some(raw), Some(rest)) = (buf.get(1..end), buf.get(end + 1..)) else {
        return Ok(None);
    };
    let tag = Tag { raw, name: Name::of(raw) };
    if tag.name == Name::Other {
        return open_with_care(buf);
    }
    if let Some((text, length)) = leaf(raw, rest) {
        return Ok(Some((Token::Leaf(tag, text), end + 1 + length)));
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
        let zero_at_end = u64::from_le_bytes(*word) ^ (ONES * u64::from(b'>'));
        let hit = zero_at_end.wrapping_sub(ONES) & !zero_at_end & (ONES << 7);
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

/// `text</raw>` at the beginning of `rest`: the text and the length of it all.
fn leaf<'a>(raw: &[u8], rest: &'a [u8]) -> Option<(&'a [u8], usize)> {
    let at = memchr(b'<', rest)?;
    let (text, tail) = rest.split_at_checked(at)?;
    let (name, after) = tail.strip_prefix(b"</")?.split_at_checked(raw.len())?;
    let after = after.strip_prefix(b">")?;
    if !same(name, raw) {
        return None;
    }
    // A long text is left to the caller's bound on single tokens.
    (text.len() <= MAX_TOKEN / 2).then_some((text, rest.len() - after.len()))
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
fn close(buf: &[u8]) -> Step<Option<(Token<'_>, usize)>> {
    let Some(end) = memchr(b'>', buf) else {
        return Ok(None);
    };
    let raw = buf.get(2..end).unwrap_or_default();
    Ok(Some((Token::Close(raw.trim_ascii_end()), end + 1)))
}

/// A comment, a CDATA section, or a DOCTYPE, which is refused: no list response has one, and every trick that
/// XML parsers fall for begins with it.
fn declaration(buf: &[u8]) -> Step<Option<(Token<'_>, usize)>> {
    const CDATA: &[u8] = b"<![CDATA[";
    const DOCTYPE: &[u8] = b"<!DOCTYPE";
    if let Some(inside) = buf.strip_prefix(b"<!--") {
        let Some(end) = memmem::find(inside, b"--") else {
            return Ok(None);
        };
        let comment = inside.get(..end).unwrap_or_default();
        entity::utf8(comment).map_err(|(at, reason)| Fault::malformed(at + 4, reason))?;
        return match inside.get(end + 2) {
            None => Ok(None),
            Some(b'>') => Ok(Some((Token::Aside, end + 7))),
            Some(_) => Err(Fault::malformed(end + 4, "`--` inside a comment")),
        };
    }
    if let Some(inside) = buf.strip_prefix(CDATA) {
        let end = memmem::find(inside, b"]]>");
        return Ok(end.and_then(|end| Some((Token::Cdata(inside.get(..end)?), CDATA.len() + end + 3))));
    }
    if starts_with_ignoring_case(buf, DOCTYPE) {
        let subject = buf.get(DOCTYPE.len()..).unwrap_or_default().trim_ascii_start();
        return match subject {
            _ if starts_with_ignoring_case(subject, b"html") => Err(Fault::not_a_listing()),
            _ if subject.len() < 4 && memchr(b'>', subject).is_none() => Ok(None),
            _ => Err(Fault::malformed(
                0,
                "a document type declaration, which no listing has and none may have",
            )),
        };
    }
    let may_become = |whole: &[u8]| buf.len() < whole.len() && starts_with_ignoring_case(whole, buf);
    if may_become(b"<!--") || may_become(CDATA) || may_become(DOCTYPE) {
        return Ok(None);
    }
    Err(Fault::malformed(0, "a markup declaration"))
}

/// A processing instruction or the XML declaration.
fn instruction(buf: &[u8]) -> Step<Option<(Token<'_>, usize)>> {
    let Some(end) = memmem::find(buf.get(2..).unwrap_or_default(), b"?>") else {
        return Ok(None);
    };
    let inside = buf.get(2..end + 2).unwrap_or_default();
    entity::utf8(inside).map_err(|(at, reason)| Fault::malformed(at + 2, reason))?;
    let target = inside.get(..name_length(inside)).unwrap_or_default();
    let content = inside.get(target.len()..).unwrap_or_default();
    if local_name(target).is_none() || content.first().is_some_and(|byte| !byte.is_ascii_whitespace()) {
        return Err(Fault::malformed(0, "a processing instruction without a name"));
    }
    let token = if target.eq_ignore_ascii_case(b"xml") { Token::Declaration(content) } else { Token::Aside };
    Ok(Some((token, end + 4)))
}

fn starts_with_ignoring_case(buf: &[u8], prefix: &[u8]) -> bool {
    buf.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
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

fn name_length(buf: &[u8]) -> usize {
    let in_name =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-' | b'.' | 0x80..);
    buf.iter().take_while(in_name).count()
}

/// The element a qualified name stands for; `None` if it is not a name: empty, of two prefixes, begun by a digit.
fn local_name(raw: &[u8]) -> Option<Name> {
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

#[cfg(test)]
mod tests {
    use super::super::error::FaultKind;
    use super::*;

    fn one(text: &str) -> Option<(Token<'_>, usize)> {
        next(text.as_bytes()).unwrap()
    }

    fn tag(raw: &str, name: Name) -> Tag<'_> {
        Tag { raw: raw.as_bytes(), name }
    }

    #[test]
    fn tags() {
        let key = tag("Key", Name::Key);
        assert_eq!(one("<Key>a</Key>z"), Some((Token::Leaf(key, b"a"), 12)));
        assert_eq!(one("<Key></Key>"), Some((Token::Leaf(key, b""), 11)));
        assert_eq!(one("<Key>a<!---->"), Some((Token::Open(key), 5)));
        assert_eq!(one("<Key>a</Kez>"), Some((Token::Open(key), 5)));
        assert_eq!(one("<Key/>"), Some((Token::Empty(key), 6)));
        assert_eq!(one("<s3:Key >"), Some((Token::Open(tag("s3:Key", Name::Key)), 9)));
        assert_eq!(one("<Owner a='>' b = \"'\"\n/>x"), Some((Token::Empty(tag("Owner", Name::Owner)), 23)));
        assert_eq!(one("<é>"), Some((Token::Open(tag("é", Name::Other)), 4)));
        assert_eq!(one("</Key \n>"), Some((Token::Close(b"Key"), 8)));
    }

    #[test]
    fn the_rest() {
        assert_eq!(one("a &amp; b<"), Some((Token::Text(b"a &amp; b"), 9)));
        assert_eq!(one("<![CDATA[a]]b]]>c"), Some((Token::Cdata(b"a]]b"), 16)));
        assert_eq!(one("<!-- a - > -->c"), Some((Token::Aside, 14)));
        assert_eq!(one("<!---->"), Some((Token::Aside, 7)));
        assert_eq!(one("<?xml a?>"), Some((Token::Declaration(b" a"), 9)));
        assert_eq!(one("<?a b?>"), Some((Token::Aside, 7)));
    }

    #[test]
    fn every_prefix_waits_for_more() {
        for whole in [
            "<Key>",
            "<s3:Owner a='>' b=\"x\" />",
            "</Key >",
            "<!-- a -->",
            "<![CDATA[ a ]]>",
            "<?xml version='1.0'?>",
            "text<",
        ] {
            for end in 0..whole.len() {
                assert_eq!(one(&whole[..end]), None, "{}", &whole[..end]);
            }
            assert!(one(whole).is_some());
        }
    }

    #[test]
    fn refused() {
        for bad in [
            "<>",
            "< Key>",
            "<1>",
            "<a:b:c>",
            "<:a>",
            "<a:>",
            "<Key<a>",
            "<a b>",
            "<a b=c>",
            "<a b='1'c='2'>",
            "<a b='1' b='2'>",
            "<a b='<'>",
            "<a b='&x;'>",
            "<a / >",
            "<!-- -- -->",
            "<!-- --->",
            "<!DOCTYPE listing>",
            "<!ENTITY a>",
            "<!x",
            "<? a?>",
            "<?a!?>",
        ] {
            assert!(next(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(matches!(next(b"<!doctype  HTML>").unwrap_err().kind, FaultKind::NotAListing));
    }

    #[test]
    fn bounded() {
        let long = "x".repeat(MAX_TOKEN);
        assert!(next(long.as_bytes()).unwrap().is_none());
        assert!(next(format!("{long}<").as_bytes()).unwrap().is_some());
        for endless in ["xx", "<!--", "<a b='", "<?a ", "</a", "<![CDATA["] {
            assert!(matches!(
                next(format!("{endless}{long}").as_bytes()).unwrap_err().kind,
                FaultKind::TooLarge(..)
            ));
        }
    }
}
