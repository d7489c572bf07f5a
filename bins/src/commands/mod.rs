//! The commands. Each: check, connect, run, report.

pub(crate) mod audit;
mod baseline;
pub(crate) mod config;
pub(crate) mod cost;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod dossier;
pub(crate) mod drill;
mod earlier;
pub(crate) mod failback;
pub(crate) mod failover;
pub(crate) mod forget;
mod frame;
pub(crate) mod lab;
pub(crate) mod lag;
pub(crate) mod posture;
pub(crate) mod repair;
pub(crate) mod report;
pub(crate) mod restore;
pub(crate) mod resume;
pub(crate) mod run_job;
pub(crate) mod runs;
pub(crate) mod shell;
pub(crate) mod sync;
pub(crate) mod undo;
mod unfinished;
pub(crate) mod versions;
