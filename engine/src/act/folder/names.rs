//! Keys as file names: readable, reversible by eye, and unable to leave the folder.
//!
//! A key is cut at its slashes and each segment becomes one name. `%` begins every escape and is itself always
//! escaped, so that no two keys meet in one path:
//!
//! | in the key | in the path |
//! |---|---|
//! | `%`, control characters | `%25`, `%XX` per byte |
//! | an empty segment (`a//b`, `/a`, `a/`) | `%-` |
//! | `.`, `..`, and `.s3twin` at the top | `%2E`, `%2E%2E`, `%2Es3twin` |
//! | a segment too long for a name | its beginning, `%~` and the digits of its SHA-256 |
//!
//! Whatever else is in a key stays as it is.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Longest name that file systems take, in bytes, less room for the endings below.
const NAME_MAX: usize = 250;
/// Bytes of a segment kept in front of its digest.
const KEPT: usize = 200;
/// Where s3twin keeps what is not data.
pub(super) const OWN: &str = ".s3twin";
/// Ending of a file whose name is also a folder's (the keys `a` and `a/b`).
pub(super) const BESIDE_FOLDER: &str = "%f";
/// Ending of a sidecar.
pub(super) const SIDECAR: &str = "%m";

/// The path of a key, relative, with slashes; no part of it is empty, `.` or `..`.
pub(super) fn path_of(key: &str) -> String {
    let names: Vec<String> =
        key.split('/').enumerate().map(|(depth, segment)| name_of(segment, depth == 0)).collect();
    names.join("/")
}

fn name_of(segment: &str, top: bool) -> String {
    match segment {
        "" => return "%-".to_owned(),
        "." | ".." => return segment.replace('.', "%2E"),
        OWN if top => return segment.replacen('.', "%2E", 1),
        _ => {}
    }
    let mut name = String::with_capacity(segment.len());
    for character in segment.chars() {
        if character == '%' || character.is_control() {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                // Writing to a String cannot fail.
                let _ = write!(name, "%{byte:02X}");
            }
        } else {
            name.push(character);
        }
    }
    if name.len() > NAME_MAX { shortened(segment, &name) } else { name }
}

fn shortened(segment: &str, name: &str) -> String {
    let end = (0..=KEPT).rev().find(|end| name.is_char_boundary(*end)).unwrap_or_default();
    let kept = name.get(..end).unwrap_or_default();
    // An escape is not cut in two.
    let cut = kept.rfind('%').filter(|at| at + 3 > kept.len()).unwrap_or(kept.len());
    let digest = hex::encode(Sha256::digest(segment));
    format!("{}%~{}", kept.get(..cut).unwrap_or_default(), digest.get(..32).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::{Component, Path};

    #[test]
    fn known_names() {
        for (key, path) in [
            ("a/b.txt", "a/b.txt"),
            ("a b+%é\n", "a b+%25é%0A"),
            ("../../etc/passwd", "%2E%2E/%2E%2E/etc/passwd"),
            ("/etc/passwd", "%-/etc/passwd"),
            ("a//b", "a/%-/b"),
            ("folder/", "folder/%-"),
            (".s3twin/meta/x", "%2Es3twin/meta/x"),
            ("a/.s3twin", "a/.s3twin"),
            ("\u{1}\u{7f}\u{85}", "%01%7F%C2%85"),
        ] {
            assert_eq!(path_of(key), path);
        }
        let long = "é".repeat(300);
        let name = path_of(&long);
        assert!(name.len() <= NAME_MAX && name.starts_with("éé") && name.contains("%~"), "{name}");
    }

    proptest! {
        /// No path leaves the folder, no name is too long, and different keys have different paths.
        #[test]
        fn paths_are_safe_and_distinct(
            a in "[a./%\u{0}\u{1}é~-]{1,12}|\\PC{1,40}|[a%]{250,600}",
            b in "[a./%\u{0}\u{1}é~-]{1,12}|\\PC{1,40}|[a%]{250,600}",
        ) {
            let path = path_of(&a);
            prop_assert!(Path::new(&path).components().all(|part| matches!(part, Component::Normal(_))));
            prop_assert_eq!(Path::new(&path).components().count(), a.split('/').count());
            prop_assert!(path.split('/').all(|name| name.len() <= 255 - SIDECAR.len() - BESIDE_FOLDER.len()));
            prop_assert!(!path.chars().any(char::is_control));
            prop_assert!(!path.split('/').any(|name| name.ends_with(SIDECAR) || name.ends_with(BESIDE_FOLDER)));
            prop_assert_eq!(a == b, path == path_of(&b));
        }
    }
}
