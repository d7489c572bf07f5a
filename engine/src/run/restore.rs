//! Point-in-time restore: walk the histories once, plan each key, carry the plan out, look again.
//!
//! A piece of the keyspace is planned as it is listed and carried out in the background while the range lists
//! on. Rows of the plan and findings go to the recorder's segments together and are parted at the end, so
//! memory is bounded by the pieces in flight (a page of versions each). Whatever is planned twice, after an
//! interruption, finds its own work done: the history at the moment does not change by what is put on top.
//! A run that is taken up when nothing is left to walk looks after its thaws, see [`super::waiting`].

use super::look::history_of;
use super::rows::write_rows;
use super::settle::Settle;
use super::thaw::ThawRules;
use super::{Recorder, Session, doubts, lost_writes, planned, uploads, waiting};
use crate::Error;
use crate::act::{CopyOptions, CopyTools};
use crate::list::{Listing, Side, Sides, Stack, Versions, Visitor};
use crate::model::KeyRange;
use crate::observe::{Progress, Stage};
use crate::plan::{
    Filter, Goal, PLAN_SCHEMA, PlanHeader, PlanRules, Planned, Strategy, Uncertain, plan_elsewhere,
    plan_in_place, plan_version,
};
use crate::report::Tally;
use crate::s3::Versioning;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::task::AbortOnDropHandle;

/// Pieces of one range that may be settling while it lists on.
const PIECES_PENDING_MAX: usize = 2;

/// What to restore and how.
#[derive(Clone, Debug)]
pub struct RestoreJob {
    /// The bucket whose history it is, and the place to restore to unless it is the bucket itself.
    pub sides: Sides,
    /// Back to what, and how.
    pub rules: PlanRules,
    /// A local folder to restore to, instead of the bucket itself or a replica.
    pub folder: Option<PathBuf>,
    /// Which keys take part.
    pub filter: Filter,
    /// Elsewhere: remove what did not exist.
    pub prune: bool,
    /// How versions are copied.
    pub copy: CopyOptions,
    /// Archived versions.
    pub thaw: ThawRules,
    /// One version of one key (relative), instead of a moment.
    pub one: Option<(String, String)>,
    /// A reviewed plan to apply, instead of making one.
    pub plan: Option<PathBuf>,
    /// Plan, count and report, but change nothing.
    pub dry_run: bool,
}

/// Runs a restore to its end and returns what was counted. The run's folder holds `plan.jsonl` and
/// `findings.jsonl` afterwards.
///
/// # Errors
/// [`Error::Invalid`] for a bucket without versioning and for contradictions, [`Error::Brake`] with
/// `--uncertain fail`, both before anything was changed; otherwise as [`super::sync`].
pub async fn restore(job: RestoreJob, tools: CopyTools, session: &Session) -> Result<Tally, Error> {
    check(&job, session).await?;
    let all_walked = session.recorder.remaining().is_empty();
    if !all_walked && job.rules.uncertain == Uncertain::Fail && job.plan.is_none() && job.one.is_none() {
        doubts::refuse(&job, session).await?;
    }
    session.progress.enter(Stage::Working);
    let written_to = Arc::clone(job.sides.replica.as_ref().unwrap_or(&job.sides.source));
    if !job.dry_run && job.folder.is_none() {
        uploads::clean_up(session, written_to.store.as_ref()).await;
        lost_writes::find(session, &written_to).await?;
    }
    let settle = Arc::new(Settle::new(&job, tools, session)?);
    let copier = settle.copier();
    let result = match (&job.plan, &job.one) {
        _ if all_walked => waiting::take_up(&settle, session).await,
        (Some(path), _) => planned::apply(path, &job, &settle, session).await,
        (None, Some((key, version))) => one_version(key, version, &job, &settle, session).await,
        (None, None) => everything(&job, settle, session).await,
    };
    if let Some(copier) = copier {
        copier.close().await;
    }
    if job.folder.is_none() {
        uploads::clean_up(session, written_to.store.as_ref()).await;
    }
    session.progress.enter(Stage::Reporting);
    let written = write_rows(&session.recorder, &job.header(session));
    result.and(written).map(|()| session.recorder.tally())
}

impl RestoreJob {
    fn header(&self, session: &Session) -> PlanHeader {
        PlanHeader {
            schema: PLAN_SCHEMA.to_owned(),
            source: self.sides.source.location.to_string(),
            target: self.target_name(),
            goal: self.rules.goal,
            strategy: self.rules.strategy,
            run_id: session.recorder.run().id.to_string(),
        }
    }

    /// Where it goes, unless in place.
    pub(super) fn target_name(&self) -> Option<String> {
        let folder = self.folder.as_ref().map(|path| path.display().to_string());
        self.sides.replica.as_ref().map(|side| side.location.to_string()).or(folder)
    }

    pub(super) fn is_in_place(&self) -> bool {
        self.sides.replica.is_none() && self.folder.is_none()
    }

    pub(super) fn plan(&self, source: Option<&Stack>, target: Option<&Stack>) -> Option<Planned> {
        let key = source.or(target).map(|stack| &*stack.key)?;
        if !self.filter.admits(key) {
            return None;
        }
        match source {
            Some(stack) if self.is_in_place() => plan_in_place(stack, &self.rules),
            None if self.is_in_place() => None,
            source => plan_elsewhere(key, source, target, &self.rules, self.prune),
        }
    }
}

