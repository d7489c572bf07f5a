//! s3twin.
fn main() {}
