//! The id of a run: `20261121T141500Z250-audit-4f3a` (the last three digits of the time are milliseconds). It sorts by time, reads as what it is, and is safe as the
//! name of a directory.

use super::JournalError;
use crate::model::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A run's id. Invariant: 1 to 100 of `A–Z a–z 0–9 - _`, not beginning with `-`; so never a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// Of a run begun at `at`; `random` tells runs of the same millisecond apart.
    ///
    /// # Errors
    /// [`JournalError::BadRunId`] when the command has characters that an id may not have.
    pub fn new(at: Timestamp, command: &str, random: u16) -> Result<Self, JournalError> {
        // `2026-11-21T14:15:00Z` without its punctuation.
        let time = Timestamp::from_seconds(at.seconds()).to_string();
        let time: String = time.chars().filter(char::is_ascii_alphanumeric).collect();
        let millis = at.millis().rem_euclid(1000);
        format!("{time}{millis:03}-{command}-{random:04x}").parse()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = JournalError;

    fn from_str(text: &str) -> Result<Self, JournalError> {
        let bad = |why| Err(JournalError::BadRunId { text: text.chars().take(100).collect(), why });
        if text.is_empty() || text.len() > 100 {
            return bad("it must have 1 to 100 characters");
        }
        if text.starts_with('-') || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        {
            return bad("it may only have letters, digits, - and _");
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for RunId {
    type Error = JournalError;

    fn try_from(text: String) -> Result<Self, JournalError> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
