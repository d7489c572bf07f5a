//! What is wrong, shown at its line.

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The file's text and its name.
pub(crate) struct Text<'a> {
    name: String,
    text: &'a str,
}

/// One thing that is wrong: where (a path into the file), what, and what to do.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) path: Vec<String>,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl<'a> Text<'a> {
    pub(crate) fn new(path: &Path, text: &'a str) -> Self {
        Self { name: path.display().to_string(), text }
    }

    /// The file as a table, once it is known to be of the right shape.
    ///
    /// # Errors
    /// The first thing that is wrong with its form.
    pub(crate) fn parse(&self) -> Result<toml::Table, String> {
        toml::from_str::<super::Config>(self.text)
            .and_then(|_| toml::from_str::<toml::Table>(self.text))
            .map_err(|error| {
                let help =
                    "`s3twin config example` shows every section; `s3twin config schema` is for editors";
                let span = error.span().or_else(|| self.line_refused_for(error.message()));
                self.show(error.message(), help, span)
            })
    }

    /// Renders one trouble.
    pub(crate) fn render(&self, trouble: &Trouble) -> String {
        self.show(&trouble.message, &trouble.help, self.locate(&trouble.path))
    }

    /// The line of a value, counted from one.
    pub(crate) fn line(&self, path: &[String]) -> Option<usize> {
        let span = self.locate_exactly(path)?;
        Some(self.text.get(..span.start)?.matches('\n').count() + 1)
    }

    fn show(&self, message: &str, help: &str, span: Option<Range<usize>>) -> String {
        let mut diagnostic = MietteDiagnostic::new(message.to_owned());
        if !help.is_empty() {
            diagnostic = diagnostic.with_help(help.to_owned());
        }
        let Some(span) = span else {
            return format!("{}: {message}. {help}", self.name);
        };
        let diagnostic = diagnostic.with_label(LabeledSpan::new_with_span(Some("here".to_owned()), span));
        let report = Report::from(diagnostic).with_source_code(NamedSource::new(&self.name, self.lines()));
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
            .with_links(false)
            .with_context_lines(1);
        let mut shown = String::new();
        match handler.render_report(&mut shown, report.as_ref()) {
            Ok(()) => shown.trim().to_owned(),
            Err(_) => format!("{}: {message}. {help}", self.name),
        }
    }

    /// The line up to which the text is in order, where the parser's limits name no place.
    fn line_refused_for(&self, message: &str) -> Option<Range<usize>> {
        let ends: Vec<usize> =
            self.text.match_indices('\n').map(|(at, _)| at).chain([self.text.len()]).collect();
        let refuses = |end: usize| {
            let text = self.text.get(..end).unwrap_or_default();
            toml::from_str::<toml::Table>(text).is_err_and(|error| error.message() == message)
        };
        let first = ends.partition_point(|end| !refuses(*end));
        let begin = first.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| end + 1);
        Some(begin..*ends.get(first)?)
    }

    /// The text, byte for byte as long, with no line ends but those that TOML counts: a carriage return alone is none.
    fn lines(&self) -> String {
        let mut lines = String::with_capacity(self.text.len());
        let mut rest = self.text.chars().peekable();
        while let Some(c) = rest.next() {
            let alone = c == '\r' && rest.peek() != Some(&'\n');
            lines.push(if alone { ' ' } else { c });
        }
        lines
    }

    /// Where the deepest part of the path that exists stands.
    fn locate(&self, path: &[String]) -> Option<Range<usize>> {
        (0..=path.len()).rev().find_map(|length| self.locate_exactly(path.get(..length)?))
    }

    fn locate_exactly(&self, path: &[String]) -> Option<Range<usize>> {
        let table = DeTable::parse(self.text).ok()?;
        let (last, parents) = path.split_last()?;
        let mut here: &DeTable<'_> = table.get_ref();
        for name in parents {
            here = entry(here, name)?.1.get_ref().as_table()?;
        }
        let (key, value) = entry(here, last)?;
        // A table is shown by its name, a value by itself.
        Some(if value.get_ref().is_table() { key.span() } else { value.span() })
    }
}

type Entry<'t, 'i> = (&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>);

fn entry<'t, 'i>(table: &'t DeTable<'i>, name: &str) -> Option<Entry<'t, 'i>> {
    table.iter().find(|(key, _)| key.get_ref() == name)
}
