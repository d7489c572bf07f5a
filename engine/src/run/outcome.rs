//! From rows and what became of them to counts, and the lines of plan and findings: see [`super::rows`].

use super::mender::Outcome;
use super::rows;
use crate::Error;
use crate::compare::listing::FactsRow;
use crate::compare::{Evidence, Judgement, Reason, Verdict};
use crate::plan::{Planned, PlannedVersion, Step};
use crate::report::{Finding, Tally};

/// Counts a row and appends its lines.
pub(super) fn conclude(
    planned: &Planned,
    outcome: &Outcome,
    dry_run: bool,
    tally: &mut Tally,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    count(planned, outcome, tally);
    lines(planned, outcome, dry_run, out)
}

/// The same for a row that was counted as awaiting a thaw, and is done with now.
pub(super) fn resettle(
    planned: &Planned,
    outcome: &Outcome,
    tally: &mut Tally,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    tally.thaws_ended += 1;
    *action_count(planned, outcome, tally) += 1;
    lines(planned, outcome, false, out)
}

fn lines(planned: &Planned, outcome: &Outcome, dry_run: bool, out: &mut Vec<u8>) -> Result<(), Error> {
    rows::plan_line(planned, out)?;
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
    tally.awaiting_thaw += u64::from(outcome.is_waiting());
    *action_count(planned, outcome, tally) += 1;
}

fn action_count<'a>(planned: &Planned, outcome: &Outcome, tally: &'a mut Tally) -> &'a mut u64 {
    let actions = &mut tally.actions;
    match outcome {
        Outcome::Untouched | Outcome::Skipped(_) => &mut actions.skipped,
        Outcome::Copied(..) => &mut actions.restored,
        Outcome::Removed if planned.wished.is_some() => &mut actions.marker_removed,
        Outcome::Removed | Outcome::Marked => &mut actions.deleted,
        Outcome::Failed(..) => &mut actions.failed,
    }
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
            "the bytes were asked for: `s3twin resume` of this run goes on when they are readable".to_owned(),
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
