//! Runs to look at: every verdict, every reason, keys nobody should have chosen.

use super::super::row::code;
use s3twin_engine::compare::listing::FactsRow;
use s3twin_engine::compare::{Reason, Verdict};
use s3twin_engine::model::Timestamp;
use s3twin_engine::report::{Finding, RunState, Summary};
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// Keys that break pages.
pub(super) const ODD_KEYS: [&str; 16] = [
    "<script>alert(1)</script>",
    "</script><script>document.title='owned'</script>",
    "<!-- <script> --> & &amp; \"quoted\" 'single'",
    "<img src=x onerror=alert(1)>",
    "audio/line\nbreak\tand tab\r.wav",
    "audio/null\u{0}byte",
    "audio/\u{2028}separator\u{2029}",
    "audio/evil\u{202e}gpj.exe",
    "audio/zero\u{200b}width",
    " leading and trailing ",
    "{{ view }} {% raw %} ${x} `ticks` | pipe",
    "audio/ü/日本語/العربية/🎧.mp3",
    "back\\slash\\n",
    "//empty//folders//",
    "a-very-long-key/without-any-place-to-break-it/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
    "\u{1b}[31mred\u{7f}\u{85}",
];

/// The verdict a reason comes with.
fn verdict(reason: Reason) -> Verdict {
    match reason {
        Reason::NotOnReplica | Reason::VersionMissing => Verdict::Missing,
        Reason::NotOnSource | Reason::VersionExtra => Verdict::Extra,
        Reason::PartLayoutOnly
        | Reason::EncryptedNoSharedChecksum
        | Reason::NoSharedChecksum
        | Reason::Archived
        | Reason::Vanished
        | Reason::ChangedMeanwhile => Verdict::Unproven,
        Reason::AccessDenied | Reason::ServerError => Verdict::Unreadable,
        Reason::GraceWindow => Verdict::InFlight,
        _ => Verdict::Different,
    }
}

fn facts(n: u64, salt: u64) -> FactsRow {
    let size = [0, 900, 48_000, 700_000, 5_300_000, 80_000_000, 400_000_000, 3_000_000_000][(n % 8) as usize];
    let digest = format!("{:016x}{:016x}", (n + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15), n ^ 0x5bd1_e995);
    FactsRow {
        size: size + n * 7919 % 800_000 + salt,
        etag: (n % 11 != 3)
            .then(|| if n.is_multiple_of(5) { format!("{digest}-{}", n % 90 + 2) } else { digest }),
        last_modified: Timestamp::from_millis(1_795_000_000_000 + (n as i64) * 61_001),
        version_id: n.is_multiple_of(4).then(|| format!("v{n}.{salt}")),
        storage_class: if n.is_multiple_of(9) { "GLACIER_IR" } else { "STANDARD" }.to_owned(),
        checksum: n.is_multiple_of(6).then(|| format!("CRC64NVME:{n:08x}abc=")),
    }
}

/// The n-th finding of a sample; the reasons take turns, with some far more often than others.
pub(in super::super) fn finding(n: u64, key: String, action: bool) -> Finding {
    let turn =
        if n < Reason::ALL.len() as u64 { n } else { [0, 0, 0, 3, 0, 1, 12, 0, 2, 20, 0][(n % 11) as usize] };
    let reason = Reason::ALL[turn as usize];
    let verdict = verdict(reason);
    Finding {
        key,
        verdict,
        reason: Some(reason),
        evidence: None,
        source: (verdict != Verdict::Extra).then(|| facts(n, 0)),
        replica: (verdict != Verdict::Missing).then(|| {
            let same = facts(n, 0);
            match reason {
                Reason::SizeDiffers => facts(n, 4096),
                Reason::EtagDiffers | Reason::ChecksumDiffers => FactsRow { size: same.size, ..facts(n, 1) },
                Reason::PartLayoutOnly => FactsRow { etag: Some(format!("{:032x}-7", n * 31)), ..same },
                _ => same,
            }
        }),
        advice: reason.advice().to_owned(),
        action: action.then(|| if n % 17 == 3 { "failed" } else { "copied" }.to_owned()),
        detail: (reason == Reason::ServerError).then(|| "InternalError: <b>We</b> failed & \u{7}".to_owned()),
    }
}

/// Keys of a content platform, the odd ones among the first.
fn key(n: u64) -> String {
    match ODD_KEYS.get(n as usize) {
        Some(odd) => (*odd).to_owned(),
        None => format!(
            "{}/2026/{:02}/track-{n:07}.{}",
            ["audio", "audio", "audio/masters", "images/covers", "exports"][(n % 5) as usize],
            n % 4 + 8,
            ["flac", "mp3", "jpg"][(n % 3) as usize]
        ),
    }
}

