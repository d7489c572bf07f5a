//! L0 and L1: what two rows of a listing prove.

use super::{Depth, Evidence, Fidelity, Judgement, Reason, Scrub, Verdict};
use crate::model::{AlgorithmSet, ChecksumType, ETag, Entry, Restore, StorageClass, Timestamp};
use serde::{Deserialize, Serialize};

/// What an audit or sync holds against what.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// How far to climb.
    pub depth: Depth,
    /// Objects of the source modified after this moment are in flight; `None` for no grace window.
    pub settled_before: Option<Timestamp>,
    /// What to compare beyond the bytes.
    pub fidelity: Fidelity,
    /// Keys whose bytes are read whatever the listing proves.
    pub scrub: Option<Scrub>,
}

/// What is known of one object, detached from its page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Bytes.
    pub size: u64,
    /// ETag.
    pub etag: Option<ETag>,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Version id, where known.
    pub version_id: Option<Box<str>>,
    /// Storage class.
    pub storage_class: StorageClass,
    /// Stored checksum as `ALGORITHM:value`, where known.
    pub checksum: Option<Box<str>>,
    /// Algorithms the listing names.
    pub algorithms: AlgorithmSet,
    /// Full-object or composite, where the listing says.
    pub checksum_type: Option<ChecksumType>,
    /// Restore status of an archived object.
    pub restore: Option<Restore>,
}

impl From<Entry<'_>> for Facts {
    fn from(entry: Entry<'_>) -> Self {
        Self {
            size: entry.row.size,
            etag: entry.row.etag.clone(),
            last_modified: entry.row.last_modified,
            version_id: entry.version_id.map(Into::into),
            storage_class: entry.row.storage_class.clone(),
            checksum: None,
            algorithms: entry.row.algorithms,
            checksum_type: entry.row.checksum_type,
            restore: entry.row.restore,
        }
    }
}

/// The shape of a facts object in a findings row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FactsRow {
    /// Bytes.
    pub size: u64,
    /// ETag without quotes.
    pub etag: Option<String>,
    /// RFC 3339.
    pub last_modified: Timestamp,
    /// Version id.
    pub version_id: Option<String>,
    /// Storage class.
    pub storage_class: String,
    /// `ALGORITHM:value`.
    pub checksum: Option<String>,
}

impl From<&Facts> for FactsRow {
    fn from(facts: &Facts) -> Self {
        Self {
            size: facts.size,
            etag: facts.etag.as_ref().map(ToString::to_string),
            last_modified: facts.last_modified,
            version_id: facts.version_id.as_deref().map(str::to_owned),
            storage_class: facts.storage_class.name().to_owned(),
            checksum: facts.checksum.as_deref().map(str::to_owned),
        }
    }
}

/// What the listing says about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// Settled.
    Settled(Judgement),
    /// Same size, but the ETags prove nothing: a higher level must tell. The reason is what to report if none
    /// may be asked.
    Open(Reason),
}

/// L0 and L1. Neither side present is no key at all, and never asked.
#[must_use]
pub fn judge(source: Option<Entry<'_>>, replica: Option<Entry<'_>>, rules: &Rules) -> Judged {
    let young =
        |entry: Entry<'_>| rules.settled_before.is_some_and(|moment| entry.row.last_modified > moment);
    let in_flight = Judged::Settled(Judgement::because(Verdict::InFlight, Reason::GraceWindow));
    match (source, replica) {
        (Some(source), None) if young(source) => in_flight,
        (None, Some(replica)) if young(replica) => in_flight,
        (Some(_), None) => Judged::Settled(Judgement::because(Verdict::Missing, Reason::NotOnReplica)),
        (None, _) => Judged::Settled(Judgement::because(Verdict::Extra, Reason::NotOnSource)),
        (Some(source), Some(replica)) => match judge_pair(source, replica, rules) {
            Judged::Settled(Judgement { verdict: Verdict::Different, .. }) | Judged::Open(_)
                if young(source) =>
            {
                in_flight
            }
            judged => judged,
        },
    }
}

fn judge_pair(source: Entry<'_>, replica: Entry<'_>, rules: &Rules) -> Judged {
    let (a, b) = (source.row, replica.row);
    judge_content((a.size, a.etag.as_ref()), (b.size, b.etag.as_ref()), rules.depth)
}

