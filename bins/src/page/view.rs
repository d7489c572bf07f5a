//! What the templates show: every number already in words, nothing left to decide.

use super::digest::{Digest, SIZE_CLASSES};
use super::headline::Headline;
use super::row::{Row, Side};
use super::text::{self, Segment, counted, dollars, duration, moment, segments, share, visible, width};
use super::trend::{self, Chart};
use super::words::{EVIDENCE, VERDICTS, of, spoken};
use crate::screen::{bytes, grouped};
use s3twin_engine::report::{RunState, Summary};

/// A report.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) headline: Headline,
    /// The run was there to change things: its findings are what it met, not what is left.
    pub(crate) changes: bool,
    /// Something is left to do.
    pub(crate) advises: bool,
    pub(crate) error: Option<String>,
    pub(crate) source: String,
    pub(crate) replica: Option<String>,
    pub(crate) verdicts: Vec<Slice>,
    pub(crate) checked: Vec<Fact>,
    pub(crate) evidence: Vec<Slice>,
    pub(crate) groups: Vec<GroupView>,
    pub(crate) places: Vec<PlaceView>,
    pub(crate) elsewhere: Option<String>,
    pub(crate) sizes: Vec<Slice>,
    pub(crate) actions: Vec<Slice>,
    pub(crate) moved: Vec<Fact>,
    pub(crate) effort: Vec<Fact>,
    pub(crate) requests: Vec<Slice>,
    /// What the servers lack, and what it meant for this run.
    pub(crate) remarks: Vec<String>,
    pub(crate) charts: Vec<Chart>,
    pub(crate) trend_runs: String,
    pub(crate) rows: Vec<RowView>,
    pub(crate) total: String,
    pub(crate) notes: Vec<String>,
    /// The page has not all rows.
    pub(crate) cut: Option<String>,
    pub(crate) has_actions: bool,
    pub(crate) provenance: Vec<Fact>,
}

/// A part of a whole, or one bar of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    /// Code, and name of its colour.
    pub(crate) code: String,
    pub(crate) label: String,
    pub(crate) meaning: String,
    pub(crate) number: u64,
    pub(crate) count: String,
    pub(crate) share: String,
    /// Percent of the largest.
    pub(crate) width: String,
}

/// A term and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) term: &'static str,
    pub(crate) value: String,
    pub(crate) note: String,
}

/// Findings of one reason.
#[derive(Debug)]
pub(crate) struct GroupView {
    pub(crate) code: String,
    pub(crate) label: String,
    pub(crate) verdicts: Vec<Slice>,
    pub(crate) count: String,
    pub(crate) bytes: String,
    pub(crate) width: String,
    /// Commands in it are marked.
    pub(crate) advice: Vec<Segment>,
    pub(crate) advice_plain: String,
}

/// Findings under one prefix.
#[derive(Debug)]
pub(crate) struct PlaceView {
    pub(crate) prefix: Vec<Segment>,
    pub(crate) plain: String,
    /// As the page shows it: what the search looks for.
    pub(crate) shown: String,
    pub(crate) direct: bool,
    pub(crate) count: String,
    pub(crate) bytes: String,
    pub(crate) width: String,
}

/// A finding.
#[derive(Debug)]
pub(crate) struct RowView {
    pub(crate) key: Vec<Segment>,
    pub(crate) plain: String,
    pub(crate) verdict: &'static str,
    pub(crate) label: &'static str,
    pub(crate) reason: String,
    pub(crate) detail: String,
    pub(crate) action: String,
    pub(crate) sides: [(&'static str, Option<SideView>); 2],
}

/// One object of a finding.
#[derive(Debug)]
pub(crate) struct SideView {
    pub(crate) size: String,
    pub(crate) etag: String,
}

impl View {
    /// Puts a run into words. `runs` are the runs of the same thing, this one last.
    pub(crate) fn new(summary: &Summary, digest: &Digest, runs: &[Summary]) -> Self {
        let charts = trend::charts(runs);
        let changes = summary.command != "audit";
        let done = summary.state == RunState::Complete && summary.exit_code == 0;
        Self {
            headline: Headline::of(summary),
            changes,
            advises: !(changes && done) || summary.dry_run,
            error: summary.error.clone(),
            source: visible(&summary.source),
            replica: summary.replica.as_deref().map(visible),
            verdicts: verdicts(summary),
            checked: checked(summary),
            evidence: evidence(summary),
            groups: groups(digest),
            places: places(digest),
            elsewhere: (digest.elsewhere > 0).then(|| counted(digest.elsewhere, "finding", "findings")),
            sizes: sizes(digest),
            actions: actions(summary),
            moved: moved(summary),
            effort: effort(summary),
            requests: requests(summary),
            remarks: summary.remarks.clone(),
            charts,
            trend_runs: counted(runs.len() as u64, "run", "runs"),
            rows: digest.plain.iter().map(row).collect(),
            total: grouped(digest.total),
            notes: notes(summary, digest),
            cut: cut(digest),
            has_actions: !digest.actions.is_empty(),
            provenance: provenance(summary),
        }
    }

    /// For readers who do not see the colour.
    pub(crate) fn tone_word(&self) -> &'static str {
        self.headline.tone.word()
    }

    /// Is there a findings row at all?
    pub(crate) fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Is there anything the page cannot hide?
    pub(crate) fn has_keys(&self) -> bool {
        self.verdicts.iter().any(|slice| slice.number > 0)
    }
}

pub(super) fn slices<'a>(parts: impl IntoIterator<Item = (&'a str, &'a str, &'a str, u64)>) -> Vec<Slice> {
    let parts: Vec<_> = parts.into_iter().collect();
    let whole = parts.iter().map(|part| part.3).sum();
    let largest = parts.iter().map(|part| part.3).max().unwrap_or_default();
    let slice = |(code, label, meaning, number): (&str, &str, &str, u64)| Slice {
        code: code.to_owned(),
        label: label.to_owned(),
        meaning: meaning.to_owned(),
        number,
        count: grouped(number),
        share: share(number, whole),
        width: width(number, largest),
    };
    parts.into_iter().map(slice).collect()
}

