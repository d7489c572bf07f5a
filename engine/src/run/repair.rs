//! Repair: heals just the keys that an audit found, and proves each of them again.
//!
//! The audit's findings are read as a stream, in chunks; a chunk is a piece of the keyspace, so an interrupted
//! repair goes on behind the last chunk that was committed. Each key is looked at before anything is done: if
//! either side is not as the audit saw it, the key is judged afresh and left alone. What was copied must prove
//! equal as deeply as the audit went, or it counts as failed. Keys that lie close together are looked at by listing
//! them; only where that does not settle it is a key asked for by itself.

use super::glance::Glances;
use super::hands::Hands;
use super::patient::{Now, Standing, case, is_same, known, look};
use super::prove::{Case, Prover};
use super::reproof::prove_again;
use super::sync::deep;
use super::{Recorder, Session, lost_writes, uploads};
use crate::Error;
use crate::act::{Copier, CopyOptions, CopyTools};
use crate::compare::own::prove_own;
use crate::compare::{Facts, Judgement, Reading, Reason, Rules};
use crate::list::Sides;
use crate::model::KeyRange;
use crate::observe::Stage;
use crate::plan::{Brakes, Filter, Heal, HealRules, Survey, SyncRules, heal_for};
use crate::report::{Finding, FindingRows, Tally};
use futures::StreamExt as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Findings worked on at a time: enough copies to keep every connection busy. Bounds memory, about 2 kB each.
const CHUNK: usize = 1000;
/// Keys of a chunk looked at or proved at once. The pace of the stores is the real limit.
const KEYS_AT_ONCE: usize = 256;

/// What to repair and how.
#[derive(Clone, Debug)]
pub struct RepairJob {
    /// The right side as `source`, the one that is changed as `replica`.
    pub sides: Sides,
    /// The audit's findings.
    pub findings: PathBuf,
    /// How deep the audit went; what is healed is proved as deep.
    pub rules: Rules,
    /// What may be done.
    pub heal: HealRules,
    /// Which of the keys take part.
    pub filter: Filter,
    /// Objects that the audit counted on the right and on the wrong side, for the brakes.
    pub audited: (u64, u64),
    /// Limits on deletion.
    pub brakes: Brakes,
    /// How objects are copied.
    pub copy: CopyOptions,
    /// Look, decide, count and report, but change nothing.
    pub dry_run: bool,
}

/// Heals what an audit found and returns what was counted.
///
/// # Errors
/// [`Error::Brake`] before anything was changed; [`Error::Invalid`] for findings that cannot be read; otherwise as
/// [`super::sync`].
pub async fn repair(job: RepairJob, tools: CopyTools, session: &Session) -> Result<Tally, Error> {
    let worked = carry_out(job, tools, session).await;
    session.progress.enter(Stage::Reporting);
    session.recorder.conclude(worked)
}

async fn carry_out(job: RepairJob, tools: CopyTools, session: &Session) -> Result<(), Error> {
    let Some(replica) = job.sides.replica.clone() else {
        return Err(Error::Invalid("a repair needs a replica".into()));
    };
    if job.heal.delete && !job.dry_run {
        session.progress.enter(Stage::Surveying);
        job.brakes.check(&survey(&job)?).map_err(Error::Brake)?;
    }
    session.progress.enter(Stage::Working);
    if !job.dry_run {
        uploads::clean_up(session, replica.store.as_ref()).await;
        lost_writes::find(session, &replica).await?;
    }
    let target = Arc::clone(&replica);
    // Bit rot is looked for on the right side too, before it is copied.
    let reading = match deep(&job.rules, &tools)? {
        Some(reading) => reading,
        None => Reading::new().map_err(|error| Error::Internal(error.to_string()))?,
    };
    let copier = Copier::new((*job.sides.source).clone(), (*replica).clone(), job.copy.clone(), tools);
    let hands = Hands {
        rules: SyncRules { delete: job.heal.delete },
        dry_run: job.dry_run,
        conditional_deletes: job.copy.conditional_deletes,
        copier: copier.clone(),
        replica,
        recorder: Arc::clone(&session.recorder),
        cancel: session.cancel.clone(),
    };
    let prover = Prover {
        sides: job.sides.clone(),
        depth: job.rules.depth,
        fidelity: job.rules.fidelity,
        reading: Some(reading),
    };
    let ward = Ward { job: &job, hands, prover };
    let result = ward.work_through(session).await;
    copier.close().await;
    uploads::clean_up(session, target.store.as_ref()).await;
    result
}

fn unreadable(error: &std::io::Error, job: &RepairJob) -> Error {
    Error::Invalid(format!(
        "the audit's findings in {} cannot be read: {error}. Run the audit again",
        job.findings.display()
    ))
}

