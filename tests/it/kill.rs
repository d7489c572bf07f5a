//! The real process, killed at any moment and taken up again until it is done: the end is that of a run that nobody
//! disturbed, no upload stays open, and nothing is called proved that is not.
//!
//! ```text
//! cargo test -p s3twin_tests --test it kill::                                   some kills, as in CI
//! S3TWIN_KILLS=300 cargo test -p s3twin_tests --test it kill:: -- --nocapture   as many as that
//! ```

use crate::harness::{Done, Held, World, assert_same, noise};
use bytes::Bytes;
use s3twin_fixtures::{LabOptions, Limits, PutSpec};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Kills in CI, over all tests of this file.
const KILLS: u64 = 20;
/// No run is killed more often than this; then it is left in peace.
const KILLS_PER_RUN: u64 = 4;
const KEYS: u64 = 60;
/// Of a slow server: a run lasts a second or so, and most kills hit it at work.
const LATENCY: Duration = Duration::from_millis(12);

/// Moments, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// Objects of all sizes, some of them in parts, and a replica that differs in a third of them.
fn stocked(dice: &mut Dice) -> World {
    let old = jiff::Timestamp::now() - Duration::from_secs(100);
    let limits = Limits { min_part_bytes: 1, ..Limits::default() };
    let world = World::with(LabOptions { limits, ..LabOptions::default() });
    for bucket in ["source", "replica"] {
        world.bucket(bucket);
    }
    let spec = PutSpec::default().metadata("made", "by hand").at(old);
    for number in 0..KEYS {
        let key = format!("k{number:03}");
        match number % 6 {
            0 => {
                let parts = (0..3).map(|part| Bytes::from(noise(40_000, number * 10 + part))).collect();
                world.store().put_multipart("source", &key, parts, &spec).expect("written");
            }
            _ => world.put_with("source", &key, noise(500, number), &spec),
        }
        match dice.below(6) {
            0 => world.put("replica", &key, noise(500, number + 1_000)),
            1 => world.put("replica", &format!("{key}-extra"), "not at the source"),
            _ => {}
        }
    }
    world
}

/// A run that is killed and taken up until it is done.
struct Chased<'a> {
    world: &'a World,
    dice: &'a mut Dice,
    kills: u64,
}

impl Chased<'_> {
    fn run(&mut self, arguments: &[&str], lasts: Duration) -> Done {
        self.world.lab.set_latency(LATENCY);
        let endpoint = self.world.lab.endpoint();
        // An undo goes where its run went.
        let there: &[&str] = if arguments[0] == "undo" { &[] } else { &["--endpoint-url", &endpoint] };
        let fresh = [arguments, &["--output", "json"], there].concat();
        let mut next = fresh.clone();
        let lasts = u64::try_from(lasts.as_millis()).expect("short");
        for _ in 0..KILLS_PER_RUN {
            let mut running = self.world.spawn(&next);
            std::thread::sleep(Duration::from_millis(self.dice.below(lasts)));
            if !running.is_running() {
                let done = running.wait();
                if done.code == 2 && next != fresh {
                    // It was killed before it had noted anything: there is nothing to resume.
                    next.clone_from(&fresh);
                    continue;
                }
                return done;
            }
            running.kill();
            self.kills += 1;
            next = vec!["resume", "latest"];
        }
        self.world.lab.set_latency(Duration::ZERO);
        let done = self.world.spawn(&next).wait();
        if done.code == 2 && next != fresh { self.world.spawn(&fresh).wait() } else { done }
    }
}

fn no_upload_is_open(world: &World) {
    for bucket in ["source", "replica"] {
        let open = world.store().bucket(bucket).expect("there").read().uploads.len();
        assert_eq!(open, 0, "uploads are open in {bucket}");
    }
}

/// What findings call proved is what the source holds.
fn nothing_is_proved_falsely(world: &World, done: &Done) {
    let (source, replica) = (world.held("source", ""), world.held("replica", ""));
    for row in done.findings() {
        let told = row["action"].as_str().unwrap_or_default();
        if told.contains("proved by") {
            let key = crate::harness::key_of(&row);
            let bytes = |held: &BTreeMap<String, Held>| held.get(key).map(|held| held.bytes.clone());
            assert_eq!(bytes(&source), bytes(&replica), "{key}: {told}");
        }
    }
}

