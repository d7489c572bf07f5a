//! What a run has settled so far: committed pieces of the keyspace, their counts and their findings, on disk
//! as the run goes.

use crate::Error;
use crate::act::UploadLog;
use crate::journal::{
    Action, ActionKind, AwaitedWrite, Finished, Joined, Journal, JournalError, Outcome, Piece, Record,
    Resumption, RunDir, Segments, Slice, Started, UploadPlace,
};
use crate::model::{KeyRange, Timestamp};
use crate::report::{ManifestHeader, Tally};
use crate::s3::UploadId;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Upload notes on their way to the journal. Each upload makes two; more than this many at once would mean
/// more uploads in flight than any concurrency allows.
const NOTES_QUEUED_MAX: usize = 4096;

/// Collects pieces from all ranges. A piece is committed when everything in it is done: judged, and acted on.
#[derive(Debug)]
pub struct Recorder {
    run: RunDir,
    journal: Journal,
    segments: Segments,
    remaining: Vec<KeyRange>,
    began: Timestamp,
    first_id: u32,
    state: Mutex<State>,
    strands: OnceLock<Option<ManifestHeader>>,
    notes: mpsc::Sender<Record>,
    note_writer: Mutex<Option<AbortOnDropHandle<Result<(), JournalError>>>>,
}

#[derive(Debug, Default)]
struct State {
    tally: Tally,
    /// Findings of each segment under the lower bound of its first piece. Segments hold contiguous pieces, so
    /// in this order their slices are the sorted report.
    slices: BTreeMap<(Box<str>, u32), Slice>,
    /// Where a segment's slice is in that map.
    firsts: BTreeMap<u32, Box<str>>,
    /// Rows that replace earlier ones: of keys whose thaw was awaited, each segment sorted by itself.
    later: BTreeMap<u32, Slice>,
    /// Uploads begun and not ended, by this process or one before it.
    open_uploads: BTreeSet<UploadId>,
    /// Where uploads may be open whose ids nobody knows.
    doubtful_uploads: BTreeSet<UploadPlace>,
    /// Writes of the process before this one, of which nothing more is known.
    awaited: BTreeMap<String, AwaitedWrite>,
}

