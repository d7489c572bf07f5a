//! The rows of a restore: one per key, a line of the plan and, unless all is as wished, a finding.
//!
//! Both share the recorder's segments: a plan line as `P`, the letter of its step, its bytes, a tab and the line; a
//! finding behind it as `F` and the line. [`write_rows`] parts them when the run has ended. Keys whose thaw was awaited
//! have a second row once they are done with; reading, it takes the place of the first.

use super::Recorder;
use super::thaw::THAW_REQUESTED;
use crate::Error;
use crate::journal::Joined;
use crate::plan::{PlanError, PlanHeader, Planned, Step, decode_row, encode_row, write_plan};
use crate::report::Finding;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

const STEPS: [(Step, u8); 6] = [
    (Step::Keep, b'k'),
    (Step::CopyVersion, b'c'),
    (Step::RemoveMarker, b'r'),
    (Step::AddMarker, b'a'),
    (Step::NeedsThaw, b't'),
    (Step::Uncertain, b'u'),
];

/// Bytes per read and write of the rows.
const BUFFER: usize = 256 << 10;
/// Bytes per read of second rows: there may be many files of few rows.
const SMALL_BUFFER: usize = 8 << 10;

/// Appends the line of the plan.
pub(super) fn plan_line(planned: &Planned, out: &mut Vec<u8>) -> Result<(), Error> {
    let letter = STEPS.iter().find(|(step, _)| *step == planned.action).map_or(b'k', |(_, letter)| *letter);
    out.extend([b'P', letter]);
    out.extend(planned.bytes.to_string().bytes());
    out.push(b'\t');
    encode_row(planned, out).map_err(|error| Error::Internal(error.to_string()))
}

/// What one key has.
pub(super) struct Row {
    step: Step,
    bytes: u64,
    plan: Vec<u8>,
    finding: Option<Vec<u8>>,
}

impl Row {
    /// Its bytes were asked for and were not there yet.
    pub(super) fn is_waiting(&self) -> bool {
        let finding = self.finding.as_ref().filter(|_| self.step == Step::NeedsThaw);
        let finding = finding.and_then(|line| serde_json::from_slice::<Finding>(line).ok());
        let action = finding.and_then(|finding| finding.action);
        action.is_some_and(|action| action.strip_prefix("skipped: ") == Some(THAW_REQUESTED))
    }

    pub(super) fn planned(&self) -> io::Result<Planned> {
        let line = self.plan.strip_suffix(b"\n").unwrap_or(&self.plan);
        decode_row(line).map_err(io::Error::other)
    }
}

/// Rows as they were written.
struct Lines {
    lines: BufReader<Joined>,
    ahead: Option<(String, Row)>,
}

impl Lines {
    fn new(rows: Joined, buffer: usize) -> Self {
        Self { lines: BufReader::with_capacity(buffer, rows), ahead: None }
    }

    fn next(&mut self) -> io::Result<Option<Row>> {
        let mut line = Vec::new();
        if self.lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let mut row =
            plan_row(line).ok_or_else(|| io::Error::other("a row of the run's segments is damaged"))?;
        if self.lines.fill_buf()?.first() == Some(&b'F') {
            let mut finding = Vec::new();
            self.lines.read_until(b'\n', &mut finding)?;
            row.finding = Some(finding.split_off(1));
        }
        Ok(Some(row))
    }

    /// The next row, if it is of that key.
    fn of(&mut self, key: &str) -> io::Result<Option<Row>> {
        if self.ahead.is_none()
            && let Some(row) = self.next()?
        {
            self.ahead = Some((row.planned()?.key, row));
        }
        let found = self.ahead.take_if(|(ahead, _)| ahead == key);
        Ok(found.map(|(_, row)| row))
    }
}

/// The rows of a run in key order, each key once.
pub(super) struct Rows {
    first: Lines,
    later: Vec<Lines>,
}

impl Rows {
    pub(super) fn of(recorder: &Recorder) -> Self {
        let later = recorder.later_rows().into_iter().map(|rows| Lines::new(rows, SMALL_BUFFER)).collect();
        Self { first: Lines::new(recorder.rows(), BUFFER), later }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Row>> {
        let Some(row) = self.first.next()? else { return Ok(None) };
        if self.later.is_empty() || row.step != Step::NeedsThaw {
            return Ok(Some(row));
        }
        let key = row.planned()?.key;
        for later in &mut self.later {
            if let Some(second) = later.of(&key)? {
                return Ok(Some(second));
            }
        }
        Ok(Some(row))
    }
}

/// Parts the rows of a run into its `plan.jsonl` and `findings.jsonl`.
pub(super) fn write_rows(recorder: &Recorder, header: &PlanHeader) -> Result<(), Error> {
    let run = recorder.run();
    let (whole, parted) = (run.findings(), run.path().join("findings.part"));
    let part = || -> Result<(), PlanError> {
        let trouble = |error| PlanError::Io { path: whole.clone(), error };
        let mut rows = Rows::of(recorder);
        let mut findings = BufWriter::with_capacity(BUFFER, File::create(&parted).map_err(trouble)?);
        let mut next = || -> io::Result<Option<(Step, u64, Vec<u8>)>> {
            let Some(row) = rows.next()? else { return Ok(None) };
            findings.write_all(row.finding.as_deref().unwrap_or_default())?;
            Ok(Some((row.step, row.bytes, row.plan)))
        };
        write_plan(&run.path().join("plan.jsonl"), header, std::iter::from_fn(|| next().transpose()))?;
        findings.into_inner().map_err(|error| trouble(error.into_error()))?.sync_all().map_err(trouble)?;
        std::fs::rename(&parted, &whole).map_err(trouble)
    };
    part().map_err(|error| unusable(&error))
}

/// A plan or its file cannot be used.
pub(super) fn unusable(error: &PlanError) -> Error {
    match error {
        PlanError::Bad { .. } => Error::Invalid(error.to_string()),
        PlanError::Io { path, error } => Error::Invalid(cannot(path, error)),
    }
}

/// The run's own rows cannot be read.
pub(super) fn unreadable(recorder: &Recorder, error: &io::Error) -> Error {
    Error::Invalid(cannot(&recorder.run().segments(), error))
}

fn cannot(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be read or written: {error}", path.display())
}

fn plan_row(mut line: Vec<u8>) -> Option<Row> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let letter = *line.strip_prefix(b"P")?.first()?;
    let bytes = std::str::from_utf8(line.get(2..tab)?).ok()?.parse().ok()?;
    let (step, _) = STEPS.iter().find(|(_, known)| *known == letter)?;
    line.drain(..=tab);
    Some(Row { step: *step, bytes, plan: line, finding: None })
}
