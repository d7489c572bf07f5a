//! Reads a journal back: what is done, what is left, what is open, how it ended; and goes on with it.
//!
//! Invariants: pieces that hold are disjoint (else [`JournalError::Contradiction`]); a torn tail takes nothing
//! with it that anyone was promised. Bounds: memory for the pieces (a few hundred bytes each, and a piece is a
//! batch of thousands of keys) and the open uploads; actions, one per object, are streamed by
//! [`Replay::actions`] and never held.

use super::frame::Frames;
use super::segments::{Segments, Slice};
use super::{
    Action, AwaitedWrite, Coverage, Finished, Header, Interrupted, Journal, JournalError, Outcome, Piece,
    Record, Resumed, Started, Tail, UploadPlace, Void, check, file, writer,
};
use crate::model::{KeyRange, Timestamp};
use crate::s3::UploadId;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Seek, Write};
use std::path::{Path, PathBuf};

/// The records of a journal, one by one, each with the offset of its frame. Ends after the first error.
#[derive(Debug)]
pub struct Records {
    frames: Frames<BufReader<File>>,
    path: PathBuf,
    ended: bool,
}

/// Opens a journal to read it; it may be in use.
///
/// # Errors
/// As [`Frames::new`].
pub fn read_records(path: &Path) -> Result<Records, JournalError> {
    let file = File::open(path).map_err(JournalError::io("open", path))?;
    records_of(file, path)
}

fn records_of(mut file: File, path: &Path) -> Result<Records, JournalError> {
    file.rewind().map_err(JournalError::io("read", path))?;
    let frames = Frames::new(BufReader::with_capacity(256 << 10, file), path)?;
    Ok(Records { frames, path: path.to_path_buf(), ended: false })
}

impl Iterator for Records {
    type Item = Result<(u64, Record), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = match self.frames.next_payload() {
            Ok(None) => None,
            Ok(Some((at, payload))) => {
                Some(serde_json::from_slice(payload).map(|record| (at, record)).map_err(|error| {
                    JournalError::Record { path: self.path.clone(), at, message: error.to_string() }
                }))
            }
            Err(error) => Some(Err(error)),
        };
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// How a run ended, as far as its journal knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It has not: it is running, or died. (Whether the journal is locked tells which.)
    Open,
    /// Stopped on purpose; can be resumed.
    Interrupted(Interrupted),
    /// Ran to its end.
    Finished(Finished),
}

/// A done piece and where its findings are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedPiece {
    /// Which keys.
    pub range: KeyRange,
    /// Which segment.
    pub segment: u32,
    /// Its first byte there.
    pub from: u64,
    /// Behind its last byte there.
    pub to: u64,
    /// CRC-32C of the segment up to `to`.
    pub findings_crc: Option<u32>,
    /// Its counts, as JSON.
    pub tally: Box<str>,
}

/// What a journal tells.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Of which run.
    pub header: Header,
    /// How it began; `None` when it died before its first record was on disk, and so had done nothing.
    pub started: Option<Started>,
    /// Done, in key order.
    pub pieces: Vec<PlacedPiece>,
    /// Multipart uploads that were begun and not ended: to be aborted.
    pub uploads: BTreeSet<UploadId>,
    /// Places where an upload may be open whose id is not known; the value tells that an answer was lost.
    doubtful: BTreeMap<UploadPlace, bool>,
    /// Writes that were about to be sent when the process died, by key: done or not, nobody heard.
    pub awaited: BTreeMap<String, AwaitedWrite>,
    /// Number of [`Record::Action`]s.
    pub action_count: u64,
    /// How often it was taken up again.
    pub resumed: u32,
    /// How it ended.
    pub end: End,
    /// How the file ended.
    pub tail: Tail,
    path: PathBuf,
    coverage: Coverage,
    ends: BTreeMap<u32, u64>,
}

