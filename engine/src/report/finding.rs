//! A findings row, schema `s3twin.finding/1`: one object that is not identical.

use crate::compare::listing::FactsRow;
use crate::compare::{Evidence, Facts, Judgement, Reason, Verdict};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

/// See the module text. Field names are the contract; `action` and `detail` are additions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// Relative key.
    pub key: String,
    /// Verdict.
    pub verdict: Verdict,
    /// Stable code.
    pub reason: Option<Reason>,
    /// Evidence, where there is some.
    pub evidence: Option<Evidence>,
    /// What is known of the source object.
    pub source: Option<FactsRow>,
    /// What is known of the replica object.
    pub replica: Option<FactsRow>,
    /// What to do; empty when it is done.
    pub advice: String,
    /// What a sync, restore or repair did about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// More words, where a code is not enough: the server's error, what could not travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Finding {
    /// A row for a judgement.
    #[must_use]
    pub fn new(key: &str, judgement: &Judgement, source: Option<&Facts>, replica: Option<&Facts>) -> Self {
        Self {
            key: key.to_owned(),
            verdict: judgement.verdict,
            reason: judgement.reason,
            evidence: judgement.evidence,
            source: source.map(FactsRow::from),
            replica: replica.map(FactsRow::from),
            advice: judgement.reason.map(Reason::advice).unwrap_or_default().to_owned(),
            action: None,
            detail: None,
        }
    }

    /// Something was done about it, and nothing is left to do.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.action.is_some() && self.advice.is_empty()
    }

    /// Whether a written row [is settled](Self::is_settled), without making a finding of it: of millions of rows a
    /// summary shows a few. A line that is no row is not settled.
    #[must_use]
    pub fn settled_line(line: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Settled<'a> {
            action: Option<IgnoredAny>,
            #[serde(borrow)]
            advice: Cow<'a, str>,
        }
        let row: Result<Settled<'_>, _> = serde_json::from_slice(line);
        row.is_ok_and(|row| row.action.is_some() && row.advice.is_empty())
    }

    /// Appends the row as one JSON line.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        // A struct of strings and numbers always serialises; a Vec never fails to grow short of abort.
        if serde_json::to_writer(&mut *out, self).is_ok() {
            out.push(b'\n');
        }
    }
}

/// The rows of a `findings.jsonl`, one at a time: there may be millions.
#[derive(Debug)]
pub struct FindingRows {
    lines: BufReader<File>,
    line: Vec<u8>,
}

impl FindingRows {
    /// Opens the file.
    ///
    /// # Errors
    /// When it is not there.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { lines: BufReader::with_capacity(256 << 10, File::open(path)?), line: Vec::new() })
    }
}

impl Iterator for FindingRows {
    type Item = io::Result<Finding>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line.clear();
        match self.lines.read_until(b'\n', &mut self.line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_slice(&self.line).map_err(io::Error::from)),
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_row_is_settled_as_the_finding_is() {
        let judgement = Judgement::different(Reason::VersionMissing);
        for (action, advice) in
            [(None, ""), (Some("copied \"a\""), ""), (Some("failed"), "try again"), (None, "copy")]
        {
            let mut finding = Finding::new("a\n\"b\"", &judgement, None, None);
            (finding.action, finding.advice) = (action.map(str::to_owned), advice.to_owned());
            let mut line = Vec::new();
            finding.write_line(&mut line);
            assert_eq!(Finding::settled_line(&line), finding.is_settled(), "{finding:?}");
        }
        assert!(!Finding::settled_line(b"{"));
    }
}