/// What the brakes want to know, out of the findings.
fn survey(job: &RepairJob) -> Result<Survey, Error> {
    let mut counted = Survey { source: job.audited.0, replica: job.audited.1, deletions: 0 };
    for finding in FindingRows::open(&job.findings).map_err(|error| unreadable(&error, job))? {
        let finding = finding.map_err(|error| unreadable(&error, job))?;
        let deletes = heal_for(&finding, &job.heal) == Heal::Delete && job.filter.admits(&finding.key);
        counted.deletions += u64::from(deletes);
    }
    Ok(counted)
}

/// The keys of a chunk and what becomes of them.
struct Ward<'a> {
    job: &'a RepairJob,
    hands: Hands,
    prover: Prover,
}

/// A finding, what is to be done about it, and how it stands.
struct Visit {
    finding: Finding,
    heal: Heal,
    standing: Standing,
    case: Case,
    judgement: Judgement,
    /// Found by reading, so to be proved by reading.
    picked: bool,
}

impl Ward<'_> {
    async fn work_through(&self, session: &Session) -> Result<(), Error> {
        let recorder: &Recorder = &session.recorder;
        let Some(rest) = recorder.remaining().into_iter().next() else { return Ok(()) };
        let mut covered = rest.after.clone();
        let rows = FindingRows::open(&self.job.findings).map_err(|error| unreadable(&error, self.job))?;
        let mut rows = rows.filter(|row| {
            let takes_part = |row: &Finding| rest.contains(&row.key) && self.job.filter.admits(&row.key);
            row.as_ref().map_or(true, takes_part)
        });
        loop {
            let chunk: Result<Vec<Finding>, _> = rows.by_ref().take(CHUNK).collect();
            let chunk = chunk.map_err(|error| unreadable(&error, self.job))?;
            if session.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let ended = chunk.len() < CHUNK;
            let last: Option<Box<str>> = chunk.last().map(|row| row.key.as_str().into());
            let piece = KeyRange { after: covered.clone(), upto: if ended { None } else { last.clone() } };
            let (lines, tally) = self.treat(chunk).await?;
            recorder.commit(recorder.first_id(), &piece, &lines, &tally).await?;
            session.progress.add(&tally);
            covered = last.unwrap_or(covered);
            if ended {
                return Ok(());
            }
        }
    }

    /// Looks, acts, proves.
    async fn treat(&self, findings: Vec<Finding>) -> Result<(Vec<u8>, Tally), Error> {
        let wanted =
            |finding: &&Finding| matches!(heal_for(finding, &self.job.heal), Heal::Copy | Heal::Delete);
        let keys: Vec<&str> = findings.iter().filter(wanted).map(|finding| &*finding.key).collect();
        let glances = &Glances::at(&self.prover.sides, &keys).await;
        let visits = futures::stream::iter(findings).map(|finding| self.visit(finding, glances));
        let visits: Vec<Visit> = visits.buffered(KEYS_AT_ONCE).collect().await;
        let mut tally = Tally::default();
        let (mut rows, mut judged, mut picked) = (Vec::new(), Vec::new(), Vec::new());
        let (mut copies, mut deletions) = (Vec::new(), Vec::new());
        for (index, visit) in visits.into_iter().enumerate() {
            tally.bytes.hashed += visit.case.outcome.read;
            let sizes = (visit.finding.source.as_ref(), visit.finding.replica.as_ref());
            tally.see(sizes.0.map(|facts| facts.size), sizes.1.map(|facts| facts.size));
            tally.conclude(&visit.judgement);
            let mut row = visit.finding;
            match self.decide(&visit.standing, visit.heal, visit.judgement, &mut row, &mut tally) {
                Heal::Copy => copies.push(index),
                Heal::Delete => deletions.push(index),
                _ => {}
            }
            rows.push(row);
            picked.push(visit.picked);
            judged.push((visit.case, visit.judgement));
        }
        self.hands.copy(&copies, &judged, &mut rows, &mut tally).await?;
        self.hands.delete(&deletions, &judged, &mut rows, &mut tally).await?;
        prove_again(&self.prover, (&copies, &picked), &mut rows, &mut tally).await;
        let mut lines = Vec::new();
        rows.iter().for_each(|row| row.write_line(&mut lines));
        Ok((lines, tally))
    }

    /// Looks at a key before anything is done.
    async fn visit(&self, finding: Finding, glances: &Glances) -> Visit {
        let heal = heal_for(&finding, &self.job.heal);
        let picks = self.job.rules.scrub.as_ref().is_some_and(|scrub| scrub.picks(&finding.key, None));
        let picked = picks || finding.reason == Some(Reason::BytesDiffer);
        let as_found = Judgement {
            verdict: finding.verdict,
            evidence: finding.evidence,
            reason: finding.reason.or(Some(Reason::ServerError)),
        };
        let depth = self.job.rules.depth;
        let visit = |standing, now, judgement, finding: Finding| {
            let case = case(&finding.key, now, depth, picked);
            Visit { finding, heal, standing, case, judgement, picked }
        };
        if !matches!(heal, Heal::Copy | Heal::Delete) {
            return visit(Standing::Unchanged, (None, None), as_found, finding);
        }
        let Some(replica) = &self.prover.sides.replica else {
            return visit(Standing::Changed, (None, None), as_found, finding);
        };
        let then = known(&finding, self.job.heal.direction);
        let as_then = |now: &Now| is_same(then.0, now.0.as_ref()) && is_same(then.1, now.1.as_ref());
        let now = match glances.of(&finding.key).filter(as_then) {
            Some(now) => now,
            None => match look((&self.prover.sides.source, replica), &finding.key).await {
                Ok(now) => now,
                Err(error) => return visit(Standing::Unknown(error), (None, None), as_found, finding),
            },
        };
        if as_then(&now) {
            let standing = self.examine_source(&finding, heal, now.0.clone()).await;
            return visit(standing, now, as_found, finding);
        }
        // Judged afresh: it may have been healed meanwhile, by an earlier try of this very run for one.
        let (case, judgement) = self.prover.examine(case(&finding.key, now, depth, picked)).await;
        let judgement = match judgement.reason {
            None => judgement,
            Some(_) => Judgement::unproven(Reason::ChangedMeanwhile),
        };
        Visit { finding, heal, standing: Standing::Changed, case, judgement, picked }
    }

    /// Equal ETags over different bytes: one side has rotted. It must not be the one that is copied.
    async fn examine_source(&self, finding: &Finding, heal: Heal, source: Option<Facts>) -> Standing {
        let etag = |facts: &Option<crate::compare::listing::FactsRow>| {
            facts.as_ref().and_then(|facts| facts.etag.clone())
        };
        let hidden =
            finding.reason == Some(Reason::BytesDiffer) && etag(&finding.source) == etag(&finding.replica);
        let (Some(mut facts), Some(reading), true) =
            (source, &self.prover.reading, hidden && heal == Heal::Copy)
        else {
            return Standing::Unchanged;
        };
        let own = prove_own(&self.prover.sides.source, &finding.key, &mut facts, reading).await;
        match own.judgement.reason {
            Some(Reason::BitRot) => Standing::Rotten(own.detail.unwrap_or_default()),
            _ => Standing::Unchanged,
        }
    }

    /// Writes the intention into the row; the cure that is to be carried out now.
    fn decide(
        &self,
        standing: &Standing,
        heal: Heal,
        judgement: Judgement,
        row: &mut Finding,
        tally: &mut Tally,
    ) -> Heal {
        let mut settle = |action: &str, advice: &str| {
            row.action = Some(action.to_owned());
            row.advice = advice.to_owned();
            Heal::Leave
        };
        match (standing, heal) {
            (_, Heal::Leave) => {
                return settle("left alone", "add --delete to remove what only this side has");
            }
            (Standing::Changed, _) if judgement.reason.is_none() => {
                (row.verdict, row.reason, row.evidence) = (judgement.verdict, None, judgement.evidence);
                row.action = Some("nothing to do: identical by now".to_owned());
                row.advice = String::new();
                return Heal::Leave;
            }
            _ => tally.planned += 1,
        }
        match (standing, heal) {
            (_, Heal::Beyond(why, advice)) => {
                tally.actions.skipped += 1;
                settle(&format!("skipped: {why}"), advice)
            }
            (Standing::Unknown(error), _) => {
                tally.actions.failed += 1;
                row.detail = Some(error.to_string());
                let (action, advice) = (format!("failed: {}", error.reason()), error.advice());
                (row.action, row.advice) = (Some(action), advice);
                Heal::Leave
            }
            (Standing::Rotten(detail), _) => {
                tally.actions.failed += 1;
                row.detail = Some(detail.clone());
                settle(
                    "failed: bit-rot",
                    "the bytes that would be copied are the damaged ones: repair in the other --direction",
                )
            }
            (Standing::Changed, _) => {
                tally.actions.skipped += 1;
                (row.verdict, row.reason) = (judgement.verdict, judgement.reason);
                settle(
                    "skipped: changed-meanwhile",
                    "somebody wrote it after the audit: audit again, then repair",
                )
            }
            (Standing::Unchanged, heal) if self.job.dry_run => {
                tally.actions.skipped += 1;
                let action = if heal == Heal::Delete { "would delete" } else { "would copy" };
                settle(action, "run it without --dry-run")
            }
            (Standing::Unchanged, heal) => {
                // Hands fill in what becomes of it.
                row.advice = String::new();
                heal
            }
        }
    }
}
