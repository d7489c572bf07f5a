use super::*;
use crate::compare::Tap as _;
use crate::model::Timestamp;
use crate::s3::ObjectInfo;
use bytes::Bytes;

fn info(version: &str, size: u64) -> ObjectInfo {
    ObjectInfo {
        size,
        version_id: Some(version.into()),
        last_modified: Timestamp::from_seconds(1_700_000_000),
        ..ObjectInfo::default()
    }
}

fn put(folder: &Folder, key: &str, version: &str, bytes: &'static [u8]) -> Result<String, FolderError> {
    let incoming = folder.begin()?;
    // From the end to the start: bytes arrive in any order.
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    incoming.take(head.len() as u64, &[Bytes::from_static(tail)]).unwrap();
    incoming.take(0, &[Bytes::from_static(head)]).unwrap();
    folder.commit(incoming, Sidecar::new(key, &info(version, bytes.len() as u64), Vec::new()))
}

fn read(dir: &Path, path: &str) -> String {
    std::fs::read_to_string(dir.join(path)).unwrap()
}

#[test]
fn a_key_and_a_folder_of_one_name_live_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    assert_eq!(put(&folder, "a", "1", b"file").unwrap(), "a");
    assert_eq!(put(&folder, "a/b", "1", b"below").unwrap(), "a/b");
    assert_eq!(put(&folder, "x/y", "1", b"below").unwrap(), "x/y");
    assert_eq!(put(&folder, "x", "1", b"file").unwrap(), "x%f");
    assert_eq!(read(dir.path(), "a%f"), "file");
    assert_eq!(read(dir.path(), "a/b"), "below");
    for key in ["a", "a/b", "x", "x/y"] {
        assert!(folder.holds(key, Some("1"), None), "{key}");
        assert!(!folder.holds(key, Some("2"), None), "{key}");
    }
    assert_eq!(put(&folder, "a", "2", b"newer").unwrap(), "a%f");
    assert_eq!(read(dir.path(), "a%f"), "newer");
    let dated = std::fs::metadata(dir.path().join("a%f")).unwrap().modified().unwrap();
    assert_eq!(dated, std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000));
}

#[test]
fn what_changed_is_not_held_and_what_is_foreign_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    put(&folder, "k", "1", b"bytes").unwrap();
    std::fs::write(dir.path().join("k"), "bytez").unwrap();
    assert!(!folder.holds("k", Some("1"), None));
    std::fs::write(dir.path().join("mine"), "precious").unwrap();
    let error = put(&folder, "mine", "1", b"theirs").unwrap_err();
    assert_eq!(error.reason(), "in-the-way");
    let error = put(&folder, "mine/below", "1", b"theirs").unwrap_err();
    assert_eq!(error.reason(), "in-the-way");
    assert_eq!(read(dir.path(), "mine"), "precious");
    let left = std::fs::read_dir(dir.path().join(".s3twin/partial")).unwrap().count();
    assert_eq!(left, 0, "nothing half done is left");
}

#[test]
fn two_keys_that_the_file_system_takes_for_one_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    put(&folder, "k", "1", b"bytes").unwrap();
    // What a file system that folds case would show for `K`.
    let mut told = folder.sidecar("k").unwrap();
    told.key = "K".into();
    folder.write_sidecar("k", &serde_json::to_vec(&told).unwrap()).unwrap();
    assert_eq!(put(&folder, "k", "1", b"other").unwrap_err().reason(), "name-clash");
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.path().join("link")).unwrap();
    assert!(put(&folder, "link/escaped", "1", b"bytes").is_err());
    std::os::unix::fs::symlink(outside.path().join("file"), dir.path().join("dangling")).unwrap();
    assert_eq!(put(&folder, "dangling", "1", b"bytes").unwrap_err().reason(), "in-the-way");
    assert!(put(&folder, "../up", "1", b"bytes").unwrap().starts_with("%2E%2E/"));
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}
