use super::*;
use proptest::prelude::*;

#[test]
fn a_story_is_read_as_written() {
    let bytes = journal_bytes(&story(), &[0, 4, 10]);
    let (records, tail) = records_in(&bytes).unwrap();
    assert_eq!(records, story());
    assert_eq!(tail, Tail::Clean { at: bytes.len() as u64 });
}

/// Cut anywhere: all whole records before the cut, none else, and never an error once the header is whole.
#[test]
fn a_cut_at_any_byte_loses_nothing_before_it() {
    let records = story();
    let mut ends = vec![journal_bytes(&[], &[]).len()];
    for n in 1..=records.len() {
        ends.push(journal_bytes(&records[..n], &[0, 4]).len());
    }
    let bytes = journal_bytes(&records, &[0, 4]);
    for cut in 0..bytes.len() {
        let read = records_in(&bytes[..cut]);
        if cut < ends[0] {
            assert!(matches!(read, Err(JournalError::Unborn { .. })), "{cut}: {read:?}");
            continue;
        }
        let (got, tail) = read.unwrap();
        // A record is whole when its frame is, whether or not the mark behind it is.
        let mark = |n: usize| if n == 1 || n == 5 { 8 } else { 0 };
        let whole = (1..ends.len()).filter(|n| ends[*n] - mark(*n) <= cut).count();
        assert_eq!(got, records[..whole], "cut at {cut}");
        assert!(tail.good() <= cut as u64);
        assert_eq!(matches!(tail, Tail::Clean { .. }), tail.good() == cut as u64);
    }
}

/// Every single flipped bit is an error, or costs only what no mark vouches for; never a wrong record.
#[test]
fn a_flipped_bit_is_never_believed() {
    let records = story();
    let synced = 4;
    let vouched = journal_bytes(&records[..=synced], &[synced]).len();
    let bytes = journal_bytes(&records, &[synced]);
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        match records_in(&damaged) {
            Err(_) => {}
            Ok((got, tail)) => {
                // The mark itself (the last 8 bytes vouched for) vouches for nothing once it is damaged.
                assert!(bit / 8 >= vouched - 8, "bit {bit} of a synced record went unnoticed");
                assert!(got.len() > synced && got.len() < records.len(), "bit {bit}");
                assert_eq!(got, records[..got.len()], "bit {bit}");
                assert!(matches!(tail, Tail::Torn { .. }), "bit {bit}");
            }
        }
    }
}

/// A journal that was closed ends in a mark: then every flip of a record is an error.
#[test]
fn a_closed_journal_hides_no_flip() {
    let records = story();
    let bytes = journal_bytes(&records, &[records.len() - 1]);
    for bit in 0..(bytes.len() - 8) * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(records_in(&damaged).is_err(), "bit {bit}");
    }
}

#[test]
fn corruption_is_told_with_its_place() {
    let records = story();
    let mut bytes = journal_bytes(&records, &[6]);
    let at = journal_bytes(&records[..2], &[]).len();
    bytes[at + 20] ^= 0x40;
    let error = records_in(&bytes).unwrap_err();
    assert!(matches!(&error, JournalError::Corrupt { at: told, .. } if *told == at as u64), "{error:?}");
    assert!(error.to_string().contains(&format!("byte {at}")), "{error}");
    assert!(error.advice().contains("disk"), "{}", error.advice());
}

/// After a power loss the unsynced end may be zeros in front of good blocks: that is no corruption.
#[test]
fn unsynced_blocks_may_arrive_in_any_order() {
    let records = story();
    let mut bytes = journal_bytes(&records, &[1]);
    let from = journal_bytes(&records[..2], &[1]).len();
    let upto = journal_bytes(&records[..4], &[1]).len();
    bytes[from..upto].fill(0);
    let (got, tail) = records_in(&bytes).unwrap();
    assert_eq!(got, records[..2]);
    assert_eq!(tail, Tail::Torn { at: from as u64 });
}

/// The search for marks goes by windows; one across their border counts.
#[test]
fn a_mark_is_found_wherever_it_lies() {
    let start = journal_bytes(&[started()], &[]);
    for distance in (65_536 - 20)..(65_536 + 20) {
        let mut bytes = start.clone();
        bytes.extend(std::iter::repeat_n(0xff, distance));
        assert!(matches!(records_in(&bytes), Ok((_, Tail::Torn { .. }))));
        bytes.extend(crate::journal::frame::mark());
        assert!(matches!(records_in(&bytes), Err(JournalError::Corrupt { .. })), "{distance}");
    }
}

#[test]
fn a_newer_format_is_refused_clearly() {
    let header = Header { format: 2, run_id: "r".to_owned() }.encode().unwrap();
    let error = records_in(&header).unwrap_err();
    assert!(matches!(error, JournalError::Newer { found: 2, .. }));
    assert!(error.to_string().contains("format 2"), "{error}");
    assert!(error.advice().contains("newer"));
}

#[test]
fn foreign_files_are_told_apart() {
    assert!(matches!(records_in(b"PK\x03\x04 something else"), Err(JournalError::NotAJournal { .. })));
    assert!(matches!(records_in(b""), Err(JournalError::Unborn { .. })));
    assert!(matches!(records_in(b"S3TW"), Err(JournalError::Unborn { .. })));
}

#[test]
fn records_are_bounded_both_ways() {
    let huge =
        Record::Note(Note { at: time(), topic: "t".to_owned(), detail: json!("x".repeat(MAX_RECORD)) });
    let error = crate::journal::writer::encode(&huge).unwrap_err();
    assert!(matches!(error, JournalError::TooLarge { .. }));
    let mut bytes = journal_bytes(&[started()], &[]);
    let at = bytes.len() as u64;
    bytes.extend([0xff; 64]);
    assert_eq!(records_in(&bytes).unwrap().1, Tail::Torn { at });
}

#[test]
fn no_credential_gets_into_a_record() {
    for job in [
        json!({"source": {"secret_access_key": "x"}}),
        json!([{"SessionToken": "x"}]),
        json!({"sse_customer_key": "x"}),
    ] {
        let Record::Started(start) = started() else { unreachable!() };
        let error = Record::Started(Started { job, ..start }).check().unwrap_err();
        assert!(error.to_string().contains("credential"), "{error}");
    }
    let Record::Started(start) = started() else { unreachable!() };
    let job = json!({"profile": "prod", "session_token": null, "key": "k"});
    Record::Started(Started { job, ..start }).check().unwrap();
}

#[test]
fn unknown_fields_pass_and_unknown_records_do_not() {
    let text = r#"{"record":"upload_begun","bucket":"b","key":"k","upload_id":"1","new":[1]}"#;
    assert_eq!(serde_json::from_str::<Record>(text).unwrap(), Record::UploadBegun(upload("1")));
    assert!(serde_json::from_str::<Record>(r#"{"record":"teleported"}"#).is_err());
}

proptest! {
    /// Whatever bytes: an answer, no panic, bounded.
    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..400), whole in any::<bool>()) {
        let mut input = if whole { journal_bytes(&[started()], &[]) } else { Vec::new() };
        input.extend(bytes);
        let mut frames = match Frames::new(std::io::Cursor::new(&input), Path::new("j")) {
            Ok(frames) => frames,
            Err(_) => return Ok(()),
        };
        while let Ok(Some(_)) = frames.next_payload() {}
    }
}
