//! The page as a whole: nothing escapes from a key, every count is there, nothing is too much.

mod docs;
pub(super) mod sample;

use super::digest::{Digest, Limits};
use super::view::View;
use super::{Source, span, write_html};
use s3twin_engine::report::{RunState, Summary};
use sample::{ODD_KEYS, prove, summary, write};
use std::path::Path;

fn page(folder: &Path, summary: &Summary) -> String {
    let mut out = Vec::new();
    Source { summary, folder, state: None }.html(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn embedded(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn no_key_becomes_markup() {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(folder.path(), summary("audit", 1), 60);
    let page = page(folder.path(), &summary);
    // The data and the script, and no third.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("<img") && !page.contains("<!-- <script"));
    assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62;"));
    for raw in
        ['\u{0}', '\r', '\t', '\u{2028}', '\u{2029}', '\u{202e}', '\u{200b}', '\u{1b}', '\u{7f}', '\u{85}']
    {
        assert!(!page.contains(raw), "{raw:?}");
    }
    for escape in ["\\u{0}", "\\n", "\\u{2028}", "\\u{202e}", "\\u{1b}", "\\u{20}"] {
        assert!(page.contains(&format!("<i>{escape}")), "{escape}");
    }
}

#[test]
fn every_key_arrives_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(folder.path(), summary("audit", 1), 60);
    let data = embedded(&page(folder.path(), &summary));
    let keys: Vec<&str> =
        data["rows"].as_array().unwrap().iter().map(|row| row[0].as_str().unwrap()).collect();
    assert_eq!(keys.len(), 60);
    for odd in ODD_KEYS {
        assert!(keys.contains(&odd), "{odd:?}");
    }
}

#[test]
fn the_page_asks_nobody_for_anything() {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(folder.path(), summary("sync", 1), 40);
    let page = page(folder.path(), &summary);
    for outside in ["http://", "https://", " src=", "@import", "url(", "<link rel=\"stylesheet"] {
        assert!(!page.replace("<img src=x", "").contains(outside) || outside == " src=", "{outside}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn counts_are_those_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = summary("audit", 1);
    prove(&mut before, 1_000_000);
    let summary = write(folder.path(), before, 500);
    let digest = Digest::of_file(&folder.path().join("findings.jsonl"), Limits::default()).unwrap();
    assert_eq!((digest.total, digest.damaged, digest.embedded.count()), (500, 0, 500));
    assert_eq!(digest.reasons.values().map(|group| group.count).sum::<u64>(), 500);
    assert_eq!(digest.sizes.iter().sum::<u64>(), 500);
    assert_eq!(digest.places.iter().map(|place| place.count).sum::<u64>() + digest.elsewhere, 500);
    let view = View::new(&summary, &digest, std::slice::from_ref(&summary));
    assert_eq!(view.verdicts.iter().map(|slice| slice.number).sum::<u64>(), 1_000_500);
    assert!(view.notes.is_empty() && view.cut.is_none() && view.charts.is_empty());
    assert!(view.headline.title.ends_with("keys need a look"));
}

#[test]
fn nothing_found_is_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = summary("audit", 1);
    prove(&mut before, 3);
    let summary = write(folder.path(), before, 0);
    let page = page(folder.path(), &summary);
    assert!(page.contains("The two are identical") && page.contains("All 3 keys are proved equal"));
    assert!(!page.contains("<script"));
}

#[test]
fn a_hundred_thousand_rows_are_carried_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(folder.path(), summary("audit", 1), 100_050);
    let page = page(folder.path(), &summary);
    assert_eq!(embedded(&page)["rows"].as_array().unwrap().len(), 100_000);
    assert!(page.contains("This page carries the first 100,000 of 100,050 rows"));
    assert_eq!(page.matches("<tr><td class=\"mono k\">").count(), 200);
    assert!(page.len() < 40 << 20, "{}", page.len());
}

#[test]
fn long_keys_do_not_make_a_page_without_end() {
    let limits = Limits { bytes: 10_000, ..Limits::default() };
    let rows: String = (0..100)
        .map(|n| format!("{{\"key\":\"{}\",\"verdict\":\"missing\"}}\n", format!("{n:03}").repeat(300)))
        .collect();
    let digest = Digest::read(rows.as_bytes(), limits).unwrap();
    assert_eq!((digest.total, digest.embedded.count()), (100, 11));
}

#[test]
fn damaged_and_unknown_rows_are_counted_not_hidden() {
    let rows = concat!(
        "{\"key\":\"a\",\"verdict\":\"different\",\"reason\":\"from-the-future\",\"advice\":\"update\",\"new\":1}\n",
        "\n{\"key\":\"b\",\"verdict\":\"perhaps\"}\n\u{0}\n{\"key\":\"c\",\"verd"
    );
    let digest = Digest::read(rows.as_bytes(), Limits::default()).unwrap();
    assert_eq!((digest.total, digest.damaged), (1, 3));
    assert_eq!(digest.reasons["from-the-future"].advice, "update");
    let summary = summary("audit", 1);
    let view = View::new(&summary, &digest, std::slice::from_ref(&summary));
    assert_eq!(view.notes.len(), 2);
    let mut out = Vec::new();
    write_html(&view, &digest, &mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("3 lines of findings.jsonl could not be read"));
}

#[test]
fn a_stopped_run_is_not_taken_for_a_result() {
    let folder = tempfile::tempdir().unwrap();
    let mut stopped = write(folder.path(), summary("audit", 1), 0);
    stopped.state = RunState::Incomplete;
    stopped.error = Some("listing failed: <b>denied</b>".to_owned());
    let page = page(folder.path(), &stopped);
    assert!(page.contains("The run could not finish") && page.contains("tone-stop"));
    assert!(page.contains("&#60;b&#62;denied"));
    assert!(!page.contains("identical on both sides"));
}

#[test]
fn the_trend_is_of_the_same_thing() {
    let state = tempfile::tempdir().unwrap();
    let place = |summary: &Summary| state.path().join("runs").join(&summary.run_id);
    for day in 1..=3 {
        let past = summary("audit", day);
        write(&place(&past), past, day);
    }
    let other = summary("sync", 4);
    write(&place(&other), other, 1);
    let mut elsewhere = summary("audit", 5);
    elsewhere.source = "s3://another".to_owned();
    write(&place(&elsewhere), elsewhere, 1);
    let later = summary("audit", 9);
    write(&place(&later), later, 1);
    let this = summary("audit", 6);
    let this = write(&place(&this), this, 2);
    let runs = super::trend::history(state.path(), &this);
    let days: Vec<u64> = runs.iter().map(|run| run.verdicts.to_look_at()).collect();
    assert_eq!(days, [1, 2, 3, 2]);
    assert_eq!(super::trend::charts(&runs).len(), 4);
    assert!(super::trend::charts(&runs[..1]).is_empty());
}

#[test]
fn markdown_reads_as_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = summary("audit", 21);
    prove(&mut before, 3000);
    let mut summary = write(folder.path(), before, 0);
    let rows = concat!(
        "{\"key\":\"audio/a|b`.wav\",\"verdict\":\"missing\",\"reason\":\"not-on-replica\",\"source\":{\"size\":2048}}\n",
        "{\"key\":\"audio/line\\nbreak\",\"verdict\":\"different\",\"reason\":\"etag-differs\",\"source\":{\"size\":1}}\n"
    );
    std::fs::write(folder.path().join("findings.jsonl"), rows).unwrap();
    (summary.verdicts.missing, summary.verdicts.different, summary.keys.union) = (1, 1, 3002);
    let markdown = Source { summary: &summary, folder: folder.path(), state: None }.markdown().unwrap();
    let version = concat!("s3twin ", env!("CARGO_PKG_VERSION"));
    assert_eq!(markdown.replace(version, "s3twin VERSION"), include_str!("report.md"));
}

#[test]
fn what_a_server_lacks_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut lacking = summary("sync", 21);
    lacking.remarks = vec!["replica: ignores <If-Match>".to_owned()];
    let summary = write(folder.path(), lacking, 0);
    assert!(page(folder.path(), &summary).contains("Of the server: replica: ignores &#60;If-Match&#62;"));
    let markdown = Source { summary: &summary, folder: folder.path(), state: None }.markdown().unwrap();
    assert!(markdown.contains("- Of the server: replica: ignores"), "{markdown}");
}

#[test]
fn a_span_cannot_be_left() {
    assert_eq!(span("plain"), "`plain`");
    assert_eq!(span("a|b"), "`a\\|b`");
    assert_eq!(span("``x`"), "``` ``x` ```");
}
