//! One integration binary.

mod restore_cases;
mod restore_history;
mod restore_stage;
mod act_copy;
mod act_faults;
mod act_relay;
mod act_stage;
