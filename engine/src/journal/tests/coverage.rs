use super::*;
use proptest::prelude::*;

proptest! {
    /// Pieces and gaps together cover each key of the run's range exactly once, and the pieces of `done`
    /// never touch.
    #[test]
    fn pieces_and_gaps_cover_every_key_once(
        mut cuts in prop::collection::btree_set("[a-c\u{e9}\u{1f980}]{1,3}", 0..12)
            .prop_map(|cuts| cuts.into_iter().collect::<Vec<_>>()),
        taken in prop::collection::vec(any::<bool>(), 14),
        seed in any::<u64>(),
        within in prop::option::of(("[a-c]{0,2}", prop::option::of("[a-c]{1,2}"))),
        keys in prop::collection::vec("[a-c\u{e9}\u{1f980}]{1,4}", 1..60),
    ) {
        cuts.insert(0, String::new());
        let uppers: Vec<_> = cuts.iter().skip(1).map(|cut| Some(cut.as_str())).chain([None]).collect();
        let mut pieces: Vec<KeyRange> = cuts.iter().zip(uppers).zip(&taken)
            .filter(|(_, taken)| **taken)
            .map(|((after, upto), _)| range(after, upto))
            .collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut pieces);
        let within = within.map_or_else(KeyRange::all, |(after, upto)| range(&after, upto.as_deref()));

        let coverage = Coverage::of(&pieces).unwrap();
        let gaps = coverage.remaining(&within);
        for key in &keys {
            let covered = pieces.iter().filter(|piece| piece.contains(key)).count();
            prop_assert_eq!(coverage.done().iter().filter(|done| done.contains(key)).count(), covered);
            let left = gaps.iter().filter(|gap| gap.contains(key)).count();
            if within.contains(key) {
                prop_assert_eq!(covered + left, 1, "{}", key);
            } else {
                prop_assert_eq!(left, 0, "{}", key);
            }
        }
        for pair in coverage.done().windows(2) {
            prop_assert!(pair[0].upto.as_deref().unwrap() < &*pair[1].after);
        }
        prop_assert!(gaps.iter().all(|gap| !gap.is_empty()));
        for pair in gaps.windows(2) {
            prop_assert!(pair[0].upto.as_deref().unwrap() < &*pair[1].after);
        }
        // What is left, once done, leaves nothing.
        let all: Vec<_> = coverage.done().iter().cloned().chain(gaps).collect();
        prop_assert!(Coverage::of(&all).unwrap().remaining(&within).is_empty());
    }
}

#[test]
fn overlaps_are_told() {
    for (a, b) in [
        (range("", Some("m")), range("k", Some("z"))),
        (range("", None), range("k", Some("l"))),
        (range("a", Some("c")), range("a", Some("b"))),
        (range("a", None), range("a", None)),
    ] {
        assert!(Coverage::of([&a, &b]).is_err(), "{a} {b}");
        assert!(Coverage::of([&b, &a]).is_err(), "{b} {a}");
    }
}

#[test]
fn nothing_done_leaves_all_and_all_done_leaves_nothing() {
    let none = Coverage::default();
    assert_eq!(none.remaining(&KeyRange::all()), [KeyRange::all()]);
    let all = Coverage::of([&range("m", None), &range("", Some("m"))]).unwrap();
    assert_eq!(all.done(), [KeyRange::all()]);
    assert!(all.remaining(&KeyRange::all()).is_empty());
    assert!(all.remaining(&range("b", Some("x"))).is_empty());
}
