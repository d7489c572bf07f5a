//! The s3twin command line.
