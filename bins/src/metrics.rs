//! Figures of the jobs for Prometheus. docs/METRICS.md lists them.
//!
//! A pure function of what the state dir remembers, so that a scrape, a textfile and a service that was started
//! again all say the same.

use crate::config::{Config, Job, seconds};
use crate::job::{History, Outcome};
use crate::run_folder;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::PrometheusBuilder;
use s3twin_engine::model::Timestamp;
use s3twin_engine::report::Summary;
use serde_json::Value;
use std::io::{self, Write as _};
use std::path::Path;

/// What only a living service knows of a job.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Now {
    pub(crate) running: bool,
    pub(crate) next: Option<jiff::Timestamp>,
}

/// All jobs as Prometheus text.
pub(crate) fn render(config: &Config, state: &Path, now: impl Fn(&str) -> Option<Now>) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        describe();
        gauge!("s3twin_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
        for (name, job) in &config.jobs {
            let history = History::read(state, name);
            of_history(name, job, &history);
            if let Some(result) = &history.last_result {
                of_result(name, result);
            }
            if let Some(now) = now(name) {
                of_now(name, now);
            }
        }
    });
    handle.render()
}

/// Writes them to a file, whole or not at all, as the node exporter's textfile collector wants it.
///
/// # Errors
/// What the system said.
pub(crate) fn write(path: &Path, config: &Config, state: &Path) -> io::Result<()> {
    let text = render(config, state, |_| None);
    run_folder::write_whole(path, |file| file.write_all(text.as_bytes()))
}

fn of_history(job: &str, settings: &Job, history: &History) {
    let label = || [("job_name", job.to_owned())];
    for outcome in Outcome::ALL {
        let total = history.totals.get(outcome.name()).copied().unwrap_or_default();
        counter!("s3twin_job_runs_total", "job_name" => job.to_owned(), "outcome" => outcome.name())
            .absolute(total);
    }
    counter!("s3twin_job_missed_total", &label()).absolute(history.missed);
    counter!("s3twin_job_overlapped_total", &label()).absolute(history.overlapped);
    counter!("s3twin_job_notifications_failed_total", &label()).absolute(history.untold);
    if let Some(run) = history.runs.first() {
        gauge!("s3twin_job_last_start_timestamp_seconds", &label()).set(unix(run.started_at));
        gauge!("s3twin_job_last_end_timestamp_seconds", &label()).set(unix(run.ended_at));
        gauge!("s3twin_job_last_duration_seconds", &label()).set(run.seconds());
        gauge!("s3twin_job_last_exit_code", &label()).set(f64::from(run.exit_code.unwrap_or(-1)));
    }
    if let Some(clean) = history.last_clean {
        gauge!("s3twin_job_last_clean_timestamp_seconds", &label()).set(unix(clean));
    }
    if let Some(span) = &settings.overdue_after {
        gauge!("s3twin_job_overdue_after_seconds", &label()).set(float(seconds(span)));
    }
}

fn of_now(job: &str, now: Now) {
    let label = [("job_name", job.to_owned())];
    gauge!("s3twin_job_running", &label).set(if now.running { 1.0 } else { 0.0 });
    if let Some(next) = now.next {
        #[allow(clippy::cast_precision_loss)]
        gauge!("s3twin_job_next_timestamp_seconds", &label).set(next.as_second() as f64);
    }
}

/// The last result: of a run its summary, of `lag` its percentiles.
fn of_result(job: &str, result: &Value) {
    if let Ok(summary) = serde_json::from_value::<Summary>(result.clone()) {
        of_summary(job, &summary);
    }
    if result["schema"] == s3twin_engine::report::LAG_SCHEMA {
        of_lag(job, result);
    }
    if let Some(usd) = result["monthly_usd"].as_f64() {
        gauge!("s3twin_job_monthly_cost_usd", "job_name" => job.to_owned()).set(usd);
    }
}

