//! `audit --baseline`: a manifest stands in for the bucket as it was.

use super::earlier;
use crate::args::AuditArgs;
use s3twin_engine::journal::RunDir;
use s3twin_engine::list::{Side, Sides};
use s3twin_engine::model::Location;
use s3twin_engine::plan::FilterRule;
use s3twin_engine::report::Manifest;
use s3twin_engine::s3::SavedListing;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A manifest of the bucket that is audited.
pub(super) struct Baseline {
    manifest: Manifest,
    /// Where it was found, unless it was named by its path.
    pub(super) run: Option<RunDir>,
}

impl Baseline {
    /// By the path of a file, or by the run that left it.
    pub(super) fn find(wanted: &str, args: &AuditArgs) -> Result<Self, String> {
        let (path, run) = if Path::new(wanted).is_file() {
            (PathBuf::from(wanted), None)
        } else {
            let run = earlier::find(args.output.state_dir.as_deref(), wanted)?;
            (run.manifest(), Some(run))
        };
        if let Some(run) = run.as_ref().filter(|_| !path.is_file()) {
            return Err(format!("run {} left no manifest: audit with --write-manifest first", run.id));
        }
        let manifest = Manifest::open(&path)
            .map_err(|error| format!("the manifest {} cannot be used: {error}", path.display()))?;
        let (taken, asked) = (&manifest.header().source, args.primary.to_string());
        if *taken != asked {
            return Err(format!("the manifest was taken of {taken}, not of {asked}"));
        }
        let (taken, asked) = (&manifest.header().filter, rule_texts(&args.filter.rules));
        if *taken != asked {
            return Err(format!(
                "the manifest was taken with other filters ({}): keys that they kept out would seem new",
                if taken.is_empty() { "none".to_owned() } else { taken.join(" ") }
            ));
        }
        Ok(Self { manifest, run })
    }

    /// For the summary.
    pub(super) fn name(&self) -> String {
        format!("manifest of {}", self.manifest.header().run_id)
    }

    /// The bucket as it was, and as it is.
    pub(super) fn sides(self, now: Sides) -> Sides {
        // Its keys are relative already.
        let location = Location { prefix: "".into(), ..now.source.location.clone() };
        let then = Side::new(Arc::new(SavedListing::over(self.manifest)), location);
        Sides { source: Arc::new(then), replica: Some(now.source) }
    }
}

/// Filter rules as a manifest keeps them.
pub(super) fn rule_texts(rules: &[FilterRule]) -> Vec<String> {
    let text = |rule: &FilterRule| match rule {
        FilterRule::Include(glob) => format!("--include {glob}"),
        FilterRule::Exclude(glob) => format!("--exclude {glob}"),
    };
    rules.iter().map(text).collect()
}
