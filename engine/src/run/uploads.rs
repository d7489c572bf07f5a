//! No upload of a run stays open: neither one that an earlier process began, nor one whose begin was never
//! answered, so that nobody knows its id.

use super::Session;
use crate::act::UploadLog as _;
use crate::journal::UploadPlace;
use crate::s3::{Answer, Kind, Store};

/// At the start, uploads that an interrupted run left open are aborted: their objects are copied afresh. At the end,
/// those whose abort failed, and those whose begin was never answered. Costs nothing where there are none. One that
/// cannot be aborted now stays in the journal.
pub(super) async fn clean_up(session: &Session, store: &dyn Store) {
    if session.cancel.is_cancelled() {
        // The journal has them; resume looks.
        return;
    }
    for upload in session.recorder.open_uploads() {
        match store.abort_upload(&upload).await {
            Err(error) if error.kind != Kind::NoSuchUpload => {
                tracing::warn!(%error, "an upload of this run is still open");
            }
            _ => session.recorder.ended(&upload),
        }
    }
    for place in session.recorder.doubtful_uploads() {
        match abort_at(session, store, &place).await {
            Ok(()) => session.recorder.looked_for(place),
            Err(error) => tracing::warn!(
                %error,
                "an upload of this run may be open at {:?}; a lifecycle rule that aborts incomplete uploads removes it",
                place.key
            ),
        }
    }
}

/// Only uploads to exactly this key, begun since the run began: the run had the key for itself to write, as far
/// as it knows. An older one is somebody else's.
async fn abort_at(session: &Session, store: &dyn Store, place: &UploadPlace) -> Answer<()> {
    let began = session.recorder.began().seconds();
    for pending in store.list_uploads(&place.bucket, &place.key).await? {
        if pending.upload.key != place.key || pending.initiated.seconds() < began {
            continue;
        }
        match store.abort_upload(&pending.upload).await {
            Err(error) if error.kind != Kind::NoSuchUpload => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
