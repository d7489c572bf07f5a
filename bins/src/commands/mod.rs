//! The commands. Each: check, connect, run, report.

pub(crate) mod audit;
pub(crate) mod demo;
mod frame;
pub(crate) mod lab;
pub(crate) mod report;
pub(crate) mod restore;
pub(crate) mod resume;
pub(crate) mod runs;
pub(crate) mod sync;
pub(crate) mod undo;
mod unfinished;
pub(crate) mod versions;
