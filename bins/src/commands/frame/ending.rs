//! After the work: what was counted, what it means.

use super::{Frame, Target};
use crate::exit::Exit;
use s3twin_engine::Error;
use s3twin_engine::journal::Outcome;
use s3twin_engine::model::Timestamp;
use s3twin_engine::observe::Progress;
use s3twin_engine::report::{RunState, Summary, Tally, request_cost_usd};

impl Frame {
    pub(super) fn summary(
        &self,
        run_id: String,
        started_at: Timestamp,
        tally: &Tally,
        progress: &Progress,
    ) -> Summary {
        let meter = &progress.meter;
        let (source, replica) = match &self.target {
            Target::Then(manifest) => (manifest.clone(), Some(self.target_name())),
            // A run that only reads one side has no other.
            Target::Itself if !self.writes => (self.source.to_string(), None),
            _ => (self.source.to_string(), Some(self.target_name())),
        };
        let mut summary = Summary::begun(run_id, self.command, (source, replica), started_at);
        summary.requests =
            meter.requests().into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        summary.retries = meter.retries();
        summary.throttled = meter.throttled();
        summary.estimated_cost_usd = request_cost_usd(meter);
        summary.peak_rss_bytes = peak_rss_bytes();
        summary.dry_run = self.dry_run;
        summary.count(tally);
        summary
    }
}

/// Decides state and exit code. Counts that do not balance are a failure whatever they say.
pub(super) fn conclude(
    summary: &mut Summary,
    tally: &Tally,
    result: Result<(), Error>,
    judge: impl FnOnce(&mut Summary) -> Exit,
) -> Exit {
    let balanced =
        result.and_then(|()| summary.check(tally).map_err(|error| Error::Internal(error.to_string())));
    let exit = match balanced {
        Ok(()) => judge(summary),
        Err(error) => {
            summary.state = stopped(&error);
            summary.error = Some(error.to_string());
            Exit::of(&error)
        }
    };
    summary.exit_code = exit.code();
    exit
}

/// How a run stands that an error ended.
pub(in crate::commands) fn stopped(error: &Error) -> RunState {
    match error {
        Error::Brake(_) | Error::Invalid(_) => RunState::Refused,
        Error::Cancelled => RunState::Interrupted,
        _ => RunState::Incomplete,
    }
}

pub(in crate::commands) fn outcome(state: RunState) -> Outcome {
    match state {
        RunState::Complete => Outcome::Complete,
        RunState::Incomplete => Outcome::Incomplete,
        RunState::Refused => Outcome::Refused,
        RunState::Interrupted => Outcome::Interrupted,
    }
}

/// The most memory this process ever held, from the kernel's books; 0 where there are none.
pub(in crate::commands) fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
