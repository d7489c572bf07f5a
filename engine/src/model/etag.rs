//! The ETag: what it proves and what it does not.
//!
//! A 32-hex ETag is the MD5 of the body only for objects written in one piece without SSE-KMS or SSE-C;
//! `<hex>-<N>` is the MD5 of the N part MD5s (API reference, `Object.ETag`). Listings never say how an
//! object is encrypted, so this type names *shapes*, and [`crate::compare`] draws the conclusions.

use std::fmt;

/// An ETag by its shape, without the quotes that headers and XML put around it.
///
/// The two common shapes need no allocation: a page of a thousand rows stays compact.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum ETag {
    /// 32 hexadecimal digits: an MD5, if nothing about the object's encryption says otherwise.
    Plain([u8; 16]),
    /// `<32 hex>-<parts>`: a multipart upload of so many parts. `-1` is legal and differs from `Plain`.
    Multipart {
        /// MD5 over the concatenated binary MD5s of the parts (unless encrypted with SSE-KMS or SSE-C).
        digest: [u8; 16],
        /// How many parts were listed when the upload was completed.
        parts: u32,
    },
    /// Anything else (directory buckets, some compatible servers): equal or not, nothing more.
    Opaque(Box<str>),
}

impl ETag {
    /// Reads an ETag as servers send it: with or without quotes, any hex case.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim_matches('"');
        let (digest, parts) = match text.split_once('-') {
            Some((digest, parts)) => (digest, Some(parts)),
            None => (text, None),
        };
        let mut bytes = [0_u8; 16];
        if digest.len() == 32 && hex::decode_to_slice(digest, &mut bytes).is_ok() {
            match parts {
                None => return Self::Plain(bytes),
                Some(parts) => {
                    if let Some(parts) = parse_part_count(parts) {
                        return Self::Multipart { digest: bytes, parts };
                    }
                }
            }
        }
        Self::Opaque(text.into())
    }

    /// The number of parts, for a multipart ETag.
    #[must_use]
    pub fn parts(&self) -> Option<u32> {
        match self {
            Self::Multipart { parts, .. } => Some(*parts),
            _ => None,
        }
    }

    /// The ETag in quotes, as `If-Match` wants it.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("\"{self}\"")
    }
}

/// Decimal without sign or leading zero: `-01` is not something S3 writes, so it stays opaque.
fn parse_part_count(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().ok() } else { None }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0_u8; 32];
        let mut digits = |digest: &[u8; 16]| -> String {
            // Cannot fail: the buffer is exactly twice the digest.
            let _ = hex::encode_to_slice(digest, &mut buffer);
            String::from_utf8_lossy(&buffer).into_owned()
        };
        match self {
            Self::Plain(digest) => f.write_str(&digits(digest)),
            Self::Multipart { digest, parts } => write!(f, "{}-{parts}", digits(digest)),
            Self::Opaque(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ETag({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shapes() {
        assert!(matches!(ETag::parse("\"d41d8cd98f00b204e9800998ecf8427e\""), ETag::Plain(_)));
        assert_eq!(ETag::parse("b2add96cc9702bbf4efb0ccdfc6b7747-3").parts(), Some(3));
        assert_eq!(
            ETag::parse("B2ADD96CC9702BBF4EFB0CCDFC6B7747"),
            ETag::parse("b2add96cc9702bbf4efb0ccdfc6b7747")
        );
        assert!(matches!(ETag::parse("b2add96cc9702bbf4efb0ccdfc6b7747-03"), ETag::Opaque(_)));
        assert!(matches!(ETag::parse("b2add96cc9702bbf4efb0ccdfc6b7747-+3"), ETag::Opaque(_)));
        assert!(matches!(ETag::parse("xyz"), ETag::Opaque(_)));
        assert_ne!(
            ETag::parse("d41d8cd98f00b204e9800998ecf8427e-1"),
            ETag::parse("d41d8cd98f00b204e9800998ecf8427e")
        );
    }

    proptest! {
        #[test]
        fn round_trip(text in "[0-9a-f]{32}(-[1-9][0-9]{0,3})?|[ -!#-~]{0,40}") {
            let tag = ETag::parse(&text);
            prop_assert_eq!(ETag::parse(&tag.quoted()), tag);
        }
    }
}
