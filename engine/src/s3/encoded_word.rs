//! User metadata beyond ASCII, as S3 speaks it in headers: encoded words of RFC 2047.
//!
//! S3 decodes them when it stores and encodes them when it answers; so do we, and the engine sees plain text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::borrow::Cow;

/// Text as a header may carry it.
pub(crate) fn encode(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("=?UTF-8?B?{}?=", BASE64.encode(text)))
}

/// The text behind a header. What is not wholly made of encoded words in UTF-8 is taken as it stands.
pub(crate) fn decode(header: &str) -> Cow<'_, str> {
    let words = header.split_ascii_whitespace().map(word).collect::<Option<Vec<_>>>();
    // A character may be cut by the border between two words: only the whole must be UTF-8.
    let text =
        words.filter(|words| !words.is_empty()).and_then(|words| String::from_utf8(words.concat()).ok());
    text.map_or(Cow::Borrowed(header), Cow::Owned)
}

fn word(word: &str) -> Option<Vec<u8>> {
    let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
    let (charset, rest) = inner.split_once('?')?;
    let (encoding, text) = rest.split_once('?')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    match encoding {
        "B" | "b" => BASE64.decode(text).ok(),
        "Q" | "q" => quoted(text),
        _ => None,
    }
}

/// Quoted-printable as encoded words have it: `_` is a space.
fn quoted(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'_' => b' ',
            b'=' => {
                let pair = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_as_others_write_them() {
        for (header, text) in [
            ("plain =text= ?", "plain =text= ?"),
            ("", ""),
            ("=?UTF-8?B?Z3LDtsOfZQ==?=", "größe"),
            ("=?utf-8?Q?gr=C3=B6=C3=9Fe_=3F?=", "größe ?"),
            ("=?UTF-8?B?Z3LD?= =?UTF-8?B?tsOfZQ==?=", "größe"),
            ("=?ISO-8859-1?Q?gr=F6?=", "=?ISO-8859-1?Q?gr=F6?="),
            ("=?UTF-8?B?!?=", "=?UTF-8?B?!?="),
            ("see =?UTF-8?B?Z3LDtsOfZQ==?=", "see =?UTF-8?B?Z3LDtsOfZQ==?="),
        ] {
            assert_eq!(decode(header), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in "\\PC*") {
            let header = encode(&text);
            prop_assert!(header.is_ascii());
            if !text.is_ascii() {
                prop_assert_eq!(decode(&header), text.as_str());
            }
        }
    }
}
