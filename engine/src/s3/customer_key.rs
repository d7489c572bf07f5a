//! A key for SSE-C: the customer's own, sent with every request that reads or writes an object's bytes.
//!
//! It comes from a file, lives in memory, and goes over the wire; it is never printed, logged or serialised.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};
use std::fmt;
use std::sync::Arc;

/// The only algorithm S3 has for customer keys.
pub(crate) const ALGORITHM: &str = "AES256";

/// 32 bytes, in the two forms that requests want. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomerKey(Arc<Forms>);

#[derive(PartialEq, Eq)]
struct Forms {
    key: String,
    md5: String,
}

impl CustomerKey {
    /// From the content of a key file: 32 raw bytes, or their base64 with or without a line end.
    ///
    /// # Errors
    /// Says what a key file holds. The message does not repeat the content.
    pub fn from_file_content(content: &[u8]) -> Result<Self, &'static str> {
        if let Ok(raw) = <[u8; 32]>::try_from(content) {
            return Ok(Self::new(&raw));
        }
        let decoded = BASE64.decode(content.trim_ascii()).ok();
        match decoded.and_then(|raw| <[u8; 32]>::try_from(raw).ok()) {
            Some(raw) => Ok(Self::new(&raw)),
            None => Err("it must hold 32 raw bytes, or 32 bytes in base64 (openssl rand -base64 32)"),
        }
    }

    fn new(raw: &[u8; 32]) -> Self {
        Self(Arc::new(Forms { key: BASE64.encode(raw), md5: BASE64.encode(Md5::digest(raw)) }))
    }

    /// The key in base64, for its header.
    #[must_use]
    pub(crate) fn secret(&self) -> &str {
        &self.0.key
    }

    /// The base64 MD5 of the key, by which the server checks that it arrived whole.
    #[must_use]
    pub(crate) fn md5(&self) -> &str {
        &self.0.md5
    }
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_and_base64_are_the_same_key_and_nothing_shows_it() {
        let raw = *b"0123456789abcdef0123456789abcdef";
        let key = CustomerKey::from_file_content(&raw).unwrap();
        let text = format!("{}\n", BASE64.encode(raw));
        assert_eq!(CustomerKey::from_file_content(text.as_bytes()).unwrap(), key);
        assert_eq!(key.md5(), BASE64.encode(Md5::digest(raw)));
        assert_eq!(format!("{key:?}"), "CustomerKey(hidden)");
    }

    #[test]
    fn other_lengths_are_no_keys() {
        for content in [&b""[..], b"short", &[0; 31], &[0; 33], b"MDEyMzQ1Njc4OWFiY2RlZg=="] {
            assert!(CustomerKey::from_file_content(content).is_err());
        }
    }
}
