//! The findings of a run while it runs: one file per range worker, joined in key order at the end.
//!
//! `segments/00000042.jsonl` grows by one piece's rows at a time, before that piece is journalled. So rows
//! behind the last journalled end belong to no piece and are cut off on resume, and rows that are journalled
//! were at least handed to the operating system: a killed process loses none. After a power loss a file may
//! be shorter than journalled, or wrong; [`super::resume()`] sees it and takes those pieces back.
//!
//! Invariants: within a segment, pieces are appended and journalled in the same order; after an error nothing
//! more is appended. Bounds: [`MAX_OPEN`] open files, 16 bytes of memory per segment, and while joining one
//! buffer; a piece's rows are the caller's.

use super::{JournalError, file};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Take, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Files kept open: more than the ranges that work at a time, far fewer than the usual limit of 1,024.
const MAX_OPEN: usize = 64;
/// Bytes per write while joining.
const JOIN_BUFFER: usize = 256 << 10;

/// How far a segment is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentMark {
    /// Bytes; goes into [`super::Piece::findings_end`].
    pub end: u64,
    /// CRC-32C of those bytes; goes into [`super::Piece::findings_crc`].
    pub crc: u32,
}

/// Bytes `from..to` of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Which segment.
    pub segment: u32,
    /// First byte.
    pub from: u64,
    /// Behind the last byte.
    pub to: u64,
}

/// The segments of one run. Shared by all workers; an append holds a lock for one `write`.
#[derive(Debug)]
pub struct Segments {
    dir: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    marks: BTreeMap<u32, SegmentMark>,
    next: u32,
    /// Least recently used first.
    open: Vec<(u32, File)>,
    unsynced: BTreeSet<u32>,
    failure: Option<JournalError>,
}

impl Segments {
    /// The segments of a new run.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn create(dir: &Path) -> Result<Self, JournalError> {
        std::fs::create_dir_all(dir).map_err(JournalError::io("create", dir))?;
        Ok(Self { dir: dir.to_path_buf(), state: Mutex::default() })
    }

    /// The segments of an earlier run, cut back to what its journal vouches for.
    pub(super) fn go_on(dir: &Path, marks: BTreeMap<u32, SegmentMark>) -> Result<Self, JournalError> {
        let segments = Self::create(dir)?;
        let mut state = State { marks, ..State::default() };
        for number in numbers(dir)? {
            let path = segments.path(number);
            let keep = state.marks.entry(number).or_default().end;
            let file = OpenOptions::new().write(true).open(&path);
            let file = file.map_err(JournalError::io("open", &path))?;
            file.set_len(keep).and_then(|()| file.sync_all()).map_err(JournalError::io("shorten", &path))?;
        }
        state.next = state.marks.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
        *segments.state() = state;
        Ok(segments)
    }

    /// A number that no segment of this run has had.
    ///
    /// # Errors
    /// [`JournalError::Refused`] after four billion.
    pub fn allocate(&self) -> Result<u32, JournalError> {
        let mut state = self.state();
        let number = state.next;
        state.next = number
            .checked_add(1)
            .ok_or_else(|| JournalError::Refused { what: "a run has too many segments".to_owned() })?;
        Ok(number)
    }

    /// Appends the rows of one piece (whole lines, or nothing) and tells how far the segment reaches then.
    /// On return the operating system has them. Blocks for a write to its cache, no fsync.
    ///
    /// # Errors
    /// The first [`JournalError::Io`] of any segment, for ever after; [`JournalError::Refused`] when the rows
    /// do not end with a line break.
    pub fn append(&self, segment: u32, rows: &[u8]) -> Result<SegmentMark, JournalError> {
        let mut state = self.state();
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        let mark = state.marks.get(&segment).copied().unwrap_or_default();
        state.next = state.next.max(segment.saturating_add(1));
        match rows.last() {
            None => return Ok(mark),
            Some(b'\n') => {}
            Some(_) => {
                return Err(JournalError::Refused { what: "a finding without a line break".to_owned() });
            }
        }
        if let Err(error) = self.write(&mut state, segment, mark.end, rows) {
            state.failure = Some(error.clone());
            return Err(error);
        }
        let mark =
            SegmentMark { end: mark.end + rows.len() as u64, crc: crc32c::crc32c_append(mark.crc, rows) };
        state.marks.insert(segment, mark);
        state.unsynced.insert(segment);
        Ok(mark)
    }

    fn write(&self, state: &mut State, segment: u32, at: u64, rows: &[u8]) -> Result<(), JournalError> {
        let path = self.path(segment);
        let mut file = match state.open.iter().position(|(number, _)| *number == segment) {
            Some(index) => state.open.remove(index).1,
            None => {
                let mut options = OpenOptions::new();
                let opened = options.write(true).create(true).truncate(false).open(&path);
                opened.map_err(JournalError::io("open", &path))?
            }
        };
        let written = file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(rows));
        written.map_err(JournalError::io("write", &path))?;
        if state.open.len() >= MAX_OPEN {
            state.open.remove(0);
        }
        state.open.push((segment, file));
        Ok(())
    }

    /// Returns when all rows appended so far survive a power loss. Not needed for correctness (a resume
    /// checks), worth it before a planned stop. Blocks for one fsync per segment written since the last call.
    ///
    /// # Errors
    /// [`JournalError::Io`], for ever after.
    pub fn sync(&self) -> Result<(), JournalError> {
        let mut state = self.state();
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        while let Some(number) = state.unsynced.pop_first() {
            let path = self.path(number);
            let synced = OpenOptions::new().write(true).open(&path).and_then(|file| file.sync_all());
            if let Err(error) = synced.map_err(JournalError::io("write", &path)) {
                state.failure = Some(error.clone());
                return Err(error);
            }
        }
        file::sync_parent(&self.dir.join("."))
    }

    /// Reads slices, in the order given, as one. A segment that is shorter than its slice is an
    /// [`io::ErrorKind::UnexpectedEof`] that names it.
    #[must_use]
    pub fn joined(&self, order: &[Slice]) -> Joined {
        Joined { dir: self.dir.clone(), ahead: merged(order).into(), open: None }
    }

    /// Joins slices, in the order given, into one file that appears whole or not at all, and answers its
    /// length. Blocks for a copy of all findings and an fsync.
    ///
    /// # Errors
    /// [`JournalError::Io`]; [`JournalError::Contradiction`] when a segment is shorter than a slice says.
    pub fn assemble(&self, order: &[Slice], to: &Path) -> Result<u64, JournalError> {
        let temporary = to.with_extension("partial");
        let output = File::create(&temporary).map_err(JournalError::io("create", &temporary))?;
        let mut output = BufWriter::with_capacity(JOIN_BUFFER, output);
        let mut joined = self.joined(order);
        let copied = io::copy(&mut joined, &mut output);
        let total = match copied {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let path = self.dir.clone();
                return Err(JournalError::Contradiction { path, what: error.to_string() });
            }
            copied => copied.map_err(JournalError::io("write", &temporary))?,
        };
        let output =
            output.into_inner().map_err(|error| JournalError::io("write", &temporary)(error.into_error()))?;
        output.sync_all().map_err(JournalError::io("write", &temporary))?;
        std::fs::rename(&temporary, to).map_err(JournalError::io("rename", &temporary))?;
        file::sync_parent(to)?;
        Ok(total)
    }

    /// Removes the segments, once they have been joined and the run has finished for good.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn remove(self) -> Result<(), JournalError> {
        std::fs::remove_dir_all(&self.dir).map_err(JournalError::io("remove", &self.dir))
    }

    fn path(&self, segment: u32) -> PathBuf {
        path_of(&self.dir, segment)
    }

    /// No code panics under the lock, and each change under it is complete: a poisoned lock is as good.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Slices of segments, read one after the other.
