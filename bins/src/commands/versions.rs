//! `s3twin versions`: histories in key order, printed as they are listed; nothing is kept but what came early.

use crate::args::{OutputFormat, VersionsArgs};
use crate::exit::Exit;
use crate::setup;
use s3twin_engine::Error;
use s3twin_engine::list::{Side, Stack, StackEntry, Versions, in_order};
use s3twin_engine::model::EntryKind;
use s3twin_engine::plan::{DoubtRules, Moment, PlannedVersion, state_at};
use std::io::{self, ErrorKind, Write};
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Key ranges listed at once. More would only have more wait for their turn.
const WAYS: usize = 32;
/// So many rows come from a few pages: not worth listing ahead of them.
const FEW_ROWS: usize = 8_000;

pub(crate) async fn run(args: VersionsArgs) -> Exit {
    match list(&args).await {
        Ok(()) => Exit::Clean,
        Err(error) => {
            eprintln!("s3twin: {error}");
            Exit::of(&error)
        }
    }
}

async fn list(args: &VersionsArgs) -> Result<(), Error> {
    let cancel = setup::cancel_on_signals();
    let connect = setup::connect(&args.bucket, None, &args.endpoints, &args.limits, &cancel);
    let connected = Box::pin(connect).await?;
    let mut location = args.bucket.clone();
    let below = args.key.as_deref().or(args.prefix.as_deref()).unwrap_or_default();
    location.prefix = location.key(below).into();
    let side = Arc::new(Side::new(Arc::clone(&connected.sides.source.store), location));
    let moment = args.at.map(|at| Moment { at: at.resolve(setup::clock().now()), inclusive: !args.before });
    let style = Style { below: below.to_owned(), json: args.output == OutputFormat::Json, moment };
    let mut printer = Printer {
        out: io::stdout().lock(),
        json: style.json,
        first: true,
        left: args.limit.map_or(usize::MAX, NonZero::get),
    };
    if printer.begin()?.is_break() {
        return Ok(());
    }
    let listed = match args.key {
        Some(_) => one_key(&side, &style, &mut printer, &cancel).await,
        None => all_keys(side, style, &mut printer, cancel).await,
    };
    listed?;
    printer.end().map(|_| ())
}

async fn one_key<W: Write>(
    side: &Arc<Side>,
    style: &Style,
    printer: &mut Printer<W>,
    cancel: &CancellationToken,
) -> Result<(), Error> {
    let mut rows = Rows::default();
    let history = cancel.run_until_cancelled(Versions::of_prefix(side)).await;
    if let Some(stack) = history.unwrap_or(Err(Error::Cancelled))? {
        style.write(&mut rows, &stack);
    }
    printer.rows(&rows).map(|_| ())
}

async fn all_keys<W: Write>(
    side: Arc<Side>,
    style: Style,
    printer: &mut Printer<W>,
    cancel: CancellationToken,
) -> Result<(), Error> {
    let few = printer.left <= FEW_ROWS && style.moment.is_none();
    let ways = if few { 1 } else { WAYS };
    let write = move |rows: &mut Rows, stack: &Stack| style.write(rows, stack);
    in_order(side, ways, cancel, write, |rows: Rows| printer.rows(&rows)).await
}

/// What rows look like.
struct Style {
    below: String,
    json: bool,
    moment: Option<Moment>,
}

/// Rows as they are printed, and where each ends.
#[derive(Default)]
struct Rows {
    text: String,
    ends: Vec<usize>,
}

impl Style {
    fn write(&self, rows: &mut Rows, stack: &Stack) {
        let key = format!("{}{}", self.below, stack.key);
        let Some(moment) = self.moment else {
            return stack.entries.iter().for_each(|entry| self.row(rows, &key, entry, None));
        };
        let then = state_at(stack, moment, DoubtRules::default());
        if let Some(entry) = then.object(stack) {
            self.row(rows, &key, entry, then.doubt.map(|doubt| doubt.name()));
        }
    }

    fn row(&self, rows: &mut Rows, key: &str, entry: &StackEntry, doubt: Option<&str>) {
        let row = if self.json { json(key, entry, doubt) } else { text(key, entry, doubt) };
        rows.text.push_str(&row);
        rows.ends.push(rows.text.len());
    }
}

fn json(key: &str, entry: &StackEntry, doubt: Option<&str>) -> String {
    let row = serde_json::json!({
        "key": key,
        "is_latest": entry.is_latest,
        "version": PlannedVersion::from(entry),
        "doubt": doubt,
    });
    format!(",\n{row}")
}

fn text(key: &str, entry: &StackEntry, doubt: Option<&str>) -> String {
    let what = match entry.kind {
        EntryKind::DeleteMarker => "delete marker".to_owned(),
        EntryKind::Object => crate::screen::bytes(entry.size),
    };
    let latest = if entry.is_latest { "*" } else { " " };
    let doubt = doubt.map(|doubt| format!("  uncertain: {doubt}")).unwrap_or_default();
    // Control characters in keys must not reach the terminal.
    let key = key.escape_debug();
    format!("{}  {latest} {what:>13}  {}  {key}{doubt}\n", entry.last_modified, entry.version_id)
}

struct Printer<W> {
    out: W,
    json: bool,
    /// No row has been printed yet.
    first: bool,
    /// Rows still wanted.
    left: usize,
}

impl<W: Write> Printer<W> {
    fn begin(&mut self) -> Result<ControlFlow<()>, Error> {
        self.show(if self.json { "{\"schema\":\"s3twin.versions/1\",\"versions\":[" } else { "" })
    }

    /// Prints rows, as many as are still wanted.
    fn rows(&mut self, rows: &Rows) -> Result<ControlFlow<()>, Error> {
        let count = rows.ends.len().min(self.left);
        let Some(end) = count.checked_sub(1).and_then(|last| rows.ends.get(last)) else {
            return Ok(ControlFlow::Continue(()));
        };
        self.left -= count;
        let text = rows.text.get(..*end).unwrap_or_default();
        // The first row follows no other.
        let text = if self.first { text.strip_prefix(',').unwrap_or(text) } else { text };
        self.first = false;
        let shown = self.show(text)?;
        Ok(if self.left == 0 { ControlFlow::Break(()) } else { shown })
    }

    fn end(&mut self) -> Result<ControlFlow<()>, Error> {
        self.show(if self.json { "]}\n" } else { "" })
    }

    /// A reader who has seen enough (`| head`) ends the listing.
    fn show(&mut self, text: &str) -> Result<ControlFlow<()>, Error> {
        match self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()) {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
            Err(error) => Err(Error::Invalid(format!("stdout cannot be written: {error}"))),
        }
    }
}
