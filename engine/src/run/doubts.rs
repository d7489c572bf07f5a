//! Keys in doubt, counted before anything is changed: for `--uncertain fail`.

use super::{RestoreJob, Session, inherited};
use crate::Error;
use crate::list::{Listing, Stack, Versions, Visitor, WalkLimits, WalkStats, walk};
use crate::model::KeyRange;
use crate::observe::Stage;
use crate::plan::{Planned, Step};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Walks everything once without changing anything.
pub(super) async fn refuse(job: &RestoreJob, session: &Session) -> Result<(), Error> {
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
