//! Tests of the journal as a whole; each file one promise.

mod catalog;
mod corpus;
mod coverage;
mod frame;
mod lease;
mod resume;
mod writer;

use super::*;
use crate::model::{KeyRange, Timestamp};
use crate::s3::UploadId;
use serde_json::json;
use std::path::Path;

fn time() -> Timestamp {
    Timestamp::from_seconds(1_795_270_500)
}

fn range(after: &str, upto: Option<&str>) -> KeyRange {
    KeyRange { after: after.into(), upto: upto.map(Into::into) }
}

fn started() -> Record {
    Record::Started(Started {
        command: "audit".to_owned(),
        job: json!({"source": "s3://a", "replica": "s3://b"}),
        started_at: time(),
        version: "0.1.0".to_owned(),
    })
}

fn piece(after: &str, upto: Option<&str>, segment: u32, mark: SegmentMark) -> Record {
    Record::Piece(Piece {
        range: range(after, upto),
        segment,
        findings_end: mark.end,
        findings_crc: Some(mark.crc),
        tally: json!({"keys": 3}),
    })
}

fn upload(id: &str) -> UploadId {
    UploadId { bucket: "b".to_owned(), key: "k".to_owned(), upload_id: id.to_owned() }
}

fn finished() -> Record {
    Record::Finished(Finished { at: time(), state: Outcome::Complete, exit_code: 0 })
}

/// One of each.
fn story() -> Vec<Record> {
    let action = Action {
        key: "a/\u{1f980}\n\"".to_owned(),
        kind: ActionKind::MarkerRemoved,
        version_id: Some("v2".to_owned()),
        previous_version_id: None,
    };
    vec![
        started(),
        piece("", Some("g"), 0, SegmentMark { end: 0, crc: 0 }),
        Record::UploadBegun(upload("1")),
        Record::UploadBegun(upload("2")),
        Record::Action(action),
        Record::UploadEnded(upload("1")),
        Record::Note(Note { at: time(), topic: "split".to_owned(), detail: json!([1, null]) }),
        Record::Interrupted(Interrupted { at: time(), reason: "SIGINT".to_owned() }),
        Record::Resumed(Resumed { at: time(), version: "0.1.0".to_owned(), voids: Vec::new() }),
        piece("g", None, 1, SegmentMark { end: 0, crc: 0 }),
        finished(),
    ]
}

/// A journal's bytes, with a mark behind each record whose index is in `synced`.
fn journal_bytes(records: &[Record], synced: &[usize]) -> Vec<u8> {
    let header = Header { format: FORMAT_VERSION, run_id: "20261121T141500Z-audit-4f3a".to_owned() };
    let mut bytes = header.encode().unwrap();
    for (index, record) in records.iter().enumerate() {
        bytes.extend(super::writer::encode(record).unwrap());
        if synced.contains(&index) {
            bytes.extend(super::frame::mark());
        }
    }
    bytes
}

/// The records of some bytes, how they end, and where each frame begins.
fn records_in(bytes: &[u8]) -> Result<(Vec<Record>, Tail), JournalError> {
    let mut frames = Frames::new(std::io::Cursor::new(bytes), Path::new("journal"))?;
    let mut records = Vec::new();
    while let Some((_, payload)) = frames.next_payload()? {
        records.push(serde_json::from_slice(payload).expect("a good checksum has good JSON under it"));
    }
    Ok((records, frames.tail().unwrap()))
}

fn read_all(path: &Path) -> Result<Vec<Record>, JournalError> {
    read_records(path)?.map(|record| record.map(|(_, record)| record)).collect()
}
