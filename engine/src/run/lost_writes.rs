//! Writes of an interrupted run whose answers nobody heard: a process that is killed may leave copies and delete
//! markers that its journal does not name, and that undo would pass by.
//!
//! Before the writes of a piece are sent, the journal says which are to come. When the run is taken up again, those
//! of which nothing more is known are looked for: what stands on top of the key, is not what stood there before, was
//! written since the run began, and is what was to be written, is the run's own.

use super::Session;
use super::look::top_of;
use crate::Error;
use crate::journal::{Action, ActionKind, AwaitedWrite};
use crate::list::{Side, StackEntry};
use crate::model::{EntryKind, Timestamp};
use futures::StreamExt as _;
use std::sync::Arc;

/// Keys looked at at once. The pace of the store is the real limit.
const LOOKS_AT_ONCE: usize = 64;
/// By how much the server's clock may be behind ours: S3 refuses requests beyond it.
const SKEW_SECONDS: i64 = 15 * 60;
/// What a bucket without versions shows as version id.
const NULL: &str = "null";

/// Looks for them and journals those found. Costs a request for each write in doubt, and nothing where there is none.
///
/// # Errors
/// A listing that fails for good; the journal's.
pub(super) async fn find(session: &Session, target: &Arc<Side>) -> Result<(), Error> {
    let awaited = session.recorder.take_awaited();
    let mut looks = futures::stream::iter(awaited)
        .map(|(key, awaited)| async move { (top_of(target, &key).await, key, awaited) })
        .buffer_unordered(LOOKS_AT_ONCE);
    while let Some((top, key, awaited)) = looks.next().await {
        let top = top.map_err(Error::replica_listing)?;
        let Some(top) = top.filter(|top| is_own(top, &awaited, session.recorder.began())) else { continue };
        let action = Action {
            key,
            kind: awaited.kind,
            version_id: Some(top.version_id.to_string()),
            previous_version_id: awaited.previous_version_id,
        };
        session.recorder.action(action).await?;
    }
    Ok(())
}

fn is_own(top: &StackEntry, awaited: &AwaitedWrite, began: Timestamp) -> bool {
    let is_new = &*top.version_id != NULL
        && awaited.previous_version_id.as_deref() != Some(&*top.version_id)
        && top.last_modified.seconds() + SKEW_SECONDS >= began.seconds();
    // Undo removes what is called the run's own for good: what stood there before must never be.
    let found = top.etag.as_ref().map(ToString::to_string);
    let stood_before = found.is_some() && found == awaited.previous_etag;
    // A copy that got another ETag (other parts, a KMS key) is not recognised: better one left than a stranger's removed.
    let is_it = match awaited.kind {
        ActionKind::Deleted | ActionKind::MarkerAdded => top.kind == EntryKind::DeleteMarker,
        _ => {
            top.kind == EntryKind::Object
                && top.size == awaited.size
                && found.is_some()
                && found == awaited.etag
        }
    };
    is_new && !stood_before && is_it
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ETag, StorageClass};

    const ONE: &str = "11111111111111111111111111111111";
    const TWO: &str = "22222222222222222222222222222222";

    fn top(id: &str, seconds: i64, etag: Option<&str>) -> StackEntry {
        StackEntry {
            version_id: id.into(),
            kind: if etag.is_some() { EntryKind::Object } else { EntryKind::DeleteMarker },
            is_latest: true,
            size: 5,
            last_modified: Timestamp::from_seconds(seconds),
            etag: etag.map(ETag::parse),
            storage_class: StorageClass::Standard,
            restore: None,
        }
    }

    #[test]
    fn only_what_can_be_its_own_write_is_its_own() {
        let began = Timestamp::from_seconds(10_000);
        let copy = AwaitedWrite {
            kind: ActionKind::Copied,
            size: 5,
            etag: Some(ONE.into()),
            previous_version_id: Some("old".into()),
            previous_etag: None,
        };
        assert!(is_own(&top("new", 10_000, Some(ONE)), &copy, began));
        assert!(is_own(&top("new", 9_500, Some(ONE)), &copy, began), "the server's clock is behind");
        assert!(!is_own(&top("new", 10_000, Some(&format!("{TWO}-2"))), &copy, began), "in other parts");
        assert!(!is_own(&top("old", 10_000, Some(ONE)), &copy, began), "it stood there before");
        assert!(!is_own(&top("new", 10_000, Some(TWO)), &copy, began), "other bytes");
        assert!(!is_own(&top("new", 5_000, Some(ONE)), &copy, began), "older than the run");
        assert!(!is_own(&top("null", 10_000, Some(ONE)), &copy, began), "no version");
        assert!(!is_own(&top("new", 10_000, None), &copy, began));
        let unnamed = AwaitedWrite {
            previous_version_id: None,
            previous_etag: Some(TWO.into()),
            etag: Some(format!("{ONE}-2")),
            ..copy
        };
        assert!(!is_own(&top("new", 10_000, Some(ONE)), &unnamed, began), "in other parts");
        assert!(
            !is_own(&top("old", 10_000, Some(TWO)), &unnamed, began),
            "it stood there, whatever its layout"
        );
        let delete = AwaitedWrite { kind: ActionKind::Deleted, ..copy };
        assert!(is_own(&top("marker", 10_000, None), &delete, began));
        assert!(!is_own(&top("new", 10_000, Some(ONE)), &delete, began));
    }
}
