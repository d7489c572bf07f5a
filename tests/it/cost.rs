//! `cost`: what is held is counted to the last byte, priced by the table, and nothing is touched.

use crate::harness::World;
use crate::job_run::{configured, history};
use jiff::{SignedDuration, Timestamp};
use s3twin_fixtures::PutSpec;
use s3twin_fixtures::store::{Attributes, Body, Upload, UploadedPart};
use serde_json::{Value, json};

fn days_ago(days: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(24 * days)
}

fn put(world: &World, key: &str, size: usize, days: i64, class: &str) {
    let mut spec = PutSpec { last_modified: Some(days_ago(days)), ..PutSpec::default() };
    class.clone_into(&mut spec.attributes.storage_class);
    world.put_with("source", key, vec![b'x'; size], &spec);
}

/// An upload with one part, begun so many days ago and never ended.
fn forget_upload(world: &World, id: &str, size: usize, days: i64) {
    let part = UploadedPart {
        body: Body::from(bytes::Bytes::from(vec![b'p'; size])),
        md5: [0; 16],
        checksum: None,
        crc64: String::new(),
        last_modified: days_ago(days),
    };
    let upload = Upload {
        key: "begun".to_owned(),
        id: id.to_owned(),
        seq: 0,
        initiated: days_ago(days),
        attributes: Attributes::default(),
        algorithm: None,
        kind: s3twin_fixtures::checksum::Kind::FullObject,
        parts: [(1, part)].into(),
    };
    let bucket = world.store().bucket("source").expect("a bucket");
    bucket.write().uploads.insert(id.to_owned(), upload);
}

/// Dollars per byte, so that sums can be read.
const PRICES: &str = "source = \"a test\"\ntransfer = 0.0\n\
    [classes.STANDARD]\nstorage = 1073741824.0\nwrite = 1000.0\nread = 1.0\n\
    [classes.STANDARD_IA]\nstorage = 536870912.0\nwrite = 2000.0\nread = 2.0\nsmallest_128_kib = true\n";

fn cost(world: &World, more: &[&str]) -> Value {
    let path = world.state.path().join("prices.toml");
    std::fs::write(&path, PRICES).expect("written");
    let path = path.display().to_string();
    let arguments = [&["cost", "s3://source", "--prices", &path], more].concat();
    serde_json::from_str(&world.run(&arguments).exits(0).stdout).expect("one JSON object")
}

#[test]
fn what_is_held_is_counted_by_class_and_priced() {
    let world = World::pair();
    put(&world, "plain", 1000, 100, "STANDARD");
    put(&world, "plain", 400, 40, "STANDARD");
    put(&world, "plain", 600, 5, "STANDARD");
    put(&world, "rare", 200_000, 5, "STANDARD_IA");
    put(&world, "rare-and-small", 1072, 5, "STANDARD_IA");
    put(&world, "gone", 50, 60, "STANDARD");
    world.store().delete("source", "gone").expect("deleted");
    forget_upload(&world, "old", 700, 30);
    forget_upload(&world, "new", 300, 1);
    world.lab.reset_requests();
    let result = cost(&world, &[]);
    let bucket = &result["buckets"][0];
    let standard = &bucket["held"]["classes"]["STANDARD"];
    assert_eq!(
        (&standard["current"]["bytes"], &standard["noncurrent"]["bytes"]),
        (&json!(600), &json!(1450))
    );
    // Replaced 40 and 5 days ago, deleted just now.
    let for_days: Vec<&Value> =
        standard["noncurrent_for"].as_array().expect("ages").iter().map(|age| &age["bytes"]).collect();
    assert_eq!(for_days, [1000, 1000, 0]);
    assert_eq!(
        (&bucket["held"]["keys"], &bucket["held"]["markers"], &bucket["held"]["rows"]),
        (&json!(3), &json!(1), &json!(7))
    );
    let uploads = json!({ "uploads": 2, "bytes": 1000, "old_uploads": 1, "old_bytes": 700, "unweighed": 0 });
    assert_eq!(bucket["held"]["uploads"], uploads);
    let month = &bucket["month"];
    let of = |name: &str| month[name].as_f64().expect("dollars").round();
    // 128 KiB are billed of the small one.
    assert_eq!(of("current_usd"), 600.0 + f64::from((200_000 + 131_072) / 2));
    assert_eq!((of("noncurrent_usd"), of("uploads_usd"), of("markers_usd")), (1450.0, 1000.0, 4.0));
    let savings: Vec<_> = bucket["savings"]
        .as_array()
        .expect("savings")
        .iter()
        .map(|saving| saving["monthly_usd"].as_f64().expect("dollars").round())
        .collect();
    assert_eq!(savings, [1000.0, 1000.0, 700.0]);
    let requests = world.lab.requests();
    let harmless = ["HeadBucket", "ListObjectVersions", "ListMultipartUploads", "ListParts"];
    assert!(requests.keys().all(|name| harmless.contains(&name.as_str())), "{requests:?}");
}

