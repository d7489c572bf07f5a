//! `s3twin demo`.

use crate::args::DemoArgs;
use crate::exit::Exit;
use s3twin_fixtures::Lab;

pub(crate) fn fill(_lab: &Lab, _seed: u64) {}

pub(crate) async fn run(_args: DemoArgs) -> Exit {
    Exit::Clean
}
