//! Restores to a moment: in place, or to another bucket. A naive replay of the history says what stood then.

use crate::history::{REPLICA, SOURCE, Wishes, begin};
use crate::model::Version;
use crate::stage::Stage;
use crate::sync::{Before, Histories, ids};
use s3twin_engine::journal::RunDir;
use s3twin_engine::model::{ETag, Timestamp};
use s3twin_engine::plan::{DoubtRules, Filter, Goal, Moment, PlanRules, Strategy, Uncertain};
use s3twin_engine::run::{RestoreJob, ThawRules, UndoJob, restore, undo};
use s3twin_engine::s3::Versioning;
use std::collections::BTreeSet;

/// What stood at the end of a second.
fn then(versions: &[Version], moment: i64) -> Option<&Version> {
    versions.iter().rfind(|version| version.at <= moment).filter(|version| !version.is_marker())
}

/// The listing cannot tell.
fn is_doubtful(versions: &[Version], moment: i64, window: u64) -> bool {
    let last = versions.iter().rfind(|version| version.at <= moment);
    let multipart = last.is_some_and(|version| {
        matches!(version.etag, ETag::Multipart { .. }) && (moment - version.at).unsigned_abs() < window
    });
    multipart || versions.iter().any(|version| version.at > moment && version.id == "null")
}

pub(crate) fn run(seed: u64, mut rng: fastrand::Rng) {
    let wishes = Wishes {
        suspended: rng.u8(..4) == 0,
        replica: if rng.bool() { Versioning::Enabled } else { Versioning::Off },
        faults: [0, 10, 40][rng.usize(..3)],
        ..Wishes::default()
    };
    let (in_place, cuts, prune, relay) = (rng.bool(), rng.bool(), rng.bool(), rng.u8(..4) == 0);
    let strategy = match rng.u8(..4) {
        1 if in_place => Strategy::CopyUp,
        2 if in_place => Strategy::RemoveNewer,
        _ => Strategy::Fewest,
    };
    let window = [0, 10][rng.usize(..2)];
    let mut world = begin(seed, &mut rng, wishes);
    let first = 1_700_000_000;
    let moment = rng.i64(first..=world.model.now);
    world.model.now += 1;
    let mut stage = Stage::new(seed, rng, world);
    stage.relay = relay && !in_place;
    let before = Before::of(&stage);
    let goal = Goal::State(Moment::at(Timestamp::from_seconds(moment)));
    let rules = PlanRules {
        goal,
        strategy,
        uncertain: Uncertain::Skip,
        doubts: DoubtRules { multipart_window_seconds: window, ..DoubtRules::default() },
        keep_new: false,
    };
    let ended = stage.run("restore", cuts, |scene| async move {
        let mut sides = scene.sides;
        if in_place {
            sides.replica = None;
        }
        let job = RestoreJob {
            sides,
            rules,
            folder: None,
            filter: Filter::default(),
            prune,
            copy: scene.options,
            thaw: ThawRules::default(),
            one: None,
            plan: None,
            dry_run: false,
        };
        restore(job, scene.tools, &scene.session).await
    });
    let tally = ended.result.expect("a restore through passing faults comes to its end");
    assert_eq!(tally.planned, tally.actions.total());
    assert_eq!(tally.actions.failed, 0, "{:#?}", crate::stage::findings(&ended.dir));
    assert_eq!(stage.world().sins, Vec::<String>::new());
    if !stage.is_torn() {
        assert!(stage.world().model.uploads.is_empty(), "uploads were left behind");
    }
    let told: BTreeSet<String> = crate::stage::findings(&ended.dir)
        .iter()
        .map(|row| row["key"].as_str().expect("a key").to_owned())
        .collect();
    assert!(told.len() as u64 <= tally.union_keys);
    if in_place {
        check_in_place(&stage, &before.source, moment, window, strategy);
        if strategy != Strategy::RemoveNewer && stage.cuts == 0 {
            take_back(&mut stage, &ended.dir, &before.source);
        }
    } else {
        check_elsewhere(&stage, &before, moment, window, prune);
    }
}

