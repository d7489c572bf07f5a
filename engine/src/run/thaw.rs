//! Asking for archived bytes, and waiting for them where that is wished.

use super::mender::{Outcome, Work, failed};
use crate::Error;
use crate::list::Side;
use crate::plan::Step;
use crate::s3::{HeadObject, Kind, ObjectId, RestoreArchived, S3Error};
use futures::StreamExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Requests of one piece in flight at once. The pace of the store is the real limit.
const AT_ONCE: usize = 256;
/// Pause between two looks at a version that is being thawed; thaws take minutes to hours.
const THAW_POLL: Duration = Duration::from_secs(30);

/// The outcome of a row whose bytes were asked for and are not there yet.
pub(super) const THAW_REQUESTED: &str = "thaw-requested";

/// What HEAD says of a version whose bytes can be read for now.
const READABLE: &str = "ongoing-request=\"false\"";

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
        let mut answers = futures::stream::iter(self.wanted(rows))
            .map(|(index, id)| async move { (index, self.ask_for(id).await) })
            .buffer_unordered(AT_ONCE);
        while let Some((index, readable)) = answers.next().await {
            let Some(row) = rows.get_mut(index) else { continue };
            match readable {
                Ok(readable) => hear(row, readable),
                Err(error) => row.outcome = failed(&error),
            }
        }
        self.go_on()
    }

    /// Looks at versions whose bytes were asked for by an earlier process. Where the time they were readable for has
    /// run out they are asked for again. One that is gone has failed; one that cannot be looked at now waits on.
    pub(super) async fn look(&self, rows: &mut [Work]) -> Result<(), Error> {
        let mut answers = futures::stream::iter(self.wanted(rows))
            .map(|(index, id)| async move { (index, self.look_at(id).await) })
            .buffer_unordered(AT_ONCE);
        while let Some((index, readable)) = answers.next().await {
            let Some(row) = rows.get_mut(index) else { continue };
            Error::if_expired(readable.as_ref().err())?;
            match readable {
                Ok(readable) => hear(row, readable),
                Err(error) if matches!(error.kind, Kind::NotFound | Kind::DeleteMarker) => {
                    row.outcome = failed(&error);
                }
                Err(error) => {
                    tracing::warn!("{:?} waits on: it could not be looked at: {error}", row.planned.key);
                    hear(row, false);
                }
            }
        }
        self.go_on()
    }

    /// The rows to be asked about, by their place.
    fn wanted(&self, rows: &[Work]) -> Vec<(usize, ObjectId)> {
        let wanted = rows.iter().enumerate().filter(|(_, row)| row.planned.action == Step::NeedsThaw);
        wanted
            .map(|(index, row)| {
                let version = row.planned.wished.as_ref().map(|version| version.version_id.as_str());
                (index, self.source.version(&row.planned.key, version))
            })
            .collect()
    }

    fn go_on(&self) -> Result<(), Error> {
        if self.cancel.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// True when the bytes can be read.
    async fn look_at(&self, id: ObjectId) -> Result<bool, S3Error> {
        let request = HeadObject { id, ..HeadObject::default() };
        let info = self.source.store.head(&request).await?;
        match info.restore.as_deref() {
            Some(restore) if restore.contains(READABLE) => Ok(true),
            Some(_) if self.rules.wait => self.wait_for(&request).await,
            Some(_) => Ok(false),
            None if info.storage_class.is_archive() => self.ask_for(request.id).await,
            None => Ok(true),
        }
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
            if info.restore.as_deref().is_none_or(|restore| restore.contains(READABLE)) {
                return Ok(true);
            }
        }
    }
}

fn hear(row: &mut Work, readable: bool) {
    if !readable {
        row.outcome = Outcome::Skipped(THAW_REQUESTED.into());
        return;
    }
    row.planned.action = Step::CopyVersion;
    if let Some(version) = &mut row.planned.wished {
        version.thawed = true;
    }
}
