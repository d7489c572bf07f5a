//! The page stands whatever a report says, and nothing in it becomes markup.

use super::super::tests::sample::summary;
use super::super::{SheetHtml, SheetMarkdown};
use super::*;
use askama::Template as _;
use serde_json::json;

const ODD: &str = "<script>alert(1)</script>|`x`\u{202e}\n# y";

fn page(kind: Kind, report: &Value) -> (String, String) {
    let mut summary = summary(kind.command(), 1);
    summary.headline = report["headline"].as_str().map(str::to_owned);
    let runs = vec![(summary.clone(), report.clone()), (summary.clone(), report.clone())];
    let sheet = Sheet::new(kind, &summary, report, &runs);
    let html = SheetHtml { view: &sheet, style: "" }.render().unwrap();
    (html, SheetMarkdown { view: &sheet }.render().unwrap())
}

/// A report with `odd` wherever a word can stand.
fn odd_report() -> Value {
    let check = json!({ "name": ODD, "check": ODD, "found": ODD, "detail": ODD, "advice": ODD, "verdict": "broken",
        "wanted": ODD, "remedy": ODD, "error": ODD });
    json!({
        "headline": ODD, "schema": ODD, "state": ODD, "prices": ODD, "folder": ODD,
        "versions": { "measured": 3, "arrived": 3, "failed": 1 }, "rpo_seconds": 900, "rpo_kept": false,
        "lag_seconds": { "p50": 1, "p95": 2, "p99": 3, "max": 3 },
        "lag_histogram": [{ "upto_seconds": 5, "versions": 3 }, { "upto_seconds": null, "versions": 0 }],
        "oldest_open": { "key": ODD, "age_seconds": 5000 },
        "open": [{ "key": ODD, "age_seconds": 5000, "status": ODD }],
        "buckets": [{ "bucket": ODD, "tier": ODD, "checks": [check], "held": { "classes": { ODD: {} } },
            "savings": [{ "rule": ODD }], "runs": [{ "run": ODD }] }, { "bucket": ODD, "error": ODD }],
        "checks": [check], "check": { "headline": ODD, "checks": [check] }, "forced": true,
        "hooks": [{ "command": ODD, "started_at": "2026-11-21T00:00:00Z", "exit_code": 7, "output": ODD }],
        "steps": [{ "step": ODD, "exit_code": 1, "summary": { "run_id": ODD } }],
    })
}

#[test]
fn no_word_of_a_report_becomes_markup() {
    for kind in Kind::ALL {
        let (html, markdown) = page(kind, &odd_report());
        assert!(!html.contains("<script") && html.contains("&#60;script&#62;"), "{}", kind.command());
        for text in [&html, &markdown] {
            let odd = text.lines().find(|line| line.contains('\u{202e}'));
            assert_eq!(odd, None, "{}", kind.command());
        }
        assert!(markdown.lines().all(|line| line != "# y"), "{markdown}");
    }
}

#[test]
fn a_report_that_makes_no_sense_is_still_a_page() {
    for kind in Kind::ALL {
        for report in [Value::Null, json!({}), json!([1]), json!({ "buckets": 7, "open": {}, "checks": "x" })]
        {
            let (html, markdown) = page(kind, &report);
            assert!(html.contains("Provenance") && markdown.starts_with("# "), "{} {report}", kind.command());
        }
    }
}

#[test]
fn a_lag_says_what_was_measured_and_draws_its_classes() {
    let (html, _) = page(Kind::Lag, &odd_report());
    for words in ["99% were there within 3.0 s", "15 min 00 s: broken", "up to 5 s", "Lag, p99 over 2 runs"] {
        assert!(html.contains(words), "no {words} in {html}");
    }
}

/// A trend must not dip to zero where a run failed.
#[test]
fn a_run_without_a_report_has_no_figures() {
    let all = [&lag::FIGURES[..], &cost::FIGURES, &posture::FIGURES, &failover::FIGURES].concat();
    for (title, of, _) in all {
        assert_eq!(of(&Value::Null), None, "{title}");
    }
}
