//! `s3twin cost`.

use super::dossier::{Content, Dossier, Subject};
use crate::Origin;
use crate::args::{CostArgs, Talk};
use crate::effort::Effort;
use crate::exit::Exit;
use crate::kind::Kind;
use crate::screen::out::say;
use crate::screen::{self, bytes, grouped};
use crate::setup;
use comfy_table::{CellAlignment, Table, presets};
use s3twin_engine::Error;
use s3twin_engine::list::Sides;
use s3twin_engine::model::Location;
use s3twin_engine::report::{Census, Month, Planned, Prices, Saving};
use s3twin_engine::run::census;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

const BUILT_IN: &str = include_str!("../../templates/prices.toml");
const SCHEMA: &str = "s3twin.cost/1";

pub(crate) async fn run(args: CostArgs, talk: Talk, origin: Origin) -> Exit {
    let (prices, text) = match prices(args.prices.as_deref()) {
        Ok(read) => read,
        Err(message) => {
            eprintln!("s3twin: {message}");
            return Exit::Usage;
        }
    };
    if args.print_prices {
        say!("{}", text.trim_end());
        return Exit::Clean;
    }
    let names: Vec<String> = args.buckets.iter().map(ToString::to_string).collect();
    let subject = Subject { kind: Kind::Cost, source: names.join(", "), replica: None, dry_run: false };
    Dossier::keep(subject, &args.output, &origin, async |_| {
        let (priced, effort) = Box::pin(price_all(&args, &talk, &prices)).await?;
        let (report, text) = (result(&priced, &prices), text_of(&priced, &prices));
        Ok(Content { report, text, exit: Exit::Clean, effort })
    })
    .await
}

async fn price_all(args: &CostArgs, talk: &Talk, prices: &Prices) -> Result<(Vec<Priced>, Effort), Error> {
    let cancel = setup::cancel_on_signals();
    let (mut priced, mut effort) = (Vec::new(), Effort::default());
    for bucket in &args.buckets {
        let connected =
            Box::pin(setup::connect_bucket(bucket, &args.endpoints, &args.limits, &cancel)).await?;
        let bar = screen::show_progress(connected.progress.clone(), talk);
        let now = setup::clock().now();
        let (side, store) = (connected.side, connected.store);
        let ranges_max = setup::ranges_max(&Sides { source: Arc::clone(&side), replica: None });
        let found = census(side, &*store, now, ranges_max, &connected.progress, cancel.clone()).await;
        drop(bar);
        priced.push(Priced::new(bucket, found?, prices));
        effort.add(&connected.progress.meter);
    }
    Ok((priced, effort))
}

fn text_of(priced: &[Priced], prices: &Prices) -> String {
    let texts: Vec<String> = priced.iter().map(Priced::text).collect();
    format!(
        "{}\n\n{}\n\nPrices: {}. Without taxes, discounts and free tiers.\n",
        headline(priced),
        texts.join("\n\n"),
        prices.source
    )
}

fn prices(given: Option<&Path>) -> Result<(Prices, String), String> {
    let (name, text) = match given {
        None => ("the built-in prices".to_owned(), BUILT_IN.to_owned()),
        Some(path) => {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            (path.display().to_string(), text)
        }
    };
    let read = toml::from_str(&text).map_err(|error| {
        format!(
            "{name}: {}; `s3twin cost --print-prices` shows how they are written",
            error.to_string().trim()
        )
    });
    Ok((read?, text))
}

struct Priced {
    bucket: String,
    census: Census,
    month: Month,
    savings: Vec<Saving>,
    runs: Vec<Planned>,
}

impl Priced {
    fn new(bucket: &Location, census: Census, prices: &Prices) -> Self {
        let (month, savings, runs) = (prices.month(&census), prices.savings(&census), prices.runs(&census));
        Self { bucket: bucket.to_string(), census, month, savings, runs }
    }

