//! The machinery that stages share: pacing of requests, backoff, the wall clock.

mod climb;
pub mod clock;
mod pace;
mod retry;

pub use clock::Clock;
pub use pace::{Pace, PaceLimits, Permit};
pub use retry::{Backoff, RetryBudget};
