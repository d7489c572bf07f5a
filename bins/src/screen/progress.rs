//! One line that lives: what is done, how fast, what was found.

use super::{bytes, grouped};
use crate::args::Talk;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use s3twin_engine::observe::{Progress, Stage};
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio_util::task::AbortOnDropHandle;

/// Draws until dropped. Silent when stderr is not a terminal, or when asked to be.
pub(crate) fn show_progress(progress: Arc<Progress>, talk: &Talk) -> Option<AbortOnDropHandle<()>> {
    if talk.no_progress || talk.quiet || !std::io::stderr().is_terminal() {
        return None;
    }
    let task = tokio::spawn(async move {
        let bar = Line::new();
        let begun = Instant::now();
        loop {
            bar.0.set_message(line(&progress, begun.elapsed()));
            bar.0.tick();
            tokio::time::sleep(Duration::from_millis(120)).await;
        }
    });
    Some(AbortOnDropHandle::new(task))
}

/// Clears itself when the task is aborted.
struct Line(ProgressBar);

impl Line {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {wide_msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn line(progress: &Progress, elapsed: Duration) -> String {
    let (stage, tally) = progress.snapshot();
    let keys = progress.walk.keys.load(Ordering::Relaxed);
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rate = (keys as f64 / elapsed.as_secs_f64().max(0.001)) as u64;
    let doing = match stage {
        Stage::Starting => "looking at the buckets",
        Stage::Surveying => "surveying both sides",
        Stage::Working => "comparing",
        Stage::Reporting => "writing the report",
    };
    let mut text = format!(
        "{doing}: {} keys, {}/s, {} ranges, {} requests",
        grouped(keys),
        grouped(rate),
        progress.walk.active.load(Ordering::Relaxed),
        grouped(progress.meter.total())
    );
    let findings = tally.verdicts.not_identical();
    if findings > 0 {
        text.push_str(&format!(", {} findings", grouped(findings)));
    }
    if tally.actions.total() > 0 {
        let moved = tally.bytes.copied_server_side + tally.bytes.streamed;
        text.push_str(&format!(", {} copied ({})", grouped(tally.actions.copied), bytes(moved)));
    }
    if tally.actions.failed > 0 {
        text.push_str(&format!(", {} failed", grouped(tally.actions.failed)));
    }
    text
}
