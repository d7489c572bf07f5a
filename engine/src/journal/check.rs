//! Are the findings that the journal vouches for really there?
//!
//! A killed process loses nothing that was written; a power loss may. Each segment is read once, in order,
//! and at the end of each piece its running checksum is compared. From the first piece that does not hold on,
//! the pieces of that segment are void. Bounds: one buffer and one running state per segment.

use super::resume::PlacedPiece;
use super::segments::path_of;
use super::{JournalError, SegmentMark, Void};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

/// What survives of the segments.
#[derive(Debug, Default)]
pub(super) struct Surviving {
    /// How far each journalled segment is good.
    pub(super) marks: BTreeMap<u32, SegmentMark>,
    /// What the journal says and the disk does not.
    pub(super) voids: Vec<Void>,
}

/// Reads the segments against the pieces.
pub(super) fn check(dir: &Path, pieces: &[PlacedPiece]) -> Result<Surviving, JournalError> {
    let mut segments: BTreeMap<u32, Vec<&PlacedPiece>> = BTreeMap::new();
    for piece in pieces {
        segments.entry(piece.segment).or_default().push(piece);
    }
    let mut surviving = Surviving::default();
    for (segment, mut pieces) in segments {
        pieces.sort_by_key(|piece| piece.to);
        let (mark, whole) = check_segment(&path_of(dir, segment), &pieces)?;
        surviving.marks.insert(segment, mark);
        if !whole {
            surviving.voids.push(Void { segment, keep: mark.end });
        }
    }
    Ok(surviving)
}

/// How far one segment holds, and whether that is all of it.
fn check_segment(path: &Path, pieces: &[&PlacedPiece]) -> Result<(SegmentMark, bool), JournalError> {
    let mut good = SegmentMark::default();
    if pieces.iter().all(|piece| piece.to == 0) {
        return Ok((good, true));
    }
    let mut input = match File::open(path) {
        Ok(file) => BufReader::with_capacity(256 << 10, file),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((good, false)),
        Err(error) => return Err(JournalError::io("open", path)(error)),
    };
    for piece in pieces {
        let mut next = good;
        while next.end < piece.to {
            let bytes = input.fill_buf().map_err(JournalError::io("read", path))?;
            let left = usize::try_from(piece.to - next.end).unwrap_or(usize::MAX);
            let Some(bytes) = bytes.get(..left.min(bytes.len())).filter(|bytes| !bytes.is_empty()) else {
                return Ok((good, false));
            };
            let used = bytes.len();
            next = SegmentMark { end: next.end + used as u64, crc: crc32c::crc32c_append(next.crc, bytes) };
            input.consume(used);
        }
        if piece.findings_crc.is_some_and(|crc| crc != next.crc) {
            return Ok((good, false));
        }
        good = next;
    }
    Ok((good, true))
}
