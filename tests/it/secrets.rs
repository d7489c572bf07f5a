//! What must not leave the process: no secret in what it prints, logs, reports or remembers.

use crate::harness::World;
use s3twin_fixtures::{ACCESS_KEY, Credential, FaultKind, FaultPlan, SECRET_KEY};
use std::path::Path;

const TOKEN: &str = "lab-session-token-that-nobody-may-see";

/// Every file below a folder.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

#[test]
fn no_secret_is_printed_logged_reported_or_remembered() {
    let world = World::pair();
    for number in 0..30 {
        world.put("source", &format!("k{number}"), "body");
    }
    world.put("replica", "k1", "other");
    let credential = Credential {
        secret: SECRET_KEY.to_owned(),
        session_token: Some(TOKEN.to_owned()),
        expired: false,
        denials: Vec::new(),
    };
    world.lab.credentials().set(ACCESS_KEY, credential);
    // Failures are what programs like to tell everything about.
    let plan = FaultPlan::seeded(5).rate(FaultKind::InternalError, 0.2).rate(FaultKind::ResetBefore, 0.1);
    world.lab.faults().set(plan);
    let endpoint = world.lab.endpoint();
    let report = world.state.path().join("reports");
    let report = report.to_str().expect("text");
    let common = ["--endpoint-url", &endpoint, "--report", report, "--log-format", "json", "-vvv"];
    let pair = ["s3://source", "s3://replica"];
    let runs: [&[&str]; 5] = [
        &[&["audit"], &pair[..], &common].concat(),
        &[&["sync"], &pair[..], &["--copy-mode", "relay"], &common].concat(),
        &["undo", "latest", "-vvv"],
        &[&["restore", "s3://source", "--undelete", "--dry-run"], &common[..]].concat(),
        &["runs", "--output", "json"],
    ];
    let mut said = 0;
    for arguments in runs {
        let done = world.spawn_with(arguments, &[("AWS_SESSION_TOKEN", TOKEN)]).wait();
        assert!([0, 1].contains(&done.code), "{arguments:?}: {done:?}");
        said += done.stderr.len();
        for secret in [SECRET_KEY, TOKEN] {
            let told = [&done.stdout, &done.stderr].iter().any(|text| holds(text.as_bytes(), secret));
            assert!(!told, "{arguments:?} told a secret");
        }
    }
    assert!(said > 1_000, "with -vvv there is something to look through");
    let mut left = Vec::new();
    files(world.state.path(), &mut left);
    assert!(left.iter().any(|path| path.ends_with("journal")), "{left:?}");
    for path in left {
        let bytes = std::fs::read(&path).expect("readable");
        for secret in [SECRET_KEY, TOKEN] {
            assert!(!holds(&bytes, secret), "a secret is in {}", path.display());
        }
    }
}

/// A key is whatever somebody uploaded: it must not become part of the page.
#[test]
fn a_key_that_is_a_script_stays_a_key() {
    let world = World::pair();
    let key = "<script>alert('s3')</script><img src=x onerror=alert(1)>\"';</script>";
    world.put("source", key, "1");
    let report = world.state.path().join("report");
    let arguments = ["--report", report.to_str().expect("text")];
    world.audit(&arguments).exits(1);
    let page = std::fs::read_to_string(report.join("report.html")).expect("a page");
    assert!(!page.contains("<script>alert"), "the key became a script");
    assert!(!page.contains("<img src=x"), "the key became markup");
    assert!(page.contains("alert("), "the key is in the report");
}
