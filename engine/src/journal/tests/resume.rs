use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

struct Run {
    dir: tempfile::TempDir,
}

impl Run {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn journal(&self) -> std::path::PathBuf {
        self.dir.path().join("journal")
    }

    fn segments(&self) -> std::path::PathBuf {
        self.dir.path().join("segments")
    }

    fn begin(&self) -> (Journal, Segments) {
        (Journal::create(&self.journal(), "r").unwrap(), Segments::create(&self.segments()).unwrap())
    }

    fn resume(&self) -> Resumption {
        resume(&self.journal(), &self.segments(), time(), "0.1.0").unwrap()
    }

    fn assembled(&self, segments: &Segments, replay: &Replay) -> String {
        let to = self.dir.path().join("findings.jsonl");
        segments.assemble(&replay.order(), &to).unwrap();
        std::fs::read_to_string(to).unwrap()
    }
}

async fn commit(
    journal: &Journal,
    segments: &Segments,
    segment: u32,
    range: (&str, Option<&str>),
    rows: &str,
) {
    let mark = segments.append(segment, rows.as_bytes()).unwrap();
    journal.append(&piece(range.0, range.1, segment, mark)).await.unwrap();
}

#[tokio::test]
async fn a_run_goes_on_where_it_stood() {
    let run = Run::new();
    let (journal, segments) = run.begin();
    journal.append(&started()).await.unwrap();
    commit(&journal, &segments, 0, ("", Some("b")), "a\nb\n").await;
    commit(&journal, &segments, 1, ("m", Some("p")), "n\n").await;
    commit(&journal, &segments, 0, ("b", Some("d")), "").await;
    commit(&journal, &segments, 0, ("d", Some("e")), "e\n").await;
    journal.append(&Record::UploadBegun(upload("1"))).await.unwrap();
    journal.append(&Record::UploadBegun(upload("2"))).await.unwrap();
    journal.append(&Record::UploadEnded(upload("1"))).await.unwrap();
    // Killed after the rows and before their piece.
    segments.append(1, b"never journalled\n").unwrap();
    segments.append(7, b"never journalled either\n").unwrap();
    journal.durable().await.unwrap();
    let running = Replay::read(&run.journal()).unwrap();
    assert_eq!(running.end, End::Open);
    journal.close().await.unwrap();

    let Resumption { journal, replay, segments, voids } = run.resume();
    assert!(voids.is_empty());
    assert_eq!(replay.done().done(), [range("", Some("e")), range("m", Some("p"))]);
    assert_eq!(replay.remaining(&KeyRange::all()), [range("e", Some("m")), range("p", None)]);
    assert_eq!(replay.uploads.iter().collect::<Vec<_>>(), [&upload("2")]);
    let keys = replay.tallies::<BTreeMap<String, u64>>().map(|tally| tally.unwrap()["keys"]).sum::<u64>();
    assert_eq!(keys, 12);
    for (name, kept) in [("00000001.jsonl", 2), ("00000007.jsonl", 0)] {
        assert_eq!(
            std::fs::metadata(run.segments().join(name)).unwrap().len(),
            kept,
            "rows of no piece are cut off"
        );
    }
    let fresh = segments.allocate().unwrap();
    assert_eq!(fresh, 8, "a number no segment has had");
    commit(&journal, &segments, fresh, ("e", Some("m")), "f\n").await;
    commit(&journal, &segments, 1, ("p", None), "z\n").await;
    journal.append(&finished()).await.unwrap();
    journal.close().await.unwrap();
    let replay = Replay::read(&run.journal()).unwrap();
    assert!(replay.remaining(&KeyRange::all()).is_empty());
    assert!(matches!(replay.end, End::Finished(_)));
    assert_eq!(replay.resumed, 1);
    assert_eq!(run.assembled(&segments, &replay), "a\nb\ne\nf\nn\nz\n");
    segments.remove().unwrap();
    assert!(!run.segments().exists());
}