impl Replay {
    /// Reads a journal, in use or not.
    ///
    /// # Errors
    /// Damage, a newer format, an unknown record, records that contradict each other.
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        Self::fold(read_records(path)?)
    }

    fn fold(mut records: Records) -> Result<Self, JournalError> {
        let mut replay = Self {
            header: records.frames.header().clone(),
            started: None,
            pieces: Vec::new(),
            uploads: BTreeSet::new(),
            doubtful: BTreeMap::new(),
            awaited: BTreeMap::new(),
            action_count: 0,
            resumed: 0,
            end: End::Open,
            tail: Tail::Clean { at: 0 },
            path: records.path.clone(),
            coverage: Coverage::default(),
            ends: BTreeMap::new(),
        };
        for record in records.by_ref() {
            let (at, record) = record?;
            replay.apply(at, record)?;
        }
        if let Some(tail) = records.frames.tail() {
            replay.tail = tail;
        }
        replay.settle()?;
        Ok(replay)
    }

    fn apply(&mut self, at: u64, record: Record) -> Result<(), JournalError> {
        if self.started.is_none() != matches!(record, Record::Started(_)) {
            return Err(self.contradiction(format!("the record at byte {at} is not where a start belongs")));
        }
        match record {
            Record::Started(started) => self.started = Some(started),
            Record::Resumed(resumed) => {
                self.resumed = self.resumed.saturating_add(1);
                self.end = End::Open;
                self.take_back(&resumed.voids);
            }
            Record::Piece(piece) => self.place(at, piece)?,
            Record::UploadAwaited(place) => drop(self.doubtful.entry(place).or_insert(false)),
            Record::UploadLost(place) => drop(self.doubtful.insert(place, true)),
            Record::UploadLookedFor(place) => drop(self.doubtful.remove(&place)),
            Record::UploadBegun(upload) => {
                let UploadId { bucket, key, .. } = upload.clone();
                let place = UploadPlace { bucket, key };
                if self.doubtful.get(&place) == Some(&false) {
                    self.doubtful.remove(&place);
                }
                self.uploads.insert(upload);
            }
            Record::UploadEnded(upload) => drop(self.uploads.remove(&upload)),
            Record::WritesAwaited(writes) => self.awaited.extend(writes),
            Record::Action(action) => {
                self.action_count += 1;
                self.awaited.remove(&action.key);
            }
            Record::Note(_) => {}
            Record::Interrupted(interrupted) => self.end = End::Interrupted(interrupted),
            Record::Finished(finished) => {
                // Whoever comes to the end has heard of all writes, or settled those in doubt.
                if finished.state == Outcome::Complete {
                    self.awaited.clear();
                }
                self.end = End::Finished(finished);
            }
        }
        Ok(())
    }

    fn place(&mut self, at: u64, piece: Piece) -> Result<(), JournalError> {
        let end = self.ends.entry(piece.segment).or_default();
        let (from, to) = (*end, piece.findings_end);
        if to < from {
            let what = format!("the piece at byte {at} ends before the one in front of it");
            return Err(self.contradiction(what));
        }
        *end = to;
        self.awaited.retain(|key, _| !piece.range.contains(key));
        self.pieces.push(PlacedPiece {
            range: piece.range,
            segment: piece.segment,
            from,
            to,
            findings_crc: piece.findings_crc,
            tally: piece.tally.to_string().into(),
        });
        Ok(())
    }

    fn take_back(&mut self, voids: &[Void]) {
        for void in voids {
            self.pieces.retain(|piece| piece.segment != void.segment || piece.to <= void.keep);
            if let Some(end) = self.ends.get_mut(&void.segment) {
                *end = void.keep.min(*end);
            }
        }
    }

    /// Sorts the pieces and proves that they are disjoint.
    fn settle(&mut self) -> Result<(), JournalError> {
        // Stable, and an empty range goes before the one that begins where it lies.
        self.pieces.sort_by(|a, b| {
            a.range.after.cmp(&b.range.after).then(b.range.is_empty().cmp(&a.range.is_empty()))
        });
        let coverage = Coverage::of(self.pieces.iter().map(|piece| &piece.range));
        self.coverage =
            coverage.map_err(|(a, b)| self.contradiction(format!("the pieces {a} and {b} overlap")))?;
        Ok(())
    }

    fn contradiction(&self, what: String) -> JournalError {
        JournalError::Contradiction { path: self.path.clone(), what }
    }

    /// Places where an upload may be open whose id is not known: its begin was on its way when the process died,
    /// or the answer was lost.
    pub fn doubtful_uploads(&self) -> impl Iterator<Item = &UploadPlace> {
        self.doubtful.keys()
    }

    /// What is done, adjacent pieces joined.
    #[must_use]
    pub fn done(&self) -> &Coverage {
        &self.coverage
    }

    /// What is left of the run's range, in key order; empty when all is done.
    #[must_use]
    pub fn remaining(&self, within: &KeyRange) -> Vec<KeyRange> {
        self.coverage.remaining(within)
    }

    /// Where the findings of the done pieces are, in key order: for [`Segments::assemble`].
    #[must_use]
    pub fn order(&self) -> Vec<Slice> {
        let slice = |piece: &PlacedPiece| Slice { segment: piece.segment, from: piece.from, to: piece.to };
        self.pieces.iter().map(slice).collect()
    }

    /// The counts of the done pieces, in key order, to be summed.
    pub fn tallies<T: DeserializeOwned>(&self) -> impl Iterator<Item = Result<T, JournalError>> + '_ {
        self.pieces.iter().map(|piece| {
            serde_json::from_str(&piece.tally).map_err(|error| {
                self.contradiction(format!("the tally of {} is unreadable: {error}", piece.range))
            })
        })
    }

    /// The actions, oldest first, read from the file again; `undo` collects or spills them as it needs.
    /// Includes those of pieces that were done again.
    ///
    /// # Errors
    /// As [`read_records`]; each item as [`Replay::read`].
    pub fn actions(
        &self,
    ) -> Result<impl Iterator<Item = Result<Action, JournalError>> + use<>, JournalError> {
        Ok(read_records(&self.path)?.filter_map(|record| match record {
            Ok((_, Record::Action(action))) => Some(Ok(action)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }))
    }
}

