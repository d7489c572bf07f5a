//! The report of a run for people: one HTML file that needs nothing else, or Markdown for a mail.

mod digest;
mod embed;
mod headline;
mod places;
mod row;
mod sheet;
mod text;
mod trend;
mod view;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use text::{dollars, duration, moment, visible};
use words::VERDICTS;

use crate::kind::Kind;
use askama::Template;
use digest::{Digest, Limits};
use s3twin_engine::report::Summary;
use sheet::{Body, Sheet};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use view::View;

pub(crate) const STYLE: &str = include_str!("../../templates/page.css");
const SCRIPT: &str = include_str!("../../templates/page.js");

/// The verdict of a run in a few words.
pub(crate) fn headline_of(summary: &Summary) -> String {
    headline::Headline::of(summary).title
}

#[derive(Template)]
#[template(path = "report.html")]
struct Html<'a> {
    view: &'a View,
    style: &'a str,
    script: &'a str,
    /// The only script that runs is the one that carries it.
    nonce: &'a str,
    data: &'a str,
}

#[derive(Template)]
#[template(path = "report.md")]
struct Markdown<'a> {
    view: &'a View,
}

#[derive(Template)]
#[template(path = "sheet.html")]
struct SheetHtml<'a> {
    view: &'a Sheet,
    style: &'a str,
}

#[derive(Template)]
#[template(path = "sheet.md")]
struct SheetMarkdown<'a> {
    view: &'a Sheet,
}

/// Where a run's report comes from.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) summary: &'a Summary,
    /// The folder that holds `findings.jsonl`.
    pub(crate) folder: &'a Path,
    /// Where earlier runs are, if that is known.
    pub(crate) state: Option<&'a Path>,
}

impl Source<'_> {
    /// Writes the page.
    ///
    /// # Errors
    /// When the findings cannot be read or the page cannot be written.
    pub(crate) fn html(&self, out: &mut impl Write) -> io::Result<()> {
        if let Some(sheet) = self.sheet() {
            return SheetHtml { view: &sheet, style: STYLE }.write_into(out);
        }
        let (view, digest) = self.view(Limits::default())?;
        write_html(&view, &digest, out)
    }

    /// The report as Markdown, for mails.
    ///
    /// # Errors
    /// When the findings cannot be read.
    pub(crate) fn markdown(&self) -> io::Result<String> {
        if let Some(sheet) = self.sheet() {
            return SheetMarkdown { view: &sheet }.render().map_err(io::Error::other);
        }
        let (view, _) = self.view(Limits { rows: 0, bytes: 0, plain: 20 })?;
        Markdown { view: &view }.render().map_err(io::Error::other)
    }

    /// Writes `report.html` into the run's folder, whole or not at all.
    ///
    /// # Errors
    /// As [`Self::html`].
    pub(crate) fn leave(&self) -> io::Result<PathBuf> {
        let path = self.folder.join("report.html");
        crate::run_folder::write_whole(&path, |file| {
            let mut out = BufWriter::new(file);
            self.html(&mut out)?;
            out.flush()
        })?;
        Ok(path)
    }

    /// What `--output json` of the run printed.
    pub(crate) fn data_file(&self) -> &'static str {
        let own = Kind::of(&self.summary.command).is_some() && self.folder.join(sheet::REPORT).is_file();
        if own { sheet::REPORT } else { "summary.json" }
    }

    /// Of a run with a report of its own.
    fn sheet(&self) -> Option<Sheet> {
        let kind = Kind::of(&self.summary.command)?;
        let report = sheet::figures(self.folder);
        let runs = match self.state {
            Some(state) => sheet::history(state, self.summary, &report),
            None => Vec::new(),
        };
        Some(Sheet::new(kind, self.summary, &report, &runs))
    }

    fn view(&self, limits: Limits) -> io::Result<(View, Digest)> {
        let digest = Digest::of_file(&self.folder.join("findings.jsonl"), limits)?;
        let runs = match self.state {
            Some(state) => trend::history(state, self.summary),
            None => vec![self.summary.clone()],
        };
        Ok((View::new(self.summary, &digest, &runs), digest))
    }
}

fn write_html(view: &View, digest: &Digest, out: &mut impl Write) -> io::Result<()> {
    let advice = |code: &str| digest.reasons.get(code).map(|group| group.advice.clone()).unwrap_or_default();
    let data = digest.embedded.json(advice);
    let nonce = format!("{:032x}", fastrand::u128(..));
    let page = Html { view, style: STYLE, script: SCRIPT, nonce: &nonce, data: &data };
    page.write_into(out)
}

/// A value as a Markdown code span that cannot leave its table cell.
fn span(value: &str) -> String {
    let longest = value.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if value.starts_with('`') || value.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", value.replace('|', "\\|"))
}

/// A sentence from outside as Markdown that means nothing but itself.
fn prose(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in text::visible(value).replace("\\\\", "\\").chars() {
        if matches!(c, '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
