//! `repair`: what an audit found is healed, only that, and proved again.

use crate::harness::{Done, World, held, key_of, noise};
use s3twin_fixtures::PutSpec;
use s3twin_fixtures::data::{DamageKind, Size, content_platform, damage};
use std::collections::BTreeMap;
use std::time::Duration;

const DEEP: [&str; 6] =
    ["--depth", "bytes", "--scrub", "all", "--compare", "metadata,tags,storage-class,lock,encryption"];

fn deep_audit(world: &World) -> Done {
    world.audit(&DEEP[..])
}

/// The audit's endpoint is the repair's: nothing but the run is named.
fn repair(world: &World, run: &str, flags: &[&str]) -> Done {
    world.spawn(&[&["repair", run, "--output", "json"], flags].concat()).wait()
}

fn id(done: &Done) -> String {
    done.summary()["run_id"].as_str().expect("an id").to_owned()
}

/// Key to what was done about it.
fn actions(done: &Done) -> BTreeMap<String, String> {
    let rows = done.findings();
    rows.iter()
        .map(|row| (key_of(row).to_owned(), row["action"].as_str().unwrap_or_default().to_owned()))
        .collect()
}

#[test]
fn every_damage_is_found_and_healed() {
    for seed in 1..=3 {
        let world = World::pair();
        let store = world.store();
        content_platform(store, "source", seed, &Size::small()).expect("filled");
        store.replicate("source", "replica").expect("replicated");
        let harmed = damage(store, "source", "replica", seed).expect("damaged");
        let real = harmed.iter().filter(|damage| damage.kind != DamageKind::PartLayout);
        let mut expected: Vec<&str> = real.map(|damage| &*damage.key).collect();
        expected.sort_unstable();
        let audit = deep_audit(&world).exits(1);
        assert_eq!(audit.verdicts().keys().map(String::as_str).collect::<Vec<_>>(), expected, "seed {seed}");

        let repaired = repair(&world, &id(&audit), &["--delete"]).exits(0);
        assert_eq!(
            repaired.number("actions.copied") + repaired.number("actions.deleted"),
            expected.len() as u64
        );
        assert_eq!(repaired.number("keys.union"), expected.len() as u64);
        world.assert_twins();
        deep_audit(&world).exits(0);
    }
}