fn of_lag(job: &str, lag: &Value) {
    // Not `quantile`: that label is for summaries, and promtool says so.
    for percentile in ["p50", "p95", "p99", "max"] {
        if let Some(seconds) = lag["lag_seconds"][percentile].as_f64() {
            gauge!("s3twin_job_lag_seconds", "job_name" => job.to_owned(), "percentile" => percentile)
                .set(seconds);
        }
    }
    for (status, count) in lag["versions"].as_object().into_iter().flatten() {
        let count = count.as_f64().unwrap_or_default();
        gauge!("s3twin_job_lag_versions", "job_name" => job.to_owned(), "status" => status.clone())
            .set(count);
    }
    let label = [("job_name", job.to_owned())];
    let oldest = lag["oldest_open"]["age_seconds"].as_f64().unwrap_or_default();
    gauge!("s3twin_job_lag_oldest_open_seconds", &label).set(oldest);
    if let Some(kept) = lag["rpo_kept"].as_bool() {
        gauge!("s3twin_job_rpo_kept", &label).set(if kept { 1.0 } else { 0.0 });
    }
}

fn of_summary(job: &str, summary: &Summary) {
    let of_each = |name: &'static str, label: &'static str, counts: Value| {
        for (kind, count) in counts.as_object().into_iter().flatten() {
            let count = count.as_f64().unwrap_or_default();
            gauge!(name, "job_name" => job.to_owned(), label => kind.clone()).set(count);
        }
    };
    let json = |counts: Result<Value, serde_json::Error>| counts.unwrap_or_default();
    of_each("s3twin_job_keys", "verdict", json(serde_json::to_value(summary.verdicts)));
    of_each("s3twin_job_evidence", "evidence", json(serde_json::to_value(summary.evidence)));
    of_each("s3twin_job_actions", "action", json(serde_json::to_value(summary.actions)));
    of_each("s3twin_job_bytes", "how", json(serde_json::to_value(summary.bytes)));
    of_each("s3twin_job_listed_bytes", "side", json(serde_json::to_value(summary.listed_bytes)));
    of_each("s3twin_job_requests", "operation", json(serde_json::to_value(&summary.requests)));
    let label = [("job_name", job.to_owned())];
    if let Some(drill) = &summary.drill {
        gauge!("s3twin_job_recovery_seconds", &label).set(drill.rto_seconds);
    }
    gauge!("s3twin_job_retries", &label).set(float(summary.retries));
    gauge!("s3twin_job_throttled", &label).set(float(summary.throttled));
    gauge!("s3twin_job_estimated_cost_usd", &label).set(summary.estimated_cost_usd);
    gauge!("s3twin_job_peak_rss_bytes", &label).set(float(summary.peak_rss_bytes));
}

/// Name, unit, meaning; docs/METRICS.md is held against it by a test.
pub(crate) const COUNTERS: [(&str, &str); 4] = [
    ("s3twin_job_runs_total", "Runs of the job, by outcome."),
    ("s3twin_job_missed_total", "Due times at which nothing ran."),
    ("s3twin_job_overlapped_total", "Due times at which the job was still running."),
    ("s3twin_job_notifications_failed_total", "Notifications that could not be sent."),
];

/// As [`COUNTERS`].
pub(crate) const GAUGES: [(&str, &str); 25] = [
    ("s3twin_build_info", "1, with the version."),
    ("s3twin_job_last_start_timestamp_seconds", "When the last run began."),
    ("s3twin_job_last_end_timestamp_seconds", "When the last run ended."),
    ("s3twin_job_last_clean_timestamp_seconds", "When the last clean run began."),
    ("s3twin_job_last_duration_seconds", "How long the last run took."),
    ("s3twin_job_last_exit_code", "Exit code of the last run, -1 if a signal ended it."),
    ("s3twin_job_overdue_after_seconds", "Longest age of the last clean run that is in order."),
    ("s3twin_job_running", "1 while the job runs."),
    ("s3twin_job_next_timestamp_seconds", "When the job is due next."),
    ("s3twin_job_keys", "Keys of the last run, by verdict."),
    ("s3twin_job_evidence", "Identical keys of the last run, by evidence."),
    ("s3twin_job_actions", "Actions of the last run, by what became of them."),
    ("s3twin_job_bytes", "Object bytes of the last run, by how they moved."),
    ("s3twin_job_listed_bytes", "Bytes listed by the last run, by side."),
    ("s3twin_job_requests", "Requests of the last run, by operation."),
    ("s3twin_job_retries", "Requests of the last run that were sent again."),
    ("s3twin_job_throttled", "Answers of the last run that asked to slow down."),
    ("s3twin_job_estimated_cost_usd", "Cost of the last run's requests at list prices."),
    ("s3twin_job_peak_rss_bytes", "Most memory the last run held."),
    ("s3twin_job_lag_seconds", "Lags that can be known, by percentile."),
    ("s3twin_job_lag_versions", "Versions by how they stand on the replica."),
    ("s3twin_job_lag_oldest_open_seconds", "How long the replica has lacked what it lacks longest."),
    ("s3twin_job_monthly_cost_usd", "Storage of the buckets each month."),
    ("s3twin_job_recovery_seconds", "Reckoned time to restore everything."),
    ("s3twin_job_rpo_kept", "1 while the RPO is kept."),
];

