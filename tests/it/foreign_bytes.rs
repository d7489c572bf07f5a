//! Every parser that eats bytes of others: any bytes at all, the committed corpora, and mutations of good input.
//! None may panic, and none may take nonsense for sense. (List pages and journals have tests of their own beside
//! their parsers.)

use proptest::prelude::*;
use s3twin_engine::journal::Replay;
use s3twin_engine::model::{Checksum, ChecksumAlgorithm, ETag, Location};
use s3twin_engine::plan::PlanReader;
use s3twin_engine::report::{FindingRows, Summary};
use std::path::{Path, PathBuf};

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/corpora")
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = corpora().join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// The keys of a plan's rows, or why it is refused.
fn plan(path: &Path) -> Result<Vec<String>, String> {
    let mut reader = PlanReader::open(path).map_err(|error| error.to_string())?;
    let mut keys = Vec::new();
    while let Some(row) = reader.next_row().map_err(|error| error.to_string())? {
        keys.push(row.key);
    }
    Ok(keys)
}

fn with_file<T>(bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("input");
    std::fs::write(&path, bytes).expect("written");
    read(&path)
}

/// Keys of all rows up to the first that is none.
fn findings(path: &Path) -> (Vec<String>, bool) {
    let Ok(rows) = FindingRows::open(path) else { return (Vec::new(), false) };
    let (mut keys, mut whole) = (Vec::new(), true);
    for row in rows {
        match row {
            Ok(row) => keys.push(row.key),
            Err(_) => {
                whole = false;
                break;
            }
        }
    }
    (keys, whole)
}

#[test]
fn plans_of_the_corpus_are_refused_and_taken_as_they_deserve() {
    for path in files("plans/refused") {
        let why = plan(&path).expect_err(&path.display().to_string());
        assert!(why.contains(&*path.file_name().expect("a name").to_string_lossy()), "{why}");
    }
    for path in files("plans/taken") {
        let keys = plan(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        assert!(keys.is_sorted_by(|a, b| a < b) && !keys.is_empty(), "{keys:?}");
    }
}

#[test]
fn values_of_the_corpus_are_refused_and_taken_as_they_deserve() {
    let text = std::fs::read_to_string(corpora().join("values.txt")).expect("the corpus");
    let mut seen = 0;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words = line.split('\t');
        let (kind, verdict) = (words.next().expect("a kind"), words.next().expect("a verdict"));
        let value = words.next().unwrap_or_default();
        let taken = match kind {
            "etag" => !matches!(ETag::parse(value), ETag::Opaque(_)),
            "location" => value.parse::<Location>().is_ok(),
            name => {
                let algorithm = ChecksumAlgorithm::from_name(name).unwrap_or_else(|| panic!("{name}"));
                Checksum::parse(algorithm, value).is_ok()
            }
        };
        assert_eq!(taken, verdict == "taken", "{line}");
        seen += 1;
    }
    assert!(seen > 25, "{seen}");
}

/// A real plan, made by the program.
fn good_plan() -> Vec<u8> {
    std::fs::read(&files("plans/taken")[0]).expect("readable")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_no_plan_and_no_journal(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        with_file(&bytes, |path| {
            prop_assert!(plan(path).is_err());
            prop_assert!(Replay::read(path).is_err());
            Ok(())
        })?;
    }

    #[test]
    fn any_bytes_are_no_findings_and_no_summary(bytes in prop::collection::vec(any::<u8>(), 1..400)) {
        let (keys, _) = with_file(&bytes, findings);
        prop_assert!(keys.is_empty());
        prop_assert!(serde_json::from_slice::<Summary>(&bytes).is_err());
    }

    /// A byte of a good plan changed, inserted or cut off: it is refused, or not one key is out of place.
    #[test]
    fn a_damaged_plan_is_refused(place in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0_u8..3) {
        let good = good_plan();
        let all = with_file(&good, plan).expect("good");
        let mut bytes = good;
        let place = place.index(bytes.len());
        match how {
            0 => bytes[place] = byte,
            1 => bytes.insert(place, byte),
            _ => bytes.truncate(place),
        }
        if let Ok(keys) = with_file(&bytes, plan) {
            // Line ends and the header's words are not what a footer counts.
            prop_assert!(keys == all, "{how} at {place}: {keys:?}");
        }
    }

    #[test]
    fn a_checksum_is_as_long_as_its_algorithm_says(text in "[A-Za-z0-9+/=-]{0,100}|\\PC{0,40}") {
        for algorithm in ChecksumAlgorithm::ALL {
            if let Ok(checksum) = Checksum::parse(algorithm, &text) {
                prop_assert_eq!(checksum.value.len(), algorithm.value_bytes());
                let again = Checksum::parse(algorithm, &checksum.text());
                prop_assert_eq!(again.ok(), Some(checksum));
            }
        }
    }

    #[test]
    fn an_etag_is_a_digest_only_in_its_one_shape(text in "\\PC{0,80}|\"?[0-9a-fA-F]{30,34}(-[0-9]{0,6})?\"?") {
        let shape = |digest: &str| digest.len() == 32 && digest.bytes().all(|b| b.is_ascii_hexdigit());
        let bare = text.trim_matches('"');
        match ETag::parse(&text) {
            ETag::Plain(_) => prop_assert!(shape(bare)),
            ETag::Multipart { parts, .. } => {
                let (digest, count) = bare.split_once('-').expect("a dash");
                prop_assert!(shape(digest) && count == parts.to_string());
            }
            ETag::Opaque(_) => prop_assert!(!shape(bare)),
        }
    }

    #[test]
    fn a_location_says_again_what_it_was(text in "(s3://)?[a-z0-9./-]{0,30}|\\PC{0,30}") {
        if let Ok(location) = text.parse::<Location>() {
            let again: Location = location.to_string().parse().expect("its own text");
            prop_assert_eq!(again, location);
        }
    }
}
