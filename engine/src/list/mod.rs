//! Listing: both sides of a key range at once, in key order, with ranges that split themselves.
//!
//! ```text
//!  walk ── one worker per range ──▶ feed (source) ─┐
//!   │                               feed (replica) ┴▶ merge ──▶ Visitor: pair, pair, …, batch
//!   └─ splits the range with most left: atlas (which characters occur where) → split (a key in the middle)
//! ```
//! Memory is (ranges at work) × (pages in hand), whatever the bucket's size. No hint, no delimiter.

mod atlas;
mod feed;
mod in_order;
mod live;
mod pages;
mod scout;
mod side;
mod split;
mod walk;
mod worker;

pub use atlas::Atlas;
pub use feed::{Feed, Objects, Stack, StackEntry, Versions};
pub use in_order::in_order;
pub use pages::Listing;
pub use side::Side;
pub use split::{Middle, middle, remaining_share};
pub use walk::{Sides, Visitor, WalkLimits, WalkStats, walk};

#[cfg(test)]
mod tests;
