//! Writes a journal from its own thread, many records per write and per fsync.
//!
//! Encoding happens at the caller (in parallel); the thread takes all that is queued, writes it at once, and
//! syncs when someone waits for it or [`SYNC_EVERY`] has passed since the first unsynced byte. After a sync
//! the next write begins with a mark (see [`super::frame`]).
//!
//! Invariants: records reach the file in the order in which [`Journal::append`] returned; after the first
//! error nothing more is written and everyone is told (an fsync that failed once may have dropped pages, so
//! a second one proves nothing). Bounds: [`QUEUE`] records waiting, one group in memory.

use super::file::{self, Disk};
use super::{JournalError, Record, frame};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Records that may wait for the thread: a thousand are a few hundred kilobytes and last a fast disk's fsync
/// (10 ms) at a hundred thousand records a second; more would only hide a disk that cannot keep up.
const QUEUE: usize = 1024;
/// The longest that a record stays unsynced. A crash repeats at most this much work; an fsync of 10 ms every
/// 200 ms keeps a slow disk 95 % idle.
const SYNC_EVERY: Duration = Duration::from_millis(200);
/// A group is written when it has this many bytes, so that it stays in the processor's cache.
const GROUP_BYTES: usize = 1 << 20;

type Answer = oneshot::Sender<Result<(), JournalError>>;

enum Command {
    Frame(Vec<u8>),
    Written(Answer),
    Sync(Answer),
    Close(Answer),
}

/// A journal being written. Clones write to the same file; it stays locked until it is closed or the last
/// clone is dropped. Dropping without [`Journal::close`] still writes what is queued, but nobody can wait
/// for it.
#[derive(Clone, Debug)]
pub struct Journal {
    queue: mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    failure: OnceLock<JournalError>,
    records: AtomicU64,
    bytes: AtomicU64,
    writes: AtomicU64,
    syncs: AtomicU64,
}

/// What the journal cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalStats {
    /// Records written.
    pub records: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Writes: groups of records.
    pub writes: u64,
    /// Times the disk was waited for.
    pub syncs: u64,
}

impl Journal {
    /// Creates the journal of a new run; its header is durable on return. Blocks for one fsync.
    ///
    /// # Errors
    /// [`JournalError::Io`], also when the file exists; [`JournalError::Refused`] for an overlong id.
    pub fn create(path: &Path, run_id: &str) -> Result<Self, JournalError> {
        Self::start(file::create(path, run_id)?, path, false)
    }

    /// Goes on in a locked file whose content is durable and ends with a good frame.
    pub(super) fn go_on(file: File, path: &Path) -> Result<Self, JournalError> {
        Self::start(file, path, true)
    }

    pub(super) fn start(disk: impl Disk, path: &Path, mark_due: bool) -> Result<Self, JournalError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(JournalError::io("start the writer of", path))?;
        let (queue, commands) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            path: path.to_path_buf(),
            failure: OnceLock::new(),
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
        });
        let group = Group {
            disk,
            shared: Arc::clone(&shared),
            bytes: Vec::new(),
            records: 0,
            in_file: Vec::new(),
            waiting: Vec::new(),
            unsynced_since: None,
            mark_due,
        };
        let thread = std::thread::Builder::new().name("journal".to_owned());
        let started = thread.spawn(move || runtime.block_on(group.run(commands)));
        started.map_err(JournalError::io("start the writer of", path))?;
        Ok(Self { queue, shared })
    }

    /// Queues a record. It is in the file soon, on disk within 200 ms or after [`Journal::durable`].
    ///
    /// Cancellation: a dropped future has queued the whole record or none of it.
    ///
    /// # Errors
    /// The writer's first error, for ever after; [`JournalError::Closed`]; [`JournalError::TooLarge`] and
    /// [`JournalError::Refused`] for this record alone.
    pub async fn append(&self, record: &Record) -> Result<(), JournalError> {
        self.send(Command::Frame(encode(record)?)).await
    }

    /// Returns when everything appended before is in the file: a process that is killed then leaves it behind, a
    /// machine that loses its power may not.
    ///
    /// # Errors
    /// The writer's first error; [`JournalError::Closed`].
    pub async fn written(&self) -> Result<(), JournalError> {
        self.ask(Command::Written).await
    }

    /// Returns when everything appended before is on disk. Callers who wait at the same time share one fsync.
    ///
    /// Cancellation: harmless, the disk is synced all the same.
    ///
    /// # Errors
    /// The writer's first error; [`JournalError::Closed`].
    pub async fn durable(&self) -> Result<(), JournalError> {
        self.ask(Command::Sync).await
    }

    /// Writes and syncs everything queued, releases the file. Later calls on any clone are refused.
    ///
    /// # Errors
    /// The writer's first error; [`JournalError::Closed`] the second time.
    pub async fn close(&self) -> Result<(), JournalError> {
        self.ask(Command::Close).await
    }

    /// What it cost so far.
    #[must_use]
    pub fn stats(&self) -> JournalStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        JournalStats {
            records: read(&self.shared.records),
            bytes: read(&self.shared.bytes),
            writes: read(&self.shared.writes),
            syncs: read(&self.shared.syncs),
        }
    }

    async fn ask(&self, command: impl FnOnce(Answer) -> Command) -> Result<(), JournalError> {
        let (answer, answered) = oneshot::channel();
        self.send(command(answer)).await?;
        answered.await.unwrap_or_else(|_| Err(self.why_gone()))
    }

    async fn send(&self, command: Command) -> Result<(), JournalError> {
        if let Some(failure) = self.shared.failure.get() {
            return Err(failure.clone());
        }
        self.queue.send(command).await.map_err(|_| self.why_gone())
    }

    fn why_gone(&self) -> JournalError {
        let closed = || JournalError::Closed { path: self.shared.path.clone() };
        self.shared.failure.get().cloned().unwrap_or_else(closed)
    }
}

