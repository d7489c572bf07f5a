//! The service: starts jobs when they are due, one run of each at a time, and shows how they stand.

mod board;
mod calendar;
mod heartbeat;
mod server;
mod timetable;
mod view;

pub(crate) use calendar::on_calendar;
pub(crate) use server::Listener;
pub(crate) use timetable::Timetable;

use crate::job::{Jobs, Start, Stop};
use board::Board;
use heartbeat::Heartbeat;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// The longest sleep: the clock may be set and the machine may be suspended.
const TICK: Duration = Duration::from_secs(20);

/// The service, before it starts.
pub(crate) struct Service {
    jobs: Arc<Jobs>,
    timetables: BTreeMap<String, Timetable>,
    board: Arc<Board>,
    running: JoinSet<String>,
    stop: Stop,
}

impl Service {
    /// Jobs without a cron line are shown, but never started.
    pub(crate) fn new(jobs: Jobs, stop: Stop) -> Self {
        let config = &jobs.loaded.config;
        let timetables = config.jobs.iter().filter_map(|(name, job)| {
            // It was checked when the file was read.
            Some((name.clone(), Timetable::of(config, job).ok().flatten()?))
        });
        let timetables = timetables.collect();
        Self { jobs: Arc::new(jobs), timetables, board: Arc::default(), running: JoinSet::new(), stop }
    }

    /// Runs until it is stopped, then until the last job has ended.
    pub(crate) async fn run(mut self, listener: Option<Listener>) {
        if let Some(listener) = listener {
            listener.serve(Arc::clone(&self.jobs), Arc::clone(&self.board));
        }
        let mut last = Timestamp::now();
        let before = Heartbeat::read(&self.jobs.state);
        if self.jobs.loaded.config.service.resume {
            self.take_up();
        }
        self.tell_missed(&before, last).await;
        loop {
            let now = Timestamp::now();
            self.start_due(last, now).await;
            last = now;
            self.board.tick(now);
            Heartbeat::write(&self.jobs.state, now, self.timetables.keys());
            tokio::select! {
                () = tokio::time::sleep(self.pause(now)) => {}
                Some(ended) = self.running.join_next() => self.ended(ended),
                () = self.stop.asked.cancelled() => break,
            }
        }
        self.wind_down().await;
    }

    /// How long nothing is due.
    fn pause(&self, now: Timestamp) -> Duration {
        let mut pause = TICK;
        for (name, timetable) in &self.timetables {
            let next = timetable.next_after(now);
            self.board.set_next(name, next);
            let until = next.and_then(|next| Duration::try_from(next.duration_since(now)).ok());
            pause = pause.min(until.unwrap_or(TICK));
        }
        // A timer may fire a little early: then the time has not come, and the next pause is short.
        pause.max(Duration::from_millis(5))
    }

    async fn start_due(&mut self, after: Timestamp, now: Timestamp) {
        let due: Vec<(String, Vec<Timestamp>)> = self
            .timetables
            .iter()
            .map(|(name, timetable)| (name.clone(), timetable.due(after, now)))
            .collect();
        for (name, due) in due {
            let Some((last, earlier)) = due.split_last() else { continue };
            // More than one at once: the clock jumped, or the machine slept.
            if let Some(newest) = earlier.last() {
                self.jobs.missed(&name, earlier.len(), *newest).await;
            }
            if self.board.is_running(&name) {
                self.jobs.overlapped(&name);
            } else {
                tracing::info!(job = name, due = %last, "starting");
                self.start(name, Start::Fresh(Vec::new()));
            }
        }
    }

    /// What was due while the service was down.
    async fn tell_missed(&mut self, before: &Heartbeat, now: Timestamp) {
        let Some(alive_at) = before.alive_at else { return };
        let missed: Vec<(String, Vec<Timestamp>)> = self
            .timetables
            .iter()
            .filter(|(name, _)| before.jobs.contains(name))
            .map(|(name, timetable)| (name.clone(), timetable.due(alive_at, now)))
            .collect();
        for (name, due) in missed {
            let Some(last) = due.last() else { continue };
            self.jobs.missed(&name, due.len(), *last).await;
            let catch_up = self.jobs.loaded.config.jobs.get(&name).is_some_and(|job| job.catch_up);
            if catch_up && !self.board.is_running(&name) {
                tracing::info!(job = name, "catching up");
                self.start(name, Start::Fresh(Vec::new()));
            }
        }
    }

    /// Goes on with what was interrupted.
    fn take_up(&mut self) {
        let names: Vec<String> = self.timetables.keys().cloned().collect();
        for name in names {
            if let Some(run) = self.jobs.unended(&name) {
                tracing::info!(job = name, run, "going on with an interrupted run");
                self.start(name, Start::Resume(run));
            }
        }
    }

    fn start(&mut self, name: String, start: Start) {
        self.board.begin(&name, Timestamp::now());
        let (jobs, stop) = (Arc::clone(&self.jobs), self.stop.clone());
        self.running.spawn(async move {
            match jobs.run(&name, start, &stop).await {
                Ok((run, _)) => {
                    tracing::info!(job = name, outcome = run.outcome.name(), result = run.headline, "ended");
                }
                Err(error) => eprintln!("s3twin: job {name}: {error}"),
            }
            name
        });
    }

    fn ended(&self, ended: Result<String, tokio::task::JoinError>) {
        match ended {
            Ok(name) => self.board.end(&name),
            Err(error) => eprintln!("s3twin: a job's task failed: {error}"),
        }
    }

    /// Nothing new is started; what runs may end by itself for a while, and is interrupted then ([`Stop`]).
    async fn wind_down(mut self) {
        while let Some(ended) = self.running.join_next().await {
            self.ended(ended);
        }
        Heartbeat::write(&self.jobs.state, Timestamp::now(), self.timetables.keys());
    }
}
