//! What a repair copied, proved again.

use super::glance::Glances;
use super::patient::{case, look};
use super::prove::{Case, Prover};
use crate::compare::{Evidence, Judged, Judgement, Reason};
use crate::report::{Finding, Tally};
use crate::s3::S3Error;
use futures::StreamExt as _;

/// Keys proved at once. The pace of the stores is the real limit.
const KEYS_AT_ONCE: usize = 256;

/// Proves what was copied as deeply as the audit went. What does not prove equal is not healed. `copies` are places in
/// `rows`; of each row, `picked` tells whether its bytes are to be read.
pub(super) async fn prove_again(
    prover: &Prover,
    (copies, picked): (&[usize], &[bool]),
    rows: &mut [Finding],
    tally: &mut Tally,
) {
    let copied = |row: &Finding| row.action.as_deref().is_some_and(|done| done.starts_with("copied"));
    let keys = copies.iter().filter_map(|index| {
        let row = rows.get(*index).filter(|row| copied(row))?;
        Some((*index, row.key.clone(), picked.get(*index).copied().unwrap_or_default()))
    });
    let keys: Vec<(usize, String, bool)> = keys.collect();
    let glances =
        &Glances::at(&prover.sides, &keys.iter().map(|(_, key, _)| &**key).collect::<Vec<_>>()).await;
    let mut proofs = futures::stream::iter(keys)
        .map(|(index, key, picked)| async move { (index, prove(prover, &key, picked, glances).await) })
        .buffer_unordered(KEYS_AT_ONCE);
    while let Some((index, proof)) = proofs.next().await {
        let Some(row) = rows.get_mut(index) else { continue };
        match proof {
            Ok((case, Judgement { reason: None, evidence, .. })) => {
                tally.bytes.hashed += case.outcome.read;
                let evidence = evidence.map(Evidence::name).unwrap_or_default();
                row.action = Some(format!("copied, proved by {evidence}"));
            }
            Ok((case, judgement)) => {
                tally.bytes.hashed += case.outcome.read;
                let detail = case.outcome.detail.unwrap_or_else(|| format!("{:?}", judgement.reason));
                not_verified(row, tally, detail);
            }
            Err(error) => not_verified(row, tally, error.to_string()),
        }
    }
}

async fn prove(
    prover: &Prover,
    key: &str,
    picked: bool,
    glances: &Glances,
) -> Result<(Case, Judgement), S3Error> {
    let Some(replica) = &prover.sides.replica else {
        let nothing = case(key, (None, None), prover.depth, picked);
        return Ok((nothing, Judgement::unproven(Reason::Vanished)));
    };
    if let Some(now) = glances.of(key) {
        let listed = case(key, now, prover.depth, picked);
        let denied = matches!(&listed.judged, Judged::Settled(judgement) if judgement.reason.is_some());
        if !denied {
            return Ok(prover.examine(listed).await);
        }
    }
    // What a listing denies gets a look of its own before it counts as failed.
    let now = look((&prover.sides.source, replica), key).await?;
    Ok(prover.examine(case(key, now, prover.depth, picked)).await)
}

fn not_verified(row: &mut Finding, tally: &mut Tally, detail: String) {
    tally.actions.copied -= 1;
    tally.actions.failed += 1;
    row.action = Some("failed: not-verified".to_owned());
    row.advice = "it was copied, but does not prove equal: audit it again".to_owned();
    row.detail = Some(detail);
}
