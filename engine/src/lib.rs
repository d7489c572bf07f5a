//! The s3twin engine.
