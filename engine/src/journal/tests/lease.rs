use super::*;

fn pair(class: &str) -> Pair {
    Pair { source: "s3://a".to_owned(), replica: "s3://b".to_owned(), class: class.to_owned() }
}

fn holder(run_id: &str) -> Holder {
    Holder { pid: 42, host: "h".to_owned(), run_id: run_id.to_owned(), boot_id: Some("boot".to_owned()) }
}

#[test]
fn two_runs_exclude_each_other_and_say_who() {
    let dir = tempfile::tempdir().unwrap();
    let leases = dir.path().join("leases");
    let first = Lease::acquire(&leases, &pair("write"), &holder("one")).unwrap();
    assert!(first.died().is_none());
    let error = Lease::acquire(&leases, &pair("write"), &holder("two")).unwrap_err();
    assert!(error.to_string().contains("run one (process 42 on h)"), "{error}");
    assert!(error.advice().contains("run one"), "{}", error.advice());
    let _other = Lease::acquire(&leases, &pair("read"), &holder("three")).unwrap();
    drop(first);
    let second = Lease::acquire(&leases, &pair("write"), &holder("two")).unwrap();
    assert!(second.died().is_none(), "the first one left in order");
}

#[test]
fn a_dead_runs_lease_is_free_and_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(pair("write").file_name());
    std::fs::write(&path, serde_json::to_vec(&holder("dead")).unwrap()).unwrap();
    let lease = Lease::acquire(dir.path(), &pair("write"), &holder("new")).unwrap();
    assert_eq!(lease.died().map(|holder| &*holder.run_id), Some("dead"));
    drop(lease);
    std::fs::write(&path, b"not json").unwrap();
    assert!(Lease::acquire(dir.path(), &pair("write"), &holder("new")).unwrap().died().is_none());
}

#[test]
fn fields_do_not_run_together() {
    let name = |source: &str, replica: &str| {
        Pair { source: source.to_owned(), replica: replica.to_owned(), class: "w".to_owned() }.file_name()
    };
    assert_ne!(name("ab", "c"), name("a", "bc"));
    assert_ne!(name("ab", ""), name("", "ab"));
    assert_eq!(name("a", "b"), "7fc06342cdb0d67e7c8d9aedc4ce8060.lease", "an older version must collide");
}

/// Run by the test below in a process of its own: takes the lease, says so, waits to be killed.
#[test]
#[ignore = "the other process of the next test"]
fn hold_a_lease() {
    let Some(dir) = std::env::var_os("S3TWIN_TEST_LEASES") else { return };
    let dir = Path::new(&dir);
    let _lease = Lease::acquire(dir, &pair("write"), &holder("child")).unwrap();
    std::fs::write(dir.join("held"), b"").unwrap();
    std::thread::sleep(std::time::Duration::from_secs(60));
}

#[test]
fn a_killed_process_frees_its_lease_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "journal::tests::lease::hold_a_lease"])
        .env("S3TWIN_TEST_LEASES", dir.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..1000 {
        if dir.path().join("held").exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let held = Lease::acquire(dir.path(), &pair("write"), &holder("me"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(matches!(held, Err(LeaseError::Held { .. })), "{held:?}");
    assert!(held.unwrap_err().to_string().contains("run child"));
    let lease = Lease::acquire(dir.path(), &pair("write"), &holder("me")).unwrap();
    assert_eq!(lease.died().map(|holder| &*holder.run_id), Some("child"));
}