impl Recorder {
    /// Begins a run in its folder.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn begin(run: RunDir, started: Started) -> Result<Self, Error> {
        let journal = Journal::create(&run.journal(), run.id.as_str())?;
        let began = started.started_at;
        journal.append(&Record::Started(started)).await?;
        journal.durable().await?;
        let segments = Segments::create(&run.segments())?;
        Ok(Self::new(run, journal, segments, (vec![KeyRange::all()], began)))
    }

    /// Takes up a run where it stood: what is committed stays, what is left is walked.
    ///
    /// # Errors
    /// When a tally in the journal cannot be read.
    pub fn go_on(run: RunDir, taken_up: Resumption) -> Result<Self, Error> {
        let Resumption { journal, replay, segments, .. } = taken_up;
        let began = replay.started.as_ref().map(|started| started.started_at).unwrap_or_default();
        let mut recorder = Self::new(run, journal, segments, (replay.remaining(&KeyRange::all()), began));
        let doubtful_uploads = replay.doubtful_uploads().cloned().collect();
        let (open_uploads, awaited) = (replay.uploads.clone(), replay.awaited.clone());
        let mut state = State { open_uploads, doubtful_uploads, awaited, ..State::default() };
        for (piece, tally) in replay.pieces.iter().zip(replay.tallies::<Tally>()) {
            let tally = tally?;
            state.tally.add(&tally);
            state.place(piece.segment, &piece.range, &tally, (piece.from, piece.to));
            recorder.first_id = recorder.first_id.max(piece.segment.saturating_add(1));
        }
        recorder.state = Mutex::new(state);
        Ok(recorder)
    }

    fn new(
        run: RunDir,
        journal: Journal,
        segments: Segments,
        (remaining, began): (Vec<KeyRange>, Timestamp),
    ) -> Self {
        let (notes, mut queue) = mpsc::channel(NOTES_QUEUED_MAX);
        let writer = journal.clone();
        let task = tokio::spawn(async move {
            while let Some(record) = queue.recv().await {
                writer.append(&record).await?;
            }
            Ok(())
        });
        Self {
            run,
            journal,
            segments,
            remaining,
            began,
            first_id: 0,
            state: Mutex::default(),
            strands: OnceLock::new(),
            notes,
            note_writer: Mutex::new(Some(AbortOnDropHandle::new(task))),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run's folder.
    pub fn run(&self) -> &RunDir {
        &self.run
    }

    /// The ranges still to be walked.
    pub fn remaining(&self) -> Vec<KeyRange> {
        self.remaining.clone()
    }

    /// The first range id of this walk: above every segment written before.
    pub fn first_id(&self) -> u32 {
        self.first_id
    }

    /// Uploads that are open on the server, as far as the run knows.
    pub fn open_uploads(&self) -> Vec<UploadId> {
        self.state().open_uploads.iter().cloned().collect()
    }

    /// When the run began, in its first process.
    pub fn began(&self) -> Timestamp {
        self.began
    }

    /// Where uploads may be open whose ids nobody knows: an answer was lost, or a process died waiting for it.
    pub fn doubtful_uploads(&self) -> Vec<UploadPlace> {
        self.state().doubtful_uploads.iter().cloned().collect()
    }

    /// Uploads of unknown id were looked for there, and those found are gone.
    pub fn looked_for(&self, place: UploadPlace) {
        self.state().doubtful_uploads.remove(&place);
        self.note(Record::UploadLookedFor(place));
    }

    /// What was counted so far.
    pub fn tally(&self) -> Tally {
        self.state().tally.settled()
    }

    /// Commits a piece: its findings rows in key order, and its counts.
    ///
    /// # Errors
    /// When the run's files cannot be written.
    pub async fn commit(
        &self,
        segment: u32,
        piece: &KeyRange,
        rows: &[u8],
        tally: &Tally,
    ) -> Result<(), Error> {
        if piece.is_empty() && *tally == Tally::default() {
            return Ok(());
        }
        let mark = self.segments.append(segment, rows)?;
        let record = Piece {
            range: piece.clone(),
            segment,
            findings_end: mark.end,
            findings_crc: Some(mark.crc),
            tally: serde_json::to_value(tally).map_err(|error| Error::Internal(error.to_string()))?,
        };
        self.journal.append(&Record::Piece(record)).await?;
        let mut state = self.state();
        state.tally.add(tally);
        state.place(segment, piece, tally, (mark.end - rows.len() as u64, mark.end));
        Ok(())
    }

    /// Remembers an action, for `undo`. It is in the journal before the piece that contains it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn action(&self, action: Action) -> Result<(), Error> {
        Ok(self.journal.append(&Record::Action(action)).await?)
    }

    /// Remembers a version that was made, or hidden, for `undo`. Without versions there is nothing to take back, and
    /// nothing is remembered.
    ///
    /// # Errors
    /// As [`Recorder::action`].
    pub(super) async fn made(
        &self,
        key: &str,
        kind: ActionKind,
        version_id: Option<String>,
        previous_version_id: Option<String>,
    ) -> Result<(), Error> {
        if version_id.is_none() {
            return Ok(());
        }
        self.action(Action { key: key.to_owned(), kind, version_id, previous_version_id }).await
    }

    /// Says which writes are to come; returns when a process that is killed leaves that behind.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(super) async fn await_writes(&self, writes: BTreeMap<String, AwaitedWrite>) -> Result<(), Error> {
        if writes.is_empty() {
            return Ok(());
        }
        self.journal.append(&Record::WritesAwaited(writes)).await?;
        Ok(self.journal.written().await?)
    }

    /// Writes of the process before this one that may have been done or not. They are handed out once.
    pub(super) fn take_awaited(&self) -> BTreeMap<String, AwaitedWrite> {
        std::mem::take(&mut self.state().awaited)
    }

    /// The rows to come are findings, proofs and, with a header, manifest rows together.
    pub(super) fn keep_strands(&self, header: Option<ManifestHeader>) {
        // Said once per run, before its first row; a second time it is the same.
        let _ = self.strands.set(header);
    }

    /// Puts the report's rows in order and returns the sums. The folder's `findings.jsonl` is whole or absent.
    ///
    /// # Errors
    /// When the run's files cannot be written.
    pub fn assemble(&self) -> Result<Tally, Error> {
        let state = self.state();
        self.segments.assemble(&state.order(), &self.run.findings())?;
        let tally = state.tally.settled();
        drop(state);
        if let Some(header) = self.strands.get() {
            super::strands::part(&self.run, header.as_ref())?;
        }
        Ok(tally)
    }

    /// The rows written so far, in key order, for runs whose rows are not all findings.
    pub(super) fn rows(&self) -> Joined {
        self.segments.joined(&self.state().order())
    }

    /// Rows that replace some of [`Recorder::rows`], newest last, each sorted by itself.
    pub(super) fn later_rows(&self) -> Vec<Joined> {
        self.state().later.values().map(|slice| self.segments.joined(&[*slice])).collect()
    }

    /// [`Recorder::assemble`] after the work, however it ended: what was settled before an error is reported too.
    ///
    /// # Errors
    /// That of the work before that of the files.
    pub(super) fn conclude(&self, worked: Result<(), Error>) -> Result<Tally, Error> {
        let assembled = self.assemble();
        worked.and(assembled)
    }

    /// Ends the run: everything is on disk, the journal is closed.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn finish(&self, at: Timestamp, state: Outcome, exit_code: u8) -> Result<(), Error> {
        self.journal.append(&Record::Finished(Finished { at, state, exit_code })).await?;
        Ok(self.journal.close().await?)
    }

    /// Where the findings are after [`Recorder::assemble`].
    pub fn findings(&self) -> PathBuf {
        self.run.findings()
    }

    fn note(&self, record: Record) {
        // A full queue or a dead writer costs only the memory of one upload; the server still lists it.
        if self.notes.try_send(record).is_err() {
            tracing::warn!("an upload could not be noted in the journal");
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        drop(self.note_writer.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl State {
    /// Where the rows are, in key order.
    fn order(&self) -> Vec<Slice> {
        self.slices.values().copied().collect()
    }

    fn place(&mut self, segment: u32, piece: &KeyRange, tally: &Tally, (from, to): (u64, u64)) {
        if tally.thaws_ended > 0 {
            let slice = self.later.entry(segment).or_insert(Slice { segment, from, to });
            slice.to = slice.to.max(to);
            return;
        }
        let first = self.firsts.entry(segment).or_insert_with(|| piece.after.clone()).clone();
        let slice = self.slices.entry((first, segment)).or_insert(Slice { segment, from, to });
        slice.to = slice.to.max(to);
    }
}

#[async_trait]
impl UploadLog for Recorder {
    async fn awaited(&self, bucket: &str, key: &str) {
        let place = UploadPlace { bucket: bucket.to_owned(), key: key.to_owned() };
        // A journal that cannot be written ends the run at its next piece.
        let noted = self.journal.append(&Record::UploadAwaited(place)).await;
        if noted.is_err() || self.journal.written().await.is_err() {
            tracing::warn!("an upload could not be noted in the journal");
        }
    }

    fn lost(&self, bucket: &str, key: &str) {
        let place = UploadPlace { bucket: bucket.to_owned(), key: key.to_owned() };
        self.state().doubtful_uploads.insert(place.clone());
        self.note(Record::UploadLost(place));
    }

    fn begun(&self, upload: &UploadId) {
        self.state().open_uploads.insert(upload.clone());
        self.note(Record::UploadBegun(upload.clone()));
    }

    fn ended(&self, upload: &UploadId) {
        self.state().open_uploads.remove(upload);
        self.note(Record::UploadEnded(upload.clone()));
    }
}