pub(super) fn fact(term: &'static str, value: impl Into<String>, note: impl Into<String>) -> Fact {
    Fact { term, value: value.into(), note: note.into() }
}

fn verdicts(summary: &Summary) -> Vec<Slice> {
    let v = &summary.verdicts;
    let counts = [v.identical, v.different, v.missing, v.extra, v.unproven, v.in_flight, v.unreadable];
    slices(VERDICTS.iter().zip(counts).map(|(info, count)| (info.code, info.label, info.meaning, count)))
}

fn evidence(summary: &Summary) -> Vec<Slice> {
    let e = &summary.evidence;
    let counts = [e.etag, e.checksum, e.parts, e.bytes, e.size];
    let parts = EVIDENCE.iter().zip(counts).map(|((code, label, meaning), n)| (*code, *label, *meaning, n));
    slices(parts.filter(|part| part.3 > 0))
}

fn checked(summary: &Summary) -> Vec<Fact> {
    let (keys, size) = (&summary.keys, &summary.listed_bytes);
    let mut facts = if summary.replica.is_some() {
        vec![
            fact("Keys compared", grouped(keys.union), "every key on either side, each with one verdict"),
            fact("On the source", grouped(keys.source), bytes(size.source)),
            fact("On the replica", grouped(keys.replica), bytes(size.replica)),
        ]
    } else {
        vec![fact("Objects", grouped(keys.union), bytes(size.source))]
    };
    if summary.bytes.hashed > 0 {
        facts.push(fact("Read and hashed", bytes(summary.bytes.hashed), ""));
    }
    facts
}

fn groups(digest: &Digest) -> Vec<GroupView> {
    let groups = digest.groups();
    let largest = groups.first().map_or(0, |(_, group)| group.count);
    let view = |(code, group): (&str, &super::digest::Group)| GroupView {
        code: code.to_owned(),
        label: text::sentence(&spoken(code)),
        verdicts: slices(group.verdicts.iter().map(|(verdict, count)| {
            let info = of(*verdict);
            (info.code, info.label, info.meaning, *count)
        })),
        count: grouped(group.count),
        bytes: bytes(group.bytes),
        width: width(group.count, largest),
        advice: text::commands(&group.advice),
        advice_plain: group.advice.clone(),
    };
    groups.into_iter().map(view).collect()
}

fn places(digest: &Digest) -> Vec<PlaceView> {
    let largest = digest.places.iter().map(|place| place.count).max().unwrap_or_default();
    let view = |place: &super::places::Place| PlaceView {
        prefix: segments(&place.prefix),
        plain: visible(&place.prefix),
        shown: segments(&place.prefix).into_iter().map(|piece| piece.text).collect(),
        direct: place.direct,
        count: grouped(place.count),
        bytes: bytes(place.bytes),
        width: width(place.count, largest),
    };
    digest.places.iter().map(view).collect()
}

fn sizes(digest: &Digest) -> Vec<Slice> {
    slices(SIZE_CLASSES.iter().zip(digest.sizes).map(|((_, label), count)| ("size", *label, "", count)))
}

fn actions(summary: &Summary) -> Vec<Slice> {
    let a = &summary.actions;
    let skipped = if summary.dry_run {
        ("planned", "Would change", "decided on, not carried out: a rehearsal")
    } else {
        ("skipped", "Skipped", "left as it was, and not as wished")
    };
    let parts = [
        ("copied", "Copied", "brought over and verified", a.copied),
        ("restored", "Restored", "an earlier version made current again", a.restored),
        ("deleted", "Deleted", "removed from the replica", a.deleted),
        ("marker_removed", "Undeleted", "a delete marker taken away", a.marker_removed),
        (skipped.0, skipped.1, skipped.2, a.skipped),
        ("failed", "Failed", "tried, and not as wished", a.failed),
    ];
    slices(parts.into_iter().filter(|part| part.3 > 0))
}

