//! The status page.

use super::Timetable;
use super::board::Board;
use crate::job::{History, Jobs, Outcome};
use crate::page::{STYLE, duration, moment};
use askama::Template;
use jiff::Timestamp;
use s3twin_engine::model::Timestamp as Moment;

/// Runs of a job shown.
const RUNS: usize = 5;

#[derive(Template)]
#[template(path = "status.html")]
struct Page<'a> {
    style: &'a str,
    title: String,
    tone: &'static str,
    tone_word: &'static str,
    now: String,
    version: &'static str,
    jobs: Vec<JobView>,
}

struct JobView {
    name: String,
    command: String,
    when: String,
    next: String,
    running: Option<String>,
    /// Style of the last outcome.
    tone: &'static str,
    missed: u64,
    runs: Vec<RunView>,
}

impl JobView {
    fn is_in_trouble(&self) -> bool {
        matches!(self.tone, "look" | "stop")
    }
}

struct RunView {
    when: String,
    took: String,
    outcome: &'static str,
    tone: &'static str,
    headline: String,
    /// Of its report page, where it has one.
    link: Option<String>,
}

/// Renders it.
///
/// # Errors
/// When the template cannot be filled.
pub(super) fn page(jobs: &Jobs, board: &Board, now: Timestamp) -> Result<String, askama::Error> {
    let mut views: Vec<JobView> =
        jobs.loaded.config.jobs.keys().map(|name| job(jobs, board, name, now)).collect();
    // Those in trouble first; the names are in order already.
    views.sort_by_key(|job| !job.is_in_trouble());
    let bad = views.iter().filter(|job| job.is_in_trouble()).count();
    let (title, tone, tone_word) = match (views.len(), bad) {
        (0, _) => ("There are no jobs".to_owned(), "stop", "Empty"),
        (_, 0) => ("All jobs are in order".to_owned(), "good", "In order"),
        (_, 1) => ("1 job needs a look".to_owned(), "look", "To look at"),
        (_, bad) => (format!("{bad} jobs need a look"), "look", "To look at"),
    };
    let now = moment(Moment::from_millis(now.as_millisecond()));
    Page { style: STYLE, title, tone, tone_word, now, version: env!("CARGO_PKG_VERSION"), jobs: views }
        .render()
}

fn job(jobs: &Jobs, board: &Board, name: &str, now: Timestamp) -> JobView {
    let config = &jobs.loaded.config;
    let history = History::read(&jobs.state, name);
    let settings = config.jobs.get(name);
    let timetable = settings.and_then(|job| Timetable::of(config, job).ok().flatten());
    let instant = |time: Timestamp| moment(Moment::from_millis(time.as_millisecond()));
    let running = board.running_since(name).map(|since| duration(now.duration_since(since).as_secs_f64()));
    JobView {
        name: name.to_owned(),
        command: settings.map(|job| jobs.loaded.argv(job).join(" ")).unwrap_or_default(),
        when: timetable.map_or_else(|| "only by hand".to_owned(), |timetable| timetable.words()),
        next: board.of(name).next.map(instant).unwrap_or_default(),
        running,
        tone: history.runs.first().map_or("none", |run| tone(run.outcome)),
        missed: history.missed,
        runs: history
            .runs
            .iter()
            .take(RUNS)
            .map(|run| RunView {
                when: moment(run.started_at),
                took: duration(run.seconds()),
                outcome: run.outcome.name(),
                tone: tone(run.outcome),
                headline: run.headline.clone(),
                link: run
                    .run_id
                    .as_ref()
                    .filter(|id| has_report(jobs, id))
                    .map(|id| format!("/runs/{id}/report.html")),
            })
            .collect(),
    }
}

fn has_report(jobs: &Jobs, id: &str) -> bool {
    jobs.state.join("runs").join(id).join("report.html").is_file()
}

fn tone(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Clean => "good",
        Outcome::Difference => "look",
        Outcome::Refused | Outcome::Failure | Outcome::Interrupted => "stop",
    }
}
