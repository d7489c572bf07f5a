//! The law of the walk: whatever the keys, the page size and the cuts, every key of either side is paired
//! exactly once, in order within its range, and the committed pieces cover the keyspace exactly once.

mod economy;
mod in_order;
mod shelf;

use super::*;
use crate::Error;
use crate::model::{Entry, KeyRange, Location};
use crate::s3::ListOnly;
use proptest::prelude::*;
use shelf::Shelf;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

/// Writes down what it is shown.
#[derive(Default)]
struct Scribe {
    pairs: Mutex<Vec<(String, bool, bool)>>,
    stacks: Mutex<Vec<(String, usize)>>,
    pieces: Mutex<Vec<KeyRange>>,
}

#[derive(Default)]
struct Notes {
    last: Option<String>,
    fresh: Vec<(String, bool, bool)>,
    stacks: Vec<(String, usize)>,
}

impl Notes {
    fn note(&mut self, key: &str, source: bool, replica: bool) {
        assert!(self.last.as_deref().is_none_or(|last| last < key), "{:?} then {key:?}", self.last);
        self.last = Some(key.to_owned());
        self.fresh.push((key.to_owned(), source, replica));
    }
}

impl Scribe {
    fn take(&self, notes: &mut Notes, piece: KeyRange) {
        assert!(notes.fresh.iter().all(|(key, ..)| piece.contains(key)), "{piece}");
        self.pairs.lock().unwrap().append(&mut notes.fresh);
        self.stacks.lock().unwrap().append(&mut notes.stacks);
        self.pieces.lock().unwrap().push(piece);
    }
}

impl Visitor<Objects> for Scribe {
    type Segment = Notes;

    fn open(&self, _: u32) -> Notes {
        Notes::default()
    }

    fn pair(&self, notes: &mut Notes, source: Option<Entry<'_>>, replica: Option<Entry<'_>>) {
        notes.note(source.or(replica).unwrap().key, source.is_some(), replica.is_some());
    }

    async fn batch(&self, notes: &mut Notes, piece: KeyRange) -> Result<(), Error> {
        self.take(notes, piece);
        Ok(())
    }

    async fn close(&self, _: Notes) -> Result<(), Error> {
        Ok(())
    }
}

impl Visitor<Versions> for Scribe {
    type Segment = Notes;

    fn open(&self, _: u32) -> Notes {
        Notes::default()
    }

    fn pair(&self, notes: &mut Notes, source: Option<&Stack>, replica: Option<&Stack>) {
        let stack = source.or(replica).unwrap();
        let in_order =
            stack.entries.iter().enumerate().all(|(n, entry)| *entry.version_id == format!("v{n}"));
        assert!(in_order, "{stack:?}");
        notes.note(&stack.key, source.is_some(), replica.is_some());
        notes.stacks.push((stack.key.to_string(), stack.entries.len()));
    }

    async fn batch(&self, notes: &mut Notes, piece: KeyRange) -> Result<(), Error> {
        self.take(notes, piece);
        Ok(())
    }

    async fn close(&self, _: Notes) -> Result<(), Error> {
        Ok(())
    }
}

/// What lies below `p/`.
fn side(shelf: Arc<ListOnly<Shelf>>) -> Arc<Side> {
    Arc::new(Side::new(shelf, "s3://shelf/p/".parse::<Location>().unwrap()))
}

struct Outcome {
    scribe: Arc<Scribe>,
    stats: Arc<WalkStats>,
    result: Result<(), Error>,
}

fn walk_over<F: Feed>(
    source: Arc<ListOnly<Shelf>>,
    replica: Option<Arc<ListOnly<Shelf>>>,
    ranges_max: usize,
    listing: Listing,
) -> Outcome
where
    Scribe: Visitor<F>,
{
    let sides = Sides { source: side(source), replica: replica.map(side) };
    let (scribe, stats) = (Arc::<Scribe>::default(), Arc::<WalkStats>::default());
    let limits = WalkLimits { ranges_max, listing, first_id: 0 };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let walk = walk::<F, _>(
        sides,
        vec![KeyRange::all()],
        limits,
        Arc::clone(&scribe),
        Arc::clone(&stats),
        CancellationToken::new(),
    );
    let result = runtime.block_on(walk);
    Outcome { scribe, stats, result }
}

fn shelf(keys: &BTreeSet<String>, page: usize) -> Arc<ListOnly<Shelf>> {
    // Neighbours outside the prefix must not be seen.
    let outside = [("o".to_owned(), 1), ("p".to_owned(), 1), ("q".to_owned(), 1)];
    let keys = keys.iter().map(|key| (format!("p/{key}"), 1));
    Arc::new(ListOnly(Shelf::new(keys.chain(outside), page)))
}

