//! `manifest.jsonl`, schema `s3twin.manifest/1`: what a bucket held, one row per key in key order, for a later audit
//! to be held against.
//!
//! A header row, the rows, and a footer that makes a file cut short tell itself. Rows are found by bisecting over
//! byte offsets, so any key is reached in some dozen reads, and memory holds one page of rows.

use super::sorted::{Keyed, SortedRows};
use crate::compare::Facts;
use crate::compare::listing::FactsRow;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Name of the schema.
pub const MANIFEST_SCHEMA: &str = "s3twin.manifest/1";
/// The footer is shorter than this.
const FOOTER_MAX: u64 = 256;

/// The first row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestHeader {
    /// `s3twin.manifest/1`.
    pub schema: String,
    /// What was listed.
    pub source: String,
    /// By which run.
    pub run_id: String,
    /// The filter rules: keys that did not take part are in no row.
    #[serde(default)]
    pub filter: Vec<String>,
}

/// One key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ManifestRow {
    /// Relative key.
    pub key: String,
    /// What was known of it.
    #[serde(flatten)]
    pub facts: FactsRow,
}

#[derive(Debug, Serialize, Deserialize)]
struct Footer {
    end: String,
    keys: u64,
}

impl ManifestRow {
    /// Appends the row as one JSON line.
    pub(crate) fn write_line(key: &str, facts: &Facts, out: &mut Vec<u8>) {
        let row = Self { key: key.to_owned(), facts: FactsRow::from(facts) };
        // A struct of strings and numbers always serialises.
        if serde_json::to_writer(&mut *out, &row).is_ok() {
            out.push(b'\n');
        }
    }
}

impl ManifestHeader {
    pub(crate) fn line(&self) -> io::Result<Vec<u8>> {
        line(self)
    }
}

/// The last line of a manifest with so many keys.
pub(crate) fn footer(keys: u64) -> io::Result<Vec<u8>> {
    line(&Footer { end: MANIFEST_SCHEMA.to_owned(), keys })
}

fn line<T: Serialize>(row: &T) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(row)?;
    line.push(b'\n');
    Ok(line)
}

/// A manifest to look things up in.
#[derive(Clone, Debug)]
pub struct Manifest {
    header: ManifestHeader,
    rows: SortedRows<ManifestRow>,
    keys: u64,
}

impl Manifest {
    /// Opens a manifest and checks that it is whole.
    ///
    /// # Errors
    /// When the file cannot be read, is no manifest, or was cut short.
    pub fn open(path: &Path) -> io::Result<Self> {
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut first = String::new();
        BufReader::new(&mut file).take(64 << 10).read_line(&mut first)?;
        let header: ManifestHeader =
            serde_json::from_str(&first).map_err(|_| bad("it does not begin like a manifest"))?;
        if header.schema != MANIFEST_SCHEMA {
            return Err(bad("it is of another schema than s3twin.manifest/1"));
        }
        let tail_at = length.saturating_sub(FOOTER_MAX);
        file.seek(SeekFrom::Start(tail_at))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let body = tail.strip_suffix(b"\n").unwrap_or_default();
        let at = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
        let footer = body.get(at..).and_then(|line| serde_json::from_slice::<Footer>(line).ok());
        let footer = footer.ok_or_else(|| bad("its end is missing: it was cut short"))?;
        let rows = (first.len() as u64, tail_at + at as u64);
        Ok(Self { header, rows: SortedRows::new(path, rows), keys: footer.keys })
    }

    /// What was listed, by which run.
    #[must_use]
    pub fn header(&self) -> &ManifestHeader {
        &self.header
    }

    /// How many rows there are.
    #[must_use]
    pub fn keys(&self) -> u64 {
        self.keys
    }

    /// Up to `limit` rows after a key (empty for the first), and whether more follow. Blocks.
    ///
    /// # Errors
    /// When the file cannot be read, or a row is damaged.
    pub fn rows_after(&self, after: &str, limit: usize) -> io::Result<(Vec<ManifestRow>, bool)> {
        let mut rows = self.rows.seek(|key| after.is_empty() || key > after)?;
        let page = rows.by_ref().take(limit).collect::<io::Result<Vec<_>>>()?;
        Ok((page, rows.next().is_some()))
    }

    /// The row of a key. Blocks.
    ///
    /// # Errors
    /// As [`Manifest::rows_after`].
    pub fn row(&self, key: &str) -> io::Result<Option<ManifestRow>> {
        let row = self.rows.seek(|found| found >= key)?.next().transpose()?;
        Ok(row.filter(|row| row.key == key))
    }
}

impl Keyed for ManifestRow {
    fn key(&self) -> &str {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn written(keys: &[String]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("manifest.jsonl");
        let header = ManifestHeader {
            schema: MANIFEST_SCHEMA.to_owned(),
            source: "s3://b".to_owned(),
            run_id: "r".to_owned(),
            filter: Vec::new(),
        };
        let mut bytes = header.line().unwrap();
        for (key, size) in keys.iter().zip(0..) {
            ManifestRow::write_line(key, &Facts { size, ..Facts::default() }, &mut bytes);
        }
        bytes.extend(footer(keys.len() as u64).unwrap());
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn any_key_is_found_and_pages_go_on_behind_it() {
        let mut keys: Vec<String> =
            (0..3000).map(|i| format!("k\n{:05}/{}", i * 3, "x".repeat(i % 90))).collect();
        keys.sort_unstable();
        let (_folder, path) = written(&keys);
        let manifest = Manifest::open(&path).unwrap();
        assert_eq!(manifest.keys(), 3000);
        for (index, key) in keys.iter().enumerate().step_by(37) {
            assert_eq!(manifest.row(key).unwrap().unwrap().facts.size, index as u64);
            assert!(manifest.row(&format!("{key}\u{1}")).unwrap().is_none());
            let (rows, more) = manifest.rows_after(key, 10).unwrap();
            let expected: Vec<&String> = keys.iter().skip(index + 1).take(10).collect();
            assert_eq!(rows.iter().map(|row| &row.key).collect::<Vec<_>>(), expected);
            assert_eq!(more, index + 11 < keys.len());
        }
        assert_eq!(manifest.rows_after("", 5000).unwrap().0.len(), 3000);
        assert!(manifest.rows_after("z", 5).unwrap().0.is_empty());
    }

    #[test]
    fn an_empty_one_is_whole_and_a_short_one_is_not() {
        let (_folder, path) = written(&[]);
        assert!(Manifest::open(&path).unwrap().rows_after("", 5).unwrap().0.is_empty());
        let (_folder, path) = written(&["a".to_owned(), "b".to_owned()]);
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 10, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(Manifest::open(&path).is_err(), "{length}");
        }
    }
}
