//! Workloads shared by the benches.

pub mod shelf;
pub mod stage;

use s3twin_engine::model::{ETag, Page, PageBuilder, Row, Timestamp};

/// Is this a trial that everything works, as `cargo test` makes it, and no measurement? Then small sizes will do:
/// without optimisation gigabytes would take minutes.
#[must_use]
pub fn is_trial() -> bool {
    !std::env::args().any(|argument| argument == "--bench")
}

/// The key of a number. In order of the numbers, below ten thousand million.
#[must_use]
pub fn counter_key(number: u64) -> String {
    format!("k/{number:010}")
}

/// A page of `len` objects with counter keys from `first` on, as a listing would bring it.
///
/// # Panics
/// Never for keys of this length.
#[must_use]
pub fn counter_page(first: u64, len: u64) -> Page {
    let mut builder = PageBuilder::new();
    for number in first..first + len {
        let digest = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let mut row = Row::default();
        row.size = number % 100_000;
        row.etag = Some(ETag::Plain(digest.to_be_bytes()));
        row.last_modified = Timestamp::from_seconds(1_700_000_000);
        let pushed = builder.push(&counter_key(number), "", row);
        assert!(pushed.is_ok(), "a short key fits");
    }
    builder.finish()
}