/// Findings lost or changed by a power loss: those pieces are done again, and stay taken back for ever.
#[tokio::test]
async fn findings_that_did_not_survive_are_done_again() {
    for damage in ["shorter", "gone", "changed"] {
        let run = Run::new();
        let (journal, segments) = run.begin();
        journal.append(&started()).await.unwrap();
        commit(&journal, &segments, 0, ("", Some("b")), "a\n").await;
        commit(&journal, &segments, 0, ("b", Some("d")), "lost\n").await;
        commit(&journal, &segments, 0, ("d", Some("e")), "lost too\n").await;
        commit(&journal, &segments, 1, ("e", None), "kept\n").await;
        journal.close().await.unwrap();
        let file = run.segments().join("00000000.jsonl");
        match damage {
            "shorter" => std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(4).unwrap(),
            "gone" => std::fs::remove_file(&file).unwrap(),
            _ => std::fs::write(&file, "a\nl\0st\nlost too\n").unwrap(),
        }
        let keep = if damage == "gone" { 0 } else { 2 };

        let Resumption { journal, replay, segments, voids } = run.resume();
        assert_eq!(voids, [Void { segment: 0, keep }], "{damage}");
        let from = if damage == "gone" { "" } else { "b" };
        assert_eq!(replay.remaining(&KeyRange::all()), [range(from, Some("e"))], "{damage}");
        // Grows past the old length again: the old pieces must not come back.
        commit(&journal, &segments, 0, (from, Some("e")), "much longer than what was lost\n").await;
        journal.close().await.unwrap();
        let again = run.resume();
        assert!(again.voids.is_empty(), "{damage}");
        assert!(again.replay.remaining(&KeyRange::all()).is_empty());
        let text = run.assembled(&again.segments, &again.replay);
        let first = if damage == "gone" { "" } else { "a\n" };
        assert_eq!(text, format!("{first}much longer than what was lost\nkept\n"), "{damage}");
    }
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_written_over() {
    let run = Run::new();
    let (journal, segments) = run.begin();
    journal.append(&started()).await.unwrap();
    commit(&journal, &segments, 0, ("", Some("b")), "a\n").await;
    journal.durable().await.unwrap();
    journal.close().await.unwrap();
    let mut bytes = std::fs::read(run.journal()).unwrap();
    bytes.extend(b"\x20\x00\x00\x00gar");
    std::fs::write(run.journal(), &bytes).unwrap();
    assert!(matches!(Replay::read(&run.journal()).unwrap().tail, Tail::Torn { .. }));
    let again = run.resume();
    again.journal.append(&finished()).await.unwrap();
    again.journal.close().await.unwrap();
    let replay = Replay::read(&run.journal()).unwrap();
    assert!(matches!(replay.tail, Tail::Clean { .. }));
    assert!(matches!(replay.end, End::Finished(_)));
    assert_eq!(replay.pieces.len(), 1);
}

#[tokio::test]
async fn one_at_a_time() {
    let run = Run::new();
    let (journal, _segments) = run.begin();
    journal.append(&started()).await.unwrap();
    journal.durable().await.unwrap();
    let error = resume(&run.journal(), &run.segments(), time(), "0.1.0").unwrap_err();
    assert!(matches!(error, JournalError::InUse { .. }), "{error}");
    journal.close().await.unwrap();
    run.resume();
}

#[test]
fn records_that_cannot_all_be_true_are_told() {
    let zero = SegmentMark::default();
    let ten = SegmentMark { end: 10, crc: 0 };
    for records in [
        vec![piece("", None, 0, zero)],
        vec![started(), started()],
        vec![started(), piece("", Some("m"), 0, zero), piece("a", None, 1, zero)],
        vec![started(), piece("", Some("m"), 0, ten), piece("m", None, 0, zero)],
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        std::fs::write(&path, journal_bytes(&records, &[])).unwrap();
        let error = Replay::read(&path).unwrap_err();
        assert!(matches!(error, JournalError::Contradiction { .. }), "{error}");
    }
}

#[test]
fn actions_are_streamed_for_undo() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    std::fs::write(&path, journal_bytes(&story(), &[])).unwrap();
    let replay = Replay::read(&path).unwrap();
    assert_eq!(replay.action_count, 1);
    let actions: Vec<_> = replay.actions().unwrap().map(Result::unwrap).collect();
    assert_eq!(actions[0].kind, ActionKind::MarkerRemoved);
    assert_eq!(replay.uploads.len(), 1);
}