/// How long a run takes that nobody kills.
fn calm(world: &World, arguments: &[&str]) -> Duration {
    world.lab.set_latency(LATENCY);
    let took = world.run(arguments).took;
    world.lab.set_latency(Duration::ZERO);
    took
}

/// Plays rounds until so many processes were killed.
fn rounds(share: u64, mut round: impl FnMut(&mut Dice) -> u64) {
    let wished = std::env::var("S3TWIN_KILLS").ok().map(|text| text.parse().expect("a number"));
    let (wished, begun) = (wished.unwrap_or(KILLS).div_ceil(share), Instant::now());
    let (mut kills, mut played) = (0, 0);
    while kills < wished {
        kills += round(&mut Dice(played + 1));
        played += 1;
        assert!(played < 20 + wished * 5, "{played} rounds, and only {kills} kills hit a run at work");
    }
    println!("{kills} kills in {played} rounds, {:.0} s", begun.elapsed().as_secs_f64());
}

const SYNC: [&str; 6] = ["sync", "s3://source", "s3://replica", "--delete", "--max-delete-percent", "100"];

fn sync_round(dice: &mut Dice, more: &[&str]) -> u64 {
    let arguments = [&SYNC[..], more].concat();
    let lasts = calm(&stocked(dice), &arguments);
    let world = stocked(dice);
    let mut chased = Chased { world: &world, dice, kills: 0 };
    let done = chased.run(&arguments, lasts).exits(0);
    let kills = chased.kills;
    world.lab.set_latency(Duration::ZERO);
    world.assert_twins();
    no_upload_is_open(&world);
    nothing_is_proved_falsely(&world, &done);
    world.audit(&[]).exits(0);
    kills
}

#[test]
fn a_sync_by_the_server_survives_kills() {
    rounds(4, |dice| sync_round(dice, &[]));
}

#[test]
fn a_relayed_sync_survives_kills() {
    rounds(4, |dice| sync_round(dice, &["--copy-mode", "relay"]));
}

/// A source two thirds of which were deleted or overwritten just now, and what it held before.
fn spoilt(dice: &mut Dice) -> (World, BTreeMap<String, Held>) {
    let world = stocked(dice);
    let then = world.held("source", "");
    for number in 0..KEYS {
        let key = format!("k{number:03}");
        match dice.below(3) {
            0 => drop(world.store().delete_at("source", &key, world.lab.clock().now())),
            1 => world.put("source", &key, "spoilt"),
            _ => {}
        }
    }
    world.put("source", "k-new", "was not there");
    (world, then)
}

#[test]
fn a_restore_survives_kills() {
    rounds(4, |dice| {
        let moment = (jiff::Timestamp::now() - Duration::from_secs(50)).to_string();
        let arguments = ["restore", "s3://source", "--at", &moment, "--in-place", "--multipart-window", "1s"];
        let lasts = calm(&spoilt(dice).0, &arguments);
        let (world, then) = spoilt(dice);
        let mut chased = Chased { world: &world, dice, kills: 0 };
        chased.run(&arguments, lasts).exits(0);
        let kills = chased.kills;
        assert_same(&then, &world.held("source", ""));
        no_upload_is_open(&world);
        kills
    });
}

#[test]
fn an_undo_survives_kills() {
    rounds(4, |dice| {
        let world = stocked(dice);
        let before = world.held("replica", "");
        world.run(&SYNC).exits(0);
        world.assert_twins();
        let runs = world.spawn(&["runs", "--output", "json"]).wait().exits(0);
        let runs: serde_json::Value = serde_json::from_str(&runs.stdout).expect("JSON");
        let id = runs["runs"][0]["run_id"].as_str().expect("a run").to_owned();
        let mut chased = Chased { world: &world, dice, kills: 0 };
        chased.run(&["undo", &id], Duration::from_millis(350)).exits(0);
        let kills = chased.kills;
        assert_same(&before, &world.held("replica", ""));
        kills
    });
}
