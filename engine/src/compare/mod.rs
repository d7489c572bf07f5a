//! Comparing: a ladder, cheapest first, each verdict with its evidence.
//!
//! | level | from | settles |
//! |---|---|---|
//! | L0, L1 | the listing ([`listing`]) | presence, size, equal ETags, unequal plain ETags |
//! | L2, L3 | HEAD and attributes ([`stored`]) | stored checksums, part arithmetic, encryption |
//!
//! What no level settles is [`Verdict::Unproven`] with the reason: never a silent match, never a false alarm.
//! Everything here is pure; [`evidence`] alone asks the server.

pub mod evidence;
pub mod listing;
pub mod stacks;
pub mod stored;
mod verdict;

pub use listing::{Facts, Judged, Rules, judge};
pub use verdict::{Depth, Evidence, Judgement, Reason, Verdict};
