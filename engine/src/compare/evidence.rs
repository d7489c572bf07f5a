//! Climbing the ladder for one key that the listing left open: ask as little as settles it.

use super::listing::Facts;
use super::{Judgement, Reason, Verdict, stored};
use crate::list::Side;
use crate::model::ETag;
use crate::s3::{Answer, Attributes, HeadObject, Kind, ObjectInfo, S3Error};

/// One key on both sides, open after L1.
#[derive(Clone, Debug)]
pub struct OpenPair {
    /// Relative key.
    pub key: Box<str>,
    /// What the listing says of the source.
    pub source: Facts,
    /// What the listing says of the replica.
    pub replica: Facts,
    /// The reason to report if nothing more can be learned.
    pub reason: Reason,
}

/// L2 and L3 for one pair: at most one HEAD and one GetObjectAttributes per side. Fills in what was learned.
pub async fn climb(source: &Side, replica: &Side, pair: &mut OpenPair) -> Judgement {
    if is_hopeless(pair) {
        return Judgement::unproven(pair.reason);
    }
    let heads = futures::future::join(head(source, &pair.key), head(replica, &pair.key)).await;
    let (a, b) = match heads {
        (Ok(a), Ok(b)) => (a, b),
        (Err(error), _) | (_, Err(error)) => return unreadable(&error),
    };
    if a.etag != pair.source.etag || b.etag != pair.replica.etag {
        // Not the objects that were listed: a verdict on them would mix two moments.
        return Judgement::unproven(Reason::ChangedMeanwhile);
    }
    note(&mut pair.source, &a);
    note(&mut pair.replica, &b);
    if let Some(judgement) = stored::judge_heads(&a, &b) {
        return judgement;
    }
    if wants_parts(&a) || wants_parts(&b) {
        let both =
            futures::future::join(attributes(source, &pair.key, &a), attributes(replica, &pair.key, &b))
                .await;
        match both {
            (Ok(x), Ok(y)) => {
                if let Some(judgement) = stored::judge_parts(&x, &y) {
                    return judgement;
                }
            }
            (Err(error), _) | (_, Err(error))
                if error.kind != Kind::Unsupported && error.kind != Kind::Denied =>
            {
                return unreadable(&error);
            }
            // Attributes are a permission and a feature of their own: without them the pair stays open.
            _ => {}
        }
    }
    Judgement::unproven(stored::open_reason(&a, &b))
}

/// The listing names the algorithms of both and they share none, and ETags cannot settle it: no HEAD can help.
fn is_hopeless(pair: &OpenPair) -> bool {
    let (a, b) = (pair.source.algorithms, pair.replica.algorithms);
    let both_plain =
        matches!((&pair.source.etag, &pair.replica.etag), (Some(ETag::Plain(_)), Some(ETag::Plain(_))));
    !both_plain && !a.is_empty() && !b.is_empty() && !a.iter().any(|algorithm| b.contains(algorithm))
}

async fn head(side: &Side, key: &str) -> Answer<ObjectInfo> {
    side.store.head(&HeadObject { id: side.object(key), checksum: true, part_number: None }).await
}

/// Parts help where a composite CRC is stored.
fn wants_parts(info: &ObjectInfo) -> bool {
    info.checksums.iter().any(|checksum| checksum.parts.is_some())
}

/// Attributes of the same version that HEAD spoke of. A full-object checksum needs no second request.
async fn attributes(side: &Side, key: &str, info: &ObjectInfo) -> Answer<Attributes> {
    if !wants_parts(info) {
        return Ok(Attributes {
            size: info.size,
            etag: info.etag.clone(),
            checksums: info.checksums.clone(),
            ..Attributes::default()
        });
    }
    side.store.attributes(&side.version(key, info.version_id.as_deref())).await
}

fn note(facts: &mut Facts, info: &ObjectInfo) {
    facts.version_id = info.version_id.as_deref().map(Into::into);
    facts.checksum = info.checksums.first().map(|checksum| checksum.to_string().into());
}

/// A pair whose side could not be read.
#[must_use]
pub fn unreadable(error: &S3Error) -> Judgement {
    match error.kind {
        Kind::NotFound | Kind::DeleteMarker => Judgement::unproven(Reason::Vanished),
        Kind::Changed => Judgement::unproven(Reason::ChangedMeanwhile),
        Kind::Archived => Judgement::unproven(Reason::Archived),
        Kind::Denied | Kind::Credentials => Judgement::because(Verdict::Unreadable, Reason::AccessDenied),
        _ => Judgement::because(Verdict::Unreadable, Reason::ServerError),
    }
}
