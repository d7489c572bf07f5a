//! One object against itself: its bytes, read, and held against every digest that the server stores of them.

use super::evidence::{attributes, head, is_frozen, note, unreadable, wants_parts};
use super::reading::{Pinned, Reading};
use super::replay::{Fingerprint, Outcome};
use super::{Evidence, Facts, Judgement, Reason};
use crate::list::Side;
use crate::s3::{Answer, Attributes, ObjectInfo};

/// What reading an object showed about itself.
#[derive(Clone, Debug)]
pub struct Own {
    /// Identical: the bytes are those that were written. `bit-rot`: they are not. Unproven: nothing tells.
    pub judgement: Judgement,
    /// More words.
    pub detail: Option<String>,
    /// Bytes read.
    pub read: u64,
}

impl Own {
    fn unread(judgement: Judgement) -> Self {
        Self { judgement, detail: None, read: 0 }
    }
}

/// Recomputes every stored checksum and every ETag that is made of MD5s. A mismatch is read a second time before
/// it is believed. Fills in what was learned.
pub async fn prove_own(side: &Side, key: &str, facts: &mut Facts, reading: &Reading) -> Own {
    let info = match head(side, key).await {
        Ok(info) => info,
        Err(error) => {
            let detail = Some(error.to_string());
            return Own { judgement: unreadable(&error), detail, read: 0 };
        }
    };
    if info.etag != facts.etag || info.size != facts.size {
        return Own::unread(Judgement::unproven(Reason::ChangedMeanwhile));
    }
    note(facts, &info);
    if info.size == 0 {
        return Own::unread(Judgement::identical(Evidence::Size));
    }
    if is_frozen(&info) {
        return Own::unread(Judgement::unproven(Reason::Archived));
    }
    let parts = if wants_parts(&info) { attributes(side, key, &info).await.ok() } else { None };
    let pinned = Pinned::new(side, key, info.version_id.as_deref(), info.etag.as_ref(), info.size);
    match hold(&pinned, (side, key), (&info, parts.as_ref()), reading).await {
        Ok(own) => own,
        Err(error) => {
            let detail = Some(error.to_string());
            Own { judgement: unreadable(&error), detail, read: info.size }
        }
    }
}

/// Holds an object against what is stored of it; nothing is read if there is nothing.
pub(super) async fn hold(
    pinned: &Pinned,
    (side, key): (&Side, &str),
    (info, parts): (&ObjectInfo, Option<&Attributes>),
    reading: &Reading,
) -> Answer<Own> {
    let mut print = Fingerprint::stored(info, parts).against_rot();
    print.ask_layout(side, key, info, true).await;
    if !print.is_useful() {
        return Ok(Own::unread(Judgement::unproven(Reason::NothingStored)));
    }
    let mut read = info.size;
    let mut outcome = print.hold_against(pinned, info.size, reading).await?;
    if outcome == Outcome::Open && print.list_parts(side, key, info).await {
        // An uneven layout looks like rot until every part's size is known.
        read += info.size;
        outcome = print.hold_against(pinned, info.size, reading).await?;
    }
    if outcome == Outcome::Other {
        // The network may have turned a bit over.
        read += info.size;
        outcome = print.hold_against(pinned, info.size, reading).await?;
    }
    let (judgement, detail) = match outcome {
        Outcome::Same => (Judgement::identical(Evidence::Bytes), None),
        Outcome::Other => {
            let detail = format!("the bytes are not those of its {}", print.names());
            (Judgement::different(Reason::BitRot), Some(detail))
        }
        Outcome::Open => {
            let detail = "its part layout could not be found out".to_owned();
            (Judgement::unproven(Reason::NothingStored), Some(detail))
        }
    };
    Ok(Own { judgement, detail, read })
}
