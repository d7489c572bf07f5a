//! Carrying out what the verdicts of a piece ask for: copies first, and only then deletions.

use super::Recorder;
use super::prove::Case;
use crate::Error;
use crate::act::{Copier, CopyOutcome, CopyTask, DeleteTask, Failure, Seen, Standing, delete_keys};
use crate::compare::{Facts, Judgement};
use crate::journal::{ActionKind, AwaitedWrite};
use crate::list::Side;
use crate::plan::{Action, SyncRules, action_for};
use crate::report::{Finding, Tally};
use futures::StreamExt as _;
use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Copies of one piece in flight at once. The pace of the stores is the real limit.
const COPIES_AT_ONCE: usize = 256;

/// Carries out what a verdict asks for.
pub(super) struct Hands {
    pub(super) rules: SyncRules,
    pub(super) dry_run: bool,
    pub(super) conditional_deletes: bool,
    pub(super) copier: Copier,
    pub(super) replica: Arc<Side>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) cancel: CancellationToken,
}

impl fmt::Debug for Hands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hands")
            .field("rules", &self.rules)
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}

impl Hands {
    /// Acts on the judged keys of one piece and writes the outcomes into their findings. A run that was told
    /// to stop ends with [`Error::Cancelled`], so that the piece is not committed and is done again.
    pub(super) async fn act(
        &self,
        judged: &[(Case, Judgement)],
        findings: &mut [Finding],
        tally: &mut Tally,
    ) -> Result<(), Error> {
        let mut copies = Vec::new();
        let (mut deletions, mut retags) = (Vec::new(), Vec::new());
        for (index, (_, judgement)) in judged.iter().enumerate() {
            let Some(action) = action_for(judgement, self.rules) else { continue };
            tally.planned += 1;
            match action {
                _ if self.dry_run => tally.actions.skipped += 1,
                Action::Impossible => tally.actions.failed += 1,
                Action::Copy => copies.push(index),
                Action::Retag => retags.push(index),
                Action::Delete => deletions.push(index),
            }
            if let Some(finding) = findings.get_mut(index) {
                finding.action = Some(intention(action, self.dry_run).to_owned());
            }
        }
        self.copy(&copies, judged, findings, tally).await?;
        self.retag(&retags, judged, findings, tally).await?;
        self.delete(&deletions, judged, findings, tally).await
    }

