//! One integration binary.

mod restore_cases;
mod restore_history;
mod restore_stage;
