//! The commands. Each: check, connect, run, report.

pub(crate) mod audit;
pub(crate) mod demo;
pub(crate) mod lab;
mod pair;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod runs;
pub(crate) mod sync;
