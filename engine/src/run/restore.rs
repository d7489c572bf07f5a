//! Point-in-time restore: walk the histories once, plan each key, carry the plan out, look again.
//!
//! A piece of the keyspace is planned as it is listed and carried out in the background while the range lists
//! on. Rows of the plan and findings go to the recorder's segments together and are parted at the end, so
//! memory is bounded by the pieces in flight (a page of versions each). Whatever is planned twice, after an
//! interruption, finds its own work done: the history at the moment does not change by what is put on top.

use super::download::Download;
use super::look::history_of;
use super::mender::{Mender, Outcome, Work};
use super::outcome::{conclude, write_rows};
use super::thaw::{Thaw, ThawRules};
use super::{Recorder, Session, inherited, lost_writes, planned, uploads};
use crate::Error;
use crate::act::folder::Folder;
use crate::act::{Copier, CopyOptions, CopyTools};
use crate::compare::Reading;
use crate::list::{Listing, Side, Sides, Stack, Versions, Visitor, WalkLimits, WalkStats, walk};
use crate::model::KeyRange;
use crate::observe::{Progress, Stage};
use crate::plan::{
    Filter, Goal, PLAN_SCHEMA, PlanHeader, PlanRules, Planned, Step, Strategy, Uncertain, plan_elsewhere,
    plan_in_place, plan_version,
};
use crate::report::Tally;
use crate::s3::Versioning;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    if job.rules.uncertain == Uncertain::Fail && job.plan.is_none() && job.one.is_none() {
        refuse_uncertain(&job, session).await?;
    }
    session.progress.enter(Stage::Working);
    let written_to = Arc::clone(job.sides.replica.as_ref().unwrap_or(&job.sides.source));
    if !job.dry_run && job.folder.is_none() {
        uploads::clean_up(session, written_to.store.as_ref()).await;
        lost_writes::find(session, &written_to).await?;
    }
    let hands = match &job.folder {
        Some(path) => Hands::Folder(download(path, &job, tools, session)?),
        None => Hands::Bucket(mender(&job, tools, session)),
    };
    let copier = match &hands {
        Hands::Bucket(mender) => Some(mender.copier.clone()),
        Hands::Folder(_) => None,
    };
    let doubts = (job.plan.is_none() && job.one.is_none()).then_some(job.rules);
    let source = Arc::clone(&job.sides.source);
    let settle = Arc::new(Settle { source, hands, doubts, dry_run: job.dry_run });
    let result = match (&job.plan, &job.one) {
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

    fn is_in_place(&self) -> bool {
        self.sides.replica.is_none() && self.folder.is_none()
    }

    fn plan(&self, source: Option<&Stack>, target: Option<&Stack>) -> Option<Planned> {
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

/// Walks everything once without changing anything.
async fn refuse_uncertain(job: &RestoreJob, session: &Session) -> Result<(), Error> {
    session.progress.enter(Stage::Surveying);
    let count = Arc::new(CountDoubts { job: job.clone(), found: AtomicU64::new(0) });
    let limits = WalkLimits { ranges_max: session.ranges_max, listing: Listing::Versions, first_id: 0 };
    let (ranges, stats) = (vec![KeyRange::all()], Arc::<WalkStats>::default());
    walk::<Versions, _>(job.sides.clone(), ranges, limits, Arc::clone(&count), stats, session.cancel.clone())
        .await?;
    match count.found.load(Ordering::Relaxed) {
        0 => Ok(()),
        found => Err(Error::Brake(format!(
            "brake uncertain: what stood at that moment is in doubt for {found} keys. Nothing was changed. Look at \
             them with --dry-run; release with --uncertain skip or --uncertain include"
        ))),
    }
}

/// Counts keys in doubt.
#[derive(Debug)]
struct CountDoubts {
    job: RestoreJob,
    found: AtomicU64,
}

impl Visitor<Versions> for CountDoubts {
    type Segment = Vec<Planned>;

    fn open(&self, _: u32) -> Vec<Planned> {
        Vec::new()
    }

    fn pair(&self, asked: &mut Vec<Planned>, source: Option<&Stack>, target: Option<&Stack>) {
        let Some(row) = self.job.plan(source, target) else { return };
        if row.action == Step::Uncertain || inherited::is_candidate(&row, &self.job.rules) {
            asked.push(row);
        }
    }

    async fn batch(&self, asked: &mut Vec<Planned>, _: KeyRange) -> Result<(), Error> {
        let mut rows = std::mem::take(asked);
        inherited::doubt(&mut rows, &self.job.sides.source, &self.job.rules).await?;
        let doubted = rows.iter().filter(|row| row.doubt.is_some()).count();
        self.found.fetch_add(doubted as u64, Ordering::Relaxed);
        Ok(())
    }

    async fn close(&self, _: Vec<Planned>) -> Result<(), Error> {
        Ok(())
    }
}

async fn everything(job: &RestoreJob, settle: Arc<Settle>, session: &Session) -> Result<(), Error> {
    let recorder = Arc::clone(&session.recorder);
    let limits = WalkLimits {
        ranges_max: session.ranges_max,
        listing: Listing::Versions,
        first_id: recorder.first_id(),
    };
    let ranges = recorder.remaining();
    let planner = Planner { job: job.clone(), settle, recorder, progress: Arc::clone(&session.progress) };
    let stats = Arc::clone(&session.progress.walk);
    walk::<Versions, _>(job.sides.clone(), ranges, limits, Arc::new(planner), stats, session.cancel.clone())
        .await
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

/// Carries out planned rows, or in a rehearsal only counts them.
#[derive(Debug)]
pub(super) struct Settle {
    source: Arc<Side>,
    hands: Hands,
    /// Unless a reviewed plan, or one named version, leaves nothing to doubt.
    doubts: Option<PlanRules>,
    dry_run: bool,
}

/// Who changes the target.
#[derive(Debug)]
enum Hands {
    Bucket(Mender),
    Folder(Download),
}

fn mender(job: &RestoreJob, tools: CopyTools, session: &Session) -> Mender {
    let source = Arc::clone(&job.sides.source);
    let target = job.sides.replica.clone().unwrap_or_else(|| Arc::clone(&source));
    Mender {
        copier: Copier::new((*source).clone(), (*target).clone(), job.copy.clone(), tools),
        thaw: thaw(job, session),
        source,
        target,
        conditional_deletes: job.copy.conditional_deletes,
        recorder: Arc::clone(&session.recorder),
        cancel: session.cancel.clone(),
    }
}

fn download(path: &Path, job: &RestoreJob, tools: CopyTools, session: &Session) -> Result<Download, Error> {
    let reading = Reading::new().map_err(|error| Error::Internal(error.to_string()))?;
    let CopyTools { memory, bandwidth, .. } = tools;
    let folder = if job.dry_run && !path.exists() {
        None
    } else {
        let opened = Folder::open(path).map_err(|error| {
            Error::Invalid(format!(
                "{} cannot be used: {error}. Name a folder that can be written",
                path.display()
            ))
        });
        Some(Arc::new(opened?))
    };
    Ok(Download {
        source: Arc::clone(&job.sides.source),
        folder,
        reading: Reading { memory, bandwidth, ..reading },
        thaw: thaw(job, session),
    })
}

fn thaw(job: &RestoreJob, session: &Session) -> Thaw {
    Thaw { source: Arc::clone(&job.sides.source), rules: job.thaw.clone(), cancel: session.cancel.clone() }
}

impl Settle {
    /// Returns the rows of plan and findings, in key order, and the counts.
    pub(super) async fn settle(
        &self,
        mut rows: Vec<Planned>,
        piece: Option<(&KeyRange, usize)>,
    ) -> Result<(Vec<u8>, Tally), Error> {
        let (mut out, mut tally) = (Vec::new(), Tally::default());
        if let Some(rules) = &self.doubts {
            inherited::doubt(&mut rows, &self.source, rules).await?;
        }
        if let Hands::Folder(download) = &self.hands {
            download.keep_held(&mut rows).await?;
        }
        let mut work = Vec::new();
        if !self.dry_run {
            let changes = rows.iter().filter(|row| row.is_change()).cloned();
            work.extend(changes.map(|planned| Work { planned, outcome: Outcome::Untouched }));
        }
        if !work.is_empty() {
            match &self.hands {
                Hands::Bucket(mender) => mender.mend(piece, &mut work, &mut tally).await?,
                Hands::Folder(download) => download.fetch(&mut work, &mut tally).await?,
            }
        }
        let mut done = work.iter();
        for planned in &rows {
            let outcome = planned.is_change().then(|| done.next()).flatten().map(|work| &work.outcome);
            let outcome = outcome.unwrap_or(&Outcome::Untouched);
            conclude(planned, outcome, self.dry_run, &mut tally, &mut out)?;
        }
        Ok((out, tally))
    }
}