    fn json(&self) -> Value {
        json!({ "bucket": self.bucket, "held": self.census, "month": self.month, "savings": self.savings, "runs": self.runs })
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n{}\n", self.bucket, self.held());
        let others = [
            ("delete markers", self.census.markers, self.census.marker_bytes, self.month.markers_usd),
            (
                "uploads that never ended",
                self.census.uploads.uploads,
                self.census.uploads.bytes,
                self.month.uploads_usd,
            ),
        ];
        for (name, count, size, usd) in others {
            text.push_str(&format!(
                "  {name}: {}, {}, {} a month\n",
                grouped(count),
                bytes(size),
                money(usd)
            ));
        }
        if self.census.uploads.unweighed > 0 {
            let unweighed = grouped(self.census.uploads.unweighed);
            text.push_str(&format!("  {unweighed} uploads could not be looked into (s3:ListMultipartUploadParts): their bytes are missing here\n"));
        }
        if !self.month.unpriced.is_empty() {
            text.push_str(&format!(
                "  no price for: {}. Their storage is missing in all sums; see --prices\n",
                self.month.unpriced.join(", ")
            ));
        }
        for saving in &self.savings {
            let once = if saving.once_usd > 0.0 {
                format!(", {} once", money(saving.once_usd))
            } else {
                String::new()
            };
            let (objects, size) = (grouped(saving.objects), bytes(saving.bytes));
            text.push_str(&format!(
                "  would save {} a month{once}: {} ({objects}, {size})\n",
                money(saving.monthly_usd),
                saving.rule
            ));
        }
        text.push_str(&self.planned());
        text
    }

    fn held(&self) -> Table {
        let mut table = table(&["class", "objects", "bytes", "older versions", "bytes"], 1);
        for (class, used) in &self.census.classes {
            let (current, older) = (&used.current, &used.noncurrent);
            table.add_row([
                class.clone(),
                grouped(current.objects),
                bytes(current.bytes),
                grouped(older.objects),
                bytes(older.bytes),
            ]);
        }
        table
    }

    fn planned(&self) -> String {
        let mut table = table(
            &["a run over it and an equal replica", "writes", "reads", "bytes", "cost", "and across regions"],
            1,
        );
        for run in &self.runs {
            let across = if run.transfer_usd > 0.0 { money(run.transfer_usd) } else { "-".to_owned() };
            table.add_row([
                run.run.to_owned(),
                grouped(run.writes),
                grouped(run.reads),
                bytes(run.bytes),
                money(run.usd),
                across,
            ]);
        }
        table.to_string()
    }
}

/// Columns from `numbers` on are set to the right.
fn table(header: &[&str], numbers: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for column in table.column_iter_mut().skip(numbers) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn total(priced: &[Priced]) -> (f64, f64, f64) {
    priced.iter().map(|bucket| &bucket.month).fold((0.0, 0.0, 0.0), |(all, older, uploads), month| {
        (all + month.total_usd, older + month.noncurrent_usd, uploads + month.uploads_usd)
    })
}

fn headline(priced: &[Priced]) -> String {
    let (all, older, uploads) = total(priced);
    format!(
        "{} a month; of it {} for older versions, {} for uploads that never ended",
        money(all),
        money(older),
        money(uploads)
    )
}

fn result(priced: &[Priced], prices: &Prices) -> Value {
    json!({
        "schema": SCHEMA,
        "command": "cost",
        "exit_code": 0,
        "headline": headline(priced),
        "monthly_usd": total(priced).0,
        "prices": prices.source,
        "buckets": priced.iter().map(Priced::json).collect::<Vec<_>>(),
    })
}

fn money(usd: f64) -> String {
    crate::page::dollars(usd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_prices_are_in_order() {
        let (prices, _) = prices(None).unwrap();
        assert_eq!(prices.classes.len(), 8);
        assert!(prices.classes.values().all(|class| class.storage > 0.0 && class.write > class.read));
    }

    #[test]
    fn prices_that_cannot_be_read_say_what_is_wrong() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "source = \"x\"\ntransfer = 0\n[classes.STANDARD]\nstorage = \"cheap\"\n",
        )
        .unwrap();
        let error = super::prices(Some(file.path())).unwrap_err();
        assert!(error.contains("line 4") && error.contains("--print-prices"), "{error}");
    }
}
