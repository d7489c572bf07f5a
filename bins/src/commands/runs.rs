//! `s3twin runs`: what was run, and how it ended.

use super::unfinished::Unfinished;
use crate::args::{OutputFormat, RunsArgs};
use crate::exit::Exit;
use crate::kind::{Kind, is_of};
use crate::page::{duration, moment};
use crate::screen::grouped;
use crate::{run_folder, setup};
use comfy_table::{ContentArrangement, Table, presets};
use s3twin_engine::report::Summary;
use serde_json::{Value, json};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Name of the schema of `--output json`.
const SCHEMA: &str = "s3twin.runs/1";

/// A folder and what it says.
struct Run {
    folder: PathBuf,
    summary: Result<Summary, String>,
    /// How it stands where it left no summary.
    unfinished: Option<Unfinished>,
}

pub(crate) fn run(args: &RunsArgs) -> Exit {
    let state = match run_folder::state_dir(args.state_dir.as_deref()) {
        Ok(state) => state,
        Err(message) => {
            eprintln!("s3twin: {message}");
            return Exit::Usage;
        }
    };
    let folders = match run_folder::all(&state) {
        Ok(folders) => folders,
        Err(error) => {
            eprintln!("s3twin: {} cannot be read: {error}", state.display());
            return Exit::Incomplete;
        }
    };
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    let wanted = |run: &Run| args.command.as_deref().is_none_or(|command| is_of(&run.command(), command));
    let runs: Vec<Run> =
        folders.into_iter().map(|folder| Run::read(folder, &state)).filter(wanted).take(limit).collect();
    let text = match args.output {
        OutputFormat::Json => {
            json!({"schema": SCHEMA, "runs": runs.iter().map(Run::json).collect::<Vec<_>>()}).to_string()
        }
        OutputFormat::Text => table(&runs, &state),
    };
    // A reader that has gone away has seen enough.
    let _ = writeln!(io::stdout(), "{text}");
    Exit::Clean
}

impl Run {
    fn read(folder: PathBuf, state: &Path) -> Self {
        let summary = run_folder::summary(&folder);
        let silent = !folder.join("summary.json").exists();
        let unfinished = silent.then(|| Unfinished::look(state, &run_folder::name(&folder))).flatten();
        Self { folder, summary, unfinished }
    }

    fn id(&self) -> String {
        run_folder::name(&self.folder)
    }

    /// From the summary, or from the id of a run that has none.
    fn command(&self) -> String {
        match &self.summary {
            Ok(summary) => summary.command.clone(),
            Err(_) => {
                let id = self.id();
                let middle = id.split_once('-').and_then(|(_, rest)| rest.rsplit_once('-'));
                let slug = middle.map(|(command, _)| command).unwrap_or_default();
                Kind::of(slug).map_or_else(|| slug.to_owned(), |kind| kind.command().to_owned())
            }
        }
    }

    fn json(&self) -> Value {
        let mut object = json!({"run_id": self.id(), "command": self.command(), "state": self.state(), "folder": self.folder});
        match &self.summary {
            Ok(s) => {
                object["exit_code"] = json!(s.exit_code);
                object["source"] = json!(s.source);
                object["replica"] = json!(s.replica);
                object["started_at"] = json!(s.started_at);
                object["elapsed_seconds"] = json!(s.elapsed_seconds);
                object["keys"] = json!(s.keys);
                object["verdicts"] = json!(s.verdicts);
                object["actions"] = json!(s.actions);
                object["dry_run"] = json!(s.dry_run);
                object["awaiting_thaw"] = json!(s.awaiting_thaw);
                if let Some(headline) = &s.headline {
                    object["headline"] = json!(headline);
                }
            }
            Err(message) => object["error"] = json!(message),
        }
        if let Some(unfinished) = &self.unfinished {
            object["started_at"] = json!(unfinished.started_at);
            object["progress"] = unfinished.json(setup::clock().now());
        }
        object
    }

    fn state(&self) -> String {
        match &self.summary {
            Ok(summary) if summary.awaiting_thaw > 0 => "waiting".to_owned(),
            Ok(summary) => serde_json::to_value(summary.state)
                .ok()
                .and_then(|state| state.as_str().map(str::to_owned))
                .unwrap_or_default(),
            Err(_) if self.folder.join("summary.json").exists() => "unreadable".to_owned(),
            Err(_) => "unfinished".to_owned(),
        }
    }

    fn cells(&self) -> [String; 6] {
        let Ok(summary) = &self.summary else {
            return self.open_cells();
        };
        let command =
            if summary.dry_run { format!("{} (dry run)", summary.command) } else { summary.command.clone() };
        let todo = if summary.awaiting_thaw > 0 { ", resume it when thawed" } else { "" };
        let state = format!("{}, {}{todo}", self.state(), summary.exit_code);
        let time = duration(summary.elapsed_seconds);
        [self.id(), command, moment(summary.started_at), state, counts(summary), time]
    }
}

impl Run {
    /// Of a run that left no result: whether it lives, how old it is, how far it came.
    fn open_cells(&self) -> [String; 6] {
        let Some(open) = &self.unfinished else {
            return [self.id(), self.command(), String::new(), self.state(), String::new(), String::new()];
        };
        let own = Kind::of(&self.command()).is_some();
        let state = match (open.running, own) {
            (true, _) => "running".to_owned(),
            (false, true) => self.state(),
            (false, false) => format!("{}, resume it", self.state()),
        };
        let progress = if own { String::new() } else { open.progress() };
        let when = open.started_at.map(moment).unwrap_or_default();
        let now = setup::clock().now();
        #[allow(clippy::cast_precision_loss)]
        let age = open.started_at.map(|at| duration((now.millis() - at.millis()).max(0) as f64 / 1000.0));
        let age = age.map(|age| format!("{age} ago")).unwrap_or_default();
        [self.id(), self.command(), when, state, progress, age]
    }
}

/// `1,204 identical, 3 missing`; of a run that changes things also what it did; of one with a report of its own
/// what that says.
fn counts(summary: &Summary) -> String {
    if Kind::of(&summary.command).is_some() {
        return summary.headline.clone().or_else(|| summary.error.clone()).unwrap_or_default();
    }
    let (v, a) = (&summary.verdicts, &summary.actions);
    let all = [
        (v.identical, "identical"),
        (v.different, "different"),
        (v.missing, "missing"),
        (v.extra, "extra"),
        (v.unproven, "unproven"),
        (v.in_flight, "in flight"),
        (v.unreadable, "unreadable"),
        (a.copied, "copied"),
        (a.restored, "restored"),
        (a.deleted, "deleted"),
        (a.marker_removed, "undeleted"),
        (summary.awaiting_thaw, "awaiting a thaw"),
        (
            a.skipped - summary.awaiting_thaw.min(a.skipped),
            if summary.dry_run { "to change" } else { "skipped" },
        ),
        (a.failed, "failed"),
    ];
    let some = all.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = some.map(|(count, word)| format!("{} {word}", grouped(*count))).collect();
    if words.is_empty() { "no keys".to_owned() } else { words.join(", ") }
}

fn table(runs: &[Run], state: &Path) -> String {
    if runs.is_empty() {
        return format!("no runs in {}", state.display());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["run", "command", "when", "state, exit code", "result", "time"]);
    for run in runs {
        // A folder's name is nobody's promise: nothing in it may steer the terminal.
        table.add_row(run.cells().map(|cell| crate::page::visible(&cell)));
    }
    table.to_string()
}
