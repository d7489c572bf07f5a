//! Workloads shared by the benches.

use s3twin_engine::model::{ETag, Page, PageBuilder, Row, Timestamp};

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
        let pushed = builder.push(&format!("k/{number:010}"), "", row);
        assert!(pushed.is_ok(), "a short key fits");
    }
    builder.finish()
}
