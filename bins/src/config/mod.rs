//! `s3twin.toml`: buckets, pairs, jobs, and who is told of them.
//!
//! A value comes from the file, above it the environment (`S3TWIN__JOBS__NIGHTLY__CRON`), above that `--set`;
//! each keeps its origin. What is wrong is shown at its line.

mod check;
mod file;
mod layers;
mod line;
mod posture;
mod schema;
mod trouble;

#[cfg(test)]
mod foreign;
#[cfg(test)]
mod tests;

pub(crate) use file::find;
pub(crate) use layers::{Origin, leaves};
use line::job_argv;
pub(crate) use posture::policy_of;
pub(crate) use schema::{
    Bucket, Config, Event, Job, Notification, Smtp, SmtpTls, Sns, Webhook, json_schema, seconds,
};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use trouble::Text;

/// A configuration and where its values come from.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The file.
    pub(crate) path: PathBuf,
    pub(crate) config: Config,
    /// By dotted path; what is not in it is a default.
    pub(crate) origins: BTreeMap<String, Origin>,
    /// What `--set` said.
    set: Vec<String>,
}

impl Loaded {
    /// Reads, layers and checks.
    ///
    /// # Errors
    /// Everything that is wrong, rendered, each at its line.
    pub(crate) fn read(given: Option<&Path>, set: &[String]) -> Result<Self, String> {
        let path = find(given)?;
        let bytes = std::fs::read(&path).map_err(|error| {
            format!("{} cannot be read: {error}. Name another file with --config", path.display())
        })?;
        Self::of_bytes(path, bytes, set, std::env::vars())
    }

    fn of_bytes(
        path: PathBuf,
        bytes: Vec<u8>,
        set: &[String],
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, String> {
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
            let line = good.filter(|byte| **byte == b'\n').count() + 1;
            format!("{}:{line}: not UTF-8. Save the file as UTF-8", path.display())
        })?;
        Self::of(path, &text, set, environment)
    }

    fn of(
        path: PathBuf,
        text: &str,
        set: &[String],
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, String> {
        let text = Text::new(&path, text);
        let table = text.parse()?;
        let (table, origins) = layers::stack(table, &text, environment, set)?;
        let config: Config = table.try_into().map_err(|error: toml::de::Error| {
            // The file alone was right: it is a value from outside that does not fit.
            format!("a value of the environment or of --set does not fit: {}", error.to_string().trim())
        })?;
        check::check(&config, &text, &origins)?;
        Ok(Self { path, config, origins, set: set.to_vec() })
    }

    /// The command line of a job. A command that reads this file itself is told which, and what `--set` said.
    pub(crate) fn argv(&self, job: &Job) -> Vec<String> {
        let mut argv = job_argv(&self.config, job);
        if job.command.takes_names() {
            argv.push(format!("--config={}", self.path.display()));
            argv.extend(self.set.iter().map(|assignment| format!("--set={assignment}")));
        }
        argv
    }

    /// A job by its name.
    ///
    /// # Errors
    /// Says which there are.
    pub(crate) fn job(&self, name: &str) -> Result<&Job, String> {
        self.config.jobs.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.config.jobs.keys().map(String::as_str).collect();
            let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            format!("{} has no job {name}; its jobs: {there}", self.path.display())
        })
    }
}
