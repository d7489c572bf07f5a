//! After the work: what was counted, what it means.

use super::{Frame, Target};
use crate::exit::Exit;
use s3twin_engine::Error;
use s3twin_engine::journal::Outcome;
use s3twin_engine::model::Timestamp;
use s3twin_engine::observe::Progress;
use s3twin_engine::report::{Keys, ListedBytes, RunState, SUMMARY_SCHEMA, Summary, Tally, request_cost_usd};

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
        let mut summary = Summary {
            schema: SUMMARY_SCHEMA.to_owned(),
            run_id,
            command: self.command.to_owned(),
            state: RunState::Complete,
            exit_code: 0,
            source,
            replica,
            started_at,
            elapsed_seconds: 0.0,
            keys: Keys::default(),
            verdicts: tally.verdicts,
            evidence: tally.evidence,
            actions: tally.actions,
            bytes: tally.bytes,
            requests: meter.requests().into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
            retries: meter.retries(),
            throttled: meter.throttled(),
            estimated_cost_usd: request_cost_usd(meter),
            peak_rss_bytes: peak_rss_bytes(),
            listed_bytes: ListedBytes::default(),
            scrub: None,
            drill: None,
            proved: None,
            awaiting_thaw: 0,
            dry_run: self.dry_run,
            remarks: Vec::new(),
            error: None,
        };
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
            summary.state = match error {
                Error::Brake(_) | Error::Invalid(_) => RunState::Refused,
                Error::Cancelled => RunState::Interrupted,
                _ => RunState::Incomplete,
            };
            summary.error = Some(error.to_string());
            Exit::of(&error)
        }
    };
    summary.exit_code = exit.code();
    exit
}

pub(super) fn outcome(state: RunState) -> Outcome {
    match state {
        RunState::Complete => Outcome::Complete,
        RunState::Incomplete => Outcome::Incomplete,
        RunState::Refused => Outcome::Refused,
        RunState::Interrupted => Outcome::Interrupted,
    }
}

/// The most memory this process ever held, from the kernel's books; 0 where there are none.
fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
