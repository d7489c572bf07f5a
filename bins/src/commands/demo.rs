//! `s3twin demo`: the whole story on the embedded server.

use crate::args::{Cli, Command, DemoArgs, Talk};
use crate::exit::Exit;
use crate::screen::out::say;
use crate::{Origin, screen};
use clap::Parser as _;
use s3twin_engine::s3::aws::StaticCredentials;
use s3twin_fixtures::data::{Damage, DamageKind, Size, content_platform, damage};
use s3twin_fixtures::{ACCESS_KEY, Lab, LabOptions, REGION, SECRET_KEY, Store, Versioning};
use std::path::Path;
use std::time::Instant;

const PRIMARY: &str = "media";
const REPLICA: &str = "media-replica";

/// Fills a primary, replicates it and damages the replica. Returns what was put in and what was done to it.
pub(crate) fn fill(store: &Store, seed: u64) -> Result<(u64, u64, Vec<Damage>), String> {
    let work = || {
        store.create_bucket(PRIMARY, Versioning::Enabled)?;
        store.create_bucket(REPLICA, Versioning::Enabled)?;
        let filled = content_platform(store, PRIMARY, seed, &Size::default())?;
        store.replicate(PRIMARY, REPLICA)?;
        let done = damage(store, PRIMARY, REPLICA, seed)?;
        Ok::<_, s3twin_fixtures::error::S3Error>((filled.keys, filled.bytes, done))
    };
    work().map_err(|error| error.to_string())
}

pub(crate) async fn run(args: DemoArgs, talk: Talk) -> Exit {
    match Box::pin(story(&args, &talk)).await {
        Ok(exit) => exit,
        Err(message) => {
            eprintln!("s3twin: {message}");
            Exit::Incomplete
        }
    }
}

async fn story(args: &DemoArgs, talk: &Talk) -> Result<Exit, String> {
    let begun = Instant::now();
    let lab = Lab::start_blocking(LabOptions::default())
        .map_err(|error| format!("the lab cannot start: {error}"))?;
    let folder = match &args.report {
        Some(folder) => folder.clone(),
        None => std::env::temp_dir().join(format!("s3twin-demo-{}", std::process::id())),
    };
    say!("1. An S3 server of our own listens on {}. Filling the bucket {PRIMARY} …", lab.endpoint());
    let (keys, bytes, done) = fill(lab.store(), args.seed)?;
    say!(
        "   {} objects, {}: audio, images, uploads in parts, old versions, keys with odd characters.",
        screen::grouped(keys),
        screen::bytes(bytes)
    );
    say!("   {REPLICA} was replicated from it, and then damaged in {} places:", done.len());
    for (kind, count) in tally(&done) {
        say!("     {count} × {}", describe(kind));
    }
    let pair = [format!("s3://{PRIMARY}"), format!("s3://{REPLICA}")];
    let deep = ["--depth", "bytes", "--scrub", "all", "--compare", "metadata,tags,storage-class"];
    let audit: Vec<&str> = ["audit", &pair[0], &pair[1]].into_iter().chain(deep).collect();
    say!("\n2. s3twin {}\n", audit.join(" "));
    let endpoint = lab.endpoint();
    let reach = ["--endpoint-url", &endpoint, "--region", REGION];
    let first = step(talk, &folder, "audit-1", &[&audit, &reach[..]].concat()).await?;
    say!("\n3. s3twin repair latest --delete\n");
    let healed = step(talk, &folder, "repair", &["repair", "latest", "--delete"]).await?;
    say!("\n4. s3twin {}   (again)\n", audit.join(" "));
    let second = step(talk, &folder, "audit-2", &[&audit, &reach[..]].concat()).await?;
    say!("\n{:.1} s in all. The reports are in {}", begun.elapsed().as_secs_f64(), folder.display());
    say!("Play on with `s3twin lab --data demo`.");
    let as_told = first == Exit::LookAt && healed == Exit::Clean && second == Exit::Clean;
    Ok(if as_told { Exit::Clean } else { Exit::Incomplete })
}

/// Runs one command just as the command line would.
async fn step(talk: &Talk, folder: &Path, name: &str, command: &[&str]) -> Result<Exit, String> {
    let (report, state) = (folder.join(name), folder.join("state"));
    let mut argv: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
    argv.extend(["--report".to_owned(), report.display().to_string()]);
    argv.extend(["--state-dir".to_owned(), state.display().to_string()]);
    let parsed = Cli::try_parse_from(std::iter::once("s3twin".to_owned()).chain(argv.iter().cloned()));
    let mut cli = parsed.map_err(|error| error.to_string())?;
    cli.talk = talk.clone();
    let credentials = Some(StaticCredentials {
        access_key: ACCESS_KEY.to_owned(),
        secret_key: SECRET_KEY.to_owned(),
        session_token: None,
    });
    match &mut cli.command {
        Command::Audit(args) => args.endpoints.credentials = credentials,
        Command::Repair(args) => args.endpoints.credentials = credentials,
        _ => {}
    }
    Ok(Box::pin(crate::dispatch(cli, Origin::Fresh { argv })).await)
}

fn tally(done: &[Damage]) -> Vec<(DamageKind, usize)> {
    DamageKind::ALL
        .into_iter()
        .map(|kind| (kind, done.iter().filter(|damage| damage.kind == kind).count()))
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn describe(kind: DamageKind) -> String {
    let what = match kind {
        DamageKind::Missing => "missing, without a trace",
        DamageKind::MarkedDeleted => "hidden under a delete marker",
        DamageKind::Extra => "an object that the primary does not have",
        DamageKind::Truncated => "cut short",
        DamageKind::BitFlip => "one bit flipped",
        DamageKind::BitRot => "one bit flipped behind an unchanged ETag",
        DamageKind::PartLayout => "the same bytes, uploaded in other parts",
        DamageKind::Metadata => "other metadata",
        DamageKind::Tags => "other tags",
        DamageKind::StorageClass => "another storage class",
        DamageKind::StaleVersion => "an older version",
    };
    let seen = match kind {
        DamageKind::BitRot => "  (only reading the bytes can show it)",
        DamageKind::PartLayout => "  (no harm: must be proved equal, not reported)",
        _ => "",
    };
    format!("{what}{seen}")
}