fn describe() {
    for (name, help) in COUNTERS {
        describe_counter!(name, Unit::Count, help);
    }
    for (name, help) in GAUGES {
        describe_gauge!(name, help);
    }
}

fn unix(time: Timestamp) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let seconds = time.millis() as f64 / 1000.0;
    seconds
}

#[allow(clippy::cast_precision_loss)]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// Every `s3twin_…` in a text.
    fn named(text: &str) -> BTreeSet<String> {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        text.split(|c| !word(c)).filter(|name| name.starts_with("s3twin_")).map(str::to_owned).collect()
    }

    /// Name to type and labels as the table of the docs has them; of all but the first the job's name is one.
    fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
        let rows =
            include_str!("../../docs/METRICS.md").lines().filter(|line| line.starts_with("| `s3twin_"));
        let of = |row: &str| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let name = cells[1].trim_matches('`').to_owned();
            let mut labels: BTreeSet<String> =
                cells[3].split(", ").map(|label| label.trim_matches('`').to_owned()).collect();
            labels.insert("job_name".to_owned());
            labels.remove(if name == "s3twin_build_info" { "job_name" } else { "" });
            (name, (cells[2].to_owned(), labels))
        };
        rows.map(of).collect()
    }

    /// The same of what is rendered.
    fn rendered(text: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
        let mut found = BTreeMap::new();
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        for (name, kind) in types {
            found.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        }
        for (name, labels) in text.lines().filter_map(|line| line.split_once('{')) {
            let labels = labels.split(['{', ',']).filter_map(|label| label.split_once('='));
            let names = labels.map(|(name, _)| name.to_owned());
            found.get_mut(name).expect("a type before the figures").1.extend(names);
        }
        found
    }

    fn known() -> BTreeSet<String> {
        COUNTERS.iter().chain(&GAUGES).map(|(name, _)| (*name).to_owned()).collect()
    }

    #[test]
    fn the_docs_list_every_metric_and_no_other() {
        assert_eq!(named(include_str!("../../docs/METRICS.md")), known());
    }

    #[test]
    fn alerts_and_dashboard_ask_only_for_what_there_is() {
        let dashboard = include_str!("../../docs/operate/dashboard.json");
        let parsed: Value = serde_json::from_str(dashboard).unwrap();
        let panels = parsed["panels"].as_array().unwrap();
        let ids: BTreeSet<u64> = panels.iter().filter_map(|panel| panel["id"].as_u64()).collect();
        assert_eq!(ids.len(), panels.len());
        assert!(panels.iter().all(|panel| panel["targets"][0]["expr"].is_string()));
        for text in [dashboard, include_str!("../../docs/operate/alerts.yml")] {
            let unknown: Vec<String> = named(text).difference(&known()).cloned().collect();
            assert!(unknown.is_empty(), "{unknown:?}");
        }
    }

    #[test]
    fn what_is_rendered_is_what_is_listed() {
        let state = tempfile::tempdir().unwrap();
        let job = "[jobs.n]\ncommand = \"audit\"\noverdue_after = \"1d\"\n[jobs.l]\ncommand = \"lag\"\n";
        let config: Config = toml::from_str(job).unwrap();
        let history = include_str!("job/sample.json");
        std::fs::create_dir(state.path().join("jobs")).unwrap();
        std::fs::write(state.path().join("jobs/n.json"), history).unwrap();
        std::fs::write(state.path().join("jobs/l.json"), include_str!("job/lag.json")).unwrap();
        let next = Some(jiff::Timestamp::UNIX_EPOCH);
        let text = render(&config, state.path(), |_| Some(Now { running: true, next }));
        assert_eq!(named(&text), known());
        let documented = documented();
        for (name, is) in rendered(&text) {
            assert_eq!(documented.get(&name), Some(&is), "{name}");
        }
        assert!(text.contains("s3twin_job_keys{job_name=\"n\",verdict=\"missing\"} 2"), "{text}");
        assert!(text.contains("s3twin_job_overdue_after_seconds{job_name=\"n\"} 86400"), "{text}");
    }
}
