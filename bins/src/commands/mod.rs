//! The commands. Each: check, connect, run, report.

pub(crate) mod audit;
mod baseline;
pub(crate) mod demo;
mod earlier;
mod frame;
pub(crate) mod lab;
pub(crate) mod repair;
pub(crate) mod report;
pub(crate) mod restore;
pub(crate) mod resume;
pub(crate) mod runs;
pub(crate) mod sync;
pub(crate) mod undo;
mod unfinished;
pub(crate) mod versions;
