//! Rows of JSON lines in key order, in a file: any place among them is found by bisecting over byte offsets.

use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// Below this many bytes reading on is cheaper than another bisection.
const NEAR: u64 = 16 << 10;
/// Bytes per read.
const BUFFER: usize = 64 << 10;

/// A row that has a key.
pub(crate) trait Keyed: DeserializeOwned {
    /// By which the rows are in order.
    fn key(&self) -> &str;
}

/// Where the rows are. Holds nothing of them.
#[derive(Clone, Debug)]
pub(crate) struct SortedRows<T> {
    path: PathBuf,
    /// Where they begin and end.
    bounds: (u64, u64),
    rows: PhantomData<fn() -> T>,
}

/// Rows from some place on. Each read blocks.
#[derive(Debug)]
pub(crate) struct Rows<T> {
    file: BufReader<File>,
    /// Bytes to the end.
    left: u64,
    /// Already taken from the file.
    ahead: Option<T>,
}

impl<T: Keyed> SortedRows<T> {
    /// The rows between two offsets of a file.
    pub(crate) fn new(path: &Path, bounds: (u64, u64)) -> Self {
        Self { path: path.to_owned(), bounds, rows: PhantomData }
    }

    /// Rows from the first one that is wanted on; all behind it must be wanted too.
    pub(crate) fn seek(&self, wanted: impl Fn(&str) -> bool) -> io::Result<Rows<T>> {
        let mut file = BufReader::with_capacity(BUFFER, File::open(&self.path)?);
        // Everything that begins before `low` is unwanted.
        let (mut low, mut high) = self.bounds;
        while high - low > NEAR {
            let middle = low + (high - low) / 2;
            match row_behind::<T>(&mut file, middle, high)? {
                Some((at, row)) if !wanted(row.key()) => low = at,
                _ => high = middle,
            }
        }
        file.seek(SeekFrom::Start(low))?;
        let mut rows: Rows<T> = Rows { file, left: self.bounds.1 - low, ahead: None };
        while let Some(row) = rows.read()? {
            if wanted(row.key()) {
                rows.ahead = Some(row);
                break;
            }
        }
        Ok(rows)
    }
}

impl<T: Keyed> Rows<T> {
    fn read(&mut self) -> io::Result<Option<T>> {
        if self.left == 0 {
            return Ok(None);
        }
        let (row, length) = next_row(&mut self.file)?;
        self.left = self.left.saturating_sub(length);
        Ok(Some(row))
    }
}

impl<T: Keyed> Iterator for Rows<T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.ahead.take() {
            Some(row) => Some(Ok(row)),
            None => self.read().transpose(),
        }
    }
}

/// The first row that begins behind an offset and before a bound.
fn row_behind<T: Keyed>(file: &mut BufReader<File>, offset: u64, bound: u64) -> io::Result<Option<(u64, T)>> {
    file.seek(SeekFrom::Start(offset))?;
    let at = offset + file.skip_until(b'\n')? as u64;
    if at >= bound { Ok(None) } else { Ok(Some((at, next_row(file)?.0))) }
}

fn next_row<T: Keyed>(file: &mut BufReader<File>) -> io::Result<(T, u64)> {
    let mut line = Vec::new();
    let length = file.read_until(b'\n', &mut line)?;
    Ok((serde_json::from_slice(&line)?, length as u64))
}
