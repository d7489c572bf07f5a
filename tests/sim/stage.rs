//! Runs the engine in a world: one thread, a clock that jumps, processes that die and are taken up again.

use crate::history::{REPLICA, SOURCE};
use crate::wire::{Cut, Wire, World};
use s3twin_engine::Error;
use s3twin_engine::act::{Bandwidth, CopyLimits, CopyMode, CopyOptions, CopyTools, MemoryTickets};
use s3twin_engine::flow::{Clock, Pace, PaceLimits};
use s3twin_engine::journal::{JournalError, Outcome, RunDir, RunId, Started, StateDir, resume};
use s3twin_engine::list::{Side, Sides};
use s3twin_engine::model::Timestamp;
use s3twin_engine::observe::Progress;
use s3twin_engine::report::Tally;
use s3twin_engine::run::{Recorder, Session};
use s3twin_engine::s3::{Meter, Paced, RetryPolicy, Store};
use s3twin_engine::verify::pool::CpuPool;
use s3twin_engine::verify::service::DigestService;
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A run is cut off at most so often; then it is left in peace.
const CUTS_MAX: usize = 3;

/// Relays up to this size are one PUT.
pub(crate) const SINGLE_PUT: u64 = 60;
/// Largest source of one CopyObject.
pub(crate) const COPY_MAX: u64 = 100;

pub(crate) struct Stage {
    pub(crate) world: Arc<Mutex<World>>,
    folder: tempfile::TempDir,
    pub(crate) rng: fastrand::Rng,
    pub(crate) relay: bool,
    seed: u64,
    /// How often a process ended before its run did.
    pub(crate) cuts: usize,
    torn: bool,
}

/// What a run finds when it starts.
pub(crate) struct Scene {
    pub(crate) sides: Sides,
    pub(crate) session: Session,
    pub(crate) tools: CopyTools,
    pub(crate) options: CopyOptions,
}

/// A run that came to its end.
pub(crate) struct Ended {
    pub(crate) result: Result<Tally, Error>,
    pub(crate) dir: RunDir,
}

impl Stage {
    pub(crate) fn new(seed: u64, rng: fastrand::Rng, world: World) -> Self {
        // Where memory serves as disk an fsync costs nothing.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let folder = folder.expect("a temporary directory");
        Self { world: Arc::new(Mutex::new(world)), folder, rng, relay: false, seed, cuts: 0, torn: false }
    }

