//! A findings row as the page reads it: forgiving, so that an older program renders a newer run.

use s3twin_engine::compare::{Reason, Verdict};
use s3twin_engine::model::Timestamp;
use serde::Deserialize;

/// One line of `findings.jsonl`. Codes the program does not know stay text.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) verdict: Verdict,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) source: Option<Side>,
    #[serde(default)]
    pub(crate) replica: Option<Side>,
    #[serde(default)]
    pub(crate) advice: String,
    #[serde(default)]
    pub(crate) action: Option<String>,
    #[serde(default)]
    pub(crate) detail: Option<String>,
}

/// One object of a row.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Side {
    pub(crate) size: u64,
    #[serde(default)]
    pub(crate) etag: Option<String>,
    #[serde(default)]
    pub(crate) last_modified: Timestamp,
    #[serde(default)]
    pub(crate) version_id: Option<String>,
    #[serde(default)]
    pub(crate) storage_class: String,
    #[serde(default)]
    pub(crate) checksum: Option<String>,
}

impl Row {
    /// The code of the reason; empty where there is none.
    pub(crate) fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or_default()
    }

    /// Bytes at stake: the source's size, or the replica's where the source has none.
    pub(crate) fn size(&self) -> u64 {
        self.source.as_ref().or(self.replica.as_ref()).map_or(0, |side| side.size)
    }
}

/// The stable code of a reason.
pub(crate) fn code(reason: Reason) -> String {
    serde_json::to_value(reason).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
