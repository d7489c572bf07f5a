//! The s3twin engine: sync, audit and point-in-time restore for S3, as a library.

pub mod act;
pub mod flow;
pub mod list;
pub mod model;
pub mod s3;
pub mod verify;
