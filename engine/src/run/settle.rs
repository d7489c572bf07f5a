//! Carrying out rows of a plan at the place they are for, a bucket or a folder, and writing down what became of them.

use super::download::Download;
use super::mender::{Mender, Outcome, Work};
use super::outcome::{conclude, resettle};
use super::thaw::Thaw;
use super::{RestoreJob, Session, inherited};
use crate::Error;
use crate::act::folder::Folder;
use crate::act::{Copier, CopyTools};
use crate::compare::Reading;
use crate::list::Side;
use crate::model::KeyRange;
use crate::plan::{PlanRules, Planned};
use crate::report::Tally;
use std::path::Path;
use std::sync::Arc;

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
    pub(super) fn new(job: &RestoreJob, tools: CopyTools, session: &Session) -> Result<Self, Error> {
        let hands = match &job.folder {
            Some(path) => Hands::Folder(download(path, job, tools, session)?),
            None => Hands::Bucket(mender(job, tools, session)),
        };
        Ok(Self {
            source: Arc::clone(&job.sides.source),
            hands,
            doubts: (job.plan.is_none() && job.one.is_none()).then_some(job.rules),
            dry_run: job.dry_run,
        })
    }

    /// To be closed when the work is done.
    pub(super) fn copier(&self) -> Option<Copier> {
        match &self.hands {
            Hands::Bucket(mender) => Some(mender.copier.clone()),
            Hands::Folder(_) => None,
        }
    }

    /// Rows whose bytes were asked for by an earlier process: those that can be read by now are carried out. Returns
    /// the rows of those that are done with, in key order, and how the counts change; the others wait on.
    pub(super) async fn take_up(&self, rows: Vec<Planned>) -> Result<(Vec<u8>, Tally), Error> {
        let (mut out, mut tally) = (Vec::new(), Tally::default());
        let mut work: Vec<Work> =
            rows.into_iter().map(|planned| Work { planned, outcome: Outcome::Untouched }).collect();
        match &self.hands {
            Hands::Bucket(mender) => mender.thaw.look(&mut work).await?,
            Hands::Folder(download) => download.thaw.look(&mut work).await?,
        }
        work.retain(|row| !row.outcome.is_waiting());
        match &self.hands {
            Hands::Bucket(mender) => mender.recognise(&mut work).await?,
            Hands::Folder(download) => download.recognise(&mut work).await?,
        }
        // What is done with already is not carried out again.
        let (mut open, mut done): (Vec<Work>, Vec<Work>) =
            work.into_iter().partition(|row| row.outcome == Outcome::Untouched);
        if !open.is_empty() {
            match &self.hands {
                Hands::Bucket(mender) => mender.mend(None, &mut open, &mut tally).await?,
                Hands::Folder(download) => download.fetch(&mut open, &mut tally).await?,
            }
        }
        done.append(&mut open);
        done.sort_by(|a, b| a.planned.key.cmp(&b.planned.key));
        for row in &done {
            resettle(&row.planned, &row.outcome, &mut tally, &mut out)?;
        }
        Ok((out, tally))
    }

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
