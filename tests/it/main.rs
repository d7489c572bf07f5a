//! One integration binary.

mod act_copy;
mod act_faults;
mod act_relay;
mod act_stage;