fn check_cover(scribe: &Scribe) {
    let mut pieces = scribe.pieces.lock().unwrap().clone();
    pieces.retain(|piece| !piece.is_empty());
    pieces.sort_by(|a, b| a.after.cmp(&b.after));
    assert_eq!(pieces.first().map(|piece| &*piece.after), Some(""));
    assert_eq!(pieces.last().map(|piece| piece.upto.clone()), Some(None));
    for pair in pieces.windows(2) {
        assert_eq!(pair[0].upto.as_deref(), Some(&*pair[1].after), "{} then {}", pair[0], pair[1]);
    }
}

/// Keys of many shapes: counters, dates, hex, every script, long shared prefixes, one per folder.
fn keys() -> impl Strategy<Value = BTreeSet<String>> {
    let key = prop_oneof![
        (0_u32..2000).prop_map(|n| format!("k/{n:010}")),
        (0_u32..5, 1_u32..13, 1_u32..29).prop_map(|(y, m, d)| format!("{}/{m:02}/{d:02}/x", 2020 + y)),
        any::<u32>().prop_map(|n| format!("{n:08x}")),
        "\\PC{0,4}",
        (0_u32..300).prop_map(|n| format!("{}{n}", "s".repeat(300))),
        (0_u32..300).prop_map(|n| format!("user-{n}/only")),
        "[あ-ん]{1,3}|[а-я]{1,3}|[\u{10000}-\u{10010}]{1,2}",
    ];
    prop::collection::btree_set(key, 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_key_is_paired_once(a in keys(), b in keys(), page in 1_usize..40, ranges_max in 1_usize..20) {
        let both: BTreeSet<_> = a.union(&b).cloned().collect();
        let outcome = walk_over::<Objects>(shelf(&a, page), Some(shelf(&b, page)), ranges_max, Listing::Objects);
        prop_assert!(outcome.result.is_ok(), "{:?}", outcome.result);
        let mut pairs = outcome.scribe.pairs.lock().unwrap().clone();
        pairs.sort();
        let expected: Vec<_> =
            both.iter().map(|key| (key.clone(), a.contains(key), b.contains(key))).collect();
        prop_assert_eq!(pairs, expected);
        check_cover(&outcome.scribe);
    }

    #[test]
    fn every_stack_comes_whole(
        a in prop::collection::btree_map("[a-d/é]{1,5}", 1_u32..30, 0..60),
        page in 1_usize..20,
        ranges_max in 1_usize..8,
    ) {
        let versions = a.iter().map(|(key, n)| (format!("p/{key}"), *n));
        let source = Arc::new(ListOnly(Shelf::new(versions, page)));
        let outcome = walk_over::<Versions>(source, None, ranges_max, Listing::Versions);
        prop_assert!(outcome.result.is_ok(), "{:?}", outcome.result);
        let stacks: BTreeMap<_, _> = outcome.scribe.stacks.lock().unwrap().iter().cloned().collect();
        let expected: BTreeMap<_, _> = a.iter().map(|(key, n)| (key.clone(), *n as usize)).collect();
        prop_assert_eq!(stacks, expected);
        check_cover(&outcome.scribe);
    }

    /// Whatever comes and goes meanwhile: what stays is paired once, and nothing twice.
    #[test]
    fn keys_that_stay_are_paired_whatever_comes_and_goes(
        a in keys(),
        restless in keys(),
        page in 1_usize..30,
        ranges_max in 1_usize..12,
    ) {
        let mut source = Shelf::new(a.iter().map(|key| (format!("p/{key}"), 1)), page);
        source.restless = restless.difference(&a).map(|key| format!("p/{key}")).collect();
        let outcome =
            walk_over::<Objects>(Arc::new(ListOnly(source)), Some(shelf(&a, page)), ranges_max, Listing::Objects);
        prop_assert!(outcome.result.is_ok(), "{:?}", outcome.result);
        let pairs = outcome.scribe.pairs.lock().unwrap();
        let once: BTreeSet<_> = pairs.iter().map(|(key, ..)| key.clone()).collect();
        prop_assert_eq!(once.len(), pairs.len());
        prop_assert!(pairs.iter().all(|(key, source, replica)| !a.contains(key) || (*source && *replica)));
        prop_assert!(a.is_subset(&once));
        check_cover(&outcome.scribe);
    }

    /// A listing that fails for good ends the walk: never a short list taken for a whole one.
    #[test]
    fn a_failed_page_is_never_the_end(a in keys(), page in 1_usize..20, fails_at in 1_u64..20) {
        let mut source = Shelf::new(a.iter().map(|key| (format!("p/{key}"), 1)), page);
        source.fails_at = Some(fails_at);
        let source = Arc::new(ListOnly(source));
        let outcome = walk_over::<Objects>(Arc::clone(&source), Some(shelf(&a, page)), 4, Listing::Objects);
        let reached = source.0.requests.load(Ordering::Relaxed) >= fails_at;
        prop_assert!(reached || outcome.result.is_ok());
        // A page read ahead and then cut off may fail without harm; what may not be is a short list.
        if outcome.result.is_ok() {
            prop_assert_eq!(outcome.scribe.pairs.lock().unwrap().len(), a.len());
        }
    }
}
