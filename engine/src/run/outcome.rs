//! From rows and what became of them to counts, plan rows and findings.
//!
//! Both kinds of rows share the recorder's segments: a plan row as `P`, the letter of its step, its bytes, a
//! tab and the line; a finding as `F` and the line. [`write_rows`] parts them when the run has ended.

use super::Recorder;
use super::mender::Outcome;
use crate::Error;
use crate::compare::listing::FactsRow;
use crate::compare::{Evidence, Judgement, Reason, Verdict};
use crate::journal::Joined;
use crate::plan::{PlanError, PlanHeader, Planned, PlannedVersion, Step, encode_row, write_plan};
use crate::report::{Finding, Tally};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

const STEPS: [(Step, u8); 6] = [
    (Step::Keep, b'k'),
    (Step::CopyVersion, b'c'),
    (Step::RemoveMarker, b'r'),
    (Step::AddMarker, b'a'),
    (Step::NeedsThaw, b't'),
    (Step::Uncertain, b'u'),
];

/// Counts a row and appends its lines.
pub(super) fn conclude(
    planned: &Planned,
    outcome: &Outcome,
    dry_run: bool,
    tally: &mut Tally,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    count(planned, outcome, tally);
    let letter = STEPS.iter().find(|(step, _)| *step == planned.action).map_or(b'k', |(_, letter)| *letter);
    out.extend([b'P', letter]);
    out.extend(planned.bytes.to_string().bytes());
    out.push(b'\t');
    encode_row(planned, out).map_err(|error| Error::Internal(error.to_string()))?;
    let judgement = judge(planned);
    if judgement.reason.is_some() {
        out.push(b'F');
        finding(planned, &judgement, outcome, dry_run).write_line(out);
    }
    Ok(())
}

fn count(planned: &Planned, outcome: &Outcome, tally: &mut Tally) {
    let current = planned.stands_now().map(|version| version.size);
    let wished = planned.wished.as_ref().map(|version| version.size);
    // A key in doubt that neither stands nor is known to have stood may have: it counts as the past's.
    let wished = wished.or((current.is_none()).then_some(0));
    tally.see(wished, current);
    tally.conclude(&judge(planned));
    if !planned.is_change() {
        return;
    }
    tally.planned += 1;
    let actions = &mut tally.actions;
    *match outcome {
        Outcome::Untouched | Outcome::Skipped(_) => &mut actions.skipped,
        Outcome::Copied(..) => &mut actions.restored,
        Outcome::Removed if planned.wished.is_some() => &mut actions.marker_removed,
        Outcome::Removed | Outcome::Marked => &mut actions.deleted,
        Outcome::Failed(..) => &mut actions.failed,
    } += 1;
}

/// How the key stood when it was planned, against what is wished.
fn judge(planned: &Planned) -> Judgement {
    let differs = || match (&planned.wished, planned.stands_now()) {
        (Some(wished), Some(current)) if wished.size != current.size => {
            Judgement::different(Reason::SizeDiffers)
        }
        (Some(_), Some(_)) => Judgement::different(Reason::EtagDiffers),
        (Some(_), None) => Judgement::because(Verdict::Missing, Reason::NotOnReplica),
        (None, _) => Judgement::because(Verdict::Extra, Reason::NotOnSource),
    };
    match planned.action {
        Step::Keep if planned.reason == "left-alone" => differs(),
        Step::Keep if planned.wished.as_ref().is_some_and(|version| version.size > 0) => {
            Judgement::identical(Evidence::Etag)
        }
        Step::Keep => Judgement::identical(Evidence::Size),
        Step::CopyVersion | Step::RemoveMarker | Step::AddMarker => differs(),
        Step::NeedsThaw => Judgement { reason: Some(Reason::Archived), ..differs() },
        Step::Uncertain => Judgement::unproven(Reason::PastUncertain),
    }
}

