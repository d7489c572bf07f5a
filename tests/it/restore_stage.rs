//! The stage of the restore tests: a lab with a bucket whose past is set by hand, and the program to run on it.

use s3twin_fixtures::{ACCESS_KEY, Lab, LabOptions, Limits, PutSpec, SECRET_KEY, Versioning};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// Second 0 of every test's history.
const BASE: i64 = 1_767_225_600; // 2026-01-01T00:00:00Z

pub(crate) struct Stage {
    pub(crate) lab: Lab,
    state: tempfile::TempDir,
}

/// What the program left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) summary: Value,
    pub(crate) stderr: String,
    pub(crate) folder: PathBuf,
}

impl Ran {
    pub(crate) fn action(&self, name: &str) -> u64 {
        self.summary["actions"][name].as_u64().expect("a count")
    }

    /// Rows of the plan without header and footer: key, action, reason.
    pub(crate) fn plan(&self) -> Vec<(String, String, String)> {
        let rows = self.rows("plan.jsonl");
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let rows = rows.iter().filter(|row| row.get("key").is_some());
        rows.map(|row| (text(row, "key"), text(row, "action"), text(row, "reason"))).collect()
    }

    pub(crate) fn rows(&self, file: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.join(file)).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

impl Stage {
    pub(crate) fn new() -> Stage {
        let limits = Limits { min_part_bytes: 1, ..Limits::default() };
        let lab = Lab::start_blocking(LabOptions { limits, ..LabOptions::default() }).expect("a lab");
        let stage = Stage { lab, state: tempfile::tempdir().expect("a folder") };
        stage.bucket("past");
        stage
    }

    pub(crate) fn bucket(&self, name: &str) {
        self.lab.store().create_bucket(name, Versioning::Enabled).expect("a bucket");
    }

    pub(crate) fn put(&self, key: &str, body: &str, second: i64) -> String {
        self.put_as("past", key, body, PutSpec::default(), second)
    }

    pub(crate) fn put_as(&self, bucket: &str, key: &str, body: &str, spec: PutSpec, second: i64) -> String {
        let version = self.lab.store().put(bucket, key, body.as_bytes().to_vec(), &spec.at(instant(second)));
        version.expect("a version").id.to_string()
    }

    pub(crate) fn put_parts(&self, bucket: &str, key: &str, body: &str, second: i64) {
        let (a, b) = body.split_at(body.len() / 2);
        let parts = [a, b].map(|part| bytes::Bytes::from(part.to_owned())).to_vec();
        let spec = PutSpec::default().at(instant(second));
        self.lab.store().put_multipart(bucket, key, parts, &spec).expect("a version");
    }

    pub(crate) fn delete(&self, key: &str, second: i64) {
        self.delete_in("past", key, second);
    }

    pub(crate) fn delete_in(&self, bucket: &str, key: &str, second: i64) {
        self.lab.store().delete_at(bucket, key, instant(second)).expect("a marker");
    }

    /// The current body.
    pub(crate) fn body(&self, bucket: &str, key: &str) -> Option<String> {
        let version = self.lab.store().get(bucket, key, None)?;
        let bytes = version.object.as_ref()?.body.to_vec();
        Some(String::from_utf8(bytes).expect("text"))
    }

    /// Runs the program.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let report = tempfile::tempdir_in(self.state.path()).expect("a folder").keep();
        let mut command = Command::new(env!("CARGO_BIN_EXE_s3twin-under-test"));
        command.args(args).env_clear();
        command.envs([("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)]);
        command.envs([("AWS_REGION", "us-east-1"), ("AWS_EC2_METADATA_DISABLED", "true")]);
        command.env("AWS_ENDPOINT_URL", self.lab.endpoint()).env("PATH", "/usr/bin:/bin");
        command.arg("--output").arg("json");
        if args[0] != "versions" {
            command.arg("--state-dir").arg(self.state.path()).arg("--report").arg(&report);
        }
        let output = command.output().expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let summary = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        Ran { code: output.status.code().unwrap_or(-1), summary, stderr, folder: report }
    }

    /// `restore s3://past --at` that second, and more.
    pub(crate) fn restore(&self, second: i64, more: &[&str]) -> Ran {
        let at = time(second);
        let mut args = vec!["restore", "s3://past", "--at", &at];
        args.extend(more);
        self.run(&args)
    }
}

pub(crate) fn instant(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(BASE + second).expect("a time")
}

pub(crate) fn time(second: i64) -> String {
    instant(second).to_string()
}
