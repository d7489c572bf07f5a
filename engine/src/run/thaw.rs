//! Asking for archived bytes, and waiting for them where that is wished.

use super::mender::{Outcome, Work, failed};
use crate::Error;
use crate::list::Side;
use crate::plan::Step;
use crate::s3::{HeadObject, ObjectId, RestoreArchived, S3Error};
use futures::StreamExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Requests of one piece in flight at once. The pace of the store is the real limit.
const AT_ONCE: usize = 256;
/// Pause between two looks at a version that is being thawed; thaws take minutes to hours.
const THAW_POLL: Duration = Duration::from_secs(30);

/// How archived versions are asked for.
#[derive(Clone, Debug)]
pub struct ThawRules {
    /// `Expedited`, `Standard` or `Bulk`.
    pub tier: String,
    /// Days the bytes stay readable.
    pub days: u32,
    /// Wait until they are readable, and go on then.
    pub wait: bool,
    /// Pause between two looks while waiting.
    pub poll: Duration,
}

impl Default for ThawRules {
    fn default() -> Self {
        Self { tier: "Standard".into(), days: 3, wait: false, poll: THAW_POLL }
    }
}

/// Asks for what the rows of a plan need.
pub(super) struct Thaw {
    pub(super) source: Arc<Side>,
    pub(super) rules: ThawRules,
    pub(super) cancel: CancellationToken,
}

impl Thaw {
    /// Asks for archived bytes. What turns out to be readable, or becomes so while we wait, is to be copied.
    pub(super) async fn ask(&self, rows: &mut [Work]) -> Result<(), Error> {
        let mut wanted = Vec::new();
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| row.planned.action == Step::NeedsThaw) {
            let version = row.planned.wished.as_ref().map(|version| version.version_id.as_str());
            wanted.push((index, self.source.version(&row.planned.key, version)));
        }
        let mut answers = futures::stream::iter(wanted)
            .map(|(index, id)| async move { (index, self.ask_for(id).await) })
            .buffer_unordered(AT_ONCE);
        while let Some((index, readable)) = answers.next().await {
            let Some(row) = rows.get_mut(index) else { continue };
            match readable {
                Ok(true) => {
                    row.planned.action = Step::CopyVersion;
                    if let Some(version) = &mut row.planned.wished {
                        version.thawed = true;
                    }
                }
                Ok(false) => row.outcome = Outcome::Skipped("thaw-requested".into()),
                Err(error) => row.outcome = failed(&error),
            }
        }
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        Ok(())
    }

    /// True when the bytes can be read.
    async fn ask_for(&self, id: ObjectId) -> Result<bool, S3Error> {
        let request =
            RestoreArchived { id: id.clone(), days: self.rules.days, tier: self.rules.tier.clone() };
        match self.source.store.restore_archived(&request).await {
            Ok(false) if self.rules.wait => self.wait_for(&HeadObject { id, ..HeadObject::default() }).await,
            other => other,
        }
    }

    async fn wait_for(&self, request: &HeadObject) -> Result<bool, S3Error> {
        loop {
            tokio::select! {
                () = self.cancel.cancelled() => return Ok(false),
                () = tokio::time::sleep(self.rules.poll) => {}
            }
            let info = self.source.store.head(request).await?;
            if info.restore.as_deref().is_none_or(|restore| restore.contains("ongoing-request=\"false\"")) {
                return Ok(true);
            }
        }
    }
}
