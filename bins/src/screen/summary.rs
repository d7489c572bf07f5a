//! The end of a run, in a few lines a person reads.

use super::{bytes, grouped};
use crate::screen::out::say;
use s3twin_engine::report::{RunState, Summary};
use std::fmt::Write as _;
use std::path::Path;

/// The verdict in words, the counts behind it, and where the details are.
pub(crate) fn print_summary(summary: &Summary, folder: &Path) {
    say!("{}", render(summary, folder));
}

fn render(summary: &Summary, folder: &Path) -> String {
    let mut out = headline(summary);
    let v = &summary.verdicts;
    // Writing to a String cannot fail.
    let listed = bytes(summary.listed_bytes.source);
    let _ = if is_own(summary) {
        write!(out, "\n  read       {} keys ({listed})", grouped(summary.keys.union))
    } else {
        write!(
            out,
            "\n  compared   {} keys ({} on the source, {} on the replica; {listed})",
            grouped(summary.keys.union),
            grouped(summary.keys.source),
            grouped(summary.keys.replica),
        )
    };
    let _ = write!(out, "\n  identical  {}{}", grouped(v.identical), evidence(summary));
    for (name, count) in [
        ("different", v.different),
        ("missing", v.missing),
        ("extra", v.extra),
        ("unproven", v.unproven),
        ("in flight", v.in_flight),
        ("unreadable", v.unreadable),
    ] {
        if count > 0 {
            let _ = write!(out, "\n  {name:<10} {}", grouped(count));
        }
    }
    let a = &summary.actions;
    let skipped = a.skipped.saturating_sub(summary.awaiting_thaw);
    for (name, count) in [
        ("copied", a.copied),
        ("restored", a.restored),
        ("deleted", a.deleted),
        ("undeleted", a.marker_removed),
        (if summary.dry_run { "would do" } else { "skipped" }, skipped),
        ("failed", a.failed),
    ] {
        if count > 0 {
            let _ = write!(out, "\n  {name:<10} {}", grouped(count));
        }
    }
    if summary.awaiting_thaw > 0 {
        let _ = write!(
            out,
            "\n  waiting    {} archived versions were asked for: `s3twin resume {}` restores those that can be read by then",
            grouped(summary.awaiting_thaw),
            summary.run_id
        );
    }
    let moved = &summary.bytes;
    if moved.copied_server_side + moved.streamed > 0 {
        let _ = write!(
            out,
            "\n  moved      {} server-side, {} through here",
            bytes(moved.copied_server_side),
            bytes(moved.streamed)
        );
    }
    if let Some(drill) = &summary.drill {
        let took = crate::page::duration(drill.rto_seconds);
        let _ = write!(out, "\n  recovery   {took}: {}", drill.arithmetic);
    }
    if let Some(scrub) = &summary.scrub {
        let _ = write!(out, "\n  scrub      {}", scrub.statement);
    }
    if let Some(proved) = &summary.proved {
        let _ = write!(
            out,
            "\n  proved     {} of {} keys ({} of {}) by reading, within {}",
            grouped(proved.keys),
            grouped(proved.of_keys),
            bytes(proved.bytes),
            bytes(proved.of_bytes),
            window(proved.window_seconds)
        );
    }
    for remark in &summary.remarks {
        let _ = write!(out, "\n  note       {remark}");
    }
    let requests: u64 = summary.requests.values().sum();
    let _ = write!(
        out,
        "\n  effort     {:.1} s, {} requests, {} retries, about ${:.4}",
        summary.elapsed_seconds,
        grouped(requests),
        grouped(summary.retries),
        summary.estimated_cost_usd
    );
    let _ = write!(out, "\n  report     {}", folder.display());
    out
}

/// The largest unit that says it without a rest.
fn window(seconds: u64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let whole = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit));
    whole.map_or_else(String::new, |(unit, name)| format!("{} {name}", seconds / unit))
}

fn headline(summary: &Summary) -> String {
    let what = match (summary.state, summary.exit_code) {
        (RunState::Complete, 0) if is_own(summary) => "SOUND: every object is as it was written".to_owned(),
        (RunState::Complete, 0) if summary.command == "audit" => "IDENTICAL: every key is proved".to_owned(),
        (RunState::Complete, 0) if summary.dry_run => "REHEARSED: nothing was changed".to_owned(),
        (RunState::Complete, 0) => "DONE: every object is as wished, and verified".to_owned(),
        (RunState::Complete, _) if summary.command == "audit" => {
            format!("{} KEYS TO LOOK AT", grouped(summary.verdicts.to_look_at()))
        }
        (RunState::Complete, _)
            if summary.awaiting_thaw > 0
                && summary.awaiting_thaw == summary.actions.failed + summary.actions.skipped =>
        {
            format!("WAITING FOR {} THAWS: everything else is as wished", grouped(summary.awaiting_thaw))
        }
        (RunState::Complete, _) => {
            format!("{} OBJECTS ARE NOT AS WISHED", grouped(summary.actions.failed + summary.actions.skipped))
        }
        (RunState::Incomplete, _) => "INCOMPLETE: the counts below are not the whole truth".to_owned(),
        (RunState::Refused, _) => "REFUSED: nothing was changed".to_owned(),
        (RunState::Interrupted, _) => format!("INTERRUPTED: `s3twin resume {}` goes on", summary.run_id),
    };
    match &summary.replica {
        Some(replica) => format!("{what}\n  {}   {} -> {replica}", summary.command, summary.source),
        None => format!("{what}\n  {}   {} against itself", summary.command, summary.source),
    }
}

/// An audit of one bucket against what it stores about itself.
fn is_own(summary: &Summary) -> bool {
    summary.command == "audit" && summary.replica.is_none()
}

fn evidence(summary: &Summary) -> String {
    let e = &summary.evidence;
    let named = [
        ("ETag", e.etag),
        ("checksum", e.checksum),
        ("parts", e.parts),
        ("bytes", e.bytes),
        ("empty", e.size),
    ];
    let parts: Vec<String> =
        named.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{} by {name}", grouped(*n))).collect();
    if parts.is_empty() { String::new() } else { format!("  ({})", parts.join(", ")) }
}
