//! The engine in a simulated world: a naive store in memory behind its seam, a clock that jumps, faults, other
//! writers and sudden deaths by seed, and the plain truth to hold every outcome against.
//!
//! ```text
//! cargo test -p s3twin_tests --test sim                      5,000 seeds, as in CI
//! S3TWIN_SIM_SEED=1234 cargo test -p s3twin_tests --test sim that seed and nothing else
//! S3TWIN_SIM_SECONDS=28800 cargo test -p s3twin_tests --test sim -- --nocapture     a night of new seeds
//! ```

mod answers;
mod audit;
mod faults;
mod history;
mod model;
mod restore;
mod stage;
mod store;
mod sync;
mod undo;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Seeds of a run in CI.
const SEEDS: u64 = 5_000;

fn play(seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    match rng.u8(..8) {
        0 | 1 => audit::run(seed, rng),
        2..=4 => sync::run(seed, rng),
        _ => restore::run(seed, rng),
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Plays seeds on every core until one fails (or as many as S3TWIN_SIM_FAILURES says), the last is reached, or time
/// is up.
fn play_all(first: u64, last: u64, until: Option<Instant>) -> (u64, Vec<(u64, String)>) {
    let (next, done) = (AtomicU64::new(first), AtomicU64::new(0));
    let (failed, stop) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let most = number("S3TWIN_SIM_FAILURES").unwrap_or(1);
    let worker = || {
        while !stop.load(Ordering::Relaxed) && until.is_none_or(|until| Instant::now() < until) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > last {
                return;
            }
            if let Err(why) = catch_unwind(AssertUnwindSafe(|| play(seed))) {
                let text = why.downcast_ref::<String>().cloned();
                let text = text.or_else(|| why.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                let mut failed = failed.lock().expect("whole");
                failed.push((seed, text.unwrap_or_default()));
                stop.store(failed.len() as u64 >= most, Ordering::Relaxed);
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let workers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        for _ in 0..workers {
            scope.spawn(worker);
        }
    });
    (done.load(Ordering::Relaxed), failed.into_inner().expect("whole"))
}

#[test]
fn every_seed_ends_as_the_model_says() {
    let (first, last, until) = match (number("S3TWIN_SIM_SEED"), number("S3TWIN_SIM_SECONDS")) {
        (Some(seed), _) => (seed, seed, None),
        (None, Some(seconds)) => {
            // Seeds that no run before has seen.
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
            (now.as_secs() << 20, u64::MAX, Some(Instant::now() + Duration::from_secs(seconds)))
        }
        (None, None) => (1, number("S3TWIN_SIM_SEEDS").unwrap_or(SEEDS), None),
    };
    let begun = Instant::now();
    // Failures are told at the end, with their seeds.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let (done, failed) = play_all(first, last, until);
    std::panic::set_hook(hook);
    println!("{done} seeds from {first} on in {:.1} s", begun.elapsed().as_secs_f64());
    for (seed, why) in &failed {
        println!("seed {seed}: {why}\n");
    }
    if let Some((seed, _)) = failed.first() {
        panic!("it alone, again:\n  S3TWIN_SIM_SEED={seed} cargo test -p s3twin_tests --test sim");
    }
}
