//! The plan as a file, schema `s3twin.plan/1`: JSON Lines that a person can read, shorten, and apply.
//!
//! One header, one row per key in key order, one footer. Every line ends in a `check`, the CRC-32C of the line
//! without it, so that rows may be taken out but not changed; the footer counts the rows and carries a
//! checksum over all of them, so that a file cut short is refused and a shortened one is known as such.
//! Bounds: one line in memory, at most [`LINE_MAX`] bytes.

use super::pitr::{Planned, Step};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

/// Name of the schema.
pub const PLAN_SCHEMA: &str = "s3twin.plan/1";
/// A key and two version ids have 1,024 bytes each and may be escaped sixfold; removals name many ids.
const LINE_MAX: u64 = 64 << 20;
/// Changes per second that a bucket takes while it has not grown partitions yet; S3 promises 3,500 writes per
/// second and prefix (S3 facts, section 3.4), of which verification and others take their part.
const CHANGES_PER_SECOND: f64 = 1500.0;
/// A copy or listing of STANDARD, in US dollars. Source: S3 list prices, us-east-1 (S3 facts, section 11).
const WRITE_USD: f64 = 0.005 / 1000.0;
/// Entries per listing page, and per DeleteObjects.
const BATCH: u64 = 1000;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanHeader {
    /// [`PLAN_SCHEMA`].
    pub schema: String,
    /// Whose history, `s3://bucket/prefix`.
    pub source: String,
    /// Where it is brought back to; absent in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Back to what.
    pub goal: super::Goal,
    /// How.
    pub strategy: super::Strategy,
    /// The run that made it.
    pub run_id: String,
}

/// Rows by step, and what they amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PlanTotals {
    pub keep: u64,
    pub copy_version: u64,
    pub remove_marker: u64,
    pub add_marker: u64,
    pub needs_thaw: u64,
    pub uncertain: u64,
    /// Bytes to be copied.
    pub bytes: u64,
}

impl PlanTotals {
    /// Counts a row.
    pub fn count(&mut self, step: Step, bytes: u64) {
        *match step {
            Step::Keep => &mut self.keep,
            Step::CopyVersion => &mut self.copy_version,
            Step::RemoveMarker => &mut self.remove_marker,
            Step::AddMarker => &mut self.add_marker,
            Step::NeedsThaw => &mut self.needs_thaw,
            Step::Uncertain => &mut self.uncertain,
        } += 1;
        self.bytes += bytes;
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.keep + self.changes() + self.uncertain
    }

    fn changes(&self) -> u64 {
        self.copy_version + self.remove_marker + self.add_marker + self.needs_thaw
    }

    /// Requests that applying it takes at least: one per copy and thaw, one per thousand removals, and the
    /// listing that verifies. Objects in parts take more.
    #[must_use]
    pub fn requests(&self) -> u64 {
        let deletes = self.remove_marker.div_ceil(BATCH) + self.add_marker.div_ceil(BATCH);
        self.copy_version + self.needs_thaw + deletes + self.rows().div_ceil(BATCH)
    }
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Footer {
    footer: PlanTotals,
    rows: u64,
    requests: u64,
    estimated_cost_usd: f64,
    expected_seconds: f64,
    checksum: String,
}

/// A plan that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file.
    #[error("plan {path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// What is in it.
    #[error(
        "plan {path}, line {line}: {what}. Rows may be removed from a plan, but not changed; make it anew with --dry-run"
    )]
    Bad {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
}

/// Appends a value as a checked line.
fn checked<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<u32, serde_json::Error> {
    let start = out.len();
    serde_json::to_writer(&mut *out, value)?;
    let crc = crc32c::crc32c(out.get(start..).unwrap_or_default());
    out.pop();
    out.extend(format!(",\"check\":\"{crc:08x}\"}}\n").bytes());
    Ok(crc)
}

/// `,"check":"01234567"}`
const TAIL: usize = 20;

/// The value of a line, with its check.
fn unchecked<T: DeserializeOwned>(line: &[u8]) -> Result<(T, u32), String> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let at = line.len().checked_sub(TAIL).ok_or("it is too short")?;
    let (head, tail) = line.split_at(at);
    let told = std::str::from_utf8(tail)
        .ok()
        .and_then(|tail| tail.strip_prefix(",\"check\":\"")?.strip_suffix("\"}"));
    let told =
        told.and_then(|hex| u32::from_str_radix(hex, 16).ok()).ok_or("it does not end in its check")?;
    let mut text = head.to_vec();
    text.push(b'}');
    if crc32c::crc32c(&text) != told {
        return Err("its check does not fit: the line was changed or damaged".into());
    }
    let value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    Ok((value, told))
}

/// Appends the row of one key.
///
/// # Errors
/// None that a row of strings and numbers could meet; the writer's, in principle.
pub fn encode_row(planned: &Planned, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    checked(planned, out).map(drop)
}

/// Reads a line, without its end, that [`encode_row`] made.
///
/// # Errors
/// What is wrong with it.
pub fn decode_row(line: &[u8]) -> Result<Planned, String> {
    unchecked(line).map(|(row, _)| row)
}

