//! What people are told.

use crate::config::Event;
use crate::job::{JobRun, Outcome};
use crate::page::{duration, moment};
use std::path::Path;

/// A message about a job.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) event: Event,
    pub(crate) job: String,
    /// One line.
    pub(crate) subject: String,
    /// What is to be known, by name.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// The report for a mail, where the run left one.
    pub(crate) report: Option<String>,
}

impl Message {
    /// About a run that ended.
    pub(crate) fn of_run(job: &str, event: Event, run: &JobRun, state: &Path) -> Self {
        let what = match (event, run.outcome) {
            (Event::Recovery, _) => "clean again",
            (_, Outcome::Refused) => "refused by a brake",
            (_, Outcome::Failure) => "failed",
            (_, Outcome::Difference) => "something to look at",
            _ => "clean",
        };
        let mut facts = vec![
            ("Result", run.headline.clone()),
            (
                "Exit code",
                run.exit_code.map_or_else(|| "none: a signal ended it".to_owned(), |code| code.to_string()),
            ),
            ("Started", moment(run.started_at)),
            ("Took", duration(run.seconds())),
        ];
        let folder = run.run_id.as_ref().map(|id| state.join("runs").join(id));
        if let (Some(id), Some(folder)) = (&run.run_id, &folder) {
            facts.push(("Run", id.clone()));
            facts.push(("Report", folder.join("report.html").display().to_string()));
        }
        let report = folder.and_then(|folder| {
            let summary = crate::run_folder::summary(&folder).ok()?;
            crate::page::Source { summary: &summary, folder: &folder, state: None }.markdown().ok()
        });
        let subject = format!("s3twin {job}: {what}: {}", first_line(&run.headline));
        Self { event, job: job.to_owned(), subject, facts, report }
    }

    /// About runs that never began.
    pub(crate) fn of_missed(job: &str, count: usize, last_due: jiff::Timestamp) -> Self {
        let runs = if count == 1 { "1 run was".to_owned() } else { format!("{count} runs were") };
        let last = s3twin_engine::model::Timestamp::from_millis(last_due.as_millisecond());
        Self {
            event: Event::Failure,
            job: job.to_owned(),
            subject: format!("s3twin {job}: {runs} missed"),
            facts: vec![
                ("Result", format!("{runs} due while the service was not there to start it")),
                ("Last due", moment(last)),
                ("To do", format!("s3twin run {job}, or catch_up = true in its section")),
            ],
            report: None,
        }
    }

    /// To see whether a notification arrives.
    pub(crate) fn trial(name: &str) -> Self {
        Self {
            event: Event::Success,
            job: "trial".to_owned(),
            subject: format!("s3twin: a trial message to {name}"),
            facts: vec![("Result", "if you read this, notifications arrive".to_owned())],
            report: None,
        }
    }

    /// For mails and topics.
    pub(crate) fn text(&self) -> String {
        let mut text: String = self.facts.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        if let Some(report) = &self.report {
            text.push('\n');
            text.push_str(report);
        }
        text
    }
}

/// A subject is one line, and not a long one.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= 120 {
        line.to_owned()
    } else {
        line.chars().take(119).chain(['…']).collect()
    }
}
