//! Taking a run back: every key as it was, nothing that somebody wrote since is touched.

use crate::history::{REPLICA, SOURCE};
use crate::model::{Author, Version};
use crate::stage::Stage;
use crate::sync::{Histories, is_unprovable};
use s3twin_engine::journal::RunDir;
use s3twin_engine::run::{UndoJob, undo};

/// What stands on a key, as an id; a delete marker is as good as nothing.
fn top<'a>(histories: &'a Histories, key: &str) -> Option<&'a str> {
    histories.get(key)?.last().filter(|version| !version.is_marker()).map(|version| version.id.as_str())
}

/// Undoes the run that made of `before` what is there now.
pub(crate) fn check(stage: &mut Stage, dir: &RunDir, before: &Histories) {
    let bucket = REPLICA;
    let somebody = stage.world().model.bucket(bucket).keys.clone();
    let interrupted = stage.cuts > 0;
    let (journal, cuts) = (dir.journal(), stage.rng.bool());
    stage.world().deeds.clear();
    let ended = stage.run("undo", cuts, |scene| {
        let journal = journal.clone();
        async move {
            let target = scene.sides.replica.expect("a replica");
            let job = UndoJob { target, journal, conditional_deletes: true, dry_run: false };
            undo(job, &scene.session).await
        }
    });
    let tally = ended.result.expect("an undo through passing faults comes to its end");
    assert_eq!(tally.planned, tally.actions.total());
    let after = stage.world().model.bucket(bucket).keys.clone();
    let by_others = |key: &str| {
        let versions = somebody.get(key).into_iter().flatten();
        let mut authors = versions.into_iter().map(|version| version.author);
        authors.any(|author| author == Author::Writer) || stage.world().touched(key)
    };
    // A lost answer about bytes that stood there already, that nothing proves, or whose source changed meanwhile,
    // leaves a version that nobody can know to be the run's.
    let nameless = |key: &str| {
        let body = |histories: &Histories| histories.get(key)?.last()?.body.clone();
        let source = key.replacen("out/", "in/", 1);
        let world = stage.world();
        let original = world.model.bucket(SOURCE).current(&source).cloned();
        let relay = stage.relay;
        let unprovable =
            original.is_some_and(|version| is_unprovable(&version, world.model.bucket(bucket), relay));
        world.faults.weather.percent > 0
            && (unprovable
                || body(before) == body(&somebody)
                || world.stood.iter().any(|(key, _)| *key == source))
    };
    let keys = before.keys().chain(somebody.keys());
    for (key, versions) in before {
        let kept = |version: &Version| {
            after.get(key).is_some_and(|now| now.iter().any(|kept| kept.id == version.id))
        };
        let lost: Vec<_> = versions.iter().filter(|version| !kept(version)).collect();
        assert!(lost.is_empty(), "{key:?}: the undo removed what the run did not write: {lost:?}");
    }
    // Of a write on its way when a process died not all is known: it may stay.
    let unheard = |key: &str| {
        let top = after.get(key).and_then(|versions| versions.last());
        interrupted && top.is_some_and(|version| version.author == Author::Engine)
    };
    for key in keys.filter(|key| !by_others(key) && !nameless(key) && !unheard(key)) {
        assert_eq!(
            top(before, key),
            top(&after, key),
            "{key:?} is not as it was before the run: {:#?} became {:#?} and then {:#?}",
            before.get(key),
            somebody.get(key),
            after.get(key)
        );
    }
    let left_alone = tally.actions.failed + tally.actions.skipped;
    let disturbed = keys_of(&somebody).iter().any(|key| by_others(key) || nameless(key));
    assert!(left_alone == 0 || disturbed || interrupted, "{left_alone} keys were left alone for no reason");
}

fn keys_of(histories: &Histories) -> Vec<&String> {
    histories.keys().collect()
}
