//! Dates that a version brought with it: replication keeps the source's LastModified, so a replica may have arrived
//! after the moment although its date lies before it. No listing tells; a HEAD does. Only versions dated shortly
//! before the moment are asked about, because replication is late by minutes, not by years (S3 facts, section 6).

use crate::Error;
use crate::list::Side;
use crate::plan::{Doubt, Goal, PlanRules, Planned};
use crate::s3::HeadObject;
use futures::StreamExt as _;

/// HEADs of one piece at once. The pace of the store is the real limit.
const AT_ONCE: usize = 64;
/// What HEAD says of a replica.
const REPLICA: &str = "REPLICA";

/// May the version that stood then have arrived later than its date?
pub(super) fn is_candidate(row: &Planned, rules: &PlanRules) -> bool {
    let (Goal::State(moment), Some(wished)) = (rules.goal, &row.wished) else { return false };
    let age = moment.last_second() - wished.last_modified.seconds();
    row.doubt.is_none() && u64::try_from(age).is_ok_and(|age| age < rules.doubts.replication_window_seconds)
}

/// Puts the rows in doubt whose version is a replica that may have arrived after the moment.
///
/// # Errors
/// When a HEAD fails for good: then nothing may be concluded.
pub(super) async fn doubt(rows: &mut [Planned], source: &Side, rules: &PlanRules) -> Result<(), Error> {
    let asked = rows.iter().enumerate().filter(|(_, row)| is_candidate(row, rules));
    let asked: Vec<_> = asked
        .filter_map(|(index, row)| {
            let version = row.wished.as_ref()?.version_id.as_str();
            Some((index, HeadObject { id: source.version(&row.key, Some(version)), ..HeadObject::default() }))
        })
        .collect();
    let mut answers = futures::stream::iter(asked)
        .map(|(index, request)| async move { (index, source.store.head(&request).await) })
        .buffer_unordered(AT_ONCE);
    while let Some((index, answer)) = answers.next().await {
        let info = answer.map_err(Error::source_listing)?;
        if info.replication_status.as_deref() == Some(REPLICA)
            && let Some(row) = rows.get_mut(index)
        {
            row.put_in_doubt(Doubt::InheritedTime, rules.uncertain);
        }
    }
    Ok(())
}
