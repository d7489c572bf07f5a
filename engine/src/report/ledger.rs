//! The ledger of last proofs: when the bytes of a key were last read and found right, and of which objects.
//!
//! One file per pair, rows in key order, rewritten by a merge at the end of a run that read: it appears whole or not
//! at all, and a file of the same name with `.lock` keeps two merges apart. Memory: one row of either file.

use super::sorted::{Keyed, Rows, SortedRows};
use crate::model::{ETag, Timestamp};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// One proof by reading: key, when (seconds since 1970), and a print of the objects that were proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proof(String, i64, u64);

impl Proof {
    pub(crate) fn new(key: &str, at: Timestamp, print: u64) -> Self {
        Self(key.to_owned(), at.seconds(), print)
    }

    /// Replaces an earlier proof by none.
    pub(crate) fn withdrawn(key: &str) -> Self {
        Self(key.to_owned(), i64::MIN / 1000, 0)
    }

    fn holds(&self, print: u64) -> bool {
        self.2 == print && self.1 > i64::MIN / 1000
    }

    /// Appends the row as one JSON line.
    pub(crate) fn write_line(&self, out: &mut Vec<u8>) {
        // Text and numbers always serialise.
        if serde_json::to_writer(&mut *out, self).is_ok() {
            out.push(b'\n');
        }
    }
}

impl Keyed for Proof {
    fn key(&self) -> &str {
        &self.0
    }
}

/// Tells the objects of a key from those that may stand there later.
pub(crate) fn print_of(size: u64, source: Option<&ETag>, replica: Option<&ETag>) -> u64 {
    let text = |etag: Option<&ETag>| etag.map(ToString::to_string).unwrap_or_default();
    xxhash_rust::xxh3::xxh3_64(format!("{size} {} {}", text(source), text(replica)).as_bytes())
}

/// The last proofs of a pair.
#[derive(Clone, Debug)]
pub struct Ledger {
    path: PathBuf,
}

impl Ledger {
    /// In this file, which need not be there yet.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    fn rows(&self) -> io::Result<Option<SortedRows<Proof>>> {
        match std::fs::metadata(&self.path) {
            Ok(data) => Ok(Some(SortedRows::new(&self.path, (0, data.len())))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks keys up in rising order.
    pub(crate) fn lookup(&self) -> Lookup {
        Lookup { ledger: self.clone(), rows: None, current: None, broken: false }
    }

    /// Takes a run's proofs over. They are in key order; newer ones replace older ones.
    pub(crate) fn merge(&self, proofs: &Path) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let lock = File::create(self.path.with_extension("lock"))?;
        lock.lock()?;
        let all = |rows: Option<SortedRows<Proof>>| rows.map(|rows| rows.seek(|_| true)).transpose();
        let mut old = all(self.rows()?)?;
        let mut new = all(Self::at(proofs.to_owned()).rows()?)?;
        let partial = self.path.with_extension("partial");
        let mut out = BufWriter::with_capacity(256 << 10, File::create(&partial)?);
        let (mut a, mut b) = (next(&mut old)?, next(&mut new)?);
        let mut line = Vec::new();
        while a.is_some() || b.is_some() {
            let order = match (&a, &b) {
                (Some(a), Some(b)) => a.0.cmp(&b.0),
                (Some(_), None) => std::cmp::Ordering::Less,
                _ => std::cmp::Ordering::Greater,
            };
            let row = if order.is_lt() { a.as_ref() } else { b.as_ref() };
            line.clear();
            row.into_iter().for_each(|row| row.write_line(&mut line));
            out.write_all(&line)?;
            if order.is_le() {
                a = next(&mut old)?;
            }
            if order.is_ge() {
                b = next(&mut new)?;
            }
        }
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&partial, &self.path)
    }
}

fn next(rows: &mut Option<Rows<Proof>>) -> io::Result<Option<Proof>> {
    rows.as_mut().and_then(Iterator::next).transpose()
}

/// See [`Ledger::lookup`]. A ledger that cannot be read has no proofs: nothing is claimed then.
#[derive(Debug)]
pub(crate) struct Lookup {
    ledger: Ledger,
    rows: Option<Rows<Proof>>,
    current: Option<Proof>,
    broken: bool,
}

impl Lookup {
    /// When these objects of a key were last proved by reading. Reads 64 KiB of a local file now and then.
    pub(crate) fn last(&mut self, key: &str, print: u64) -> Option<Timestamp> {
        if self.broken {
            return None;
        }
        match self.find(key) {
            Ok(found) => {
                found.filter(|proof| proof.holds(print)).map(|proof| Timestamp::from_seconds(proof.1))
            }
            Err(error) => {
                tracing::warn!(%error, path = %self.ledger.path.display(), "the ledger of proofs cannot be read");
                self.broken = true;
                None
            }
        }
    }

    fn find(&mut self, key: &str) -> io::Result<Option<&Proof>> {
        if self.rows.is_none() {
            let Some(rows) = self.ledger.rows()? else {
                self.broken = true;
                return Ok(None);
            };
            self.rows = Some(rows.seek(|found| found >= key)?);
            self.current = next(&mut self.rows)?;
        }
        while self.current.as_ref().is_some_and(|proof| *proof.0 < *key) {
            self.current = next(&mut self.rows)?;
        }
        Ok(self.current.as_ref().filter(|proof| proof.0 == key))
    }
}

/// What a ledger says about a pair, in numbers that add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proved {
    /// The window, in seconds; 0 if nobody asked.
    pub window_seconds: u64,
    /// Keys of the source whose bytes were read and found right within the window.
    pub keys: u64,
    /// Their bytes.
    pub bytes: u64,
    /// All keys of the source.
    pub of_keys: u64,
    /// Their bytes.
    pub of_bytes: u64,
}

impl Proved {
    /// Counts one key.
    pub(crate) fn see(&mut self, size: u64, proved: bool) {
        self.of_keys += 1;
        self.of_bytes += size;
        self.keys += u64::from(proved);
        self.bytes += if proved { size } else { 0 };
    }

    /// Adds the counts of another, disjoint piece.
    pub(crate) fn add(&mut self, other: &Self) {
        self.window_seconds = self.window_seconds.max(other.window_seconds);
        self.keys += other.keys;
        self.bytes += other.bytes;
        self.of_keys += other.of_keys;
        self.of_bytes += other.of_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, rows: &[(&str, i64)]) {
        let mut bytes = Vec::new();
        for (key, at) in rows {
            Proof::new(key, Timestamp::from_seconds(*at), 7).write_line(&mut bytes);
        }
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn newer_proofs_replace_older_ones() {
        let folder = tempfile::TempDir::new().unwrap();
        let (path, run) = (folder.path().join("deep/l.proofs"), folder.path().join("run"));
        let ledger = Ledger::at(path);
        assert_eq!(ledger.lookup().last("a", 7), None);
        write(&run, &[("a", 1), ("c\n", 1), ("ü", 1)]);
        ledger.merge(&run).unwrap();
        write(&run, &[("b", 2), ("c\n", 2)]);
        ledger.merge(&run).unwrap();
        let mut lookup = ledger.lookup();
        let found: Vec<Option<i64>> = ["a", "aa", "b", "c\n", "d", "ü", "z"]
            .into_iter()
            .map(|key| lookup.last(key, 7).map(Timestamp::seconds))
            .collect();
        assert_eq!(found, [Some(1), None, Some(2), Some(2), None, Some(1), None]);
        assert_eq!(ledger.lookup().last("b", 8), None, "another object stands there now");
    }
}
