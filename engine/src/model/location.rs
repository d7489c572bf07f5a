//! `s3://bucket/prefix`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A bucket and a prefix in it. The prefix is taken as written: `s3://b/logs` also covers `logs-old/x`, as S3
/// itself understands prefixes; `s3://b/logs/` does not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Location {
    /// Bucket name.
    pub bucket: Box<str>,
    /// Key prefix, possibly empty, never starting with the slash that separates it from the bucket.
    pub prefix: Box<str>,
}

/// A location that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an S3 location: {why}. Write it as s3://bucket or s3://bucket/prefix")]
pub struct ParseLocationError {
    text: String,
    why: &'static str,
}

impl Location {
    /// The full key of a name relative to this location.
    #[must_use]
    pub fn key(&self, relative: &str) -> String {
        format!("{}{relative}", self.prefix)
    }

    /// Do the two share keys when they lie on the same endpoint? Equal buckets where one prefix starts with
    /// the other: writing to one would change what is read from the other.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.bucket == other.bucket
            && (self.prefix.starts_with(&*other.prefix) || other.prefix.starts_with(&*self.prefix))
    }
}

impl FromStr for Location {
    type Err = ParseLocationError;

    fn from_str(text: &str) -> Result<Self, ParseLocationError> {
        let error = |why| ParseLocationError { text: text.to_owned(), why };
        let rest = text.strip_prefix("s3://").ok_or_else(|| error("it does not begin with s3://"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        if bucket.is_empty() {
            return Err(error("the bucket is missing"));
        }
        if !(3..=255).contains(&bucket.len()) || !bucket.bytes().all(valid) {
            return Err(error("bucket names have 3 to 63 letters, digits, dots and hyphens"));
        }
        if prefix.len() > 1024 {
            return Err(error("the prefix is longer than any key (1,024 bytes)"));
        }
        Ok(Self { bucket: bucket.into(), prefix: prefix.into() })
    }
}

impl TryFrom<String> for Location {
    type Error = ParseLocationError;

    fn try_from(text: String) -> Result<Self, ParseLocationError> {
        text.parse()
    }
}

impl From<Location> for String {
    fn from(location: Location) -> Self {
        location.to_string()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_people_write() {
        let location: Location = "s3://media/audio/2026/".parse().unwrap();
        assert_eq!((&*location.bucket, &*location.prefix), ("media", "audio/2026/"));
        assert_eq!(location.to_string(), "s3://media/audio/2026/");
        assert_eq!("s3://media".parse::<Location>().unwrap().to_string(), "s3://media");
        for bad in ["media", "s3://", "s3:///x", "http://media", "s3://a b", "s3:/media"] {
            assert!(bad.parse::<Location>().is_err(), "{bad}");
        }
    }

    #[test]
    fn overlap_is_about_shared_keys() {
        let parse = |text: &str| text.parse::<Location>().unwrap();
        assert!(parse("s3://abc/x/").overlaps(&parse("s3://abc")));
        assert!(parse("s3://abc/x").overlaps(&parse("s3://abc/x/y")));
        assert!(!parse("s3://abc/x/").overlaps(&parse("s3://abc/y/")));
        assert!(!parse("s3://abc").overlaps(&parse("s3://abd")));
    }
}
