use super::*;
use crate::journal::file::Disk;
use std::io;
use std::sync::{Arc, Mutex};

fn note(n: u64) -> Record {
    Record::Note(Note { at: time(), topic: "n".to_owned(), detail: json!(n) })
}

fn numbers(records: &[Record]) -> Vec<u64> {
    let number = |record: &Record| match record {
        Record::Note(note) => note.detail.as_u64(),
        _ => None,
    };
    records.iter().filter_map(number).collect()
}

/// A disk that remembers what a power loss would leave, and fails when told to.
#[derive(Clone, Default)]
struct FakeDisk(Arc<Mutex<Fake>>);

#[derive(Default)]
struct Fake {
    written: Vec<u8>,
    synced: usize,
    room: Option<usize>,
    sync_fails: bool,
    calls_after_failure: usize,
    failed: bool,
}

impl Disk for FakeDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut fake = self.0.lock().unwrap();
        fake.calls_after_failure += usize::from(fake.failed);
        if fake.room.is_some_and(|room| fake.written.len() + bytes.len() > room) {
            fake.failed = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        fake.written.extend(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut fake = self.0.lock().unwrap();
        fake.calls_after_failure += usize::from(fake.failed);
        if fake.sync_fails {
            fake.failed = true;
            return Err(io::Error::other("the disk is gone"));
        }
        fake.synced = fake.written.len();
        Ok(())
    }
}

impl FakeDisk {
    fn after_power_loss(&self) -> Vec<Record> {
        let fake = self.0.lock().unwrap();
        let mut bytes = journal_bytes(&[], &[]);
        bytes.extend(&fake.written[..fake.synced]);
        records_in(&bytes).unwrap().0
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_appenders_lose_nothing_and_share_fsyncs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let journal = Journal::create(&path, "r").unwrap();
    let tasks = (0..32_u64).map(|task| {
        let journal = journal.clone();
        tokio::spawn(async move {
            for n in 0..200 {
                journal.append(&note(task * 1000 + n)).await.unwrap();
            }
            journal.durable().await.unwrap();
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    journal.close().await.unwrap();
    let stats = journal.stats();
    assert_eq!(stats.records, 6400);
    assert!(stats.writes < 6400 / 2, "{stats:?}");
    let got = numbers(&read_all(&path).unwrap());
    assert_eq!(got.len(), 6400);
    for task in 0..32 {
        let own: Vec<_> = got.iter().filter(|n| **n / 1000 == task).copied().collect();
        assert_eq!(own, (0..200).map(|n| task * 1000 + n).collect::<Vec<_>>(), "order of task {task}");
    }
    assert_eq!(std::fs::metadata(&path).unwrap().len(), stats.bytes + 12 + 1 + 4);
}

#[tokio::test]
async fn durable_means_on_disk() {
    let disk = FakeDisk::default();
    let journal = Journal::start(disk.clone(), Path::new("j"), false).unwrap();
    for n in 0..50 {
        journal.append(&note(n)).await.unwrap();
        if n % 7 == 0 {
            journal.durable().await.unwrap();
            assert_eq!(numbers(&disk.after_power_loss()), (0..=n).collect::<Vec<_>>());
        }
    }
    let syncs = journal.stats().syncs;
    journal.durable().await.unwrap();
    assert_eq!(journal.stats().syncs, syncs, "nothing new, nothing to sync");
}

#[tokio::test]
async fn records_get_to_disk_unasked() {
    let disk = FakeDisk::default();
    let journal = Journal::start(disk.clone(), Path::new("j"), false).unwrap();
    journal.append(&note(1)).await.unwrap();
    for _ in 0..200 {
        if !disk.after_power_loss().is_empty() {
            assert!(journal.stats().syncs <= 2);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("not synced after four seconds");
}

#[tokio::test]
async fn a_full_disk_poisons_the_writer_for_good() {
    let disk = FakeDisk::default();
    disk.0.lock().unwrap().room = Some(1000);
    let journal = Journal::start(disk.clone(), Path::new("j"), false).unwrap();
    let mut last_good = None;
    for n in 0..100 {
        if journal.append(&note(n)).await.is_err() || journal.durable().await.is_err() {
            break;
        }
        last_good = Some(n);
    }
    assert_eq!(numbers(&disk.after_power_loss()).last().copied(), last_good);
    // Even when there is room again: what lies between is lost.
    disk.0.lock().unwrap().room = None;
    for error in [
        journal.append(&note(7)).await.unwrap_err(),
        journal.durable().await.unwrap_err(),
        journal.clone().close().await.unwrap_err(),
    ] {
        assert!(error.to_string().starts_with("cannot write j"), "{error}");
        assert!(error.advice().contains("disk is full"), "{}", error.advice());
    }
    assert_eq!(disk.0.lock().unwrap().calls_after_failure, 0);
}

#[tokio::test]
async fn a_failed_fsync_is_not_tried_again() {
    let disk = FakeDisk::default();
    disk.0.lock().unwrap().sync_fails = true;
    let journal = Journal::start(disk.clone(), Path::new("j"), false).unwrap();
    journal.append(&note(1)).await.unwrap();
    let waiters = futures::future::join_all((0..5).map(|_| journal.durable())).await;
    assert!(waiters.iter().all(Result::is_err));
    disk.0.lock().unwrap().sync_fails = false;
    assert!(journal.durable().await.is_err());
    assert_eq!(disk.0.lock().unwrap().calls_after_failure, 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_really_full_disk_is_told() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let journal = Journal::start(full, Path::new("/dev/full"), false).unwrap();
    journal.append(&note(1)).await.unwrap();
    let error = journal.close().await.unwrap_err();
    assert!(matches!(&error, JournalError::Io { .. }) && error.advice().contains("full"), "{error}");
}

#[tokio::test]
async fn a_closed_journal_takes_nothing_and_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let journal = Journal::create(&path, "r").unwrap();
    assert!(crate::journal::file::in_use(&path).unwrap());
    assert!(matches!(crate::journal::file::open(&path), Err(JournalError::InUse { .. })));
    assert!(matches!(Journal::create(&path, "r"), Err(JournalError::Io { .. })));
    journal.append(&started()).await.unwrap();
    journal.close().await.unwrap();
    assert!(!crate::journal::file::in_use(&path).unwrap());
    assert!(matches!(journal.append(&note(1)).await, Err(JournalError::Closed { .. })));
    assert!(matches!(journal.durable().await, Err(JournalError::Closed { .. })));
    assert!(matches!(journal.close().await, Err(JournalError::Closed { .. })));
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.ends_with(&crate::journal::frame::mark()), "closed with proof");
}

#[tokio::test]
async fn a_dropped_journal_is_still_written() {
    let disk = FakeDisk::default();
    let journal = Journal::start(disk.clone(), Path::new("j"), false).unwrap();
    journal.append(&note(5)).await.unwrap();
    drop(journal);
    while disk.after_power_loss().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    assert_eq!(numbers(&disk.after_power_loss()), [5]);
}