/// L0 and L1 for two objects of which size and ETag are known.
#[must_use]
pub fn judge_content(a: (u64, Option<&ETag>), b: (u64, Option<&ETag>), depth: Depth) -> Judged {
    if a.0 != b.0 {
        return Judged::Settled(Judgement::different(Reason::SizeDiffers));
    }
    if a.0 == 0 {
        return Judged::Settled(Judgement::identical(Evidence::Size));
    }
    match (a.1, b.1) {
        // Opaque ETags are random on some servers and equal by accident on none: equality still counts only
        // for the shapes that are computed from content (S3 facts, section 1).
        (Some(ETag::Opaque(_)) | None, _) | (_, Some(ETag::Opaque(_)) | None) => {
            Judged::Open(Reason::NoSharedChecksum)
        }
        (Some(a), Some(b)) if a == b => Judged::Settled(Judgement::identical(Evidence::Etag)),
        (Some(ETag::Plain(_)), Some(ETag::Plain(_))) => {
            // Unequal MD5s, unless encryption made them something else, which only HEAD can tell.
            if depth == Depth::Listing {
                Judged::Settled(Judgement::different(Reason::EtagDiffers))
            } else {
                Judged::Open(Reason::EncryptedNoSharedChecksum)
            }
        }
        // Another layout, or other bytes: the ETags cannot say which.
        _ => Judged::Open(Reason::PartLayoutOnly),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Page, PageBuilder, Row};

    fn page(size: u64, etag: &str) -> Page {
        let mut builder = PageBuilder::new();
        let row = Row { size, etag: Some(ETag::parse(etag)), ..Row::default() };
        builder.push("k", "", row).unwrap();
        builder.finish()
    }

    fn judged(a: (u64, &str), b: (u64, &str), depth: Depth) -> Judged {
        let (a, b) = (page(a.0, a.1), page(b.0, b.1));
        judge(a.get(0), b.get(0), &Rules { depth, ..Rules::default() })
    }

    const ONE: &str = "11111111111111111111111111111111";
    const TWO: &str = "22222222222222222222222222222222";

    #[test]
    fn the_first_two_rungs() {
        use Judged::{Open, Settled};
        let same = Settled(Judgement::identical(Evidence::Etag));
        assert_eq!(judged((5, ONE), (5, ONE), Depth::Checksums), same);
        assert_eq!(judged((5, &format!("{ONE}-3")), (5, &format!("{ONE}-3")), Depth::Listing), same);
        assert_eq!(
            judged((5, ONE), (6, ONE), Depth::Listing),
            Settled(Judgement::different(Reason::SizeDiffers))
        );
        assert_eq!(
            judged((5, ONE), (5, TWO), Depth::Listing),
            Settled(Judgement::different(Reason::EtagDiffers))
        );
        assert_eq!(judged((5, ONE), (5, TWO), Depth::Checksums), Open(Reason::EncryptedNoSharedChecksum));
        for (a, b) in [("-2", "-2"), ("-2", "-3"), ("", "-1")] {
            let judged = judged((5, &format!("{ONE}{a}")), (5, &format!("{TWO}{b}")), Depth::Listing);
            assert_eq!(judged, Open(Reason::PartLayoutOnly), "{a} {b}");
        }
        assert_eq!(judged((5, "random"), (5, "random"), Depth::Listing), Open(Reason::NoSharedChecksum));
        assert_eq!(judged((0, ONE), (0, TWO), Depth::Listing), Settled(Judgement::identical(Evidence::Size)));
    }

    #[test]
    fn young_objects_are_in_flight_not_missing() {
        let mut builder = PageBuilder::new();
        builder.push("k", "", Row { last_modified: Timestamp::from_seconds(100), ..Row::default() }).unwrap();
        let page = builder.finish();
        let rules =
            |seconds| Rules { settled_before: Some(Timestamp::from_seconds(seconds)), ..Rules::default() };
        let verdict = |rules: &Rules| match judge(page.get(0), None, rules) {
            Judged::Settled(judgement) => judgement.verdict,
            Judged::Open(_) => unreachable!(),
        };
        assert_eq!(verdict(&rules(99)), Verdict::InFlight);
        assert_eq!(verdict(&rules(100)), Verdict::Missing);
    }
}
