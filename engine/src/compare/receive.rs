//! One version read to its end into the hands of somebody else, and held on the way against every digest that the
//! server stores of it.

use super::evidence::wants_parts;
use super::own::{Own, hold};
use super::reading::{Pinned, Reading, Tap};
use super::{Evidence, Facts, Judgement, Reason};
use crate::list::Side;
use crate::s3::{Answer, HeadObject, ObjectInfo};
use futures::{StreamExt as _, pin_mut};
use std::sync::Arc;

/// What came of it.
#[derive(Clone, Debug)]
pub struct Received {
    /// What HEAD said.
    pub info: ObjectInfo,
    /// What the bytes say: identical, rotten, or unproven because nothing is stored to hold them against.
    pub own: Own,
}

/// Reads the version that `facts` names. Ranges may arrive in any order, and more than once.
///
/// # Errors
/// The server's; also when the version is another than `facts` says, and when the tap fails.
pub async fn receive(
    side: &Side,
    key: &str,
    facts: &Facts,
    reading: &Reading,
    tap: Arc<dyn Tap>,
) -> Answer<Received> {
    let id = side.version(key, facts.version_id.as_deref());
    let info = side.store.head(&HeadObject { id: id.clone(), checksum: true, part_number: None }).await?;
    let pinned =
        Pinned::new(side, key, info.version_id.as_deref(), info.etag.as_ref(), info.size).tapped(tap);
    if info.etag != facts.etag || info.size != facts.size {
        return Err(pinned.error(crate::s3::Kind::Changed, "the version is not as it was listed"));
    }
    if info.size == 0 {
        let own = Own { judgement: Judgement::identical(Evidence::Size), detail: None, read: 0 };
        return Ok(Received { info, own });
    }
    // Without an answer the whole-object digests have to do.
    let parts = if wants_parts(&info) { side.store.attributes(&id).await.ok() } else { None };
    let own = match hold(&pinned, (side, key), (&info, parts.as_ref()), reading).await? {
        own if own.read == 0 => {
            read_through(&pinned, reading).await?;
            Own { judgement: Judgement::unproven(Reason::NothingStored), read: info.size, ..own }
        }
        own => own,
    };
    Ok(Received { info, own })
}

/// Reads what cannot be held against anything.
async fn read_through(pinned: &Pinned, reading: &Reading) -> Answer<()> {
    let chunks = pinned.chunks(reading);
    pin_mut!(chunks);
    while let Some(chunk) = chunks.next().await {
        chunk?;
    }
    Ok(())
}
