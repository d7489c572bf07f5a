//! What storage and requests cost, by a table of prices that the user may edit. Pure arithmetic.

use super::census::{Amount, Census, RULE_DAYS};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const GIB: f64 = (1_u64 << 30) as f64;
const STANDARD: &str = "STANDARD";

/// Prices of one storage class, in dollars.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassPrice {
    /// Per GiB and month.
    pub storage: f64,
    /// Per 1,000 PUT, COPY, POST, LIST.
    pub write: f64,
    /// Per 1,000 GET, HEAD and all others.
    pub read: f64,
    /// Per GiB read.
    #[serde(default)]
    pub retrieval: f64,
    /// Smaller objects are billed as 128 KiB.
    #[serde(default)]
    pub smallest_128_kib: bool,
    /// KiB billed besides for each object, at this class.
    #[serde(default)]
    pub overhead_kib: f64,
    /// KiB billed besides for each object, at STANDARD.
    #[serde(default)]
    pub overhead_standard_kib: f64,
    /// Per 1,000 objects and month.
    #[serde(default)]
    pub monitoring: f64,
}

/// The table.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// What the prices are of: a region and a date, for the reader.
    pub source: String,
    /// Per GiB between regions.
    pub transfer: f64,
    /// By storage class.
    pub classes: BTreeMap<String, ClassPrice>,
}

/// What would be saved each month.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Saving {
    /// The rule, in words.
    pub rule: String,
    /// Objects, versions or uploads that it concerns.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Each month.
    pub monthly_usd: f64,
    /// Once, for the transitions.
    pub once_usd: f64,
}

/// What a run would cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Planned {
    /// The run, in words.
    pub run: &'static str,
    /// PUT, COPY, POST, LIST.
    pub writes: u64,
    /// GET, HEAD.
    pub reads: u64,
    /// Bytes read or copied.
    pub bytes: u64,
    /// Requests and retrieval.
    pub usd: f64,
    /// Besides, if the replica is in another region.
    pub transfer_usd: f64,
}

/// A month of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Month {
    /// All of it.
    pub total_usd: f64,
    /// Of it: versions by storage class.
    pub classes_usd: BTreeMap<String, f64>,
    /// Of it: current versions.
    pub current_usd: f64,
    /// Of it: older versions.
    pub noncurrent_usd: f64,
    /// Of it: uploads that never ended.
    pub uploads_usd: f64,
    /// Of it: delete markers.
    pub markers_usd: f64,
    /// Classes that the table has no price for: they are missing in all sums.
    pub unpriced: Vec<String>,
}

#[allow(clippy::cast_precision_loss)]
fn float(number: u64) -> f64 {
    number as f64
}

impl Prices {
    /// A month of storage.
    #[must_use]
    pub fn month(&self, census: &Census) -> Month {
        let mut month = Month::default();
        for (name, used) in &census.classes {
            if !self.classes.contains_key(name) {
                month.unpriced.push(name.clone());
            }
            let (current, older) = (self.storage(name, &used.current), self.storage(name, &used.noncurrent));
            month.classes_usd.insert(name.clone(), current + older);
            month.current_usd += current;
            month.noncurrent_usd += older;
        }
        let standard = self.classes.get(STANDARD).map_or(0.0, |class| class.storage);
        // Parts are billed like STANDARD until they are an object of another class.
        month.uploads_usd = float(census.uploads.bytes) / GIB * standard;
        month.markers_usd = float(census.marker_bytes) / GIB * standard;
        month.total_usd = month.current_usd + month.noncurrent_usd + month.uploads_usd + month.markers_usd;
        month
    }

    fn storage(&self, class: &str, amount: &Amount) -> f64 {
        let Some(price) = self.classes.get(class) else { return 0.0 };
        let padding = if price.smallest_128_kib { amount.padding } else { 0 };
        let objects = float(amount.objects);
        let bytes = float(amount.bytes + padding) + objects * price.overhead_kib * 1024.0;
        let standard = self.classes.get(STANDARD).map_or(0.0, |class| class.storage);
        bytes / GIB * price.storage
            + objects * price.overhead_standard_kib * 1024.0 / GIB * standard
            + objects / 1000.0 * price.monitoring
    }

