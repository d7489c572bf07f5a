use super::*;

fn id(seconds: i64, command: &str, random: u16) -> RunId {
    RunId::new(Timestamp::from_seconds(1_795_270_500 + seconds), command, random).unwrap()
}

#[test]
fn ids_are_readable_sortable_and_never_paths() {
    assert_eq!(id(0, "audit", 0x4f3a).as_str(), "20261121T141500Z000-audit-4f3a");
    assert_eq!(
        RunId::new(Timestamp::from_millis(1_795_270_500_999), "sync", 1).unwrap().as_str(),
        "20261121T141500Z999-sync-0001"
    );
    assert!(id(1, "audit", 0) > id(0, "sync", 9));
    for bad in ["", "..", "a/b", "-rf", "a b", "é", &"x".repeat(101)] {
        assert!(matches!(bad.parse::<RunId>(), Err(JournalError::BadRunId { .. })), "{bad}");
        assert!(serde_json::from_value::<RunId>(json!(bad)).is_err());
    }
}

#[test]
fn runs_are_found_by_id_prefix_and_latest() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::new(dir.path().join("state"));
    assert!(state.list().unwrap().is_empty());
    assert!(matches!(state.find("latest"), Err(JournalError::NoSuchRun { .. })));
    let runs = [id(0, "audit", 1), id(60, "sync", 2), id(60, "sync", 3)];
    for run in &runs {
        state.create_run(run.clone()).unwrap();
    }
    std::fs::create_dir(dir.path().join("state/runs/not a run")).unwrap();
    assert!(matches!(state.create_run(runs[0].clone()), Err(JournalError::RunExists { .. })));
    assert_eq!(state.find("latest").unwrap().id, runs[2]);
    assert_eq!(state.find(runs[1].as_str()).unwrap().id, runs[1]);
    assert_eq!(state.find("20261121T141500Z").unwrap().id, runs[0]);
    let error = state.find("20261121T1416").unwrap_err();
    assert!(matches!(&error, JournalError::Ambiguous { candidates, .. } if candidates.len() == 2), "{error}");
    assert!(matches!(state.find("nope"), Err(JournalError::NoSuchRun { .. })));
    assert!(matches!(state.find(""), Err(JournalError::NoSuchRun { .. })));
    let listed: Vec<_> = state.list().unwrap().into_iter().map(|entry| entry.dir.id).collect();
    assert_eq!(listed, [runs[2].clone(), runs[1].clone(), runs[0].clone()]);
}

#[tokio::test]
async fn each_state_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::new(dir.path());
    let run = state.create_run(id(0, "audit", 1)).unwrap();
    assert_eq!(run.entry().state, RunState::NeverStarted);

    let journal = Journal::create(&run.journal(), run.id.as_str()).unwrap();
    journal.append(&started()).await.unwrap();
    journal.append(&piece("", Some("m"), 0, SegmentMark::default())).await.unwrap();
    journal.durable().await.unwrap();
    let entry = run.entry();
    assert_eq!(entry.state, RunState::Running);
    assert_eq!(entry.age_millis(Timestamp::from_seconds(time().seconds() + 5)), Some(5000));
    journal.close().await.unwrap();
    let entry = run.entry();
    assert_eq!(entry.state, RunState::Crashed);
    assert_eq!(entry.replay.unwrap().remaining(&KeyRange::all()), [range("m", None)]);

    let again = resume(&run.journal(), &run.segments(), time(), "0.1.0").unwrap();
    let stop = Interrupted { at: time(), reason: "SIGINT".to_owned() };
    again.journal.append(&Record::Interrupted(stop)).await.unwrap();
    again.journal.close().await.unwrap();
    std::fs::write(run.summary(), r#"{"state":"interrupted","exit_code":130}"#).unwrap();
    assert_eq!(run.entry().state, RunState::Interrupted);

    let again = resume(&run.journal(), &run.segments(), time(), "0.1.0").unwrap();
    assert_eq!(run.entry().state, RunState::Running);
    again.journal.append(&finished()).await.unwrap();
    again.journal.close().await.unwrap();
    let done = RunState::Finished { state: Outcome::Complete, exit_code: 0 };
    assert_eq!(run.entry().state, done);
    std::fs::write(run.summary(), r#"{"state":"complete","exit_code":1,"more":{}}"#).unwrap();
    let entry = run.entry();
    assert_eq!(entry.state, RunState::Finished { state: Outcome::Complete, exit_code: 1 });
    assert!(entry.replay.is_none() && entry.started.is_some());
    std::fs::remove_file(run.summary()).unwrap();

    let mut bytes = std::fs::read(run.journal()).unwrap();
    bytes[60] ^= 1;
    std::fs::write(run.journal(), bytes).unwrap();
    assert!(matches!(run.entry().state, RunState::Unreadable(_)));
    assert_eq!(state.list().unwrap().len(), 1, "a damaged run is listed");
}