    pub(super) async fn copy(
        &self,
        indices: &[usize],
        judged: &[(Case, Judgement)],
        findings: &mut [Finding],
        tally: &mut Tally,
    ) -> Result<(), Error> {
        let tasks: Vec<_> =
            indices.iter().filter_map(|index| Some((*index, copy_task(&judged.get(*index)?.0)?))).collect();
        self.recorder
            .await_writes(tasks.iter().map(|(_, task)| awaited(task, ActionKind::Copied)).collect())
            .await?;
        let mut outcomes = futures::stream::iter(tasks)
            .map(|(index, task)| async move { (index, self.copier.copy(&task).await) })
            .buffer_unordered(COPIES_AT_ONCE);
        let mut cancelled = false;
        while let Some((index, outcome)) = outcomes.next().await {
            if matches!(outcome.result, Err(Failure::Cancelled)) {
                // What is under way ends soon, and what was written by then is journalled.
                cancelled = true;
                continue;
            }
            Error::if_expired(outcome.result.as_ref().err().and_then(Failure::request))?;
            let Some((case, _)) = judged.get(index) else { continue };
            // Also one that was written and could not be proved: it is there.
            if outcome.written.is_some() {
                let version_id = outcome.written.clone();
                let previous =
                    case.replica.as_ref().and_then(|facts| facts.version_id.as_deref()).map(str::to_owned);
                self.recorder.made(&case.key, ActionKind::Copied, version_id, previous).await?;
            }
            if let Some(finding) = findings.get_mut(index) {
                settle_copy(&outcome, finding, tally);
            }
        }
        if cancelled { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Nothing is journalled: tags are no version, and cannot be taken back.
    async fn retag(
        &self,
        indices: &[usize],
        judged: &[(Case, Judgement)],
        findings: &mut [Finding],
        tally: &mut Tally,
    ) -> Result<(), Error> {
        let cases = indices.iter().filter_map(|index| Some((*index, &judged.get(*index)?.0)));
        let tasks: Vec<_> = cases
            .map(|(index, case)| {
                let etag = case.replica.as_ref().and_then(|facts| facts.etag.clone());
                (index, case.key.to_string(), etag)
            })
            .collect();
        let mut outcomes = futures::stream::iter(tasks)
            .map(|(index, key, etag)| async move { (index, self.copier.retag(&key, etag.as_ref()).await) })
            .buffer_unordered(COPIES_AT_ONCE);
        while let Some((index, outcome)) = outcomes.next().await {
            let Some(finding) = findings.get_mut(index) else { continue };
            match outcome {
                Ok(()) => {
                    tally.actions.copied += 1;
                    finding.action = Some("tags set, and read back".into());
                }
                Err(Failure::Cancelled) => return Err(Error::Cancelled),
                Err(failure) => settle_failure(&failure, finding, tally),
            }
        }
        Ok(())
    }

    pub(super) async fn delete(
        &self,
        indices: &[usize],
        judged: &[(Case, Judgement)],
        findings: &mut [Finding],
        tally: &mut Tally,
    ) -> Result<(), Error> {
        if indices.is_empty() {
            return Ok(());
        }
        let case = |index: &usize| judged.get(*index).map(|(case, _)| case);
        let tasks = indices.iter().filter_map(case).map(|case| DeleteTask {
            key: case.key.to_string(),
            version_id: None,
            if_match: case.replica.as_ref().and_then(|facts| facts.etag.clone()),
        });
        let tasks: Vec<_> = tasks.collect();
        let deletion = |task: &DeleteTask| (task.key.clone(), awaited_deletion(ActionKind::Deleted, None));
        self.recorder.await_writes(tasks.iter().map(deletion).collect()).await?;
        let outcomes = delete_keys(&self.replica, &tasks, self.conditional_deletes, &self.cancel).await;
        for (index, outcome) in indices.iter().zip(outcomes) {
            let Some(finding) = findings.get_mut(*index) else { continue };
            match outcome.result {
                Ok(marker) => {
                    tally.actions.deleted += 1;
                    finding.action = Some("deleted".into());
                    finding.advice.clear();
                    self.recorder.made(&outcome.key, ActionKind::Deleted, marker, None).await?;
                }
                Err(error) if error.kind == crate::s3::Kind::Cancelled => return Err(Error::Cancelled),
                Err(error) => {
                    Error::if_expired(Some(&error))?;
                    tally.actions.failed += 1;
                    finding.action = Some("failed".into());
                    finding.advice = error.advice();
                    finding.detail = Some(error.to_string());
                }
            }
        }
        Ok(())
    }
}

/// A copy as the journal announces it.
pub(super) fn awaited(task: &CopyTask, kind: ActionKind) -> (String, AwaitedWrite) {
    let etag = task.source.etag.as_ref().map(ToString::to_string);
    let previous_etag = match &task.standing {
        Standing::Present { etag, .. } => Some(etag.to_string()),
        Standing::Absent | Standing::Unknown => None,
    };
    let size = task.source.size;
    (task.key.clone(), AwaitedWrite { kind, size, etag, previous_version_id: None, previous_etag })
}

/// A delete marker as the journal announces it.
pub(super) fn awaited_deletion(kind: ActionKind, previous_version_id: Option<String>) -> AwaitedWrite {
    AwaitedWrite { kind, size: 0, etag: None, previous_version_id, previous_etag: None }
}

fn intention(action: Action, dry_run: bool) -> &'static str {
    match (action, dry_run) {
        (Action::Copy, true) => "would copy",
        (Action::Retag, true) => "would set the tags",
        (Action::Delete, true) => "would delete",
        (Action::Copy, false) => "copied",
        (Action::Retag, false) => "tags set",
        (Action::Delete, false) => "deleted",
        (Action::Impossible, _) => "failed",
    }
}

fn copy_task(case: &Case) -> Option<CopyTask> {
    let source = case.source.as_ref()?;
    let standing = match &case.replica {
        None => Standing::Absent,
        Some(Facts { etag: Some(etag), last_modified, .. }) => {
            Standing::Present { etag: etag.clone(), last_modified: *last_modified }
        }
        Some(_) => Standing::Unknown,
    };
    let source = Seen {
        size: source.size,
        etag: source.etag.clone(),
        last_modified: source.last_modified,
        version_id: source.version_id.as_deref().map(str::to_owned),
        storage_class: source.storage_class.clone(),
        restore: source.restore,
        algorithms: source.algorithms,
        checksum_type: source.checksum_type,
    };
    Some(CopyTask { key: case.key.to_string(), target_key: None, source, standing })
}

fn settle_copy(outcome: &CopyOutcome, finding: &mut Finding, tally: &mut Tally) {
    tally.bytes.streamed += outcome.traffic.streamed;
    tally.bytes.hashed += outcome.traffic.hashed;
    tally.bytes.copied_server_side += outcome.traffic.server_side;
    let notes: Vec<String> = outcome.notes.iter().map(|note| note.name().to_owned()).collect();
    match &outcome.result {
        Ok(copied) => {
            tally.actions.copied += 1;
            finding.action = Some(format!("copied, proved by {}", copied.proof.name()));
            finding.advice.clear();
            finding.detail = (!notes.is_empty()).then(|| notes.join("; "));
        }
        Err(failure) => settle_failure(failure, finding, tally),
    }
}

fn settle_failure(failure: &Failure, finding: &mut Finding, tally: &mut Tally) {
    tally.actions.failed += 1;
    finding.action = Some(format!("failed: {}", failure.reason()));
    finding.advice = failure.advice();
    finding.detail = Some(failure.to_string());
}
