//! Planning: which keys take part, what is to be done about a verdict, and the brakes.

mod action;
mod brakes;
mod filter;

pub use action::{Action, SyncRules, action_for};
pub use brakes::{Brakes, Survey};
pub use filter::{Filter, FilterError, FilterRule};
