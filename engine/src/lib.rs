//! The s3twin engine: sync, audit and point-in-time restore for S3, as a library.

pub mod act;
pub mod compare;
mod error;
pub mod flow;
pub mod journal;
pub mod list;
pub mod model;
pub mod observe;
pub mod plan;
pub mod report;
pub mod run;
pub mod s3;
pub mod verify;

pub use error::Error;
