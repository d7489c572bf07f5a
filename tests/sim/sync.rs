//! Syncs: the replica ends as the source, whatever happens on the way, and nobody's work is lost. Then the
//! sync is taken back.

use crate::history::{REPLICA, SOURCE, Wishes, begin};
use crate::model::{Author, Bucket, Version};
use crate::stage::{COPY_MAX, SINGLE_PUT, Stage, findings};
use crate::undo;
use bytes::Bytes;
use s3twin_engine::compare::Rules;
use s3twin_engine::plan::{Brakes, Filter, SyncRules};
use s3twin_engine::run::{SyncJob, sync};
use s3twin_engine::s3::Versioning;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) fn run(seed: u64, mut rng: fastrand::Rng) {
    let wishes = Wishes {
        opaque: rng.u8(..3) == 0,
        replica: if rng.u8(..3) > 0 { Versioning::Enabled } else { Versioning::Off },
        writers: rng.u8(..3) == 0,
        faults: [0, 10, 40][rng.usize(..3)],
        flips: rng.bool(),
        ..Wishes::default()
    };
    let (delete, cuts, relay) = (rng.bool(), rng.bool(), rng.bool());
    let world = begin(seed, &mut rng, wishes);
    let mut stage = Stage::new(seed, rng, world);
    stage.relay = relay;
    let before = Before::of(&stage);
    let ended = stage.run("sync", cuts, |scene| async move {
        let job = SyncJob {
            sides: scene.sides,
            rules: Rules::default(),
            filter: Filter::default(),
            sync: SyncRules { delete },
            brakes: Brakes { max_delete: None, max_delete_percent: 100.0 },
            copy: scene.options,
            dry_run: false,
        };
        sync(job, scene.tools, &scene.session).await
    });
    if is_empty_source(&ended.result) {
        return;
    }
    let tally = ended.result.as_ref().expect("a sync through passing faults comes to its end");
    assert_eq!(tally.planned, tally.actions.total());
    assert_eq!(tally.verdicts.total(), tally.union_keys);
    let rows = findings(&ended.dir);
    check(&stage, &before, delete, wishes, &rows);
    let undoable = wishes.replica == Versioning::Enabled && !stage.is_torn();
    if undoable {
        undo::check(&mut stage, &ended.dir, &before.replica);
    }
}

/// A brake, and a right one.
fn is_empty_source<T>(result: &Result<T, s3twin_engine::Error>) -> bool {
    matches!(result, Err(s3twin_engine::Error::Brake(why)) if why.contains("empty-source"))
}

pub(crate) type Histories = BTreeMap<String, Vec<Version>>;

pub(crate) struct Before {
    pub(crate) source: Histories,
    pub(crate) replica: Histories,
}

impl Before {
    pub(crate) fn of(stage: &Stage) -> Self {
        let world = stage.world();
        let of = |name: &str| world.model.bucket(name).keys.clone();
        Self { source: of(SOURCE), replica: of(REPLICA) }
    }
}

/// Everything that may rightly stand on a key of the replica at the end.
fn candidates(stage: &Stage, before: &Before, relative: &str) -> (Vec<Option<Bytes>>, bool) {
    let world = stage.world();
    let (from, to) = (format!("in/{relative}"), format!("out/{relative}"));
    let first = before.source.get(&from).and_then(|versions| versions.last());
    let mut bodies = vec![first.and_then(|version| version.body.clone())];
    bodies.extend(world.stood.iter().filter(|(key, _)| *key == from).map(|(_, body)| body.clone()));
    let touched = bodies.len() > 1 || {
        let written = world.model.bucket(REPLICA).keys.get(&to);
        let writers = |version: &Version| version.author == Author::Writer;
        written.is_some_and(|versions| versions.iter().any(writers)) || world.touched(&to)
    };
    (bodies, touched)
}

/// A copy of it cannot be proved: no digest anywhere.
pub(crate) fn is_unprovable(version: &Version, replica: &Bucket, relay: bool) -> bool {
    let kms = version.kms || replica.kms;
    // Too large for one CopyObject: the server cuts it, and its ETag becomes another.
    let cut = version.parts.is_empty() && version.size() > COPY_MAX && !relay;
    version.checksum.is_none() && (kms || cut) && version.size() > 0
}

