//! docs/REPORTS.md says everything a reader of the files will meet.

use super::super::row::code;
use super::super::words::{EVIDENCE, VERDICTS};
use super::sample;
use s3twin_engine::compare::Reason;

const DOC: &str = include_str!("../../../../docs/REPORTS.md");

#[test]
fn every_code_has_its_line() {
    let codes = Reason::ALL.map(code);
    let words = VERDICTS.iter().map(|info| info.code).chain(EVIDENCE.iter().map(|(code, _, _)| *code));
    for code in codes.iter().map(String::as_str).chain(words) {
        assert!(DOC.contains(&format!("\n| `{code}` |")), "{code} is not in docs/REPORTS.md");
    }
}

#[test]
fn every_field_has_its_line() {
    let mut summary = sample::summary("audit", 1);
    summary.error = Some(String::new());
    summary.headline = Some(String::new());
    let finding = sample::finding(19, "key".to_owned(), true);
    let side = serde_json::to_value(&finding.source).unwrap();
    for value in [serde_json::to_value(&summary).unwrap(), serde_json::to_value(&finding).unwrap(), side] {
        for (field, value) in value.as_object().unwrap() {
            assert!(DOC.contains(&format!("\n| `{field}` |")), "{field} is not in docs/REPORTS.md");
            let inner =
                value.as_object().filter(|_| !matches!(field.as_str(), "requests" | "source" | "replica"));
            for name in inner.into_iter().flat_map(|inner| inner.keys()) {
                assert!(DOC.contains(&format!("`{name}`")), "{field}.{name} is not in docs/REPORTS.md");
            }
        }
    }
}