#[test]
fn an_audit_sends_at_least_the_lists_that_were_estimated_and_a_first_sync_the_copies() {
    let world = World::pair();
    for number in 0..2500 {
        put(&world, &format!("k{number:04}"), 1, 1, "STANDARD");
    }
    let runs = cost(&world, &[])["buckets"][0]["runs"].clone();
    let of = |run: usize, what: &str| runs[run][what].as_u64().expect("a count");
    assert_eq!((&runs[0]["run"], of(0, "writes")), (&json!("audit by listing"), 6));
    world.lab.reset_requests();
    let synced = world.sync(&[]).exits(0);
    let copies = of(3, "writes") - of(0, "writes");
    // One more may find out what the server can.
    assert!((copies..=copies + 1).contains(&world.seen("CopyObject")), "{}", world.seen("CopyObject"));
    assert_eq!(synced.number("actions.copied"), copies);
    world.lab.reset_requests();
    world.audit(&["--depth", "listing"]).exits(0);
    assert_eq!(of(0, "reads"), 0);
    // A range that is cut lists a little more than the fewest pages.
    let sent = world.seen("ListObjectsV2");
    assert!((6..=30).contains(&sent), "{sent}");
}

#[test]
fn uploads_that_may_not_be_looked_into_and_classes_without_a_price_are_said() {
    let world = World::pair();
    put(&world, "odd", 10, 1, "GLACIER");
    forget_upload(&world, "old", 700, 30);
    let denial = s3twin_fixtures::Denial { operation: Some("ListParts".into()), ..Default::default() };
    world.lab.credentials().deny(s3twin_fixtures::ACCESS_KEY, denial);
    let result = cost(&world, &[]);
    assert_eq!(result["buckets"][0]["held"]["uploads"]["unweighed"], 1);
    assert_eq!(result["buckets"][0]["month"]["unpriced"], json!(["GLACIER"]));
}

#[test]
fn as_text_and_as_a_job() {
    let world = World::pair();
    put(&world, "k", 1 << 20, 1, "STANDARD");
    let endpoint = world.lab.endpoint();
    let text = world.spawn(&["cost", "s3://source", "--endpoint-url", &endpoint]).wait().exits(0).stdout;
    for words in ["a month; of it", "STANDARD", "first sync to an empty replica", "Prices: list prices"] {
        assert!(text.contains(words), "no {words} in {text}");
    }
    let file = configured(&world, "[jobs.bill]\ncommand = \"cost\"\nbuckets = [\"a\", \"b\"]\n");
    world.spawn(&["run", "bill", "--config", &file]).wait().exits(0);
    let history = history(&world, "bill").expect("a history");
    assert_eq!(history["last_result"]["buckets"].as_array().map(Vec::len), Some(2));
    assert!(history["runs"][0]["headline"].as_str().is_some_and(|words| words.contains("a month")));
    let printed = world.spawn(&["cost", "s3://source", "--print-prices"]).wait().exits(0).stdout;
    assert!(printed.contains("[classes.DEEP_ARCHIVE]"));
}
