//! Pages kept as files: `<kind>.<verdict>.<what>.xml` under `fixtures/corpora/list_page`. The verdict of a good
//! page is `rows-N`.

use super::super::{ListKind, ListReader, PageError};
use crate::model::Page;
use std::path::Path;

#[test]
fn every_file_gets_the_verdict_in_its_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/corpora/list_page");
    let mut files = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut parts = name.split('.');
        let kind = match parts.next() {
            Some("objects") => ListKind::Objects,
            Some("versions") => ListKind::Versions,
            _ => continue,
        };
        let expected = parts.next().unwrap();
        let body = std::fs::read(&path).unwrap();
        for size in [1, 7, 300, usize::MAX] {
            let verdict = verdict(&read(kind, &body, size));
            assert_eq!(verdict, expected, "{name} in chunks of {size}");
        }
        files += 1;
    }
    assert!(files >= 30, "{files}");
}

fn read(kind: ListKind, body: &[u8], size: usize) -> Result<Page, PageError> {
    let mut reader = ListReader::new(kind);
    for chunk in body.chunks(size) {
        reader.push(chunk)?;
    }
    reader.finish()
}

fn verdict(result: &Result<Page, PageError>) -> String {
    match result {
        Ok(page) => return format!("rows-{}", page.len()),
        Err(PageError::Truncated { .. }) => "truncated",
        Err(PageError::Malformed { .. }) => "malformed",
        Err(PageError::NotAListing { .. }) => "not-a-listing",
        Err(PageError::ErrorDocument { .. }) => "error-document",
        Err(PageError::TooLarge { .. }) => "too-large",
        Err(PageError::OutOfOrder { .. }) => "out-of-order",
        Err(PageError::NoProgress) => "no-progress",
    }
    .into()
}