#[test]
fn only_the_keys_of_the_audit_are_touched() {
    let world = World::pair();
    for key in ["a", "b", "c"] {
        world.put("source", key, noise(100, 1));
    }
    let audit = world.audit(&["--include", "a"]).exits(1);
    let repaired = repair(&world, &id(&audit), &[]).exits(0);
    assert_eq!(actions(&repaired), [("a".to_owned(), "copied, proved by etag".to_owned())].into());
    assert_eq!(world.held("replica", "").keys().collect::<Vec<_>>(), ["a"]);
    // Named keys of a wider audit.
    let audit = world.audit(&[]).exits(1);
    repair(&world, &id(&audit), &["--exclude", "c"]).exits(0);
    assert_eq!(world.held("replica", "").keys().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn what_was_written_since_is_left_alone() {
    let world = World::pair();
    for key in ["different", "gone", "healed", "missing", "source-moved"] {
        world.put("source", key, noise(500, 1));
    }
    for key in ["different", "gone", "healed", "source-moved"] {
        world.put("replica", key, noise(500, 2));
    }
    let audit = world.audit(&[]).exits(1);
    world.put("replica", "different", "by somebody");
    world.store().delete("source", "gone").expect("deleted");
    world.put("replica", "healed", noise(500, 1));
    world.put("replica", "missing", "by somebody");
    world.put("source", "source-moved", "newer");
    let before = world.held("replica", "");
    let repaired = repair(&world, &id(&audit), &[]).exits(1);
    let changed = "skipped: changed-meanwhile".to_owned();
    let expected = [
        ("different".to_owned(), changed.clone()),
        ("gone".to_owned(), changed.clone()),
        ("healed".to_owned(), "nothing to do: identical by now".to_owned()),
        ("missing".to_owned(), changed.clone()),
        ("source-moved".to_owned(), changed),
    ];
    assert_eq!(actions(&repaired), expected.into());
    assert!(before == world.held("replica", ""));
}

#[test]
fn bit_rot_is_healed_from_the_good_side_only() {
    let world = World::pair();
    for key in ["left", "right"] {
        world.put("source", key, noise(5000, 3));
        world.put("replica", key, noise(5000, 3));
    }
    world.store().corrupt("source", "left", None, 4321).expect("rotten");
    world.store().corrupt("replica", "right", None, 1234).expect("rotten");
    let audit = deep_audit(&world).exits(1);
    let repaired = repair(&world, &id(&audit), &[]).exits(1);
    let done = actions(&repaired);
    assert_eq!(done["right"], "copied, proved by bytes");
    assert_eq!(done["left"], "failed: bit-rot");
    assert!(held(world.store(), "replica", "")["left"].bytes == noise(5000, 3), "the rot was not copied");
    let audit = deep_audit(&world).exits(1);
    let back = repair(&world, &id(&audit), &["--direction", "replica-to-source"]).exits(0);
    assert_eq!(actions(&back)["left"], "copied, proved by bytes");
    world.assert_twins();
    deep_audit(&world).exits(0);
}

#[test]
fn the_other_direction_changes_the_source() {
    let world = World::pair();
    world.put("source", "both", "old");
    world.put("replica", "both", "new!");
    world.put("replica", "only-replica", "1");
    world.put("source", "only-source", "1");
    world.put("source", "same", "1");
    world.put("replica", "same", "1");
    let wished = world.held("replica", "");
    let audit = world.audit(&[]).exits(1);
    let flags = ["--direction", "replica-to-source", "--delete"];
    let repaired = repair(&world, &id(&audit), &flags).exits(0);
    assert_eq!((repaired.number("actions.copied"), repaired.number("actions.deleted")), (2, 1));
    assert!(world.held("source", "") == wished && world.held("replica", "") == wished);
    // And back: what the repair wrote is on the source.
    world.spawn(&["undo", &id(&repaired)]).wait().exits(0);
    assert_eq!(world.held("source", "").keys().collect::<Vec<_>>(), ["both", "only-source", "same"]);
    assert_eq!(world.held("source", "")["both"].bytes, b"old");
}

#[test]
fn a_rehearsal_changes_nothing_and_an_undo_takes_back() {
    let world = World::pair();
    world.put("source", "changed", "now");
    world.put("replica", "changed", "then");
    world.put("source", "missing", "1");
    world.put("replica", "extra", "1");
    let before = world.held("replica", "");
    let audit = world.audit(&[]).exits(1);
    let rehearsed = repair(&world, &id(&audit), &["--dry-run", "--delete"]).exits(0);
    assert!(before == world.held("replica", ""));
    assert_eq!(actions(&rehearsed)["extra"], "would delete");
    assert_eq!(rehearsed.number("actions.skipped"), 3);
    let repaired = repair(&world, &id(&audit), &["--delete"]).exits(0);
    world.assert_twins();
    world.spawn(&["undo", &id(&repaired)]).wait().exits(0);
    assert!(before == world.held("replica", ""));
}

#[test]
fn keys_that_lie_together_cost_no_look_each() {
    let world = World::pair();
    for number in 0..1_500 {
        world.put("source", &format!("k{number:04}"), noise(20, number));
        if number % 10 == 0 {
            world.put("replica", &format!("k{number:04}"), noise(20, number + 1));
        }
        if number % 50 == 0 {
            world.put("replica", &format!("x{number:04}"), "extra");
        }
    }
    let audit = world.audit(&["--depth", "listing"]).exits(1);
    // Somebody is faster than the repair.
    world.put("replica", "k0777", "theirs");
    world.lab.reset_requests();
    let repaired = repair(&world, &id(&audit), &["--delete"]).exits(1);
    assert_eq!((repaired.number("actions.copied"), repaired.number("actions.deleted")), (1_499, 30));
    assert_eq!(actions(&repaired)["k0777"], "skipped: changed-meanwhile");
    assert_eq!(world.seen("CopyObject"), 1_499 + 2, "one each, and a trial of each condition");
    let looks = world.seen("HeadObject");
    assert!(looks <= 40, "{looks} HEADs: of what was changed, of the firsts of each chunk, of trials");
    assert!(world.seen("ListObjectsV2") <= 16, "{}", world.seen("ListObjectsV2"));
    repair(&world, &id(&audit), &["--delete"]).exits(1);
}

#[test]
fn keys_that_lie_far_apart_are_looked_at_one_by_one() {
    let world = World::pair();
    for number in 0..4_000 {
        world.put("source", &format!("k{number:04}"), "same");
        if number % 200 != 7 {
            world.put("replica", &format!("k{number:04}"), "same");
        }
    }
    let audit = world.audit(&[]).exits(1);
    world.lab.reset_requests();
    let repaired = repair(&world, &id(&audit), &[]).exits(0);
    assert_eq!(repaired.number("actions.copied"), 20);
    world.assert_twins();
    assert!(world.seen("ListObjectsV2") <= 4, "{}", world.seen("ListObjectsV2"));
    assert!(world.seen("HeadObject") <= 4 * 20 + 2, "{}", world.seen("HeadObject"));
}

#[test]
fn the_brakes_are_those_of_a_sync() {
    let world = World::pair();
    world.put("source", "k", "1");
    for number in 0..5 {
        world.put("replica", &format!("extra-{number}"), "1");
    }
    let audit = world.audit(&[]).exits(1);
    let before = world.held("replica", "");
    repair(&world, &id(&audit), &["--delete"]).exits(3).says(&["max-delete-percent"]);
    repair(&world, &id(&audit), &["--delete", "--max-delete", "4"]).exits(3).says(&["--max-delete 5"]);
    assert!(before == world.held("replica", ""), "nothing was changed");
    repair(&world, &id(&audit), &["--delete", "--max-delete-percent", "100"]).exits(0);
    world.assert_twins();
}

#[test]
fn what_a_copy_cannot_heal_is_said() {
    let world = World::pair();
    let mut public = PutSpec::default();
    public.attributes.acl = "public-read".to_owned();
    world.put("source", "acl", "1");
    world.put_with("replica", "acl", "1", &public);
    let audit = world.audit(&["--compare", "acl"]).exits(1);
    let repaired = repair(&world, &id(&audit), &[]).exits(1);
    assert_eq!(actions(&repaired)["acl"], "skipped: acl-not-copied");
    assert_eq!(world.seen("CopyObject"), 0);
}

#[test]
fn runs_that_cannot_be_repaired_are_refused() {
    let world = World::pair();
    world.put("source", "k", "1");
    let synced = world.sync(&[]).exits(0);
    repair(&world, &id(&synced), &[]).exits(2).says(&["was no audit"]);
    let own = world.run(&["audit", "s3://source", "--self"]).exits(0);
    repair(&world, &id(&own), &[]).exits(2).says(&["one bucket"]);
    let versions = world.audit(&["--versions"]).exits(0);
    repair(&world, &id(&versions), &[]).exits(2).says(&["histories"]);
    repair(&world, "20200101", &[]).exits(2).says(&["20200101"]);
}

#[test]
fn a_repair_killed_at_any_moment_goes_on() {
    const KEYS: u64 = 1500;
    let world = World::pair();
    for number in 0..KEYS {
        world.put("source", &format!("k{number:05}"), noise(50, number));
    }
    let audit = world.audit(&[]).exits(1);
    world.lab.set_latency(Duration::from_millis(15));
    for (command, copies) in [("repair", 100), ("resume", 900)] {
        let running = world.spawn(&[command, "latest"]);
        world.wait_for("CopyObject", copies);
        running.kill();
    }
    world.lab.set_latency(Duration::ZERO);
    let done = world.spawn(&["resume", "latest"]).wait().exits(0);
    assert!(done.stdout.contains("repair"), "{}", done.stdout);
    world.assert_twins();
    let id = id(&audit);
    assert!(repair(&world, &id, &[]).exits(0).number("actions.copied") == 0, "a second time changes nothing");
}