#[test]
fn more_segments_than_open_files() {
    let run = Run::new();
    let segments = Segments::create(&run.segments()).unwrap();
    let mut order = Vec::new();
    let mut wanted = String::new();
    for round in 0..3 {
        for segment in 0..150 {
            let row = format!("{round}/{segment}\n");
            let to = segments.append(segment, row.as_bytes()).unwrap().end;
            order.push(Slice { segment, from: to - row.len() as u64, to });
            wanted.push_str(&row);
        }
    }
    segments.sync().unwrap();
    let to = run.dir.path().join("findings.jsonl");
    assert_eq!(segments.assemble(&order, &to).unwrap(), wanted.len() as u64);
    assert_eq!(std::fs::read_to_string(&to).unwrap(), wanted);
    assert!(matches!(segments.append(0, b"no line break"), Err(JournalError::Refused { .. })));
    let beyond = Slice { segment: 0, from: 0, to: 1 << 20 };
    assert!(matches!(segments.assemble(&[beyond], &to), Err(JournalError::Contradiction { .. })));
    assert_eq!(
        std::fs::read_to_string(&to).unwrap(),
        wanted,
        "the old file stays until the new one is whole"
    );
}

#[test]
fn segments_that_cannot_be_written_stay_refused() {
    let run = Run::new();
    let segments = Segments::create(&run.segments()).unwrap();
    std::fs::create_dir(run.segments().join("00000003.jsonl")).unwrap();
    assert!(matches!(segments.append(3, b"x\n"), Err(JournalError::Io { .. })));
    assert!(matches!(segments.append(4, b"x\n"), Err(JournalError::Io { .. })));
    assert!(segments.sync().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Killed again and again, losing any unsynced end of journal and findings: in the end every piece's
    /// rows are in the report once, in key order.
    #[test]
    fn kills_and_power_losses_change_nothing(
        seed in any::<u64>(),
        cuts in prop::collection::btree_set("[a-e]{1,3}", 1..12),
    ) {
        let mut random = fastrand::Rng::with_seed(seed);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let cuts: Vec<String> = cuts.into_iter().collect();
        let run = Run::new();
        runtime.block_on(async {
            let (journal, _) = run.begin();
            journal.append(&started()).await.unwrap();
            journal.close().await.unwrap();
        });
        for attempt in 0.. {
            let Resumption { journal, replay, segments, .. } = run.resume();
            let mut left = replay.remaining(&KeyRange::all());
            if left.is_empty() {
                let text = run.assembled(&segments, &replay);
                let wanted: String = cuts.iter().map(|cut| format!("{cut}\n")).collect();
                prop_assert_eq!(text, wanted);
                break;
            }
            random.shuffle(&mut left);
            let durable = runtime.block_on(async {
                for gap in left {
                    let segment = if random.bool() { segments.allocate().unwrap() } else { random.u32(0..3) };
                    // The gap piece by piece: each cut ends a piece and is its one finding.
                    let mut after = gap.after.to_string();
                    for cut in cuts.iter().filter(|cut| gap.contains(cut)) {
                        commit(&journal, &segments, segment, (&after, Some(cut)), &format!("{cut}\n")).await;
                        after.clone_from(cut);
                    }
                    let rest = range(&after, gap.upto.as_deref());
                    if !rest.is_empty() {
                        commit(&journal, &segments, segment, (&after, gap.upto.as_deref()), "").await;
                    }
                    if random.u8(0..3) == 0 {
                        break;
                    }
                }
                journal.close().await.unwrap();
                std::fs::metadata(run.journal()).unwrap().len()
            });
            if attempt < 6 {
                // A power loss takes what it likes: of the journal back to its start record, of the findings
                // anything.
                let floor = (journal_bytes(&[started()], &[]).len() as u64).min(durable);
                if random.bool() {
                    let file = std::fs::OpenOptions::new().write(true).open(run.journal()).unwrap();
                    file.set_len(random.u64(floor..=durable)).unwrap();
                }
                for entry in std::fs::read_dir(run.segments()).unwrap() {
                    if random.u8(0..4) == 0 {
                        let path = entry.unwrap().path();
                        let length = std::fs::metadata(&path).unwrap().len();
                        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                        file.set_len(random.u64(0..=length)).unwrap();
                    }
                }
            }
        }
    }
}
