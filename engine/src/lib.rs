//! The s3twin engine.

pub mod verify;