fn check_in_place(stage: &Stage, before: &Histories, moment: i64, window: u64, strategy: Strategy) {
    let world = stage.world();
    let bucket = world.model.bucket(SOURCE);
    for (key, versions) in before {
        let now = bucket.keys.get(key).cloned().unwrap_or_default();
        if !key.starts_with("in/") || is_doubtful(versions, moment, window) {
            assert_eq!(ids(Some(versions)), ids(Some(&now)), "{key:?} was to be left alone");
            continue;
        }
        let wished = then(versions, moment).and_then(|version| version.body.as_ref());
        let stands = bucket.current(key).and_then(|version| version.body.as_ref());
        assert_eq!(wished, stands, "{key:?} at {moment}: {versions:#?} became {now:#?}");
        let lost = versions.iter().filter(|version| !now.iter().any(|kept| kept.id == version.id));
        for version in lost {
            let newer = strategy == Strategy::RemoveNewer && version.at > moment;
            assert!(version.is_marker() || newer, "{key:?}: {} is gone for good", version.id);
        }
    }
}

fn check_elsewhere(stage: &Stage, before: &Before, moment: i64, window: u64, prune: bool) {
    let world = stage.world();
    let (source, target) = (world.model.bucket(SOURCE), world.model.bucket(REPLICA));
    for (key, versions) in &before.source {
        assert_eq!(ids(Some(versions)), ids(source.keys.get(key)), "{key:?}: the past was touched");
    }
    let relative = |key: &String, prefix: &str| key.strip_prefix(prefix).map(str::to_owned);
    let mut keys: BTreeSet<String> = before.source.keys().filter_map(|key| relative(key, "in/")).collect();
    keys.extend(before.replica.keys().filter_map(|key| relative(key, "out/")));
    for key in keys {
        let (from, to) = (format!("in/{key}"), format!("out/{key}"));
        let versions = before.source.get(&from).map(Vec::as_slice).unwrap_or_default();
        let old = before.replica.get(&to);
        if is_doubtful(versions, moment, window) {
            assert_eq!(ids(old), ids(target.keys.get(&to)), "{key:?} was to be left alone");
            continue;
        }
        let stands = target.current(&to).and_then(|version| version.body.as_ref());
        match then(versions, moment) {
            Some(wished) => assert_eq!(wished.body.as_ref(), stands, "{key:?} at {moment}"),
            None if prune => assert_eq!(stands, None, "{key:?} did not exist at {moment}"),
            None => assert_eq!(ids(old), ids(target.keys.get(&to)), "{key:?} was not to be pruned"),
        }
    }
}

/// Undoes a restore in place.
fn take_back(stage: &mut Stage, dir: &RunDir, before: &Histories) {
    let (journal, cuts) = (dir.journal(), stage.rng.bool());
    let ended = stage.run("undo", cuts, |scene| {
        let journal = journal.clone();
        async move {
            let target = scene.sides.source;
            let job = UndoJob { target, journal, conditional_deletes: true, dry_run: false };
            undo(job, &scene.session).await
        }
    });
    let tally = ended.result.expect("an undo through passing faults comes to its end");
    let world = stage.world();
    for (key, versions) in before {
        let top = |versions: &[Version]| versions.last().filter(|v| !v.is_marker()).map(|v| v.id.clone());
        let now = world.model.bucket(SOURCE).keys.get(key).map(Vec::as_slice).unwrap_or_default();
        assert_eq!(top(versions), top(now), "{key:?} is not as before the restore: {versions:#?} {now:#?}");
    }
    assert_eq!(
        (tally.actions.failed, tally.actions.skipped),
        (0, 0),
        "{:#?}",
        crate::stage::findings(&ended.dir)
    );
}
