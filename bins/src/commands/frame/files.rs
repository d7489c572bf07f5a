//! What a run leaves: its files, and a few lines on the screen.

use super::Frame;
use crate::args::OutputFormat;
use crate::screen::out::say;
use crate::{page, run_folder, screen};
use s3twin_engine::Error;
use s3twin_engine::journal::RunDir;
use s3twin_engine::report::Summary;
use std::io::ErrorKind;
use std::path::Path;

/// What is copied to the folder that `--report` names.
const FILES: [&str; 5] = ["summary.json", "findings.jsonl", "plan.jsonl", "manifest.jsonl", "report.html"];

impl Frame {
    /// Leaves the files and prints the result.
    pub(super) fn publish(&self, summary: &Summary, run: &RunDir) -> Result<(), Error> {
        if let Some(error) = &summary.error {
            eprintln!("s3twin: {error}");
        }
        let json =
            serde_json::to_string_pretty(summary).map_err(|error| Error::Internal(error.to_string()))?;
        // The summary first: nothing must stand between a result and its reader.
        std::fs::write(run.summary(), &json).map_err(|error| cannot_write(&run.summary(), &error))?;
        self.leave_page(summary, run.path())?;
        let folder = self.output.report.as_deref().unwrap_or(run.path());
        if folder != run.path() {
            copy_files(run.path(), folder)?;
        }
        match self.output.output {
            OutputFormat::Json => say!("{json}"),
            OutputFormat::Text => {
                screen::print_findings(&folder.join("findings.jsonl"), 20);
                screen::print_summary(summary, folder);
            }
        }
        Ok(())
    }

    fn leave_page(&self, summary: &Summary, folder: &Path) -> Result<(), Error> {
        let state = run_folder::state_dir(self.output.state_dir.as_deref()).ok();
        unless_full(page::Source { summary, folder, state: state.as_deref() }.leave().map(drop), folder)
    }
}

/// A page that cannot be written is a warning, unless the disk is full: then nothing can be trusted.
pub(in crate::commands) fn unless_full(written: std::io::Result<()>, folder: &Path) -> Result<(), Error> {
    let Err(error) = written else { return Ok(()) };
    if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        return Err(cannot_write(&folder.join("report.html"), &error));
    }
    eprintln!("s3twin: the report page could not be written: {error}. The result stands");
    Ok(())
}

fn copy_files(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(to).map_err(|error| cannot_write(to, &error))?;
    for name in FILES {
        let (file, copy) = (from.join(name), to.join(name));
        if file.exists() {
            std::fs::copy(&file, &copy).map_err(|error| cannot_write(&copy, &error))?;
        }
    }
    Ok(())
}

pub(in crate::commands) fn cannot_write(path: &Path, error: &std::io::Error) -> Error {
    Error::Invalid(format!("writing {} failed: {error}. Make room, or name another folder", path.display()))
}
