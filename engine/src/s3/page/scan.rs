//! From bytes to markup tokens, without allocation and without state: a token is either whole in the slice or not
//! there yet, and the caller comes back with more bytes.
//!
//! Invariants: a token never spans more than [`MAX_TOKEN`] bytes; its bytes are UTF-8 wherever they can reach a
//! result; well-formedness inside a token is checked here, across tokens in [`super::listing`].

use super::MAX_TOKEN;
use super::entity;
use super::error::{Fault, Step};
use super::tag::{Tag, close, local_name, name_length, open};
use memchr::{memchr, memmem};

/// One piece of markup or text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `<a>`
    Open(Tag<'a>),
    /// `<a/>`
    Empty(Tag<'a>),
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

#[cfg(test)]
mod tests {
    use super::super::error::FaultKind;
    use super::super::name::Name;
    use super::super::tag::field;
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
        assert_eq!(one("<Key>a</Key>"), Some((Token::Open(key), 5)));
        assert_eq!(one("<Key/>"), Some((Token::Empty(key), 6)));
        assert_eq!(one("<s3:Key >"), Some((Token::Open(tag("s3:Key", Name::Key)), 9)));
        assert_eq!(one("<Owner a='>' b = \"'\"\n/>x"), Some((Token::Empty(tag("Owner", Name::Owner)), 23)));
        assert_eq!(one("<é>"), Some((Token::Open(tag("é", Name::Other)), 4)));
        assert_eq!(one("</Key \n>"), Some((Token::Close(b"Key"), 8)));
    }

    #[test]
    fn whole_fields() {
        let key = tag("Key", Name::Key);
        assert_eq!(field(b"<Key>a</Key>z"), Some((key, &b"a"[..], 12)));
        assert_eq!(field(b"<Key></Key>"), Some((key, &b""[..], 11)));
        for other in [
            "",
            "<",
            "<>",
            ">",
            "a<Key>",
            "<Key>a</Key",
            "<Key>a<!---->",
            "<Key>a</Kez>",
            "<Key >a</Key>",
            "<x>a</x>",
        ] {
            assert_eq!(field(other.as_bytes()), None, "{other}");
        }
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
        let attributes = |n: usize| (0..n).map(|n| format!(" a{n}=''")).collect::<String>();
        assert!(next(format!("<Key{}>", attributes(32)).as_bytes()).is_ok());
        assert!(next(format!("<Key{}>", attributes(33)).as_bytes()).is_err());
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
