//! Restoring to local files: what the folder holds already is left, everything else is read, proved on the way,
//! and put in place.

use super::mender::{Outcome, Work, failed};
use super::thaw::Thaw;
use crate::Error;
use crate::act::folder::{Folder, FolderError, Sidecar};
use crate::compare::receive::{Received, receive};
use crate::compare::{Evidence, Facts, Reading, Verdict};
use crate::list::Side;
use crate::model::{ETag, StorageClass};
use crate::plan::{Planned, PlannedVersion, Step};
use crate::report::Tally;
use futures::StreamExt as _;
use std::fmt;
use std::sync::Arc;

/// Versions of one piece under way at once. The pace of the store and the memory of the reading are the limits.
const AT_ONCE: usize = 64;

/// Carries out rows whose target is a folder.
pub(super) struct Download {
    pub(super) source: Arc<Side>,
    /// `None` in a rehearsal when there is no such folder yet.
    pub(super) folder: Option<Arc<Folder>>,
    pub(super) reading: Reading,
    pub(super) thaw: Thaw,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Download({:?} -> {:?})", self.source, self.folder)
    }
}

impl Download {
    /// Rows whose version the folder holds already, byte for byte, are kept.
    pub(super) async fn keep_held(&self, rows: &mut [Planned]) -> Result<(), Error> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let asked = |(index, row): (usize, &Planned)| {
            let version = row.wished.clone().filter(|_| row.is_change() && row.action != Step::Uncertain)?;
            Some((index, row.key.clone(), version))
        };
        let asked: Vec<_> = rows.iter().enumerate().filter_map(asked).collect();
        let mut looks = futures::stream::iter(asked)
            .map(|(index, key, version)| {
                let folder = Arc::clone(folder);
                let look = move || folder.holds(&key, Some(&version.version_id), version.etag.as_deref());
                async move { (index, tokio::task::spawn_blocking(look).await) }
            })
            .buffer_unordered(AT_ONCE);
        while let Some((index, held)) = looks.next().await {
            if held.map_err(Error::task)?
                && let Some(row) = rows.get_mut(index)
            {
                row.action = Step::Keep;
                row.reason = "same-bytes".into();
                row.bytes = 0;
                row.current.clone_from(&row.wished);
            }
        }
        Ok(())
    }

    /// Rows of an earlier process of this run: what it placed before it died is done.
    pub(super) async fn recognise(&self, rows: &mut [Work]) -> Result<(), Error> {
        let mut held: Vec<Planned> = rows.iter().map(|row| row.planned.clone()).collect();
        self.keep_held(&mut held).await?;
        for (row, held) in rows.iter_mut().zip(held) {
            if row.outcome == Outcome::Untouched && held.action == Step::Keep {
                row.outcome = Outcome::Copied(None, "the folder holds it already, byte for byte".to_owned());
            }
        }
        Ok(())
    }

    /// Reads and places the rows to be copied.
    pub(super) async fn fetch(&self, rows: &mut [Work], tally: &mut Tally) -> Result<(), Error> {
        let Some(folder) = &self.folder else { return Ok(()) };
        self.thaw.ask(rows).await?;
        let wanted = rows.iter().enumerate().filter(|(_, row)| row.planned.action == Step::CopyVersion);
        let wanted: Vec<_> = wanted
            .filter_map(|(index, row)| Some((index, row.planned.key.clone(), row.planned.wished.clone()?)))
            .collect();
        let mut done = futures::stream::iter(wanted)
            .map(|(index, key, version)| async move { (index, self.one(folder, &key, &version).await) })
            .buffer_unordered(AT_ONCE);
        while let Some((index, fetched)) = done.next().await {
            let Some(row) = rows.get_mut(index) else { continue };
            let (outcome, read) = fetched?;
            tally.bytes.streamed += read;
            tally.bytes.hashed += read;
            row.outcome = outcome;
        }
        Ok(())
    }

    /// One version: its outcome and the bytes read. An error means that no other file can be written either.
    async fn one(
        &self,
        folder: &Arc<Folder>,
        key: &str,
        version: &PlannedVersion,
    ) -> Result<(Outcome, u64), Error> {
        if self.thaw.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let begun = Arc::clone(folder);
        let incoming = match tokio::task::spawn_blocking(move || begun.begin()).await.map_err(Error::task)? {
            Ok(incoming) => incoming,
            Err(error) => return Ok((Self::file_trouble(folder, &error)?, 0)),
        };
        let tap = Arc::new(incoming.clone());
        let received = match receive(&self.source, key, &facts(version), &self.reading, tap).await {
            Ok(received) => received,
            Err(error) if error.kind == crate::s3::Kind::Cancelled => return Err(Error::Cancelled),
            Err(error) => return Ok((failed(&error), 0)),
        };
        let read = received.own.read;
        if received.own.judgement.verdict == Verdict::Different {
            let what = received.own.detail.unwrap_or_default();
            let advice =
                "the version is damaged where it is stored: restore an earlier one, or from the replica";
            return Ok((Outcome::Failed("bit-rot".into(), what, advice.into()), read));
        }
        let tags = self.tags(key, version, &received).await;
        let mut sidecar = Sidecar::new(key, &received.info, tags);
        sidecar.proof = received.own.judgement.evidence.map(|evidence| evidence.name().to_owned());
        let placing = Arc::clone(folder);
        let placed = tokio::task::spawn_blocking(move || placing.commit(incoming, sidecar)).await;
        let outcome = match placed.map_err(Error::task)? {
            Ok(path) => done(&received, &path),
            Err(error) => Self::file_trouble(folder, &error)?,
        };
        Ok((outcome, read))
    }

    async fn tags(&self, key: &str, version: &PlannedVersion, received: &Received) -> Vec<(String, String)> {
        if received.info.tag_count == 0 {
            return Vec::new();
        }
        // Without the right to read them the bytes are still worth having.
        self.source.store.tags(&self.source.version(key, Some(&version.version_id))).await.unwrap_or_default()
    }

    fn file_trouble(folder: &Folder, error: &FolderError) -> Result<Outcome, Error> {
        if error.is_full() {
            return Err(Error::Folder(format!("{}: {error}. {}", folder.path().display(), error.advice())));
        }
        Ok(Outcome::Failed(error.reason().into(), error.to_string(), error.advice().into()))
    }
}

fn facts(version: &PlannedVersion) -> Facts {
    Facts {
        size: version.size,
        etag: version.etag.as_deref().map(ETag::parse),
        last_modified: version.last_modified,
        version_id: Some(version.version_id.as_str().into()),
        storage_class: StorageClass::from_name(version.storage_class.as_deref().unwrap_or_default()),
        ..Facts::default()
    }
}

fn done(received: &Received, path: &str) -> Outcome {
    match received.own.judgement.evidence {
        Some(Evidence::Size) => Outcome::Copied(None, format!("empty, as {path}")),
        Some(_) => Outcome::Copied(None, format!("proved by its bytes, as {path}")),
        None => {
            let what = format!(
                "written as {path}, but the server stores nothing that its bytes could be held against"
            );
            let advice = "compare it by other means; objects written today get a checksum from S3";
            Outcome::Failed("unproven-copy".into(), what, advice.into())
        }
    }
}