#[derive(Debug)]
pub struct Joined {
    dir: PathBuf,
    ahead: VecDeque<Slice>,
    open: Option<(Slice, Take<File>)>,
}

impl Joined {
    fn open_next(&mut self) -> io::Result<bool> {
        let Some(slice) = self.ahead.pop_front() else { return Ok(false) };
        let mut file = File::open(path_of(&self.dir, slice.segment))?;
        file.seek(SeekFrom::Start(slice.from))?;
        self.open = Some((slice, file.take(slice.to - slice.from)));
        Ok(true)
    }
}

impl Read for Joined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some((slice, part)) = &mut self.open {
                match part.read(buffer)? {
                    0 if part.limit() > 0 && !buffer.is_empty() => {
                        let what = format!("segment {} ends before byte {}", slice.segment, slice.to);
                        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
                    }
                    0 if part.limit() == 0 => self.open = None,
                    read => return Ok(read),
                }
            } else if !self.open_next()? {
                return Ok(0);
            }
        }
    }
}

/// Where a segment lies.
pub(super) fn path_of(dir: &Path, segment: u32) -> PathBuf {
    dir.join(format!("{segment:08}.jsonl"))
}

/// The segments that are there; other files are not ours.
fn numbers(dir: &Path) -> Result<Vec<u32>, JournalError> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(JournalError::io("list", dir))? {
        let name = entry.map_err(JournalError::io("list", dir))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".jsonl")).and_then(|n| n.parse().ok());
        numbers.extend(number.filter(|number| path_of(dir, *number).file_name() == Some(name.as_os_str())));
    }
    Ok(numbers)
}

/// Neighbouring slices of the same segment as one, empty ones left out: a segment is opened once, not once
/// per piece.
fn merged(order: &[Slice]) -> Vec<Slice> {
    let mut slices: Vec<Slice> = Vec::new();
    for slice in order.iter().filter(|slice| slice.to > slice.from) {
        match slices.last_mut() {
            Some(last) if last.segment == slice.segment && last.to == slice.from => last.to = slice.to,
            _ => slices.push(*slice),
        }
    }
    slices
}
