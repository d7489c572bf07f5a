//! The law of the order: whatever the keys, the pages and the ways, what is given out is what one listing from the
//! first key to the last would have given, and no more is kept or asked for than need be.

use super::*;
use std::ops::ControlFlow;
use std::time::Duration;

type Row = (String, usize);

fn histories(keys: &BTreeMap<String, u32>, page: usize) -> Arc<ListOnly<Shelf>> {
    Arc::new(ListOnly(Shelf::new(keys.iter().map(|(key, n)| (format!("p/{key}"), *n)), page)))
}

/// Lists a shelf; `take` sees each piece and says whether to go on.
fn list(
    shelf: &Arc<ListOnly<Shelf>>,
    ways: usize,
    mut take: impl FnMut(&[Row]) -> ControlFlow<()>,
) -> (Vec<Row>, Duration, Result<(), Error>) {
    let mut all = Vec::new();
    let note = |rows: &mut Vec<Row>, stack: &Stack| rows.push((stack.key.to_string(), stack.entries.len()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let (result, took) = runtime.unwrap().block_on(async {
        let begun = tokio::time::Instant::now();
        let side = side(Arc::clone(shelf));
        let result = in_order(side, ways, CancellationToken::new(), note, |rows: Vec<Row>| {
            let more = take(&rows);
            all.extend(rows);
            Ok(more)
        });
        (result.await, begun.elapsed())
    });
    (all, took, result)
}

fn go_on(_: &[Row]) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn rows(keys: &BTreeMap<String, u32>) -> Vec<Row> {
    keys.iter().map(|(key, n)| (key.clone(), *n as usize)).collect()
}

fn requests(shelf: &ListOnly<Shelf>) -> u64 {
    shelf.0.requests.load(Ordering::Relaxed)
}

/// 120,000 versions and markers of 40,000 keys: 120 pages.
fn many() -> BTreeMap<String, u32> {
    (0..40_000).map(|n| (format!("k/{n:010}"), 3)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_order_is_that_of_one_listing(keys in super::keys(), depth in 1_u32..9, page in 1_usize..40, ways in 1_usize..20) {
        let depth_of = |key: &String| 1 + u32::try_from(key.len()).unwrap() % depth;
        let keys: BTreeMap<_, _> = keys.into_iter().map(|key| (key.clone(), depth_of(&key))).collect();
        let (all, _, result) = list(&histories(&keys, page), ways, go_on);
        prop_assert!(result.is_ok(), "{:?}", result);
        prop_assert_eq!(all, rows(&keys));
    }

    /// What is given out before a failure is the beginning of the listing, without a gap.
    #[test]
    fn a_failure_leaves_no_gap(keys in super::keys(), page in 1_usize..20, fails_at in 1_u64..20) {
        let keys: BTreeMap<_, _> = keys.into_iter().map(|key| (key, 2)).collect();
        let mut shelf = histories(&keys, page);
        Arc::get_mut(&mut shelf).unwrap().0.fails_at = Some(fails_at);
        let (all, _, result) = list(&shelf, 6, go_on);
        let expected = rows(&keys);
        prop_assert_eq!(&all[..], &expected[..all.len()]);
        prop_assert!(result.is_err() || all.len() == expected.len());
    }
}

#[test]
fn many_ways_are_faster_and_cost_little_more() {
    let keys = many();
    let mut shelf = histories(&keys, 1000);
    Arc::get_mut(&mut shelf).unwrap().0.latency = Duration::from_millis(30);
    let (all, took, result) = list(&shelf, 32, go_on);
    result.unwrap();
    assert_eq!(all, rows(&keys));
    println!("{took:?}, {} requests", requests(&shelf));
    // One after the other: 3.6 s.
    assert!(took < Duration::from_millis(1200), "{took:?}");
    assert!(requests(&shelf) < 190, "{}", requests(&shelf));
}

#[test]
fn the_first_page_is_given_out_before_all_have_come() {
    let keys = many();
    let shelf = histories(&keys, 1000);
    let mut at_first = None;
    let (.., result) = list(&shelf, 32, |rows| {
        at_first = at_first.or((!rows.is_empty()).then(|| requests(&shelf)));
        ControlFlow::Continue(())
    });
    result.unwrap();
    assert!(at_first.unwrap() <= 4, "{at_first:?}");
}

#[test]
fn who_has_seen_enough_costs_a_few_pages() {
    let keys = many();
    for (ways, requests_max) in [(1, 2), (32, 4)] {
        let shelf = histories(&keys, 1000);
        let (all, _, result) = list(&shelf, ways, |_| ControlFlow::Break(()));
        result.unwrap();
        assert!(!all.is_empty() && all.len() < 1000);
        assert!(requests(&shelf) <= requests_max, "{ways} ways: {}", requests(&shelf));
    }
}

#[test]
fn one_history_costs_its_own_pages() {
    let keys: BTreeMap<String, u32> = (0..9_000)
        .map(|n| (if n == 0 { String::new() } else { format!("{n:06}") }, if n == 0 { 2_500 } else { 1 }))
        .collect();
    let shelf = histories(&keys, 1000);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let stack = runtime.block_on(Versions::of_prefix(&side(Arc::clone(&shelf)))).unwrap().unwrap();
    assert_eq!((stack.entries.len(), requests(&shelf)), (2_500, 3));
}

/// In order, too, uneven trees are listed by many, and nothing takes longer than one page after the other.
#[test]
fn uneven_trees_are_read_by_many() {
    for (name, shape) in super::economy::UNEVEN {
        let keys: BTreeMap<_, _> = (0..300_000).map(|n| (shape(n), 1)).collect();
        let mut shelf = histories(&keys, 1000);
        Arc::get_mut(&mut shelf).unwrap().0.latency = Duration::from_millis(30);
        let (all, took, result) = list(&shelf, 32, go_on);
        result.unwrap();
        assert_eq!(all.len(), keys.len());
        println!("{name}: {} keys, {} requests, {took:?}", keys.len(), requests(&shelf));
        let serial = Duration::from_millis(30) * u32::try_from(keys.len().div_ceil(1000)).unwrap();
        assert!(took <= if name == "words" { serial } else { serial / 2 }, "{name}: {took:?}");
    }
}
