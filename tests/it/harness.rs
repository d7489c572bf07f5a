//! A lab of its own for each test, and the real program as a process against it.

use s3twin_fixtures::store::Store;
use s3twin_fixtures::{ACCESS_KEY, Lab, LabOptions, PutSpec, REGION, SECRET_KEY, Versioning};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No run of these tests takes longer; one that does is killed and fails its test.
const RUN_MAX: Duration = Duration::from_secs(60);

/// A server and a place where runs are remembered.
pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) state: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(LabOptions::default())
    }

    pub(crate) fn with(options: LabOptions) -> Self {
        let lab = Lab::start_blocking(options).expect("a lab on a free port");
        Self { lab, state: TempDir::new().expect("a temporary directory") }
    }

    /// A world with the versioned buckets `source` and `replica`.
    pub(crate) fn pair() -> Self {
        let world = Self::new();
        world.bucket("source");
        world.bucket("replica");
        world
    }

    pub(crate) fn bucket(&self, name: &str) {
        self.store().create_bucket(name, Versioning::Enabled).expect("a new bucket");
    }

    pub(crate) fn store(&self) -> &Store {
        self.lab.store()
    }

    pub(crate) fn put(&self, bucket: &str, key: &str, body: impl Into<Vec<u8>>) {
        self.put_with(bucket, key, body, &PutSpec::default());
    }

    pub(crate) fn put_with(&self, bucket: &str, key: &str, body: impl Into<Vec<u8>>, spec: &PutSpec) {
        self.store().put(bucket, key, body.into(), spec).expect("written");
    }

    /// Requests of an operation that the server saw.
    pub(crate) fn seen(&self, operation: &str) -> u64 {
        self.lab.requests().get(operation).copied().unwrap_or_default()
    }

    /// Waits until the server has seen so many requests of an operation. They are counted on arrival, before
    /// the latency, so whatever the caller does next happens before they take effect.
    pub(crate) fn wait_for(&self, operation: &str, count: u64) {
        let begun = Instant::now();
        while self.seen(operation) < count {
            assert!(begun.elapsed() < RUN_MAX, "no {operation} came");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Starts the program with exactly these arguments.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Running {
        self.spawn_with(arguments, &[])
    }

    /// Starts the program with more in its environment.
    pub(crate) fn spawn_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let file = || tempfile::tempfile_in(self.state.path()).expect("a temporary file");
        let (stdout, stderr) = (file(), file());
        let child = Command::new(env!("CARGO_BIN_EXE_s3twin-under-test"))
            .args(arguments)
            .env_clear()
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_REGION", REGION)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("HOME", self.state.path())
            .env("S3TWIN_STATE_DIR", self.state.path())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(stdout.try_clone().expect("a handle"))
            .stderr(stderr.try_clone().expect("a handle"))
            .spawn()
            .expect("the program starts");
        Running { child, stdout, stderr, runs: self.state.path().join("runs"), begun: Instant::now() }
    }

    /// Starts the program against the lab, with JSON on stdout.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let endpoint = self.lab.endpoint();
        self.spawn(&[arguments, &["--output", "json", "--endpoint-url", &endpoint]].concat())
    }

    /// Runs the program against the lab to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.start(arguments).wait()
    }

    /// `audit s3://source s3://replica`.
    pub(crate) fn audit(&self, arguments: &[&str]) -> Done {
        self.run(&[&["audit", "s3://source", "s3://replica"], arguments].concat())
    }

    /// `sync s3://source s3://replica`.
    pub(crate) fn sync(&self, arguments: &[&str]) -> Done {
        self.run(&[&["sync", "s3://source", "s3://replica"], arguments].concat())
    }

    /// Everything a bucket holds below a prefix, by relative key.
    pub(crate) fn held(&self, bucket: &str, prefix: &str) -> BTreeMap<String, Held> {
        held(self.store(), bucket, prefix)
    }

    /// The two buckets hold the same, byte for byte.
    #[track_caller]
    pub(crate) fn assert_twins(&self) {
        assert_same(&self.held("source", ""), &self.held("replica", ""));
    }
}

/// What a key holds, as far as a twin must have it too.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) bytes: Vec<u8>,
    pub(crate) content_type: Option<String>,
    pub(crate) system: BTreeMap<&'static str, String>,
    pub(crate) user: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) storage_class: String,
}

pub(crate) fn held(store: &Store, bucket: &str, prefix: &str) -> BTreeMap<String, Held> {
    let keys = store.keys(bucket).into_iter().filter(|key| key.starts_with(prefix));
    let of = |key: String| {
        let version = store.get(bucket, &key, None)?;
        let object = version.object.as_ref()?;
        let attributes = object.attributes.clone();
        let held = Held {
            bytes: object.body.to_vec(),
            // What S3 answers when none was given; a relay cannot tell the two apart, nor need anyone.
            content_type: attributes.content_type.or_else(|| Some("binary/octet-stream".to_owned())),
            system: attributes.system,
            user: attributes.user,
            tags: attributes.tags,
            storage_class: attributes.storage_class,
        };
        Some((key[prefix.len()..].to_owned(), held))
    };
    keys.filter_map(of).collect()
}

