//! Bad input of every kind: a message that names what is wrong and what to do, the right code, nothing lost.

use crate::harness::World;
use s3twin_fixtures::{ACCESS_KEY, Denial};
use std::time::Duration;

fn filled() -> World {
    let world = World::pair();
    world.put("source", "k", "v");
    world
}

#[test]
fn no_such_bucket_is_named() {
    let world = filled();
    let done = world.run(&["audit", "s3://nowhere", "s3://replica"]).exits(4).says(&[
        "s3://nowhere",
        "source",
        "check the name",
    ]);
    assert_eq!(done.stdout, "");
    world.run(&["sync", "s3://source", "s3://nowhere"]).exits(4).says(&["s3://nowhere", "replica"]);
}

#[test]
fn no_permission_to_list_names_bucket_operation_and_permission() {
    let world = filled();
    let denial = Denial {
        operation: Some("ListObjectsV2".into()),
        bucket: Some("replica".into()),
        ..Denial::default()
    };
    world.lab.credentials().deny(ACCESS_KEY, denial);
    world.audit(&[]).exits(4).says(&["replica", "ListObjectsV2", "AccessDenied", "s3:ListBucket"]);
    world.sync(&["--delete"]).exits(4);
    assert!(world.store().keys("replica").is_empty());
}

#[test]
fn no_permission_to_read_is_a_finding_for_each_object() {
    let world = filled();
    world.put("source", "open", "v");
    for operation in ["GetObject", "CopyObject"] {
        let denial = Denial { operation: Some(operation.into()), bucket: None, prefix: "k".into() };
        world.lab.credentials().deny(ACCESS_KEY, denial);
    }
    let done = world.sync(&[]).exits(1);
    assert_eq!((done.number("actions.copied"), done.number("actions.failed")), (1, 1));
    assert!(done.findings()[0]["action"].as_str().is_some_and(|a| a.contains("access-denied")));
}

#[test]
fn malformed_locations_and_urls_start_nothing() {
    let world = filled();
    for location in ["source", "s3://", "s3:///k", "http://source", "s3://a b", "s3://UPPER!"] {
        world.run(&["audit", location, "s3://replica"]).exits(2).says(&["s3://"]);
    }
    for url in ["localhost:9000", "ftp://127.0.0.1", "http://", "not a url", "http://127.0.0.1:99999"] {
        let arguments = ["audit", "s3://source", "s3://replica", "--endpoint-url", url];
        world.spawn(&arguments).wait().exits(2).says(&["endpoint URL"]);
    }
    assert!(world.lab.requests().is_empty());
}

#[test]
fn unknown_flags_and_bad_globs_start_nothing() {
    let world = filled();
    world.audit(&["--no-such-flag"]).exits(2);
    world.audit(&["--exclude", "a["]).exits(2).says(&["`a[`"]);
    world.sync(&["--max-delete", "5"]).exits(2).says(&["--delete"]);
    world.audit(&["--grace", "soon"]).exits(2);
    world.audit(&["--concurrency", "0"]).exits(2);
    assert!(world.lab.requests().is_empty());
}

#[test]
fn a_replica_that_shares_keys_with_the_source_is_refused() {
    let world = filled();
    for (source, replica) in [
        ("s3://source", "s3://source"),
        ("s3://source", "s3://source/copy/"),
        ("s3://source/a/b/", "s3://source/a/"),
        ("s3://source/a", "s3://source/ab"),
    ] {
        world.run(&["sync", source, replica]).exits(2).says(&["share keys"]);
    }
    assert_eq!(world.store().keys("source"), ["k"]);
}

#[test]
fn an_endpoint_where_nobody_listens_is_said_quickly() {
    let world = World::new();
    // Bound and dropped: nobody listens there now.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let url = format!("http://127.0.0.1:{port}");
    let done = world.spawn(&["audit", "s3://source", "s3://replica", "--endpoint-url", &url]).wait();
    let done = done.exits(4).says(&["--endpoint-url", "s3://source"]);
    assert!(done.took < Duration::from_secs(20), "{:?}", done.took);
}

#[test]
fn expired_credentials_are_called_that() {
    let world = filled();
    world.lab.credentials().expire(ACCESS_KEY, true);
    let done = world.audit(&[]).exits(4).says(&["credentials"]);
    assert!(done.took < Duration::from_secs(20), "{:?}", done.took);
}

#[test]
fn credentials_that_expire_during_a_sync_end_it_as_incomplete_and_resumable() {
    let world = World::pair();
    for number in 0..400 {
        world.put("source", &format!("k{number}"), "v");
    }
    world.lab.set_latency(Duration::from_millis(20));
    let running = world.start(&["sync", "s3://source", "s3://replica", "--concurrency", "16"]);
    world.wait_for("CopyObject", 40);
    world.lab.credentials().expire(ACCESS_KEY, true);
    let done = running.wait();
    assert!(matches!(done.code, 1 | 4), "{done:?}");
    world.lab.credentials().expire(ACCESS_KEY, false);
    world.lab.set_latency(Duration::ZERO);
    world.sync(&[]).exits(0);
    world.assert_twins();
}

#[test]
fn wrong_secret_is_not_a_missing_bucket() {
    let world = filled();
    let secret =
        s3twin_fixtures::Credential { secret: "another".into(), ..s3twin_fixtures::Credential::default() };
    world.lab.credentials().set(ACCESS_KEY, secret);
    world.audit(&[]).exits(4);
}

#[test]
fn keys_that_xml_cannot_carry_go_through() {
    let world = World::pair();
    let keys =
        ["control-\u{1}", "bell\u{7}", "escape\u{1b}x", "nul-like-\u{2}/\u{1f}", "new\nline", "cr\rlf\r\n"];
    for key in keys {
        world.put("source", key, key);
    }
    world.sync(&[]).exits(0);
    world.assert_twins();
    world.put("replica", "extra-\u{1}", "x");
    world.sync(&["--delete"]).exits(0);
    world.assert_twins();
}

#[test]
fn a_second_sync_of_a_pair_is_refused_and_names_the_first() {
    let world = World::pair();
    for number in 0..200 {
        world.put("source", &format!("k{number}"), "v");
    }
    world.lab.set_latency(Duration::from_millis(100));
    let first = world.start(&["sync", "s3://source", "s3://replica", "--concurrency", "4"]);
    world.wait_for("CopyObject", 1);
    let runs = std::fs::read_dir(world.state.path().join("runs")).expect("runs");
    let id = runs
        .map(|run| run.expect("a run").file_name().into_string().expect("UTF-8"))
        .next()
        .expect("one run");
    let second = world.sync(&[]);
    assert!(second.code != 0 && second.stderr.contains(&id), "{second:?}");
    // Looking is always allowed.
    world.audit(&[]);
    world.lab.set_latency(Duration::ZERO);
    first.wait().exits(0);
    world.sync(&[]).exits(0);
}

#[test]
fn a_state_directory_that_cannot_be_written_is_named() {
    let world = filled();
    let file = world.state.path().join("a-file");
    std::fs::write(&file, "x").expect("written");
    let done = world.audit(&["--state-dir", file.to_str().expect("UTF-8")]);
    assert!(matches!(done.code, 2 | 4) && done.stderr.contains("a-file"), "{done:?}");
}
