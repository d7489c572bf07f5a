//! What a walk costs: requests, and round trips in simulated time.

use super::*;
use std::time::Duration;

/// Requests per side: at most 1.15 × N/page + 4 per range, whatever the shape (here with pages of 100).
#[test]
fn requests_stay_within_the_economy() {
    type Shape = Box<dyn Fn(u32) -> String>;
    let shapes: [(&str, Shape); 7] = [
        ("flat", Box::new(|n| format!("k/{n:010}"))),
        ("hashed", Box::new(|n| format!("{:016x}", u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15)))),
        ("dated", Box::new(|n| format!("20{:02}/{:02}/{:02}/{n:08}", 20 + n % 5, 1 + n % 12, 1 + n % 28))),
        ("skewed", Box::new(|n| if n % 10 == 0 { format!("{n:05x}") } else { format!("deep/er/{n:09}") })),
        ("folders", Box::new(|n| format!("user-{n}/avatar.png"))),
        ("long", Box::new(|n| format!("{}{n:06}", "x".repeat(900)))),
        ("scripts", Box::new(|n| char::from_u32(0x4e00 + n % 15_000).unwrap().to_string() + &n.to_string())),
    ];
    for (name, shape) in shapes {
        let keys: BTreeSet<String> = (0..30_000).map(shape).collect();
        let (source, replica) = (shelf(&keys, 100), shelf(&keys, 100));
        let outcome =
            walk_over::<Objects>(Arc::clone(&source), Some(Arc::clone(&replica)), 16, Listing::Objects);
        outcome.result.unwrap();
        let ranges = u64::from(outcome.stats.ranges.load(Ordering::Relaxed));
        let bound = keys.len() as u64 * 115 / 10_000 + 4 * ranges;
        let (a, b) = (source.0.requests.load(Ordering::Relaxed), replica.0.requests.load(Ordering::Relaxed));
        println!(
            "{name}: {} keys, {ranges} ranges ({} empty), {} probes, requests {a} + {b}, bound {bound}",
            keys.len(),
            outcome.stats.empty_ranges.load(Ordering::Relaxed),
            outcome.stats.probes.load(Ordering::Relaxed),
        );
        assert!(a <= bound && b <= bound, "{name}");
        assert!(ranges >= 16, "{name} was not spread");
    }
}

/// Requests of both sides and simulated time, at 30 ms for an answer and pages of 1,000.
fn cost_of(keys: &BTreeSet<String>) -> (u64, Duration) {
    let slow = |keys| {
        let mut shelf = shelf(keys, 1000);
        Arc::get_mut(&mut shelf).unwrap().0.latency = Duration::from_millis(30);
        shelf
    };
    let (source, replica) = (slow(keys), slow(keys));
    let sides = Sides { source: side(Arc::clone(&source)), replica: Some(side(Arc::clone(&replica))) };
    let limits = WalkLimits { ranges_max: 32, listing: Listing::Objects, first_id: 0 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let took = runtime.unwrap().block_on(async {
        let begun = tokio::time::Instant::now();
        let (scribe, stats) = (Arc::<Scribe>::default(), Arc::default());
        let all = vec![KeyRange::all()];
        walk::<Objects, _>(sides, all, limits, scribe, stats, CancellationToken::new()).await.unwrap();
        begun.elapsed()
    });
    let sent = |shelf: &ListOnly<Shelf>| shelf.0.requests.load(Ordering::Relaxed);
    (sent(&source) + sent(&replica), took)
}

/// A few pages are not worth many guesses, and a walk is never slower than one page after the other.
#[test]
fn small_buckets_cost_little_more_than_their_pages() {
    type Shape = fn(u32) -> String;
    let numbered: Shape = |n| format!("k/{n:010}");
    let hashed: Shape = |n| format!("{:016x}", u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let nested: Shape = |n| format!("{:02}/{:03}/f{n:06}.bin", n % 16, n % 200);
    let cases = [
        (numbered, [(900, 2), (2_000, 4), (3_000, 10), (4_000, 14), (10_000, 28)]),
        (hashed, [(900, 2), (2_000, 4), (3_000, 6), (4_000, 10), (10_000, 30)]),
        (nested, [(900, 2), (2_000, 4), (3_000, 10), (4_000, 13), (10_000, 40)]),
    ];
    for (shape, sizes) in cases {
        for (count, requests_max) in sizes {
            let (requests, took) = cost_of(&(0..count).map(shape).collect());
            println!("{}…: {count} keys, {requests} requests, {took:?}", shape(0));
            assert!(requests <= requests_max, "{}: {count} keys, {requests} requests", shape(0));
            assert!(took <= Duration::from_millis(30) * count.div_ceil(1000), "{took:?}");
        }
    }
}

pub(super) type Shape = fn(u32) -> String;

/// Trees as they occur, most of all those in which nearly all keys lie where little seems to be.
pub(super) const UNEVEN: [(&str, Shape); 9] = [
    ("deep", |n| match n % 20 {
        0 => format!("a/{n:010}"),
        19 => format!("z/{n:010}"),
        _ => format!("logs/prod/eu-west-1/2024/service/app/{n:010}"),
    }),
    ("even", |n| format!("{n:08}")),
    ("one folder", |n| match n % 10 {
        0 => format!("{:02}/{n:06}", n % 97),
        _ => format!("47/logs/{n:08}"),
    }),
    ("hexadecimal, one folder", |n| match n % 10 {
        0 => format!("{n:05x}"),
        _ => format!("deep/er/{n:09}"),
    }),
    ("two levels", |n| match n % 10 {
        0 => format!("{:016x}", hash(n)),
        1 | 2 => format!("a7/{:016x}", hash(n)),
        _ => format!("a7/f3/{n:09}"),
    }),
    ("one word", |n| match n % 20 {
        0 => format!("{}/{n}", word(n / 20)),
        _ => format!("daily/2026-11-{:02}/part-{n:05}.parquet", 1 + n % 28),
    }),
    ("words", |n| format!("{}/{}/{}-{n}", word(n), word(n / 7), word(n / 61))),
    ("base 64", |n| {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..10).map(|digit| char::from(DIGITS[(hash(n) >> (6 * digit) & 63) as usize])).collect()
    }),
    ("logs", |n| {
        let (month, day) = (1 + n / 90_000, 1 + n / 3_000 % 30);
        format!("AWSLogs/123456789012/CloudTrail/eu-west-1/2026/{month:02}/{day:02}/{n:08}.json.gz")
    }),
];

fn hash(n: u32) -> u64 {
    let mixed = u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

fn word(n: u32) -> &'static str {
    ["alpha", "backup", "customer", "daily", "exports", "finance", "images", "zebra"][(n % 8) as usize]
}

/// None of them may be listed by one range alone.
#[test]
fn uneven_trees_are_shared_too() {
    for (name, shape) in UNEVEN {
        let keys: BTreeSet<String> = (0..300_000).map(shape).collect();
        let pages = u32::try_from(keys.len()).unwrap().div_ceil(1000);
        let (requests, took) = cost_of(&keys);
        println!("{name}: {} keys, {requests} requests, {took:?}", keys.len());
        assert!(took <= Duration::from_millis(30) * pages / 6, "{name}: {took:?}");
        assert!(requests <= u64::from(5 * pages), "{name}: {requests} requests");
    }
}