/// A summary without findings.
pub(in super::super) fn summary(command: &str, day: u64) -> Summary {
    let requests = [("ListObjectsV2", 2_411), ("HeadObject", 9_120), ("GetObjectAttributes", 211)];
    let sides = ("s3://media".to_owned(), Some("s3://media-replica".to_owned()));
    let began = Timestamp::from_seconds(1_793_498_400 + (day as i64 - 1) * 86_400);
    Summary {
        elapsed_seconds: 41.5 + (day * day % 13) as f64,
        requests: requests.map(|(name, count)| (name.to_owned(), count)).into(),
        retries: 14,
        throttled: 3,
        estimated_cost_usd: 0.015_7,
        peak_rss_bytes: 61 << 20,
        ..Summary::begun(format!("202611{day:02}T020000Z-{command}-{day:04x}"), command, sides, began)
    }
}

/// Counts `identical` proved keys into a summary.
pub(in super::super) fn prove(summary: &mut Summary, identical: u64) {
    let (e, v) = (&mut summary.evidence, &mut summary.verdicts);
    v.identical = identical;
    e.checksum = identical / 9;
    e.parts = identical / 120;
    e.size = identical / 3000;
    e.etag = identical - e.checksum - e.parts - e.size;
    summary.keys.union += identical;
    summary.keys.source += identical;
    summary.keys.replica += identical;
    summary.listed_bytes.source = identical * 4_700_000;
    summary.listed_bytes.replica = identical * 4_699_000;
}

/// Writes a run's folder with this many findings and returns the balanced summary.
pub(in super::super) fn write(folder: &Path, mut summary: Summary, findings: u64) -> Summary {
    std::fs::create_dir_all(folder).unwrap();
    let mut keys: Vec<(String, u64)> = (0..findings).map(|n| (key(n), n)).collect();
    keys.sort();
    let mut out = BufWriter::new(std::fs::File::create(folder.join("findings.jsonl")).unwrap());
    for (key, n) in keys {
        let finding = finding(n, key, summary.command != "audit");
        let v = &mut summary.verdicts;
        *match finding.verdict {
            Verdict::Identical => &mut v.identical,
            Verdict::Different => &mut v.different,
            Verdict::Missing => &mut v.missing,
            Verdict::Extra => &mut v.extra,
            Verdict::Unproven => &mut v.unproven,
            Verdict::InFlight => &mut v.in_flight,
            Verdict::Unreadable => &mut v.unreadable,
        } += 1;
        summary.keys.union += 1;
        summary.keys.source += u64::from(finding.source.is_some());
        summary.keys.replica += u64::from(finding.replica.is_some());
        if let Some(action) = &finding.action {
            *if action == "failed" { &mut summary.actions.failed } else { &mut summary.actions.copied } += 1;
        }
        let mut line = Vec::new();
        finding.write_line(&mut line);
        out.write_all(&line).unwrap();
    }
    out.flush().unwrap();
    summary.exit_code = match summary.state {
        RunState::Complete => u8::from(summary.verdicts.to_look_at() > 0),
        _ => 4,
    };
    std::fs::write(folder.join("summary.json"), serde_json::to_vec_pretty(&summary).unwrap()).unwrap();
    summary
}

#[test]
fn every_reason_is_in_a_sample() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), summary("audit", 1), Reason::ALL.len() as u64);
    let rows = std::fs::read_to_string(folder.path().join("findings.jsonl")).unwrap();
    for reason in Reason::ALL {
        assert!(rows.contains(&format!("\"{}\"", code(reason))), "{reason:?}");
    }
}

/// Not a check: fills the state dir named by `S3TWIN_SAMPLE` with runs to look at with `s3twin report`.
#[test]
#[ignore = "writes where the environment says"]
fn samples() {
    let state = std::path::PathBuf::from(std::env::var_os("S3TWIN_SAMPLE").unwrap());
    let runs = state.join("runs");
    let place = |summary: &Summary| runs.join(&summary.run_id);
    for day in 1..=20 {
        let mut past = summary("audit", day);
        prove(&mut past, 1_180_000 + day * 1_200);
        if day == 9 {
            past.state = RunState::Incomplete;
        }
        write(&place(&past), past, [0, 3, 0, 41, 0, 12, 7][(day % 7) as usize]);
    }
    let mut look = summary("audit", 21);
    prove(&mut look, 1_204_331);
    write(&place(&look), look, 640);
    let mut clean = summary("audit", 22);
    prove(&mut clean, 1_206_002);
    write(&place(&clean), clean, 0);
    let mut sync = summary("sync", 23);
    prove(&mut sync, 1_204_000);
    (sync.bytes.copied_server_side, sync.bytes.streamed) = (812 << 30, 3 << 30);
    write(&place(&sync), sync, 1800);
    let mut stopped = summary("audit", 24);
    prove(&mut stopped, 40_100);
    (stopped.state, stopped.source) = (RunState::Incomplete, "s3://archive/2026/".to_owned());
    stopped.error =
        Some("listing the replica failed: AccessDenied. What to do: grant s3:ListBucket".to_owned());
    write(&place(&stopped), stopped, 9);
    let mut many = summary("audit", 25);
    many.replica = Some("s3://media-copy".to_owned());
    prove(&mut many, 9_400_000);
    write(&place(&many), many, 130_000);
    std::fs::create_dir_all(runs.join("20261126T020000Z-audit-dead")).unwrap();
}
