//! Any file as `s3twin.toml`: the committed corpus, and seeded damage to the example. Nothing panics, and whatever is
//! refused is refused with a line of the file.

use super::*;
use crate::commands::config::EXAMPLE;
use proptest::prelude::*;

fn corpus(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/corpora/config").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = entries
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    assert!(files.len() > 5, "{} is empty", folder.display());
    files
}

fn load(bytes: &[u8]) -> Result<Loaded, String> {
    Loaded::of_bytes(PathBuf::from("s3twin.toml"), bytes.to_vec(), &[], [])
}

/// The lines that an error points at, counted from one.
fn lines(error: &str) -> Vec<usize> {
    let ends = error.split("s3twin.toml:").skip(1);
    let numbers = ends.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    numbers.filter_map(|digits| digits.parse().ok()).collect()
}

#[test]
fn files_of_the_corpus_are_refused_and_taken_as_they_deserve() {
    let mut wrong = Vec::new();
    for (name, bytes) in corpus("taken") {
        wrong.extend(load(&bytes).err().map(|error| format!("{name}: {error}")));
    }
    for (name, bytes) in corpus("refused") {
        // What is wrong, and where.
        let line: usize = name.split('.').nth(1).unwrap().parse().unwrap();
        match load(&bytes) {
            Err(error) if lines(&error).contains(&line) => {}
            other => wrong.push(format!("{name}: {:?}", other.map(|_| "taken"))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Bytes that mean something in TOML come more often than others.
fn telling() -> impl Strategy<Value = u8> {
    prop_oneof![2 => prop::sample::select(b"[]{}=\"'.,#\n\r\t \\-_0\xef\xff\0".to_vec()), 1 => any::<u8>()]
}

/// A refusal names a line that is there, or the end of the file.
fn refusal_has_a_line(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Err(error) = load(bytes) {
        let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
        let lines = lines(&error);
        prop_assert!(!lines.is_empty() && lines.iter().all(|line| (1..=ends + 1).contains(line)), "{error}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(telling(), 0..300)) {
        refusal_has_a_line(&bytes)?;
    }

    #[test]
    fn a_damaged_example_is_refused_at_a_line_or_still_makes_sense(
        damage in prop::collection::vec((any::<prop::sample::Index>(), telling(), 0_u8..4), 1..4)
    ) {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        for (place, byte, how) in damage {
            let at = place.index(bytes.len().max(1));
            match how {
                _ if bytes.is_empty() => {}
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        refusal_has_a_line(&bytes)?;
    }

    #[test]
    fn values_from_outside_are_survived(name in "[A-Z_.]{0,40}", path in "[a-z._-]{0,40}", value in "\\PC{0,40}") {
        let small = corpus("taken").into_iter().find(|(name, _)| name == "small.toml").unwrap().1;
        let set = [format!("{path}={value}")];
        let environment = [(format!("S3TWIN__{name}"), value)];
        let path = || PathBuf::from("s3twin.toml");
        if let Err(error) = Loaded::of_bytes(path(), small.clone(), &set, []) {
            prop_assert!(error.contains("--set"), "{error}");
        }
        if let Err(error) = Loaded::of_bytes(path(), small, &[], environment) {
            prop_assert!(error.contains("S3TWIN__") || error.contains("of the environment"), "{error}");
        }
    }
}

#[test]
fn a_value_from_outside_cannot_lie_deeper_than_any_value_does() {
    let set = ["a.".repeat(100_000) + "a=1"];
    let error = Loaded::of_bytes(PathBuf::from("s3twin.toml"), Vec::new(), &set, []).unwrap_err();
    assert!(
        error.contains("no value lies so deep"),
        "{}",
        error.get(error.len() - 100..).unwrap_or_default()
    );
}
