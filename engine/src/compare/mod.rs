//! Comparing: a ladder, cheapest first, each verdict with its evidence.
//!
//! | level | from | settles |
//! |---|---|---|
//! | L0, L1 | the listing ([`listing`]) | presence, size, equal ETags, unequal plain ETags |
//! | L2, L3 | HEAD and attributes ([`stored`]) | stored checksums, part arithmetic, encryption |
//! | L4 | one side's bytes, in the other's part layout (`replay`) | equality across layouts |
//! | L5 | both sides' bytes (`bytes`) | everything |
//!
//! What no level settles is [`Verdict::Unproven`] with the reason: never a silent match, never a false alarm.
//! The first three levels are pure; [`evidence`] asks the servers for them, and climbs on to reading.

mod bytes;
pub mod evidence;
pub mod fidelity;
pub mod listing;
pub mod own;
mod parted;
mod reading;
pub mod receive;
mod replay;
mod scrub;
pub mod stacks;
pub mod stored;
mod verdict;

pub use fidelity::Fidelity;
pub use listing::{Facts, Judged, Rules, judge};
pub use reading::{Reading, Tap};
pub use scrub::{Ages, Scrub, ScrubWish, Scrubbed};
pub use verdict::{Depth, Evidence, Judgement, Reason, Verdict};
