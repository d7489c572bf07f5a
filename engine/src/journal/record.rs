//! The records of a journal: everything a later process must know to go on, to undo, or to tell the story.
//!
//! JSON with a `record` tag. Unknown *fields* are ignored, so that an older program can read what a newer one
//! of the same format version added; an unknown *record* is an error, because skipping it could mean
//! repeating an action. A change that older programs must not overlook raises the format version.
//!
//! Invariant: no record carries a credential; [`Record::check`] refuses fields that look like one.

use super::JournalError;
use crate::model::{KeyRange, Timestamp};
use crate::s3::UploadId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// The run began. Always the first record, and durable before the run touches a bucket.
    Started(Started),
    /// Another process took the run up again.
    Resumed(Resumed),
    /// A piece of the key space is done.
    Piece(Piece),
    /// A multipart upload is about to be begun; in the file before the request is sent.
    UploadAwaited(UploadPlace),
    /// A multipart upload was begun at the target.
    UploadBegun(UploadId),
    /// The answer to a begin was lost: there may be an upload whose id nobody knows.
    UploadLost(UploadPlace),
    /// Uploads of unknown id were looked for at this place, and those found were aborted.
    UploadLookedFor(UploadPlace),
    /// A multipart upload was completed or aborted.
    UploadEnded(UploadId),
    /// Objects are about to be changed; in the file before the requests are sent.
    WritesAwaited(BTreeMap<String, AwaitedWrite>),
    /// An object was changed; what `undo` needs.
    Action(Action),
    /// Something worth telling that nothing depends on.
    Note(Note),
    /// The run stopped early, on purpose.
    Interrupted(Interrupted),
    /// The run ended.
    Finished(Finished),
}

/// See [`Record::Started`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// `audit`, `sync`, …
    pub command: String,
    /// Everything needed to run it again; no secrets.
    pub job: Value,
    /// When.
    pub started_at: Timestamp,
    /// Of the program.
    pub version: String,
}

/// See [`Record::Resumed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resumed {
    /// When.
    pub at: Timestamp,
    /// Of the program.
    pub version: String,
    /// Pieces whose findings did not survive; they are done again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub voids: Vec<Void>,
}

/// Takes back every earlier piece of a segment whose findings end beyond `keep`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Void {
    /// Which segment.
    pub segment: u32,
    /// Bytes of it that are still good.
    pub keep: u64,
}

/// Where a multipart upload is to go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UploadPlace {
    /// Bucket.
    pub bucket: String,
    /// Full key.
    pub key: String,
}

/// A committed piece of the key space: all of its actions have finished, its findings are in the segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    /// Which keys.
    pub range: KeyRange,
    /// Where its findings are.
    pub segment: u32,
    /// Bytes of the segment after this piece's findings.
    pub findings_end: u64,
    /// CRC-32C of the segment's first `findings_end` bytes; without it only the length is checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings_crc: Option<u32>,
    /// The counts of this piece alone.
    pub tally: Value,
}

/// A write about to be sent, under its key. See [`Record::WritesAwaited`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedWrite {
    /// What is to be done.
    pub kind: ActionKind,
    /// Bytes to be written.
    #[serde(default)]
    pub size: u64,
    /// ETag of what is copied, without quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The version that is current before, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_version_id: Option<String>,
    /// ETag, without quotes, of the object that stands there before: a listing of current objects names no version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_etag: Option<String>,
}

/// See [`Record::Action`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Full key at the target.
    pub key: String,
    /// What was done.
    pub kind: ActionKind,
    /// The version (or delete marker) that was written or removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// The version that was current before; for a removed marker, the version that it had hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_version_id: Option<String>,
}

/// What was done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// Written from the other side.
    Copied,
    /// Deleted; on a versioned bucket `version_id` is the delete marker.
    Deleted,
    /// A delete marker was added, so that the key does not exist, as at the wished time.
    MarkerAdded,
    /// The delete marker `version_id` was removed.
    MarkerRemoved,
    /// A version was removed for good; nothing can take that back.
    VersionRemoved,
    /// An older version was copied up.
    Restored,
    /// Metadata, tags or storage class were set anew.
    Updated,
}

/// See [`Record::Note`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// A stable word for programs.
    pub topic: String,
    /// The rest.
    pub detail: Value,
}

/// See [`Record::Interrupted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interrupted {
    /// When.
    pub at: Timestamp,
    /// E.g. `SIGINT`.
    pub reason: String,
}

/// See [`Record::Finished`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// When.
    pub at: Timestamp,
    /// How.
    pub state: Outcome,
    /// The process's exit code.
    pub exit_code: u8,
}

/// The `state` of `summary.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything was looked at and done.
    Complete,
    /// Could not run to the end.
    Incomplete,
    /// A brake refused; nothing was changed.
    Refused,
    /// Stopped by the user.
    Interrupted,
}

impl Record {
    /// Refuses a job or note with a field that holds a credential by its name.
    ///
    /// # Errors
    /// [`JournalError::Refused`] with the field's path.
    pub fn check(&self) -> Result<(), JournalError> {
        let value = match self {
            Self::Started(started) => &started.job,
            Self::Note(note) => &note.detail,
            _ => return Ok(()),
        };
        match secret_in(value) {
            None => Ok(()),
            Some(field) => Err(JournalError::Refused { what: format!("`{field}` looks like a credential") }),
        }
    }
}

/// The first non-null field whose name says that it is a credential. Depth is bounded by how deep the caller
/// built the value; a reader's limit (128) is far below what the stack holds.
fn secret_in(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) => fields.iter().find_map(|(name, inner)| {
            if is_secret(name) && !inner.is_null() && !inner.is_boolean() {
                return Some(name.clone());
            }
            secret_in(inner).map(|deeper| format!("{name}.{deeper}"))
        }),
        Value::Array(items) => items.iter().find_map(secret_in),
        _ => None,
    }
}

fn is_secret(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    ["secret", "password", "passphrase", "sessiontoken", "securitytoken", "customerkey", "privatekey"]
        .iter()
        .any(|word| plain.contains(word))
}
