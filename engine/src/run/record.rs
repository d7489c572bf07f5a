//! What a run has settled so far: committed pieces of the keyspace, their counts and their findings.

use crate::Error;
use crate::model::KeyRange;
use crate::report::Tally;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Collects pieces from all ranges. A piece is committed when everything in it is done: judged, and acted on.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tally: Tally,
    /// Findings by the lower bound of their piece: concatenated in this order they are the sorted report.
    findings: BTreeMap<Box<str>, Vec<u8>>,
}

impl Recorder {
    /// A recorder that writes into a run's folder.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(folder: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        Ok(Self { folder: folder.to_owned(), state: Mutex::default() })
    }

    /// The ranges still to be walked.
    pub fn remaining(&self) -> Vec<KeyRange> {
        vec![KeyRange::all()]
    }

    /// The first range id of this walk.
    pub fn next_id(&self) -> u32 {
        0
    }

    /// Commits a piece: its findings rows in key order, and its counts.
    ///
    /// # Errors
    /// When the run's files cannot be written.
    pub async fn commit(
        &self,
        _segment: u32,
        piece: &KeyRange,
        rows: Vec<u8>,
        tally: &Tally,
    ) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tally.add(tally);
        if !rows.is_empty() {
            state.findings.insert(piece.after.clone(), rows);
        }
        Ok(())
    }

    /// Puts the report's rows in order and returns the sums.
    ///
    /// # Errors
    /// When the run's files cannot be written.
    pub async fn finish(&self) -> Result<Tally, Error> {
        let path = self.folder.join("findings.jsonl");
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let file = std::fs::File::create(&path).map_err(Error::io(&path))?;
        let mut file = BufWriter::new(file);
        for rows in state.findings.values() {
            file.write_all(rows).map_err(Error::io(&path))?;
        }
        file.flush().map_err(Error::io(&path))?;
        Ok(state.tally)
    }
}
