//! Any history, any moment: what a restore leaves is what a naive replay of the history says stood then.
//!
//! The oracle replays the events that the test itself made; it never looks at a listing.

use crate::restore_stage::{Stage, time};
use proptest::prelude::*;
use s3twin_fixtures::{PutSpec, Versioning};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
enum Event {
    Put(u8),
    Multipart(u8),
    Delete,
    Suspend,
    Enable,
}

const KEYS: [&str; 3] = ["a", "b/c", "d+ %&"];

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        5 => (0_u8..3).prop_map(Event::Put),
        2 => (0_u8..3).prop_map(Event::Multipart),
        3 => Just(Event::Delete),
        1 => Just(Event::Suspend),
        1 => Just(Event::Enable),
    ]
}

type States = BTreeMap<&'static str, Option<String>>;

/// Makes the history; returns what stood at `moment`, and the keys whose `null` entry was written later.
fn play(stage: &Stage, bucket: &str, steps: &[(i64, usize, Event)], moment: i64) -> (States, BTreeSet<&'static str>) {
    let (mut now, mut then, mut gaps, mut suspended) = (0, States::new(), BTreeSet::new(), false);
    for (pause, key, event) in steps {
        now += pause;
        let key = KEYS[*key];
        let body = |content: &u8| format!("content {content}");
        let state = match event {
            Event::Put(content) => {
                stage.put_as(bucket, key, &body(content), PutSpec::default(), now);
                Some(body(content))
            }
            Event::Multipart(content) => {
                stage.put_parts(bucket, key, &body(content), now);
                Some(body(content))
            }
            Event::Delete => {
                stage.delete_in(bucket, key, now);
                None
            }
            Event::Suspend | Event::Enable => {
                suspended = matches!(event, Event::Suspend);
                let versioning = if suspended { Versioning::Suspended } else { Versioning::Enabled };
                stage.lab.store().set_versioning(bucket, versioning).expect("a bucket");
                continue;
            }
        };
        if now <= moment {
            then.insert(key, state);
        } else if suspended {
            gaps.insert(key);
        }
    }
    stage.lab.store().set_versioning(bucket, Versioning::Enabled).expect("a bucket");
    (then, gaps)
}

fn check(stage: &Stage, bucket: &str, steps: &[(i64, usize, Event)], moment: i64) {
    stage.bucket(bucket);
    let (then, gaps) = play(stage, bucket, steps, moment);
    let bodies = || KEYS.map(|key| stage.body(bucket, key));
    let before = bodies();
    let (location, at) = (format!("s3://{bucket}"), time(moment));
    let args = ["restore", &location, "--at", &at, "--multipart-window", "0s"];
    let ran = stage.run(&[&args[..], &["--in-place"]].concat());
    for (key, was) in KEYS.iter().zip(&before) {
        let now = stage.body(bucket, key);
        if gaps.contains(key) {
            assert_eq!(now, *was, "{key} is in doubt and must be left alone: {steps:?} at {moment}, {ran:?}");
        } else {
            assert_eq!(now, then.get(key).cloned().flatten(), "{key}: {steps:?} at {moment}, {ran:?}");
        }
    }
    assert!(ran.code == 0 || (ran.code == 1 && !gaps.is_empty()), "{steps:?} at {moment}, {ran:?}");
    let again = stage.run(&[&args[..], &["--dry-run"]].concat());
    assert!(again.plan().iter().all(|(_, action, _)| action == "keep" || action == "uncertain"), "{again:?}");
    let undone = stage.run(&["undo", ran.summary["run_id"].as_str().expect("an id")]);
    assert_eq!((undone.code, bodies()), (0, before), "{steps:?} at {moment}, {undone:?}");
}

#[test]
fn any_history_any_moment() {
    let stage = Stage::new();
    let number = std::cell::Cell::new(0);
    let steps = prop::collection::vec((0_i64..3, 0..KEYS.len(), event()), 0..16);
    let config = ProptestConfig { cases: 24, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = prop::test_runner::TestRunner::new(config);
    let result = runner.run(&(steps, 0_i64..18), |(steps, moment)| {
        number.set(number.get() + 1);
        check(&stage, &format!("history-{}", number.get()), &steps, moment);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
