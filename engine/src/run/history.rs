//! `audit --versions`: whole histories, key by key. Writes to no bucket.

use super::{AuditJob, Recorder, Session};
use crate::Error;
use crate::compare::stacks::judge_stacks;
use crate::compare::{Facts, Rules};
use crate::list::{Listing, Stack, Versions, Visitor};
use crate::model::KeyRange;
use crate::observe::{Progress, Stage};
use crate::plan::Filter;
use crate::report::{Finding, Tally};
use std::sync::Arc;

/// Judges stacks. Everything is settled by the listing, so a piece is committed as it comes.
#[derive(Debug)]
struct Histories {
    rules: Rules,
    filter: Filter,
    recorder: Arc<Recorder>,
    progress: Arc<Progress>,
}

#[derive(Debug, Default)]
struct Segment {
    id: u32,
    tally: Tally,
    rows: Vec<u8>,
}

/// The current object of a history, for the findings row.
fn top(stack: Option<&Stack>) -> Option<Facts> {
    let entry = stack?.entries.first()?;
    Some(Facts {
        size: entry.size,
        etag: entry.etag.clone(),
        last_modified: entry.last_modified,
        version_id: Some(entry.version_id.clone()),
        storage_class: entry.storage_class.clone(),
        ..Facts::default()
    })
}

fn bytes(stack: Option<&Stack>) -> Option<u64> {
    Some(stack?.entries.iter().map(|entry| entry.size).sum())
}

impl Visitor<Versions> for Histories {
    type Segment = Segment;

    fn open(&self, id: u32) -> Segment {
        Segment { id, ..Segment::default() }
    }

    fn pair(&self, segment: &mut Segment, source: Option<&Stack>, replica: Option<&Stack>) {
        let Some(key) = source.or(replica).map(|stack| &*stack.key) else { return };
        if !self.filter.admits(key) {
            return;
        }
        segment.tally.see(bytes(source), bytes(replica));
        let judged = judge_stacks(source, replica, self.rules.settled_before);
        segment.tally.conclude(&judged.judgement);
        if judged.judgement.reason.is_some() {
            let (a, b) = (top(source), top(replica));
            let mut finding = Finding::new(key, &judged.judgement, a.as_ref(), b.as_ref());
            finding.detail = judged.detail;
            finding.write_line(&mut segment.rows);
        }
    }

    async fn batch(&self, segment: &mut Segment, piece: KeyRange) -> Result<(), Error> {
        let tally = std::mem::take(&mut segment.tally);
        let rows = std::mem::take(&mut segment.rows);
        self.recorder.commit(segment.id, &piece, &rows, &tally).await?;
        self.progress.add(&tally);
        Ok(())
    }

    async fn close(&self, _: Segment) -> Result<(), Error> {
        Ok(())
    }
}

/// Compares every version and delete marker of both sides, in true order.
///
/// # Errors
/// As [`super::audit`].
pub async fn audit_versions(job: AuditJob, session: &Session) -> Result<Tally, Error> {
    session.progress.enter(Stage::Working);
    let recorder = Arc::clone(&session.recorder);
    let progress = Arc::clone(&session.progress);
    let visitor = Histories { rules: job.rules, filter: job.filter, recorder, progress };
    let walked = session.walk::<Versions, _>(job.sides, Listing::Versions, visitor).await;
    session.progress.enter(Stage::Reporting);
    session.recorder.conclude(walked)
}