fn finding(planned: &Planned, judgement: &Judgement, outcome: &Outcome, dry_run: bool) -> Finding {
    let facts = |version: &PlannedVersion| FactsRow {
        size: version.size,
        etag: version.etag.clone(),
        last_modified: version.last_modified,
        version_id: Some(version.version_id.clone()),
        storage_class: version.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned()),
        checksum: None,
    };
    let mut row = Finding::new(&planned.key, judgement, None, None);
    row.source = planned.wished.as_ref().map(facts);
    row.replica = planned.stands_now().map(facts);
    row.detail = Some(planned.reason.clone());
    let (action, advice) = match outcome {
        Outcome::Untouched => intention(planned, dry_run),
        Outcome::Skipped(why) => (
            format!("skipped: {why}"),
            "the bytes were asked for: run it again when they are readable".to_owned(),
        ),
        Outcome::Copied(_, proof) => (format!("restored, {proof}"), String::new()),
        Outcome::Removed => ("uncovered by removing what was on top, verified".to_owned(), String::new()),
        Outcome::Marked => ("deleted, verified".to_owned(), String::new()),
        Outcome::Failed(reason, what, advice) => {
            row.detail = Some(what.clone());
            (format!("failed: {reason}"), advice.clone())
        }
    };
    row.action = Some(action);
    row.advice = advice;
    row
}

fn intention(planned: &Planned, dry_run: bool) -> (String, String) {
    let would = match planned.action {
        Step::Keep => {
            return (
                "left alone".into(),
                "it did not exist then: take --prune to remove it elsewhere".into(),
            );
        }
        Step::Uncertain => {
            let advice = planned.doubt.map(crate::plan::Doubt::advice).unwrap_or_default();
            return ("skipped: uncertain".into(), advice.to_owned());
        }
        Step::CopyVersion => "would copy the version",
        Step::RemoveMarker => "would remove what hides it",
        Step::AddMarker => "would delete",
        Step::NeedsThaw => "would ask for the archived bytes",
    };
    let advice = if dry_run { "run it without --dry-run, or with --plan and this plan" } else { "" };
    (would.to_owned(), advice.to_owned())
}

/// Bytes per read and write of the rows.
const BUFFER: usize = 256 << 10;

/// Parts the rows of a run into its `plan.jsonl` and `findings.jsonl`.
pub(super) fn write_rows(recorder: &Recorder, header: &PlanHeader) -> Result<(), Error> {
    let run = recorder.run();
    let (whole, parted) = (run.findings(), run.path().join("findings.part"));
    let part = || -> Result<(), PlanError> {
        let trouble = |error| PlanError::Io { path: whole.clone(), error };
        let mut lines = BufReader::with_capacity(BUFFER, recorder.rows());
        let mut findings = BufWriter::with_capacity(BUFFER, File::create(&parted).map_err(trouble)?);
        let rows = std::iter::from_fn(|| next_plan_row(&mut lines, &mut findings).transpose());
        write_plan(&run.path().join("plan.jsonl"), header, rows)?;
        findings.into_inner().map_err(|error| trouble(error.into_error()))?.sync_all().map_err(trouble)?;
        std::fs::rename(&parted, &whole).map_err(trouble)
    };
    part().map_err(|error| unusable(&error))
}

/// A plan or its file cannot be used.
pub(super) fn unusable(error: &PlanError) -> Error {
    match error {
        PlanError::Bad { .. } => Error::Invalid(error.to_string()),
        PlanError::Io { path, error } => Error::Invalid(cannot(path, error)),
    }
}

fn cannot(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be read or written: {error}", path.display())
}

type PlanLine = (Step, u64, Vec<u8>);

/// The next plan row; findings on the way go where they belong.
fn next_plan_row(
    lines: &mut BufReader<Joined>,
    findings: &mut BufWriter<File>,
) -> io::Result<Option<PlanLine>> {
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        match line.first() {
            Some(b'F') => findings.write_all(line.get(1..).unwrap_or_default())?,
            _ => {
                return plan_row(line)
                    .map(Some)
                    .ok_or_else(|| io::Error::other("a row of the run's segments is damaged"));
            }
        }
    }
}

fn plan_row(mut line: Vec<u8>) -> Option<PlanLine> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let letter = *line.get(1)?;
    let bytes = std::str::from_utf8(line.get(2..tab)?).ok()?.parse().ok()?;
    let (step, _) = STEPS.iter().find(|(_, known)| *known == letter)?;
    line.drain(..=tab);
    Some((*step, bytes, line))
}
