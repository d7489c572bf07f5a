//! Audit: walk both sides, judge every key, report. Writes to no bucket.

use super::Session;
use super::examine::{Examine, Extras};
use crate::Error;
use crate::compare::{Depth, Reading, Rules};
use crate::list::{Listing, Objects, Sides};
use crate::observe::Stage;
use crate::plan::Filter;
use crate::report::{Ledger, MANIFEST_SCHEMA, ManifestHeader, Tally};

/// What to audit and how.
#[derive(Clone, Debug)]
pub struct AuditJob {
    /// Primary and replica; without a replica the primary is held against what it stores about its own bytes.
    pub sides: Sides,
    /// What counts as equal, and how far to climb.
    pub rules: Rules,
    /// Which keys take part.
    pub filter: Filter,
    /// Leave a manifest of the primary, with these filter rules in its header.
    pub manifest: Option<Vec<String>>,
    /// Where it is kept when each key was last proved by reading.
    pub ledger: Option<ProofWindow>,
}

/// The ledger of a pair, and how far back it is asked.
#[derive(Clone, Debug)]
pub struct ProofWindow {
    /// Takes this run's proofs.
    pub ledger: Ledger,
    /// Count as proved what was proved in the last so many seconds; 0 if nobody asks.
    pub window_seconds: u64,
}

/// Runs an audit to its end and returns what was counted.
///
/// # Errors
/// When a listing fails for good, the run's files cannot be written, or the run is cancelled. What was
/// committed before is on disk.
pub async fn audit(job: AuditJob, session: &Session) -> Result<Tally, Error> {
    let own = job.sides.replica.is_none();
    let reads = own || job.rules.depth == Depth::Bytes || job.rules.scrub.is_some();
    let reading =
        if reads { Some(Reading::new().map_err(|error| Error::Internal(error.to_string()))?) } else { None };
    audit_reading(job, reading, session).await
}

/// [`audit`] with hashing threads, memory and bandwidth of the caller's choice; without any nothing is read, and
/// what only reading could prove stays unproven.
///
/// # Errors
/// As [`audit`].
pub async fn audit_reading(
    job: AuditJob,
    reading: Option<Reading>,
    session: &Session,
) -> Result<Tally, Error> {
    session.progress.enter(Stage::Working);
    let keeps = job.manifest.is_some();
    let header = job.manifest.map(|filter| ManifestHeader {
        schema: MANIFEST_SCHEMA.to_owned(),
        source: job.sides.source.location.to_string(),
        run_id: session.recorder.run().id.to_string(),
        filter,
    });
    let window = job.ledger;
    if keeps || window.is_some() {
        session.recorder.keep_strands(header);
    }
    let extras = Extras { manifest: keeps, window: window.clone() };
    let examine = Examine::looking(job.sides.clone(), job.rules, job.filter, (reading, extras), session);
    let walked = session.walk::<Objects, _>(job.sides, Listing::Objects, examine).await;
    session.progress.enter(Stage::Reporting);
    let tally = session.recorder.conclude(walked)?;
    if let Some(window) = window {
        enter_proofs(window.ledger, session).await?;
    }
    Ok(tally)
}

/// What this run proved goes into the ledger, once; an interrupted run's goes in when it has been resumed to its end.
async fn enter_proofs(ledger: Ledger, session: &Session) -> Result<(), Error> {
    let proofs = super::strands::proofs(session.recorder.run());
    let merge = move || match std::fs::metadata(&proofs) {
        Ok(data) if data.len() == 0 => std::fs::remove_file(&proofs),
        Ok(_) => ledger.merge(&proofs).and_then(|()| std::fs::remove_file(&proofs)),
        Err(error) => Err(error),
    };
    let merged = tokio::task::spawn_blocking(merge).await.map_err(Error::task)?;
    merged.map_err(|error| Error::Invalid(format!("the ledger of proofs cannot be written: {error}")))
}
