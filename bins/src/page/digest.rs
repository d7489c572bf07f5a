//! `findings.jsonl` in one pass: counts by reason, place and size, and the rows that travel with the page.
//!
//! The file may hold millions of rows. Memory is bounded by [`Limits`], whatever the file holds.

use super::embed::Embedded;
use super::places::{Place, Places};
use super::row::{Row, code};
use s3twin_engine::compare::{Reason, Verdict};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// How much travels with the page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Rows for the script.
    pub(crate) rows: u64,
    /// Bytes of these rows.
    pub(crate) bytes: usize,
    /// Rows that can be read without a script.
    pub(crate) plain: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 100_000, bytes: 32 << 20, plain: 200 }
    }
}

/// Upper bounds of the size classes, exclusive; the last class has none.
pub(crate) const SIZE_CLASSES: [(u64, &str); 7] = [
    (1, "Empty"),
    (64 << 10, "Under 64 KiB"),
    (1 << 20, "64 KiB to 1 MiB"),
    (16 << 20, "1 to 16 MiB"),
    (128 << 20, "16 to 128 MiB"),
    (1 << 30, "128 MiB to 1 GiB"),
    (u64::MAX, "1 GiB and more"),
];

/// Findings that share a reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) verdicts: Vec<(Verdict, u64)>,
    pub(crate) count: u64,
    pub(crate) bytes: u64,
    pub(crate) advice: String,
}

/// What a findings file says.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    /// Rows read.
    pub(crate) total: u64,
    /// Lines that are no findings row.
    pub(crate) damaged: u64,
    /// The file is not there.
    pub(crate) absent: bool,
    /// By reason code; the empty code is no reason given.
    pub(crate) reasons: BTreeMap<String, Group>,
    /// By what was done.
    pub(crate) actions: BTreeMap<String, u64>,
    /// By [`SIZE_CLASSES`].
    pub(crate) sizes: [u64; SIZE_CLASSES.len()],
    /// Largest affected prefixes.
    pub(crate) places: Vec<Place>,
    /// Rows in smaller prefixes.
    pub(crate) elsewhere: u64,
    /// The first rows.
    pub(crate) plain: Vec<Row>,
    /// Rows for the script.
    pub(crate) embedded: Embedded,
}

impl Digest {
    /// Reads a run's findings. A run that stopped before it wrote any has none.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(crate) fn of_file(path: &Path, limits: Limits) -> io::Result<Self> {
        match std::fs::File::open(path) {
            Ok(file) => Self::read(BufReader::with_capacity(1 << 18, file), limits),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self { absent: true, ..Self::default() })
            }
            Err(error) => Err(error),
        }
    }

    /// Reads rows to the end.
    ///
    /// # Errors
    /// When reading fails. A line that makes no sense is counted, not an error.
    pub(crate) fn read(mut lines: impl BufRead, limits: Limits) -> io::Result<Self> {
        let advice: BTreeMap<_, _> =
            Reason::ALL.iter().map(|reason| (code(*reason), reason.advice())).collect();
        let mut digest = Self::default();
        let mut places = Places::default();
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            if !line.trim_ascii().is_empty() {
                match serde_json::from_slice::<Row>(&line) {
                    Ok(row) => {
                        places.see(&row.key, row.size());
                        digest.take(row, limits, &advice);
                    }
                    Err(_) => digest.damaged += 1,
                }
            }
            line.clear();
        }
        (digest.places, digest.elsewhere) = places.finish();
        Ok(digest)
    }

    fn take(&mut self, mut row: Row, limits: Limits, advice: &BTreeMap<String, &str>) {
        self.total += 1;
        let size = row.size();
        let class =
            SIZE_CLASSES.iter().position(|(below, _)| size < *below).unwrap_or(SIZE_CLASSES.len() - 1);
        self.sizes[class] += 1;
        if let Some(action) = &row.action {
            match self.actions.get_mut(action) {
                Some(count) => *count += 1,
                None => drop(self.actions.insert(action.clone(), 1)),
            }
        }
        if !self.reasons.contains_key(row.reason()) {
            // The words of this program where it knows the code, the row's own otherwise.
            let words =
                advice.get(row.reason()).map_or_else(|| row.advice.clone(), |words| (*words).to_owned());
            self.reasons.insert(row.reason().to_owned(), Group { advice: words, ..Group::default() });
        }
        if let Some(group) = self.reasons.get_mut(row.reason()) {
            group.count += 1;
            group.bytes += size;
            match group.verdicts.iter_mut().find(|(verdict, _)| *verdict == row.verdict) {
                Some((_, count)) => *count += 1,
                None => group.verdicts.push((row.verdict, 1)),
            }
            if group.advice == row.advice {
                row.advice.clear();
            }
        }
        self.embedded.push(&row, limits);
        if self.plain.len() < limits.plain {
            self.plain.push(row);
        }
    }

    /// Findings that have a reason, most frequent first.
    pub(crate) fn groups(&self) -> Vec<(&str, &Group)> {
        let mut groups: Vec<_> = self.reasons.iter().map(|(code, group)| (code.as_str(), group)).collect();
        groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
        groups
    }
}