async fn check(job: &RestoreJob, session: &Session) -> Result<(), Error> {
    let source = &job.sides.source;
    if !job.is_in_place() && job.rules.strategy != Strategy::Fewest {
        return Err(Error::Invalid(
            "--strategy is about restoring in place; elsewhere versions are always copied".into(),
        ));
    }
    if let Goal::State(moment) = job.rules.goal
        && moment.last_second() > session.clock.now().seconds()
    {
        return Err(Error::Invalid(format!(
            "{} is in the future: nobody knows yet what will stand then",
            moment.at
        )));
    }
    let versioning = source.store.versioning(source.bucket()).await;
    match versioning.map_err(Error::source_side)? {
        Versioning::Enabled => Ok(()),
        Versioning::Suspended => {
            tracing::warn!(
                "versioning of {} is suspended: whatever was written since has no history, and each write \
                 replaces the null version for good",
                source.bucket()
            );
            Ok(())
        }
        Versioning::Off => Err(Error::Invalid(format!(
            "bucket {} has no versioning, so it keeps no past: an overwrite or delete there leaves nothing to \
             restore. Restore from a replica or backup that has versions, and switch versioning on for the future",
            source.bucket()
        ))),
    }
}

async fn everything(job: &RestoreJob, settle: Arc<Settle>, session: &Session) -> Result<(), Error> {
    let (recorder, progress) = (Arc::clone(&session.recorder), Arc::clone(&session.progress));
    let planner = Planner { job: job.clone(), settle, recorder, progress };
    session.walk::<Versions, _>(job.sides.clone(), Listing::Versions, planner).await
}

async fn one_version(
    key: &str,
    version_id: &str,
    job: &RestoreJob,
    settle: &Settle,
    session: &Session,
) -> Result<(), Error> {
    let history = |side: Arc<Side>| async move { history_of(&side, key, 1000).await };
    let stack = history(Arc::clone(&job.sides.source)).await.map_err(Error::source_listing)?;
    let mut row = plan_version(&stack, version_id, job.rules.strategy).ok_or_else(|| {
        Error::Invalid(format!(
            "{:?} has no object version {version_id:?} (a delete marker is none): `s3twin versions` lists them",
            job.sides.source.location.key(key)
        ))
    })?;
    if !job.is_in_place() {
        let mut only = stack.clone();
        only.entries.retain(|entry| *entry.version_id == *version_id);
        let there = match &job.sides.replica {
            Some(target) => Some(history(Arc::clone(target)).await.map_err(Error::replica_listing)?),
            None => None,
        };
        let rules = PlanRules { goal: Goal::Undelete(None), ..job.rules };
        row = plan_elsewhere(key, Some(&only), there.as_ref(), &rules, false).unwrap_or(row);
    }
    let Some(range) = session.recorder.remaining().into_iter().next() else { return Ok(()) };
    let (rows, tally) = settle.settle(vec![row], None).await?;
    session.recorder.commit(session.recorder.first_id(), &range, &rows, &tally).await
}

/// Plans what the walk shows and has it settled behind it.
#[derive(Debug)]
struct Planner {
    job: RestoreJob,
    settle: Arc<Settle>,
    recorder: Arc<Recorder>,
    progress: Arc<Progress>,
}

type Settled = AbortOnDropHandle<Result<(Vec<u8>, Tally), Error>>;

#[derive(Debug, Default)]
struct Segment {
    id: u32,
    keys: usize,
    rows: Vec<Planned>,
    pending: VecDeque<(KeyRange, Settled)>,
}

impl Planner {
    async fn commit_oldest(&self, segment: &mut Segment) -> Result<(), Error> {
        let Some((piece, settled)) = segment.pending.pop_front() else { return Ok(()) };
        let (rows, tally) = settled.await.map_err(Error::task)??;
        self.recorder.commit(segment.id, &piece, &rows, &tally).await?;
        self.progress.add(&tally);
        Ok(())
    }
}

impl Visitor<Versions> for Planner {
    type Segment = Segment;

    fn open(&self, id: u32) -> Segment {
        Segment { id, ..Segment::default() }
    }

    fn pair(&self, segment: &mut Segment, source: Option<&Stack>, target: Option<&Stack>) {
        segment.keys += 1;
        segment.rows.extend(self.job.plan(source, target));
    }

    async fn batch(&self, segment: &mut Segment, piece: KeyRange) -> Result<(), Error> {
        let (rows, keys) = (std::mem::take(&mut segment.rows), std::mem::take(&mut segment.keys));
        let (settle, range) = (Arc::clone(&self.settle), piece.clone());
        let task = tokio::spawn(async move { settle.settle(rows, Some((&range, keys))).await });
        segment.pending.push_back((piece, AbortOnDropHandle::new(task)));
        while segment.pending.len() > PIECES_PENDING_MAX {
            self.commit_oldest(segment).await?;
        }
        Ok(())
    }

    async fn close(&self, mut segment: Segment) -> Result<(), Error> {
        while !segment.pending.is_empty() {
            self.commit_oldest(&mut segment).await?;
        }
        Ok(())
    }
}
