//! What the codes of a report mean, in words.

use s3twin_engine::compare::Verdict;

/// A verdict and how the page speaks of it.
#[derive(Debug)]
pub(crate) struct VerdictInfo {
    pub(crate) verdict: Verdict,
    /// As in the files.
    pub(crate) code: &'static str,
    /// As people say.
    pub(crate) label: &'static str,
    /// In one line.
    pub(crate) meaning: &'static str,
}

const fn info(
    verdict: Verdict,
    code: &'static str,
    label: &'static str,
    meaning: &'static str,
) -> VerdictInfo {
    VerdictInfo { verdict, code, label, meaning }
}

/// The verdicts, in the order in which the page shows and counts them.
pub(crate) const VERDICTS: [VerdictInfo; 7] = [
    info(Verdict::Identical, "identical", "Identical", "proved equal on both sides"),
    info(Verdict::Different, "different", "Different", "proved different"),
    info(Verdict::Missing, "missing", "Missing", "on the source only"),
    info(Verdict::Extra, "extra", "Extra", "on the replica only"),
    info(Verdict::Unproven, "unproven", "Unproven", "neither equality nor difference could be proved"),
    info(Verdict::InFlight, "in_flight", "In flight", "written so recently that it may still be on its way"),
    info(Verdict::Unreadable, "unreadable", "Unreadable", "listed, but could not be read"),
];

/// How a verdict is spoken of.
pub(crate) fn of(verdict: Verdict) -> &'static VerdictInfo {
    &VERDICTS[super::embed::index(verdict)]
}

/// Evidence: code, label, and what it proves.
pub(crate) const EVIDENCE: [(&str, &str, &str); 5] = [
    ("etag", "ETag", "the same MD5, or the same parts with the same MD5s"),
    ("checksum", "Stored checksum", "equal stored checksums of the same algorithm"),
    ("parts", "Parts", "part checksums, combined or compared part by part"),
    ("bytes", "Bytes", "the bytes of both sides were read and compared"),
    ("size", "Empty", "both are empty: there is nothing to differ in"),
];

/// A code for people: `etag-differs` becomes `etag differs`.
pub(crate) fn spoken(code: &str) -> String {
    match code {
        "" => "no reason given".to_owned(),
        _ => code.replace("etag", "ETag").replace("acl", "ACL").replace('-', " "),
    }
}
