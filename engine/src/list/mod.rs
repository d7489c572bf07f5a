//! Listing: both sides of a key range at once, in key order, with ranges that split themselves.

mod side;

pub use side::Side;
