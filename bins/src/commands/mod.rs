//! The commands. Each: check, connect, run, report.

pub(crate) mod audit;
pub(crate) mod demo;
pub(crate) mod lab;
mod pair;
pub(crate) mod report;
pub(crate) mod restore;
pub(crate) mod resume;
pub(crate) mod runs;
mod single;
pub(crate) mod sync;
pub(crate) mod undo;
pub(crate) mod versions;
