//! Journals as each format version wrote them, good and damaged, replayed for ever.
//! `cargo test -p s3twin_engine journal::tests::corpus -- --ignored` writes those of the current version.

use super::*;
use std::path::PathBuf;

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/corpora/journal").join(name)
}

/// Good ones and torn ones: what is in them is in the JSON beside them.
#[test]
fn good_and_torn_journals_read_as_recorded() {
    for (name, torn) in
        [("v1/good", false), ("v1/torn", true), ("v1/power-loss", true), ("v1/started", false)]
    {
        let path = corpus(&format!("{name}.journal"));
        let wanted = std::fs::read_to_string(corpus(&format!("{name}.json"))).unwrap();
        let wanted: Vec<Record> = serde_json::from_str(&wanted).unwrap();
        assert_eq!(read_all(&path).unwrap(), wanted, "{name}");
        let replay = Replay::read(&path).unwrap();
        assert_eq!(replay.header.format, 1, "{name}");
        assert_eq!(matches!(replay.tail, Tail::Torn { .. }), torn, "{name}");
    }
}

#[test]
fn damaged_journals_are_told() {
    let error = |name: &str| Replay::read(&corpus(name)).unwrap_err();
    assert!(matches!(error("v1/corrupt.journal"), JournalError::Corrupt { .. }));
    assert!(matches!(error("v1/header.journal"), JournalError::Header { .. }));
    assert!(matches!(error("v1/unborn.journal"), JournalError::Unborn { .. }));
    assert!(matches!(error("v1/unknown-record.journal"), JournalError::Record { .. }));
    assert!(matches!(error("v1/overlap.journal"), JournalError::Contradiction { .. }));
    assert!(matches!(error("newer.journal"), JournalError::Newer { found: 9, .. }));
    assert!(matches!(error("foreign.journal"), JournalError::NotAJournal { .. }));
}

#[test]
#[ignore = "writes the corpus of the current format version"]
fn write_corpus() {
    let write = |name: &str, bytes: &[u8]| std::fs::write(corpus(name), bytes).unwrap();
    let records = |name: &str, records: &[Record]| {
        write(name, (serde_json::to_string_pretty(records).unwrap() + "\n").as_bytes());
    };
    let story = story();
    let good = journal_bytes(&story, &[0, 4, story.len() - 1]);
    write("v1/good.journal", &good);
    records("v1/good.json", &story);
    write("v1/started.journal", &journal_bytes(&story[..1], &[]));
    records("v1/started.json", &story[..1]);

    let open = journal_bytes(&story, &[0, 4]);
    write("v1/torn.journal", &open[..open.len() - 5]);
    records("v1/torn.json", &story[..story.len() - 1]);
    let mut power_loss = open;
    let from = journal_bytes(&story[..6], &[0, 4]).len();
    power_loss[from..from + 100].fill(0);
    write("v1/power-loss.journal", &power_loss);
    records("v1/power-loss.json", &story[..6]);

    let mut corrupt = good.clone();
    corrupt[from + 30] ^= 4;
    write("v1/corrupt.journal", &corrupt);
    let mut header = good.clone();
    header[15] ^= 1;
    write("v1/header.journal", &header);
    write("v1/unborn.journal", &good[..20]);
    let zero = SegmentMark::default();
    let overlap = [started(), piece("", Some("m"), 0, zero), piece("l", None, 1, zero)];
    write("v1/overlap.journal", &journal_bytes(&overlap, &[]));
    let mut unknown = vec![0; 8];
    unknown.extend(br#"{"record":"teleported","key":"k"}"#);
    let mut bytes = journal_bytes(&story[..1], &[]);
    bytes.extend(crate::journal::frame::seal(unknown).unwrap());
    write("v1/unknown-record.journal", &bytes);
    write("newer.journal", &Header { format: 9, run_id: "later".to_owned() }.encode().unwrap());
    write("foreign.journal", b"SQLite format 3\0 is not ours");
}