/// The frame of a record.
pub(super) fn encode(record: &Record) -> Result<Vec<u8>, JournalError> {
    record.check()?;
    let mut frame = Vec::with_capacity(512);
    frame.resize(frame::FRAME_HEAD, 0);
    serde_json::to_writer(&mut frame, record)
        .map_err(|error| JournalError::Refused { what: format!("it cannot be written as JSON: {error}") })?;
    frame::seal(frame)
}

/// What the thread is working on.
struct Group<D> {
    disk: D,
    shared: Arc<Shared>,
    bytes: Vec<u8>,
    records: u64,
    /// Who waits for the write.
    in_file: Vec<Answer>,
    /// Who waits for the disk.
    waiting: Vec<Answer>,
    unsynced_since: Option<Instant>,
    mark_due: bool,
}

impl<D: Disk> Group<D> {
    /// Blocks in writes and fsyncs; it has the thread and its runtime for itself.
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut closers = Vec::new();
        match self.write_all_of(&mut commands, &mut closers).await {
            Ok(()) => {
                // The lock is released before anyone hears that the journal is closed.
                drop(self);
                closers.into_iter().for_each(|closer| tell(closer, Ok(())));
            }
            Err(error) => {
                let error = self.shared.failure.get_or_init(|| error).clone();
                let waiting = self.waiting.drain(..).chain(self.in_file.drain(..)).chain(closers);
                waiting.for_each(|answer| tell(answer, Err(error.clone())));
                // The file stays locked while the run that failed still lives.
                while let Some(command) = commands.recv().await {
                    match command {
                        Command::Frame(_) => {}
                        Command::Written(answer) | Command::Sync(answer) | Command::Close(answer) => {
                            tell(answer, Err(error.clone()));
                        }
                    }
                }
            }
        }
    }

    async fn write_all_of(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        closers: &mut Vec<Answer>,
    ) -> Result<(), JournalError> {
        loop {
            let first = match self.unsynced_since {
                None => commands.recv().await,
                Some(since) => match tokio::time::timeout_at(since + SYNC_EVERY, commands.recv()).await {
                    Ok(first) => first,
                    Err(_) => {
                        self.sync()?;
                        continue;
                    }
                },
            };
            let Some(first) = first else { break };
            let mut next = Some(first);
            while let Some(command) = next {
                match command {
                    Command::Frame(frame) => self.take(&frame),
                    Command::Written(answer) => self.in_file.push(answer),
                    Command::Sync(answer) => self.waiting.push(answer),
                    Command::Close(answer) => {
                        // What was accepted before is still written; `recv` ends when all of it is here.
                        commands.close();
                        closers.push(answer);
                    }
                }
                next = if self.bytes.len() < GROUP_BYTES { commands.try_recv().ok() } else { None };
            }
            self.write()?;
            self.in_file.drain(..).for_each(|answer| tell(answer, Ok(())));
            let due = self.unsynced_since.is_some_and(|since| since.elapsed() >= SYNC_EVERY);
            if due || !self.waiting.is_empty() {
                self.sync()?;
            }
        }
        self.sync()?;
        // A last mark makes the whole file provable.
        if self.mark_due {
            self.bytes.extend(frame::mark());
            self.mark_due = false;
            self.write()?;
            self.sync()?;
        }
        Ok(())
    }

    fn take(&mut self, frame: &[u8]) {
        if std::mem::take(&mut self.mark_due) {
            self.bytes.extend(frame::mark());
        }
        self.bytes.extend(frame);
        self.records += 1;
    }

    fn write(&mut self) -> Result<(), JournalError> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        self.disk.write(&self.bytes).map_err(JournalError::io("write", &self.shared.path))?;
        self.unsynced_since.get_or_insert_with(Instant::now);
        self.shared.bytes.fetch_add(self.bytes.len() as u64, Ordering::Relaxed);
        self.shared.records.fetch_add(std::mem::take(&mut self.records), Ordering::Relaxed);
        self.shared.writes.fetch_add(1, Ordering::Relaxed);
        self.bytes.clear();
        // One huge record must not keep its memory for the rest of the run.
        self.bytes.shrink_to(2 * GROUP_BYTES);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        if self.unsynced_since.is_some() {
            self.disk.sync().map_err(JournalError::io("write", &self.shared.path))?;
            self.unsynced_since = None;
            self.mark_due = true;
            self.shared.syncs.fetch_add(1, Ordering::Relaxed);
        }
        self.waiting.drain(..).for_each(|answer| tell(answer, Ok(())));
        Ok(())
    }
}

/// Whoever no longer waits does not want to know.
fn tell(answer: Answer, result: Result<(), JournalError>) {
    let _ = answer.send(result);
}