    /// Rules that would save something, the best first.
    #[must_use]
    pub fn savings(&self, census: &Census) -> Vec<Saving> {
        let mut savings = Vec::new();
        for (index, days) in RULE_DAYS.into_iter().enumerate() {
            let mut saving = Saving {
                rule: format!("expire versions {days} days after they were replaced or deleted"),
                objects: 0,
                bytes: 0,
                monthly_usd: 0.0,
                once_usd: 0.0,
            };
            for (name, used) in &census.classes {
                let Some(amount) = used.noncurrent_for.get(index) else { continue };
                saving.objects += amount.objects;
                saving.bytes += amount.bytes;
                saving.monthly_usd += self.storage(name, amount);
            }
            savings.push(saving);
        }
        let standard = self.classes.get(STANDARD).map_or(0.0, |class| class.storage);
        savings.push(Saving {
            rule: "abort uploads that were not ended within 7 days".to_owned(),
            objects: census.uploads.old_uploads,
            bytes: census.uploads.old_bytes,
            monthly_usd: float(census.uploads.old_bytes) / GIB * standard,
            once_usd: 0.0,
        });
        savings.extend(self.transition(census, 1, "STANDARD_IA"));
        savings.extend(self.transition(census, 2, "GLACIER_IR"));
        savings.retain(|saving| saving.monthly_usd > 0.0);
        savings.sort_by(|a, b| b.monthly_usd.total_cmp(&a.monthly_usd));
        savings
    }

    /// Current objects of STANDARD, of 128 KiB or more, to a cheaper class.
    fn transition(&self, census: &Census, index: usize, class: &str) -> Option<Saving> {
        let (days, price) = (RULE_DAYS.get(index)?, self.classes.get(class)?);
        let amount = census.classes.get(STANDARD)?.current_large_for.get(index)?;
        Some(Saving {
            rule: format!(
                "move objects of 128 KiB and more to {class} after {days} days (reading them costs more then)"
            ),
            objects: amount.objects,
            bytes: amount.bytes,
            monthly_usd: self.storage(STANDARD, amount) - self.storage(class, amount),
            once_usd: float(amount.objects) / 1000.0 * price.write,
        })
    }

    /// What runs over this bucket and an equal replica would cost.
    #[must_use]
    pub fn runs(&self, census: &Census) -> Vec<Planned> {
        let pages = |rows: u64| rows.div_ceil(1000).max(1);
        let lists = 2 * pages(census.keys);
        vec![
            self.planned("audit by listing", lists, |_, _| (0, 0, 0), census),
            self.planned("audit by checksums, at most", lists, |used, _| (0, 2 * used.multipart, 0), census),
            self.planned(
                "audit of every byte",
                lists,
                |used, bytes| (0, 2 * used.current.objects, 2 * bytes),
                census,
            ),
            // In the source's own parts: create and complete besides.
            self.planned(
                "first sync to an empty replica",
                lists,
                |used, bytes| {
                    (
                        used.current.objects - used.multipart + used.parts + 2 * used.multipart,
                        3 * used.multipart,
                        bytes,
                    )
                },
                census,
            ),
            self.planned(
                "restore in place of every key, at most",
                pages(census.rows),
                |used, bytes| {
                    (
                        used.current.objects - used.multipart + used.parts + 2 * used.multipart,
                        3 * used.multipart,
                        bytes,
                    )
                },
                census,
            ),
        ]
    }

