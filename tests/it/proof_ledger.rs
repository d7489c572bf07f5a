//! The ledger of last proofs: what was read and found right, and when.

use crate::proof_stage::{A, B, Ran, Stage, noise};
use s3twin_fixtures::PutSpec;

const KEYS: u64 = 60;

fn filled() -> Stage {
    let stage = Stage::new();
    for number in 0..KEYS {
        for bucket in [A, B] {
            let (key, bytes) = (format!("k/{number:03}"), noise(number, 1000));
            stage.store().put(bucket, &key, bytes, &PutSpec::default()).unwrap();
        }
    }
    stage.store().put(A, "k/empty", Vec::new(), &PutSpec::default()).unwrap();
    stage.store().put(B, "k/empty", Vec::new(), &PutSpec::default()).unwrap();
    stage
}

/// Keys proved within the window; the empty one, which cannot rot, is left out.
fn proved(ran: &Ran) -> u64 {
    assert_eq!(ran.summary["proved"]["of_keys"], KEYS + 1);
    assert_eq!(ran.summary["proved"]["of_bytes"], KEYS * 1000);
    let keys = ran.summary["proved"]["keys"].as_u64().unwrap() - 1;
    assert_eq!(ran.summary["proved"]["bytes"], keys * 1000);
    keys
}

#[test]
fn proof_what_earlier_runs_read_is_remembered() {
    let stage = filled();
    assert_eq!(proved(&stage.audit(&["--proved-within", "30d"])), 0);
    let first = stage.audit(&["--scrub", "1/3"]);
    let read = first.summary["scrub"]["read"].as_u64().unwrap();
    assert!((1..KEYS).contains(&read));
    assert_eq!(first.summary["proved"], serde_json::Value::Null);
    let second = stage.audit(&["--proved-within", "30d"]);
    assert_eq!((proved(&second), stage.requests("GetObject")), (read, 0));
    // Another pair knows nothing of it.
    let turned = stage.run(&["audit", "s3://replica", "s3://primary", "--proved-within", "30d"]);
    assert_eq!(proved(&turned), 0);
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(proved(&stage.audit(&["--proved-within", "1s"])), 0, "it was longer ago");
}

#[test]
fn proof_what_was_written_since_is_not_proved() {
    let stage = filled();
    let all = stage.audit(&["--scrub", "all", "--proved-within", "30d"]);
    assert_eq!(proved(&all), KEYS);
    let mut other = noise(7, 1000);
    other[5] ^= 1;
    for bucket in [A, B] {
        stage.store().put(bucket, "k/007", other.clone(), &PutSpec::default()).unwrap();
    }
    stage.store().corrupt(B, "k/008", None, 77).unwrap();
    let later = stage.audit(&["--proved-within", "30d"]);
    assert_eq!((later.code, proved(&later)), (0, KEYS - 1));
    // Reading shows the rot: what is found bad is proved no longer in this run's count.
    let read = stage.audit(&["--scrub", "all", "--proved-within", "30d"]);
    assert_eq!(read.findings["k/008"], "different/bytes-differ");
    assert_eq!(proved(&read), KEYS - 1);
    // And in every later one, until it is read and found right again.
    assert_eq!(proved(&stage.audit(&["--proved-within", "30d"])), KEYS - 1);
}

#[test]
fn proof_the_longest_unproved_are_read_first() {
    let stage = filled();
    let mut sums = Vec::new();
    for _ in 0..12 {
        let ran = stage.audit(&["--scrub", "20%", "--proved-within", "30d"]);
        assert_eq!(ran.code, 0);
        let read = ran.summary["scrub"]["read"].as_u64().unwrap();
        assert!(read < KEYS);
        sums.push((read, proved(&ran)));
    }
    // Nothing is read a second time while something was never read.
    let mut total = 0;
    for (read, proved) in &sums {
        if total < KEYS {
            total += read;
            assert!(*proved == total.min(KEYS), "{sums:?}");
        }
    }
    assert_eq!(sums.last().unwrap().1, KEYS, "{sums:?}");
}

#[test]
fn proof_a_bucket_of_its_own_has_its_own_ledger() {
    let stage = filled();
    let own = stage.run(&["audit", "s3://primary", "--self", "--proved-within", "7d"]);
    assert_eq!(proved(&own), KEYS);
    assert_eq!(proved(&stage.audit(&["--proved-within", "7d"])), 0);
}
