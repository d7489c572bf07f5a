//! Climbing the ladder for one key that the listing left open: ask as little as settles it.

use super::bytes::first_difference;
use super::fidelity::Heads;
use super::listing::Facts;
use super::reading::{Pinned, Reading};
use super::replay::{Fingerprint, Outcome};
use super::{Evidence, Judgement, Reason, Verdict, stored};
use crate::list::Side;
use crate::model::{ETag, StorageClass};
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
    /// More words about the judgement, such as the first offset that differs.
    pub detail: Option<String>,
    /// What HEAD said, if it was asked.
    pub heads: Option<Box<Heads>>,
    /// Bytes read for proof, on both sides together.
    pub read: u64,
}

impl OpenPair {
    /// A pair of which only the listing is known.
    #[must_use]
    pub fn new(key: &str, source: Facts, replica: Facts, reason: Reason) -> Self {
        Self { key: key.into(), source, replica, reason, detail: None, heads: None, read: 0 }
    }
}

/// L2 and L3 for one pair: at most one HEAD and one GetObjectAttributes per side; with `reading` also L4 and L5.
/// Fills in what was learned.
pub async fn climb(
    source: &Side,
    replica: &Side,
    pair: &mut OpenPair,
    reading: Option<&Reading>,
) -> Judgement {
    if reading.is_none() && is_hopeless(pair) {
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
    let stored = stored_levels((source, replica), &pair.key, (&a, &b)).await;
    let judgement = match (&stored, reading) {
        (Ok((judgement, parts)), Some(reading)) if !is_final(*judgement, &a, &b) => {
            let known = Known { info: (&a, &b), parts: parts.as_ref().map(|(x, y)| (x, y)) };
            let open = judgement.unwrap_or(Judgement::unproven(stored::open_reason(&a, &b)));
            read_levels((source, replica), pair, &known, open, reading).await
        }
        (Ok((judgement, _)), _) => judgement.unwrap_or(Judgement::unproven(stored::open_reason(&a, &b))),
        (Err(judgement), _) => *judgement,
    };
    pair.heads = Some(Box::new((a, b)));
    judgement
}

/// Where bytes may be read, equality of 32 bits is no last word: it can be made on purpose.
fn is_final(judgement: Option<Judgement>, a: &ObjectInfo, b: &ObjectInfo) -> bool {
    judgement.is_some_and(|judgement| {
        judgement.evidence.is_none() || !stored::rests_on_32_bits(&a.checksums, &b.checksums)
    })
}

type Parts = Option<(Attributes, Attributes)>;

/// L2 and L3: what is stored.
async fn stored_levels(
    (source, replica): (&Side, &Side),
    key: &str,
    (a, b): (&ObjectInfo, &ObjectInfo),
) -> Result<(Option<Judgement>, Parts), Judgement> {
    if let Some(judgement) = stored::judge_heads(a, b) {
        return Ok((Some(judgement), None));
    }
    if !wants_parts(a) && !wants_parts(b) {
        return Ok((None, None));
    }
    match futures::future::join(attributes(source, key, a), attributes(replica, key, b)).await {
        (Ok(x), Ok(y)) => Ok((stored::judge_parts(&x, &y), Some((x, y)))),
        (Err(error), _) | (_, Err(error))
            if error.kind != Kind::Unsupported && error.kind != Kind::Denied =>
        {
            Err(unreadable(&error))
        }
        // Attributes are a permission and a feature of their own: without them the pair stays open.
        _ => Ok((None, None)),
    }
}

/// What was learned of both sides without reading.
struct Known<'a> {
    info: (&'a ObjectInfo, &'a ObjectInfo),
    parts: Option<(&'a Attributes, &'a Attributes)>,
}

/// L4, then L5. `open` is what holds if nothing can be read.
async fn read_levels(
    sides: (&Side, &Side),
    pair: &mut OpenPair,
    known: &Known<'_>,
    open: Judgement,
    reading: &Reading,
) -> Judgement {
    let (a, b) = known.info;
    let frozen = (is_frozen(a), is_frozen(b));
    let archived = || if open.reason.is_none() { open } else { Judgement::unproven(Reason::Archived) };
    if frozen == (true, true) {
        return archived();
    }
    let outcome = replay_one(sides, pair, known, frozen, reading).await;
    match outcome {
        Ok(Outcome::Same) => return Judgement::identical(Evidence::Bytes),
        Ok(Outcome::Other) if frozen.0 || frozen.1 => {
            pair.detail =
                Some("the bytes read are not those the archived side's digest was taken of".to_owned());
            return Judgement::different(Reason::BytesDiffer);
        }
        Ok(Outcome::Other | Outcome::Open) => {}
        Err(error) if error.kind == Kind::Archived => return archived(),
        Err(error) => return unread(pair, &error),
    }
    if frozen.0 || frozen.1 {
        return archived();
    }
    match read_both(sides, pair, reading).await {
        Judgement { reason: Some(Reason::Archived), .. } => archived(),
        judgement => judgement,
    }
}