/// A run taken up again.
#[derive(Debug)]
pub struct Resumption {
    /// To append to.
    pub journal: Journal,
    /// What was done before, without what did not survive.
    pub replay: Replay,
    /// To append to.
    pub segments: Segments,
    /// What did not survive and is to be done again.
    pub voids: Vec<Void>,
}

/// Takes a run up again: locks its journal, checks the findings against it, cuts off what is torn, and puts
/// [`Record::Resumed`] on disk. Whether a finished run may be taken up is the caller's decision: read it
/// before. Blocks for a reading of journal and findings: call it where blocking is allowed.
///
/// Killed at any instant it can be called again.
///
/// # Errors
/// [`JournalError::InUse`] when the run is still going; as [`Replay::read`]; [`JournalError::Io`].
pub fn resume(
    journal: &Path,
    segments: &Path,
    at: Timestamp,
    version: &str,
) -> Result<Resumption, JournalError> {
    let mut locked = file::open(journal)?;
    let reader = locked.try_clone().map_err(JournalError::io("open", journal))?;
    let mut replay = Replay::fold(records_of(reader, journal)?)?;
    let surviving = check::check(segments, &replay.pieces)?;

    // The void pieces are taken back on disk before their segments can grow again: else new rows could pass
    // for theirs.
    locked.set_len(replay.tail.good()).map_err(JournalError::io("shorten", journal))?;
    locked.sync_all().map_err(JournalError::io("write", journal))?;
    let resumed = Resumed { at, version: version.to_owned(), voids: surviving.voids.clone() };
    if replay.started.is_some() {
        let mut bytes = super::frame::mark().to_vec();
        bytes.extend(writer::encode(&Record::Resumed(resumed.clone()))?);
        locked.write_all(&bytes).map_err(JournalError::io("write", journal))?;
        locked.sync_all().map_err(JournalError::io("write", journal))?;
        replay.apply(replay.tail.good(), Record::Resumed(resumed))?;
        replay.settle()?;
    }
    let segments = Segments::go_on(segments, surviving.marks)?;
    let journal = Journal::go_on(locked, journal)?;
    Ok(Resumption { journal, replay, segments, voids: surviving.voids })
}
