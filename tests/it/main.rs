//! The promises of the program, held against the embedded server: one module for each, one server for each test.
//!
//! The server is the judge. What a bucket holds is read from its store, never from what the program says.

mod harness;
mod sinks;

mod act_copy;
mod act_faults;
mod act_relay;
mod act_stage;
mod audit_damage;
mod audit_evidence;
mod audit_report;
mod audit_scope;
mod bad_input;
mod cost;
mod drill;
mod failover;
mod fault_kinds;
mod foreign_bytes;
mod interrupted;
mod job_deploy;
mod job_notify;
mod job_run;
mod job_schedule;
mod kill;
mod lag;
mod pairs;
mod posture_cases;
mod proof_baseline;
mod proof_corpus;
mod proof_ledger;
mod proof_scrub;
mod proof_self;
mod proof_stage;
mod repair;
mod restore_cases;
mod restore_files;
mod restore_guards;
mod restore_history;
mod restore_stage;
mod restore_thaw;
mod resume;
mod secrets;
mod sse_c;
mod storm;
mod sync_compat;
mod sync_copies;
mod sync_deletes;
mod sync_faults;
mod sync_races;
mod sync_travel;
mod tls;
mod versions;