fn check(stage: &Stage, before: &Before, delete: bool, wishes: Wishes, rows: &[Value]) {
    assert_eq!(stage.world().sins, Vec::<String>::new());
    let told: BTreeMap<&str, &str> = rows
        .iter()
        .map(|row| (row["key"].as_str().expect("a key"), row["action"].as_str().unwrap_or_default()))
        .collect();
    let keys = |histories: &Histories, prefix: &str| -> Vec<String> {
        histories.keys().filter_map(|key| key.strip_prefix(prefix)).map(str::to_owned).collect()
    };
    let after = Before::of(stage);
    let mut all = keys(&after.source, "in/");
    all.extend(keys(&after.replica, "out/"));
    all.extend(keys(&before.replica, "out/"));
    all.sort();
    all.dedup();
    for relative in &all {
        check_key(stage, before, delete, relative, told.get(relative.as_str()).copied());
    }
    for (key, versions) in &before.replica {
        if !key.starts_with("out/") {
            assert_eq!(ids(Some(versions)), ids(after.replica.get(key)), "{key:?} lies beside the prefix");
        }
    }
    if !wishes.writers {
        assert_eq!(all_ids(&before.source), all_ids(&after.source), "a sync does not write to its source");
    }
    if !stage.is_torn() {
        let open: Vec<_> = stage.world().model.uploads.values().map(|upload| upload.key.clone()).collect();
        assert_eq!(open, Vec::<String>::new(), "uploads were left behind");
    }
}

fn check_key(stage: &Stage, before: &Before, delete: bool, relative: &str, told: Option<&str>) {
    let (bodies, touched) = candidates(stage, before, relative);
    let to = format!("out/{relative}");
    let world = stage.world();
    let stands = world.model.bucket(REPLICA).current(&to).cloned();
    let source = world.model.bucket(SOURCE).current(&format!("in/{relative}")).cloned();
    let history = world.model.bucket(REPLICA).keys.get(&to).cloned().unwrap_or_default();
    drop(world);
    let body = stands.as_ref().and_then(|version| version.body.clone());
    if told.is_some_and(|told| told.starts_with("copied")) {
        let made = |version: &Version| version.body.is_some() && bodies.contains(&version.body);
        let overwritten = stands.as_ref().is_none_or(|version| version.author == Author::Writer);
        assert!(
            overwritten || history.iter().any(made),
            "{relative:?}: reported as proved, and is not: {told:?} {source:?} {history:#?}"
        );
    }
    let ours = history.iter().filter(|version| version.author == Author::Engine).count();
    if touched {
        let old = before.replica.get(&to).and_then(|versions| versions.last()?.body.clone());
        let by_others = stands.as_ref().is_some_and(|version| version.author == Author::Writer);
        let gone = stands.is_none();
        assert!(
            bodies.contains(&body) || by_others || gone || body == old,
            "{relative:?} holds what nobody wrote"
        );
        return;
    }
    let world = stage.world();
    let (place, relay) = (world.model.bucket(REPLICA), stage.relay);
    let hard = source.as_ref().is_some_and(|version| is_unprovable(version, place, relay));
    drop(world);
    match (&source, delete) {
        (Some(source), _) => assert!(
            body == source.body,
            "{relative:?}: {:?} at the source, {body:?} at the replica; told {told:?}",
            source.body
        ),
        (None, true) => assert!(body.is_none(), "{relative:?} was not deleted; told {told:?}"),
        (None, false) => assert_eq!(
            ids(before.replica.get(&to)),
            ids(Some(&history)),
            "{relative:?} was touched without --delete"
        ),
    }
    assert!(
        hard || told.is_none_or(|told| !told.starts_with("failed")),
        "{relative:?}: {told:?}, {source:?}, {history:#?}"
    );
    // A lost write of bytes that stood there already cannot be told from what stood there, within one second.
    let top = before.replica.get(&to).and_then(|versions| versions.last());
    let same = top.zip(source.as_ref()).is_some_and(|(top, source)| top.body == source.body);
    // Relayed in parts of our own and without a checksum to share, it can be proved only while it is copied.
    let alone = |version: &Version| {
        version.checksum.is_none() && version.parts.is_empty() && version.size() > SINGLE_PUT
    };
    let again = stage.relay && source.as_ref().is_some_and(alone);
    let most = if hard || same || again { 4 + stage.cuts } else { 1 };
    assert!(
        ours <= most,
        "{relative:?}: {ours} versions were written, {most} would do: {history:#?} of {source:?}, cut {} times",
        stage.cuts
    );
}

pub(crate) fn ids(versions: Option<&Vec<Version>>) -> Vec<&str> {
    versions.into_iter().flatten().map(|version| version.id.as_str()).collect()
}

fn all_ids(histories: &Histories) -> Vec<(&str, Vec<&str>)> {
    histories.iter().map(|(key, versions)| (key.as_str(), ids(Some(versions)))).collect()
}
