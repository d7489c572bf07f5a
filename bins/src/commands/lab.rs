//! `s3twin lab`: an S3 to play with.

use crate::args::{LabArgs, LabData};
use crate::exit::Exit;
use crate::screen::out::say;
use crate::setup;
use s3twin_fixtures::{ACCESS_KEY, Lab, LabOptions, REGION, SECRET_KEY};
use std::time::Duration;

pub(crate) async fn run(args: LabArgs) -> Exit {
    let latency = Duration::from_millis(args.latency_ms);
    let options = LabOptions { port: args.port, latency, ..LabOptions::default() };
    let lab = match Lab::start(options).await {
        Ok(lab) => lab,
        Err(error) => {
            eprintln!(
                "s3twin: the lab cannot listen on port {}: {error}. Choose another with --port",
                args.port
            );
            return Exit::Usage;
        }
    };
    if args.data == LabData::Demo
        && let Err(error) = super::demo::fill(lab.store(), 1)
    {
        eprintln!("s3twin: the demo data could not be made: {error}");
        return Exit::Incomplete;
    }
    say!("# S3 on {}. In another terminal:", lab.endpoint());
    say!("export AWS_ENDPOINT_URL={}", lab.endpoint());
    say!("export AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY} AWS_REGION={REGION}");
    if args.data == LabData::Demo {
        say!("s3twin audit s3://media s3://media-replica");
    } else {
        say!("aws s3 mb s3://first");
    }
    setup::cancel_on_signals().cancelled().await;
    Exit::Clean
}