    fn planned(
        &self,
        run: &'static str,
        lists: u64,
        of: impl Fn(&super::census::ClassUse, u64) -> (u64, u64, u64),
        census: &Census,
    ) -> Planned {
        let list_price = self.classes.get(STANDARD).map_or(0.0, |class| class.write);
        let mut planned = Planned {
            run,
            writes: lists,
            reads: 0,
            bytes: 0,
            usd: float(lists) / 1000.0 * list_price,
            transfer_usd: 0.0,
        };
        for (name, used) in &census.classes {
            let (writes, reads, bytes) = of(used, used.current.bytes);
            planned.writes += writes;
            planned.reads += reads;
            planned.bytes += bytes;
            let Some(price) = self.classes.get(name) else { continue };
            planned.usd += float(writes) / 1000.0 * price.write
                + float(reads) / 1000.0 * price.read
                + float(bytes) / GIB * price.retrieval;
        }
        // One side of what is read or copied crosses.
        let crosses = if run.starts_with("restore") {
            0
        } else {
            planned.bytes.min(census.classes.values().map(|used| used.current.bytes).sum())
        };
        planned.transfer_usd = float(crosses) / GIB * self.transfer;
        planned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::census::{ClassUse, UploadsUse};

    fn prices() -> Prices {
        let class = |storage, write, read, retrieval, smallest| ClassPrice {
            storage,
            write,
            read,
            retrieval,
            smallest_128_kib: smallest,
            ..ClassPrice::default()
        };
        let classes = [
            ("STANDARD", class(0.02, 5.0, 0.5, 0.0, false)),
            ("STANDARD_IA", class(0.01, 10.0, 1.0, 0.1, true)),
        ];
        let classes = classes.into_iter().map(|(name, price)| (name.to_owned(), price)).collect();
        Prices { source: "a test".to_owned(), transfer: 0.05, classes }
    }

    fn amount(objects: u64, gib: u64, padding_gib: u64) -> Amount {
        Amount { objects, bytes: gib << 30, padding: padding_gib << 30 }
    }

    fn census() -> Census {
        let standard = ClassUse {
            current: amount(2000, 100, 7),
            noncurrent: amount(10, 50, 0),
            noncurrent_for: [amount(9, 40, 0), amount(8, 30, 0), amount(0, 0, 0)],
            current_large_for: [amount(0, 0, 0), amount(1000, 90, 0), amount(0, 0, 0)],
            multipart: 100,
            parts: 1000,
        };
        let ia = ClassUse { current: amount(10, 10, 10), ..ClassUse::default() };
        let other = ClassUse { current: amount(1, 1, 0), ..ClassUse::default() };
        let classes = [("STANDARD", standard), ("STANDARD_IA", ia), ("ODD", other)];
        Census {
            classes: classes.into_iter().map(|(name, used)| (name.to_owned(), used)).collect(),
            keys: 2011,
            rows: 2021,
            uploads: UploadsUse {
                uploads: 2,
                bytes: 10 << 30,
                old_uploads: 1,
                old_bytes: 5 << 30,
                unweighed: 0,
            },
            ..Census::default()
        }
    }

    #[track_caller]
    fn close(value: f64, wanted: f64) {
        assert!((value - wanted).abs() < 1e-9, "{value} is not {wanted}");
    }

    #[test]
    fn a_month_is_bytes_by_class_and_small_objects_are_billed_large_where_they_are() {
        let month = prices().month(&census());
        close(month.current_usd, 100.0 * 0.02 + 20.0 * 0.01);
        close(month.noncurrent_usd, 1.0);
        close(month.uploads_usd, 0.2);
        close(month.total_usd, 3.4);
        assert_eq!(month.unpriced, ["ODD"]);
    }

    #[test]
    fn savings_come_best_first_and_only_where_there_is_something() {
        let savings = prices().savings(&census());
        let of = |saving: &Saving| (saving.rule.split(' ').next().unwrap().to_owned(), saving.objects);
        let found: Vec<_> = savings.iter().map(of).collect();
        assert_eq!(
            found,
            [("move".into(), 1000), ("expire".into(), 9), ("expire".into(), 8), ("abort".into(), 1)]
        );
        close(savings[0].monthly_usd, 0.9);
        close(savings[0].once_usd, 10.0);
    }

    #[test]
    fn a_run_costs_its_requests_by_class_and_what_is_retrieved() {
        let runs = prices().runs(&census());
        assert_eq!((runs[0].writes, runs[0].reads, runs[0].bytes), (6, 0, 0));
        close(runs[0].usd, 0.03);
        assert_eq!(runs[1].reads, 200);
        // Every byte: 2 × 10 GiB of IA are retrieved, 111 GiB cross.
        close(runs[2].usd, 0.03 + 4.0 * 0.5 + 0.02 * 1.0 + 20.0 * 0.1);
        close(runs[2].transfer_usd, 111.0 * 0.05);
        assert_eq!(runs[3].writes, 6 + 1900 + 1000 + 200 + 10 + 1);
        close(runs[4].transfer_usd, 0.0);
    }
}