/// Writes a plan from rows that [`encode_row`] made, in key order, each with its step and bytes. The file is
/// whole or absent.
///
/// # Errors
/// [`PlanError::Io`].
pub fn write_plan<R: AsRef<[u8]>>(
    path: &Path,
    header: &PlanHeader,
    rows: impl Iterator<Item = io::Result<(Step, u64, R)>>,
) -> Result<PlanTotals, PlanError> {
    let part = path.with_extension("part");
    let write = || {
        let mut out = BufWriter::with_capacity(256 << 10, File::create(&part)?);
        let mut line = Vec::new();
        checked(header, &mut line)?;
        out.write_all(&line)?;
        let (mut totals, mut sum) = (PlanTotals::default(), 0);
        for row in rows {
            let (step, bytes, row) = row?;
            totals.count(step, bytes);
            sum = crc32c::crc32c_append(sum, row.as_ref());
            out.write_all(row.as_ref())?;
        }
        line.clear();
        checked(&footer(totals, sum), &mut line)?;
        out.write_all(&line)?;
        out.into_inner()?.sync_all()?;
        std::fs::rename(&part, path)?;
        Ok(totals)
    };
    write().map_err(|error| PlanError::Io { path: path.to_owned(), error })
}

fn footer(totals: PlanTotals, sum: u32) -> Footer {
    #[allow(clippy::cast_precision_loss)] // Estimates.
    let (requests, changes) = (totals.requests() as f64, totals.changes() as f64);
    Footer {
        footer: totals,
        rows: totals.rows(),
        requests: totals.requests(),
        estimated_cost_usd: requests * WRITE_USD,
        expected_seconds: (changes / CHANGES_PER_SECOND).ceil(),
        checksum: format!("crc32c:{sum:08x}"),
    }
}

/// Reads a plan row by row.
#[derive(Debug)]
pub struct PlanReader {
    path: PathBuf,
    lines: BufReader<File>,
    line: u64,
    header: PlanHeader,
    last: Option<String>,
    rows: u64,
    sum: u32,
    ended: Option<Footer>,
}

impl PlanReader {
    /// Opens a plan after having read it once to its end: what is damaged is known before anything is applied.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn open(path: &Path) -> Result<Self, PlanError> {
        let mut trial = Self::start(path)?;
        while trial.next_row()?.is_some() {}
        Self::start(path)
    }

    fn start(path: &Path) -> Result<Self, PlanError> {
        let file = File::open(path).map_err(|error| PlanError::Io { path: path.to_owned(), error })?;
        let empty = PlanHeader {
            schema: String::new(),
            source: String::new(),
            target: None,
            goal: super::Goal::Undelete(None),
            strategy: super::Strategy::Fewest,
            run_id: String::new(),
        };
        let lines = BufReader::with_capacity(256 << 10, file);
        let mut reader = Self {
            path: path.to_owned(),
            lines,
            line: 0,
            header: empty,
            last: None,
            rows: 0,
            sum: 0,
            ended: None,
        };
        let line = reader.read_line()?.ok_or_else(|| reader.bad("the plan is empty"))?;
        let (header, _) = unchecked::<PlanHeader>(&line).map_err(|what| reader.bad(what))?;
        if header.schema != PLAN_SCHEMA {
            return Err(reader.bad(format!("its schema is {}, not {PLAN_SCHEMA}", header.schema)));
        }
        reader.header = header;
        Ok(reader)
    }

    /// The first line.
    #[must_use]
    pub fn header(&self) -> &PlanHeader {
        &self.header
    }

    /// How many rows were taken out of it, known at its end.
    #[must_use]
    pub fn rows_removed(&self) -> Option<u64> {
        self.ended.as_ref().map(|footer| footer.rows.saturating_sub(self.rows))
    }

    /// The next row.
    ///
    /// # Errors
    /// [`PlanError`], also when the file ends without its footer.
    pub fn next_row(&mut self) -> Result<Option<Planned>, PlanError> {
        let Some(line) = self.read_line()? else {
            return if self.ended.is_some() {
                Ok(None)
            } else {
                Err(self.bad("the footer is missing: the file was cut short"))
            };
        };
        if self.ended.is_some() {
            return Err(self.bad("something follows the footer"));
        }
        if line.starts_with(b"{\"footer\"") {
            let (footer, _) = unchecked::<Footer>(&line).map_err(|what| self.bad(what))?;
            self.end(&footer)?;
            self.ended = Some(footer);
            return self.next_row();
        }
        let (row, _) = unchecked::<Planned>(&line).map_err(|what| self.bad(what))?;
        if self.last.as_ref().is_some_and(|last| *last >= row.key) {
            return Err(self.bad("the keys are not in order, or one is there twice"));
        }
        self.sum = crc32c::crc32c_append(crc32c::crc32c_append(self.sum, &line), b"\n");
        self.rows += 1;
        self.last = Some(row.key.clone());
        Ok(Some(row))
    }

    fn end(&self, footer: &Footer) -> Result<(), PlanError> {
        let whole = format!("crc32c:{:08x}", self.sum) == footer.checksum;
        if self.rows > footer.rows || (self.rows == footer.rows && !whole) {
            return Err(self.bad("the rows are not those that the footer counts"));
        }
        Ok(())
    }

    fn read_line(&mut self) -> Result<Option<Vec<u8>>, PlanError> {
        loop {
            let mut line = Vec::new();
            let read = self.lines.by_ref().take(LINE_MAX).read_until(b'\n', &mut line);
            let read = read.map_err(|error| PlanError::Io { path: self.path.clone(), error })?;
            self.line += 1;
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            match (read, line.is_empty()) {
                (0, _) => return Ok(None),
                // Editors leave empty lines behind.
                (_, true) => {}
                _ => return Ok(Some(line)),
            }
        }
    }

    fn bad(&self, what: impl Into<String>) -> PlanError {
        PlanError::Bad { path: self.path.clone(), line: self.line, what: what.into() }
    }
}

#[cfg(test)]
mod tests;