    pub(crate) fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().expect("no run panicked")
    }

    /// Runs `work` to its end, cutting it off and taking it up again as often as `cuts` is true.
    pub(crate) fn run<W, F>(&mut self, command: &str, cuts: bool, work: W) -> Ended
    where
        W: Fn(Scene) -> F,
        F: Future<Output = Result<Tally, Error>>,
    {
        let state = StateDir::new(self.folder.path());
        let at = Timestamp::from_seconds(self.world().model.now);
        let id = RunId::new(at, command, u16::try_from(self.rng.u32(..65536)).expect("small"));
        let dir = state.create_run(id.expect("an id")).expect("a folder");
        let mut begun = false;
        self.cuts = 0;
        loop {
            let cut = cuts && self.cuts < CUTS_MAX && self.rng.u8(..4) > 0;
            let stop = CancellationToken::new();
            self.prepare(cut, &stop);
            let ended = self.process(&dir, &mut begun, stop, command, &work);
            let interrupted = match &ended {
                None => true,
                Some(Err(Error::Cancelled)) => cut,
                Some(_) => false,
            };
            if !interrupted {
                return Ended { result: ended.expect("not cut off"), dir };
            }
            self.cuts += 1;
            if ended.is_none() {
                self.tear(&dir);
            }
        }
    }

    fn prepare(&mut self, cut: bool, stop: &CancellationToken) {
        let at = self.rng.u64(1..80);
        let crash = self.rng.u8(..4) > 0;
        let mut world = self.world();
        let at = world.number + at;
        world.cut = cut.then(|| if crash { Cut::Crash(at) } else { Cut::Stop(at, stop.clone()) });
        world.dead = false;
        world.epoch += 1;
        world.faults.restart();
    }

    /// One process. `None` when it died.
    fn process<W, F>(
        &self,
        dir: &RunDir,
        begun: &mut bool,
        stop: CancellationToken,
        command: &str,
        work: W,
    ) -> Option<Result<Tally, Error>>
    where
        W: Fn(Scene) -> F,
        F: Future<Output = Result<Tally, Error>>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let died = Arc::new(Notify::new());
        let run = async {
            let recorder = Arc::new(self.recorder(dir, begun, command).await);
            let scene = self.scene(&died, Arc::clone(&recorder), stop);
            let clock = scene.session.clock.clone();
            let result = work(scene).await;
            let (outcome, code) = match &result {
                Ok(_) => (Outcome::Complete, 0),
                Err(Error::Cancelled) => (Outcome::Interrupted, 130),
                Err(_) => (Outcome::Incomplete, 4),
            };
            recorder.finish(clock.now(), outcome, code).await.expect("the journal closes");
            result
        };
        let ended = runtime.block_on(async {
            tokio::select! {
                biased;
                () = died.notified() => None,
                result = run => Some(result),
            }
        });
        // Everything that still runs dies with the process.
        drop(runtime);
        ended
    }

    async fn recorder(&self, dir: &RunDir, begun: &mut bool, command: &str) -> Recorder {
        if !*begun {
            let started = Started {
                command: command.to_owned(),
                job: Value::Null,
                started_at: Timestamp::from_seconds(self.world().model.now),
                version: "sim".to_owned(),
            };
            let recorder = Recorder::begin(dir.clone(), started).await.expect("a new run");
            *begun = true;
            return recorder;
        }
        let at = Timestamp::from_seconds(self.world().model.now);
        let taken_up = loop {
            match resume(&dir.journal(), &dir.segments(), at, "sim") {
                // The thread of the process that died is still writing its last.
                Err(JournalError::InUse { .. }) => std::thread::sleep(std::time::Duration::from_micros(100)),
                other => break other.expect("it can be taken up"),
            }
        };
        assert!(taken_up.replay.started.is_some(), "a run is on disk before it does anything");
        Recorder::go_on(dir.clone(), taken_up).expect("its tallies can be read")
    }

    fn scene(&self, died: &Arc<Notify>, recorder: Arc<Recorder>, stop: CancellationToken) -> Scene {
        let meter = Arc::new(Meter::default());
        let pace = Pace::new(PaceLimits::default());
        let side = |service: &'static str, location: &str| {
            let wire = Wire { service, world: Arc::clone(&self.world), died: Arc::clone(died) };
            let policy = RetryPolicy { seed: self.seed, ..RetryPolicy::default() };
            let (pace, meter) = (Arc::clone(&pace), Arc::clone(&meter));
            let paced = Paced::new(Arc::new(wire), pace, meter, stop.clone(), policy);
            Arc::new(Side::new(Arc::new(paced) as Arc<dyn Store>, location.parse().expect("a location")))
        };
        let source = side("one", &format!("s3://{SOURCE}/in/"));
        let replica = side(if self.relay { "two" } else { "one" }, &format!("s3://{REPLICA}/out/"));
        let world = Arc::clone(&self.world);
        let now = move || Timestamp::from_seconds(world.lock().expect("no run panicked").model.now);
        let tools = CopyTools {
            digests: DigestService::new(CpuPool::inline()),
            memory: MemoryTickets::new(64 << 20),
            bandwidth: Arc::new(Bandwidth::new(None)),
            uploads: Arc::clone(&recorder) as _,
            cancel: stop.clone(),
        };
        let options = CopyOptions {
            mode: CopyMode::Auto,
            limits: CopyLimits { copy: COPY_MAX, ..CopyLimits::default() },
            server_part: 30,
            relay_part: 20,
            single_put: SINGLE_PUT,
            parts_in_flight: 3,
            ..CopyOptions::default()
        };
        let progress = Arc::new(Progress::new(meter));
        let session = Session { clock: Clock::new(now), cancel: stop, progress, recorder, ranges_max: 8 };
        Scene { sides: Sides { source, replica: Some(replica) }, session, tools, options }
    }

    /// What a machine that lost its power may have kept of the journal: any beginning of it that was not synced.
    fn tear(&mut self, dir: &RunDir) {
        let path = dir.journal();
        if self.rng.bool() {
            return;
        }
        // Wait for the dead process's thread, whose writes are still to come.
        loop {
            match s3twin_engine::journal::Replay::read(&path) {
                Ok(_) if unlocked(&path) => break,
                _ => std::thread::sleep(std::time::Duration::from_micros(100)),
            }
        }
        let first = s3twin_engine::journal::read_records(&path).expect("it is there").nth(1);
        let Some(Ok((second, _))) = first else { return };
        let length = std::fs::metadata(&path).expect("it is there").len();
        let keep = self.rng.u64(second..=length);
        let file = std::fs::OpenOptions::new().write(true).open(&path).expect("it can be opened");
        file.set_len(keep).expect("it can be shortened");
        self.torn = true;
    }

    /// Some of what was noted in a journal was lost.
    pub(crate) fn is_torn(&self) -> bool {
        self.torn
    }
}

fn unlocked(path: &Path) -> bool {
    let file = std::fs::File::open(path).expect("it is there");
    file.try_lock().is_ok()
}

/// Rows of a run's findings, which are in key order, one for each key.
pub(crate) fn findings(dir: &RunDir) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.findings()).expect("findings");
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    let keys: Vec<&str> = rows.iter().map(|row| row["key"].as_str().expect("a key")).collect();
    assert!(keys.is_sorted_by(|a, b| a < b), "not one row per key in key order: {keys:?}");
    rows
}