fn moved(summary: &Summary) -> Vec<Fact> {
    let b = &summary.bytes;
    let all = [
        (
            b.copied_server_side,
            fact("Copied server-side", bytes(b.copied_server_side), "never left the service"),
        ),
        (b.streamed, fact("Streamed", bytes(b.streamed), "passed through this machine")),
    ];
    all.into_iter().filter(|(count, _)| *count > 0).map(|(_, fact)| fact).collect()
}

pub(super) fn effort(summary: &Summary) -> Vec<Fact> {
    let requests: u64 = summary.requests.values().sum();
    #[allow(clippy::cast_precision_loss)]
    let per_second = summary.keys.union as f64 / summary.elapsed_seconds.max(0.001);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rate = match summary.keys.union {
        0 => String::new(),
        _ => format!("{} keys per second", grouped(per_second as u64)),
    };
    let mut facts = vec![
        fact("Time", duration(summary.elapsed_seconds), rate),
        fact("Requests", grouped(requests), ""),
        fact("Retries", grouped(summary.retries), ""),
        fact("Throttled", grouped(summary.throttled), "answers that asked to slow down"),
        fact(
            "Request cost",
            dollars(summary.estimated_cost_usd),
            "estimate at list prices, without transfer",
        ),
    ];
    if summary.peak_rss_bytes > 0 {
        facts.push(fact("Memory", bytes(summary.peak_rss_bytes), "at its peak"));
    }
    facts
}

pub(super) fn requests(summary: &Summary) -> Vec<Slice> {
    let used = summary.requests.iter().filter(|(_, count)| **count > 0);
    let mut all = slices(used.map(|(name, count)| ("request", name.as_str(), "", *count)));
    all.sort_by_key(|slice| std::cmp::Reverse(slice.number));
    all
}

fn row(row: &Row) -> RowView {
    let info = of(row.verdict);
    let side = |side: &Side| SideView { size: bytes(side.size), etag: visible(&short(side.etag.as_deref())) };
    RowView {
        key: segments(&row.key),
        plain: visible(&row.key),
        verdict: info.code,
        label: info.label,
        reason: spoken(row.reason()),
        detail: row.detail.as_deref().map(visible).unwrap_or_default(),
        action: row.action.as_deref().map(visible).unwrap_or_default(),
        sides: [("Source", row.source.as_ref().map(side)), ("Replica", row.replica.as_ref().map(side))],
    }
}

/// `d41d8cd9…-12`: enough of an ETag to tell two apart.
fn short(etag: Option<&str>) -> String {
    let Some(etag) = etag else { return String::new() };
    let (digest, parts) = etag.split_once('-').map_or((etag, None), |(digest, parts)| (digest, Some(parts)));
    let head: String = digest.chars().take(8).collect();
    let cut = if head.len() < digest.len() { "…" } else { "" };
    parts.map_or_else(|| format!("{head}{cut}"), |parts| format!("{head}{cut}-{parts}"))
}

/// What a reader must know before trusting the rows.
fn notes(summary: &Summary, digest: &Digest) -> Vec<String> {
    let mut notes = Vec::new();
    let expected = summary.verdicts.not_identical();
    if digest.absent && expected > 0 {
        notes.push(
            "The file findings.jsonl is not in this run's folder: there are no rows to show.".to_owned(),
        );
    } else if digest.total != expected && summary.state == RunState::Complete {
        notes.push(format!(
            "findings.jsonl holds {}, the summary counts {}: the file is not the one this run wrote.",
            counted(digest.total, "row", "rows"),
            grouped(expected)
        ));
    }
    if digest.damaged > 0 {
        let lines = counted(digest.damaged, "line", "lines");
        notes.push(format!("{lines} of findings.jsonl could not be read and are not shown."));
    }
    notes
}

fn cut(digest: &Digest) -> Option<String> {
    let carried = digest.embedded.count();
    (carried < digest.total).then(|| {
        format!(
            "This page carries the first {} of {} rows; findings.jsonl beside it has all of them.",
            grouped(carried),
            grouped(digest.total)
        )
    })
}

pub(super) fn provenance(summary: &Summary) -> Vec<Fact> {
    let state = match summary.state {
        RunState::Complete => "complete",
        RunState::Incomplete => "incomplete",
        RunState::Refused => "refused",
        RunState::Interrupted => "interrupted",
    };
    vec![
        fact("Run", text::visible(&summary.run_id), ""),
        fact(
            "Command",
            format!("s3twin {}{}", summary.command, if summary.dry_run { " --dry-run" } else { "" }),
            "",
        ),
        fact("State", format!("{state}, exit code {}", summary.exit_code), ""),
        fact("Started", summary.started_at.to_string(), moment(summary.started_at)),
        fact("Schema", text::visible(&summary.schema), "rows: s3twin.finding/1"),
        fact("Page by", format!("s3twin {}", env!("CARGO_PKG_VERSION")), ""),
    ]
}
