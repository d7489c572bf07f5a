//! A stage for proofs: a lab with two buckets, and the program run against them.

use bytes::Bytes;
use s3twin_fixtures::{ACCESS_KEY, Lab, LabOptions, Limits, SECRET_KEY, Store, Versioning};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;
use tempfile::TempDir;

pub(crate) const A: &str = "primary";
pub(crate) const B: &str = "replica";

/// A lab with an empty pair of buckets.
pub(crate) struct Stage {
    pub(crate) lab: Lab,
    state: TempDir,
}

/// What a run left.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) summary: Value,
    /// `verdict/reason` by key, for all that is not identical.
    pub(crate) findings: BTreeMap<String, String>,
    pub(crate) details: BTreeMap<String, String>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let limits = Limits { min_part_bytes: 1, ..Limits::default() };
        let lab = Lab::start_blocking(LabOptions { limits, ..LabOptions::default() }).unwrap();
        lab.store().create_bucket(A, Versioning::Enabled).unwrap();
        lab.store().create_bucket(B, Versioning::Enabled).unwrap();
        Self { lab, state: TempDir::new().unwrap() }
    }

    pub(crate) fn store(&self) -> &Store {
        self.lab.store()
    }

    /// Runs `s3twin` with these words on the lab; requests are counted from nought.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        self.lab.reset_requests();
        let report = TempDir::new().unwrap();
        let out = Command::new(env!("CARGO_BIN_EXE_s3twin-under-test"))
            .args(words)
            .args(["--endpoint-url", &self.lab.endpoint(), "--region", "us-east-1", "--output", "json"])
            .args(["--no-progress", "--report"])
            .arg(report.path())
            .arg("--state-dir")
            .arg(self.state.path())
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        let summary = serde_json::from_slice(&out.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
        let rows = std::fs::read_to_string(report.path().join("findings.jsonl")).unwrap_or_default();
        let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let by_key = |value: &dyn Fn(&Value) -> String| {
            rows.iter().map(|row| (text(row, "key"), value(row))).collect::<BTreeMap<_, _>>()
        };
        Ran {
            code: out.status.code().unwrap_or(-1),
            summary,
            findings: by_key(&|row| format!("{}/{}", text(row, "verdict"), text(row, "reason"))),
            details: by_key(&|row| text(row, "detail")),
        }
    }

    pub(crate) fn audit(&self, flags: &[&str]) -> Ran {
        let mut words = vec!["audit", "s3://primary", "s3://replica"];
        words.extend(flags);
        self.run(&words)
    }

    pub(crate) fn requests(&self, operation: &str) -> u64 {
        self.lab.requests().get(operation).copied().unwrap_or_default()
    }
}

/// Bytes without pattern, always the same for a seed.
pub(crate) fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        })
        .collect()
}

/// Cuts bytes into parts of `part` bytes.
pub(crate) fn cut(bytes: &[u8], part: usize) -> Vec<Bytes> {
    bytes.chunks(part).map(Bytes::copy_from_slice).collect()
}