/// L4: reads the cheaper side whose bytes can be held against the other. The replica, unless only the source
/// will do: reads of the replica disturb nobody.
async fn replay_one(
    sides: (&Side, &Side),
    pair: &mut OpenPair,
    known: &Known<'_>,
    frozen: (bool, bool),
    reading: &Reading,
) -> Answer<Outcome> {
    let (a, b) = known.info;
    let of_source = Fingerprint::stored(a, known.parts.map(|(parts, _)| parts));
    let of_replica = Fingerprint::stored(b, known.parts.map(|(_, parts)| parts));
    let read_replica = of_source.is_useful() && !frozen.1;
    let read_source = of_replica.is_useful() && !frozen.0;
    let fee = |info: &ObjectInfo| info.storage_class != StorageClass::Standard;
    let prefer_source = read_source && read_replica && fee(b) && !fee(a);
    let (mut print, owner, info, reader, facts) = if read_replica && !prefer_source {
        (of_source, sides.0, a, sides.1, &pair.replica)
    } else if read_source {
        (of_replica, sides.1, b, sides.0, &pair.source)
    } else {
        return Ok(Outcome::Open);
    };
    let pinned = Pinned::new(reader, &pair.key, facts.version_id.as_deref(), facts.etag.as_ref(), facts.size);
    print.ask_layout(owner, &pair.key, info, false).await;
    pair.read += facts.size;
    print.hold_against(&pinned, facts.size, reading).await
}

/// L5: reads both sides whole. Also what a scrub does with a key that less would settle.
pub async fn read_both(
    (source, replica): (&Side, &Side),
    pair: &mut OpenPair,
    reading: &Reading,
) -> Judgement {
    let pin = |side: &Side, facts: &Facts| {
        Pinned::new(side, &pair.key, facts.version_id.as_deref(), facts.etag.as_ref(), facts.size)
    };
    let (a, b) = (pin(source, &pair.source), pin(replica, &pair.replica));
    pair.read += pair.source.size + pair.replica.size;
    match first_difference(&a, &b, reading).await {
        Ok(None) => Judgement::identical(Evidence::Bytes),
        Ok(Some(offset)) => {
            pair.detail = Some(format!("the first byte that differs is at offset {offset}"));
            Judgement::different(Reason::BytesDiffer)
        }
        Err(error) => unread(pair, &error),
    }
}

fn unread(pair: &mut OpenPair, error: &S3Error) -> Judgement {
    pair.detail = Some(error.to_string());
    unreadable(error)
}

/// Its bytes are in an archive tier and were not restored.
pub(super) fn is_frozen(info: &ObjectInfo) -> bool {
    let restored = info.restore.as_deref().is_some_and(|text| text.contains("ongoing-request=\"false\""));
    (info.storage_class.is_archive() || info.archive_status.is_some()) && !restored
}

/// The listing names the algorithms of both and they share none, and ETags cannot settle it: no HEAD can help.
fn is_hopeless(pair: &OpenPair) -> bool {
    let (a, b) = (pair.source.algorithms, pair.replica.algorithms);
    let both_plain =
        matches!((&pair.source.etag, &pair.replica.etag), (Some(ETag::Plain(_)), Some(ETag::Plain(_))));
    !both_plain && !a.is_empty() && !b.is_empty() && !a.iter().any(|algorithm| b.contains(algorithm))
}

pub(super) async fn head(side: &Side, key: &str) -> Answer<ObjectInfo> {
    side.store.head(&HeadObject { id: side.object(key), checksum: true, part_number: None }).await
}

/// Parts help where a composite CRC is stored.
pub(super) fn wants_parts(info: &ObjectInfo) -> bool {
    info.checksums.iter().any(|checksum| checksum.parts.is_some())
}

/// Attributes of the same version that HEAD spoke of. A full-object checksum needs no second request.
pub(super) async fn attributes(side: &Side, key: &str, info: &ObjectInfo) -> Answer<Attributes> {
    if !wants_parts(info) {
        return Ok(Attributes {
            size: info.size,
            etag: info.etag.clone(),
            checksums: info.checksums.clone(),
            ..Attributes::default()
        });
    }
    side.attributes(&side.version(key, info.version_id.as_deref())).await
}

pub(super) fn note(facts: &mut Facts, info: &ObjectInfo) {
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
        // A manifest, for one, has no bytes.
        Kind::Unsupported => Judgement::unproven(Reason::NothingStored),
        Kind::Denied | Kind::Credentials => Judgement::because(Verdict::Unreadable, Reason::AccessDenied),
        _ => Judgement::because(Verdict::Unreadable, Reason::ServerError),
    }
}
