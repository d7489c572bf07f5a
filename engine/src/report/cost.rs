//! What requests cost, in US dollars.

use crate::s3::{Meter, Operation, PriceClass};

/// PUT, COPY, POST and LIST of STANDARD, per request. Source: S3 list prices for us-east-1 (S3 facts, section 11).
const WRITE_USD: f64 = 0.005 / 1000.0;
/// GET, HEAD and all other reads of STANDARD, per request. Source: as above.
const READ_USD: f64 = 0.0004 / 1000.0;

/// The requests counted so far at STANDARD list prices; transfer and retrieval not included.
#[must_use]
pub fn request_cost_usd(meter: &Meter) -> f64 {
    Operation::ALL
        .iter()
        .map(|operation| {
            #[allow(clippy::cast_precision_loss)]
            let count = meter.of(*operation) as f64;
            match operation.price_class() {
                PriceClass::Write => count * WRITE_USD,
                PriceClass::Read => count * READ_USD,
                PriceClass::Free => 0.0,
            }
        })
        .sum()
}
