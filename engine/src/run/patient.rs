//! One finding of an audit, looked at again before anything is done about it.

use super::prove::{Case, Outcome};
use crate::compare::listing::{FactsRow, judge_content};
use crate::compare::{Depth, Facts, Judged, Judgement, Reason, Verdict};
use crate::list::Side;
use crate::model::{AlgorithmSet, Restore};
use crate::plan::Direction;
use crate::report::Finding;
use crate::s3::{Answer, HeadObject, Kind, ObjectInfo, S3Error};

/// How the key stands now. Here the source is always the side that is right.
#[derive(Debug)]
pub(super) enum Standing {
    /// As the finding saw it.
    Unchanged,
    /// Somebody wrote it since.
    Changed,
    /// As the finding saw it, but it is the right side's bytes that are damaged.
    Rotten(String),
    /// It could not be looked at.
    Unknown(S3Error),
}

/// Both sides of a key as HEAD shows them now.
pub(super) type Now = (Option<Facts>, Option<Facts>);

/// What the finding knows, with the right side first.
pub(super) fn known(finding: &Finding, direction: Direction) -> (Option<&FactsRow>, Option<&FactsRow>) {
    let sides = (finding.source.as_ref(), finding.replica.as_ref());
    match direction {
        Direction::SourceToReplica => sides,
        Direction::ReplicaToSource => (sides.1, sides.0),
    }
}

/// Looks at both sides.
pub(super) async fn look(sides: (&Side, &Side), key: &str) -> Result<Now, S3Error> {
    let (right, wrong) = futures::join!(facts_of(sides.0, key), facts_of(sides.1, key));
    Ok((right?, wrong?))
}

async fn facts_of(side: &Side, key: &str) -> Answer<Option<Facts>> {
    let request = HeadObject { id: side.object(key), checksum: true, part_number: None };
    match side.store.head(&request).await {
        Ok(info) => Ok(Some(facts(&info))),
        Err(error) if matches!(error.kind, Kind::NotFound | Kind::DeleteMarker) => Ok(None),
        Err(error) => Err(error),
    }
}

fn facts(info: &ObjectInfo) -> Facts {
    let mut algorithms = AlgorithmSet::default();
    info.checksums.iter().for_each(|checksum| algorithms.insert(checksum.algorithm));
    let readable = info.restore.as_deref().is_some_and(|text| text.contains("ongoing-request=\"false\""));
    Facts {
        size: info.size,
        etag: info.etag.clone(),
        last_modified: info.last_modified,
        version_id: info.version_id.as_deref().map(Into::into),
        storage_class: info.storage_class.clone(),
        checksum: info.checksums.first().map(|checksum| checksum.to_string().into()),
        algorithms,
        checksum_type: info.checksum_type,
        restore: readable.then_some(Restore::Until(info.last_modified)),
    }
}

/// Is it still the object of the finding?
pub(super) fn is_same(then: Option<&FactsRow>, now: Option<&Facts>) -> bool {
    let (Some(then), Some(now)) = (then, now) else { return then.is_none() && now.is_none() };
    let etag = now.etag.as_ref().map(ToString::to_string);
    let version = || match (&then.version_id, &now.version_id) {
        (Some(a), Some(b)) => **a == **b,
        // A listing of objects has no version ids.
        _ => true,
    };
    // Lists may have milliseconds where HEAD has none.
    let same_moment = then.last_modified.seconds() == now.last_modified.seconds();
    then.size == now.size && then.etag == etag && same_moment && version()
}

/// What two HEADs prove, as a listing would.
fn judged(now: &Now, depth: Depth) -> Judged {
    match now {
        (Some(a), Some(b)) => judge_content((a.size, a.etag.as_ref()), (b.size, b.etag.as_ref()), depth),
        (Some(_), None) => Judged::Settled(Judgement::because(Verdict::Missing, Reason::NotOnReplica)),
        (None, _) => Judged::Settled(Judgement::because(Verdict::Extra, Reason::NotOnSource)),
    }
}

/// A case of how the key stands now, to be proved as the audit did.
pub(super) fn case(key: &str, now: Now, depth: Depth, picked: bool) -> Case {
    let judged = judged(&now, depth);
    Case { key: key.into(), source: now.0, replica: now.1, judged, picked, outcome: Outcome::default() }
}