/// Names the first keys that differ, and in what, instead of printing their bytes.
#[track_caller]
pub(crate) fn assert_same(a: &BTreeMap<String, Held>, b: &BTreeMap<String, Held>) {
    let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
    let mut differences = Vec::new();
    for key in keys {
        match (a.get(key), b.get(key)) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => differences.push(format!(
                "{key:?}: bytes equal {}; {:?} {:?} {:?} {:?} against {:?} {:?} {:?} {:?}",
                a.bytes == b.bytes,
                (&a.content_type, &a.system),
                a.user,
                a.tags,
                a.storage_class,
                (&b.content_type, &b.system),
                b.user,
                b.tags,
                b.storage_class
            )),
            (a, _) => differences
                .push(format!("{key:?}: only in the {}", if a.is_some() { "first" } else { "second" })),
        }
    }
    let few: Vec<_> = differences.iter().take(5).collect();
    assert!(differences.is_empty(), "{} keys differ: {few:#?}", differences.len());
}

/// The program at work; killed when dropped.
pub(crate) struct Running {
    child: Child,
    stdout: File,
    stderr: File,
    runs: std::path::PathBuf,
    begun: Instant,
}

impl Running {
    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("reaped");
    }

    /// SIGINT, as Ctrl-C sends it.
    pub(crate) fn interrupt(&self) {
        self.signal("INT");
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let script = format!("kill -{name} \"$0\"");
        let sent = Command::new("sh").args(["-c", &script, &id]).status().expect("a shell");
        assert!(sent.success());
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_none()
    }

    /// Waits for its end, which must come within [`RUN_MAX`].
    #[track_caller]
    pub(crate) fn wait(mut self) -> Done {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                break status;
            }
            if self.begun.elapsed() > RUN_MAX {
                self.child.kill().expect("killed");
                self.child.wait().expect("reaped");
                panic!("still running after {RUN_MAX:?}; stderr: {}", text(&mut self.stderr));
            }
            std::thread::sleep(Duration::from_millis(3));
        };
        Done {
            code: status.code().unwrap_or(-1),
            stdout: text(&mut self.stdout),
            stderr: text(&mut self.stderr),
            runs: self.runs.clone(),
            took: self.begun.elapsed(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn text(file: &mut File) -> String {
    let mut text = String::new();
    file.rewind().expect("rewound");
    file.read_to_string(&mut text).expect("UTF-8");
    text
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
    runs: std::path::PathBuf,
}

impl Done {
    /// It ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stderr: {}\nstdout: {}", self.stderr, self.stdout);
        self
    }

    /// stderr has all of these words.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in: {}", self.stderr);
        }
        self
    }

    /// The summary: the one JSON object on stdout.
    #[track_caller]
    pub(crate) fn summary(&self) -> Value {
        let summary: Value = serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("stdout is not one JSON object: {error}\n{}\n{}", self.stdout, self.stderr)
        });
        assert_eq!(summary["schema"], "s3twin.summary/1");
        assert_eq!(summary["exit_code"], self.code);
        assert_balanced(&summary);
        summary
    }

    /// A number of the summary, by a dotted path.
    #[track_caller]
    pub(crate) fn number(&self, path: &str) -> u64 {
        let summary = self.summary();
        let value = path.split('.').fold(&summary, |value, name| &value[name]);
        value.as_u64().unwrap_or_else(|| panic!("{path} is {value}"))
    }

    /// The rows of findings.jsonl, in its order.
    #[track_caller]
    pub(crate) fn findings(&self) -> Vec<Value> {
        let id = self.summary()["run_id"].as_str().expect("a run id").to_owned();
        let path = self.runs.join(id).join("findings.jsonl");
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
        let keys: Vec<&str> = rows.iter().map(key_of).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "not one row per key in key order: {keys:?}");
        rows
    }

    /// Key to (verdict, reason) of every finding.
    #[track_caller]
    pub(crate) fn verdicts(&self) -> BTreeMap<String, (String, String)> {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let rows = self.findings();
        rows.iter()
            .map(|row| (key_of(row).to_owned(), (word(&row["verdict"]), word(&row["reason"]))))
            .collect()
    }

    /// Key to verdict of every finding.
    #[track_caller]
    pub(crate) fn verdict_of(&self, key: &str) -> String {
        self.verdicts().remove(key).unwrap_or_else(|| panic!("no finding for {key:?}")).0
    }
}

pub(crate) fn key_of(row: &Value) -> &str {
    row["key"].as_str().expect("a key")
}

/// Every key is in one verdict, every identical one has its evidence.
#[track_caller]
fn assert_balanced(summary: &Value) {
    let total = |name: &str| -> u64 {
        let fields = summary[name].as_object().unwrap_or_else(|| panic!("no {name} in {summary}"));
        fields.values().map(|value| value.as_u64().expect("a count")).sum()
    };
    assert_eq!(total("verdicts"), summary["keys"]["union"], "{summary}");
    assert_eq!(total("evidence"), summary["verdicts"]["identical"], "{summary}");
}

/// Bytes that look like nothing, the same for the same seed.
pub(crate) fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..size).map(|_| next()).collect()
}
