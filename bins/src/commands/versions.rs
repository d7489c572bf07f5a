//! `s3twin versions`: histories in key order, streamed; nothing is kept but a page.

use crate::args::{OutputFormat, VersionsArgs};
use crate::exit::Exit;
use crate::setup;
use s3twin_engine::Error;
use s3twin_engine::list::{Feed as _, Side, Stack, StackEntry, Versions};
use s3twin_engine::model::EntryKind;
use s3twin_engine::plan::{DoubtRules, Moment, PlannedVersion, state_at};
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

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
    let mut printer = Printer {
        out: BufWriter::new(io::stdout().lock()),
        json: args.output == OutputFormat::Json,
        rows: 0,
    };
    let written = |error: io::Error| Error::Invalid(format!("stdout cannot be written: {error}"));
    printer.begin().map_err(written)?;
    let mut feed = Versions::open(&side, "");
    loop {
        feed.fill().await.map_err(|error| Error::Listing { side: "source", error: Box::new(error) })?;
        let Some(stack) = feed.item() else { break };
        if args.key.is_some() && !stack.key.is_empty() {
            break;
        }
        printer.stack(&format!("{below}{}", stack.key), stack, moment).map_err(written)?;
        feed.advance();
        feed.read_ahead();
    }
    printer.end().map_err(written)
}

struct Printer<W> {
    out: W,
    json: bool,
    rows: u64,
}

impl<W: Write> Printer<W> {
    fn begin(&mut self) -> io::Result<()> {
        if self.json { write!(self.out, "{{\"schema\":\"s3twin.versions/1\",\"versions\":[") } else { Ok(()) }
    }

    fn stack(&mut self, key: &str, stack: &Stack, moment: Option<Moment>) -> io::Result<()> {
        let Some(moment) = moment else {
            let mut entries = stack.entries.iter();
            return entries.try_for_each(|entry| self.row(key, entry, None));
        };
        let then = state_at(stack, moment, DoubtRules::default());
        let Some(entry) = then.object(stack) else { return Ok(()) };
        self.row(key, entry, then.doubt.map(|doubt| doubt.name()))
    }

    fn row(&mut self, key: &str, entry: &StackEntry, doubt: Option<&str>) -> io::Result<()> {
        self.rows += 1;
        if self.json {
            let comma = if self.rows > 1 { ",\n" } else { "\n" };
            let row = serde_json::json!({
                "key": key,
                "is_latest": entry.is_latest,
                "version": PlannedVersion::from(entry),
                "doubt": doubt,
            });
            return write!(self.out, "{comma}{row}");
        }
        let what = match entry.kind {
            EntryKind::DeleteMarker => "delete marker".to_owned(),
            EntryKind::Object => crate::screen::bytes(entry.size),
        };
        let latest = if entry.is_latest { "*" } else { " " };
        let doubt = doubt.map(|doubt| format!("  uncertain: {doubt}")).unwrap_or_default();
        // Control characters in keys must not reach the terminal.
        let key = key.escape_debug();
        writeln!(self.out, "{}  {latest} {what:>13}  {}  {key}{doubt}", entry.last_modified, entry.version_id)
    }

    fn end(&mut self) -> io::Result<()> {
        if self.json {
            writeln!(self.out, "]}}")?;
        }
        self.out.flush()
    }
}
