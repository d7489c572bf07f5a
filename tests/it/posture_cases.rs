//! `posture`: what a bucket says is held against its tier; what is mended is only ever stricter, and proved.

use crate::harness::{Done, World};
use crate::job_run::{configured, history};
use bytes::Bytes;
use s3twin_fixtures::{ACCESS_KEY, Denial, Lack, Versioning};
use serde_json::Value;

const ROLE: &str = "arn:aws:iam::123456789012:role/copy";

fn posture(world: &World, more: &[&str]) -> Done {
    world.run(&[&["posture"], more].concat())
}

fn json(done: &Done) -> Value {
    let value: Value = serde_json::from_str(&done.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}\n{}", done.stdout, done.stderr));
    assert_eq!((&value["schema"], &value["exit_code"]), (&"s3twin.posture/1".into(), &done.code.into()));
    let all = value["buckets"].as_array().expect("buckets").iter();
    let rows = all.filter_map(|bucket| bucket["checks"].as_array()).flatten();
    let counted = ["kept", "broken", "unknown"].map(|word| value["checks"][word].as_u64().expect("a count"));
    assert_eq!(rows.count() as u64, counted.iter().sum::<u64>(), "{value}");
    value
}

/// A check of a bucket.
#[track_caller]
fn row(done: &Done, bucket: usize, check: &str) -> Value {
    let result = json(done);
    let rows = result["buckets"][bucket]["checks"].as_array().expect("checks").clone();
    rows.into_iter().find(|row| row["check"] == check).unwrap_or_else(|| panic!("no {check} in {result}"))
}

#[track_caller]
fn verdict(done: &Done, check: &str) -> String {
    row(done, 0, check)["verdict"].as_str().expect("a word").to_owned()
}

/// Puts a configuration document into a bucket as if somebody had.
fn document(world: &World, bucket: &str, name: &str, text: &str) {
    let bucket = world.store().bucket(bucket).expect("a bucket");
    bucket.write().documents.insert(name.to_owned(), Bytes::from(text.to_owned()));
}

fn stored(world: &World, bucket: &str, name: &str) -> Option<String> {
    let bucket = world.store().bucket(bucket).expect("a bucket");
    let stored = bucket.read().documents.get(name).cloned();
    stored.map(|bytes| String::from_utf8(bytes.to_vec()).expect("UTF-8"))
}

fn versioning(world: &World, bucket: &str) -> Versioning {
    world.store().bucket(bucket).expect("a bucket").read().versioning
}

fn deny(world: &World, operation: &str) {
    let denial = Denial { operation: Some(operation.into()), ..Denial::default() };
    world.lab.credentials().deny(ACCESS_KEY, denial);
}

/// One unversioned bucket `plain`, with nothing set.
fn plain() -> World {
    let world = World::new();
    world.store().create_bucket("plain", Versioning::Unversioned).expect("a bucket");
    world
}

const OWN_RULES: &str = "<LifecycleConfiguration><Rule><ID>own</ID><Filter><And><Prefix>logs/</Prefix>\
    <Tag><Key>a</Key><Value>b &amp; c</Value></Tag><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></And></Filter>\
    <Status>Enabled</Status><Expiration><Days>40</Days></Expiration><Transition><Days>9</Days>\
    <StorageClass>GLACIER_IR</StorageClass></Transition></Rule><Rule><ID>off</ID><Filter><Prefix></Prefix></Filter>\
    <Status>Disabled</Status><AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>\
    </AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>";

#[test]
fn a_look_says_what_is_broken_and_changes_nothing() {
    let world = plain();
    let done = posture(&world, &["s3://plain"]).exits(1);
    for check in ["versioning", "abort-uploads", "noncurrent-versions", "tls-only", "public-access"] {
        assert_eq!(verdict(&done, check), "broken", "{check}");
    }
    assert_eq!(verdict(&done, "encryption"), "kept");
    assert_eq!(row(&done, 0, "versioning")["remedy"], "switch versioning on");
    assert!(
        row(&done, 0, "tls-only")["advice"].as_str().is_some_and(|advice| advice.contains("SecureTransport"))
    );
    assert_eq!(versioning(&world, "plain"), Versioning::Unversioned);
    let sent = world.lab.requests();
    assert!(sent.keys().all(|name| name.starts_with("Get") || name == "HeadBucket"), "{sent:?}");
    assert_eq!(json(&done)["requests"]["GetBucketLifecycleConfiguration"], 1);
}

#[test]
fn what_is_safe_is_mended_and_proved_and_then_there_is_nothing_to_do() {
    let world = plain();
    document(&world, "plain", "lifecycle", OWN_RULES);
    document(&world, "plain", "x-amz-transition-default-minimum-object-size", "varies_by_storage_class");
    document(&world, "plain", "policy", &tls_policy("plain"));
    let left = posture(&world, &["s3://plain", "--apply"]).exits(1);
    assert_eq!(verdict(&left, "noncurrent-versions"), "broken", "nobody asked for versions to be removed");
    for check in ["versioning", "abort-uploads", "public-access"] {
        assert_eq!(row(&left, 0, check)["mended"], true, "{check}");
    }
    let done = posture(&world, &["s3://plain", "--apply", "--expire-versions"]).exits(0);
    assert_eq!(json(&done)["checks"]["mended"], 1);
    assert_eq!(versioning(&world, "plain"), Versioning::Enabled);
    let rules = stored(&world, "plain", "lifecycle").expect("rules");
    for part in [
        "<ID>own</ID>",
        "b &amp; c",
        "<ObjectSizeGreaterThan>5<",
        "<Days>9</Days>",
        "GLACIER_IR",
        "<ID>off</ID>",
        "Disabled",
        "<ID>s3twin-abort-uploads</ID>",
        "<ID>s3twin-expire-noncurrent</ID>",
        "<NoncurrentDays>90<",
    ] {
        assert!(rules.contains(part), "no {part} in {rules}");
    }
    let size = stored(&world, "plain", "x-amz-transition-default-minimum-object-size");
    assert_eq!(size.as_deref(), Some("varies_by_storage_class"));
    world.lab.reset_requests();
    let again = posture(&world, &["s3://plain", "--apply", "--expire-versions"]).exits(0);
    assert_eq!(json(&again)["checks"]["mended"], 0);
    assert!(world.lab.requests().keys().all(|name| !name.starts_with("Put")));
}

fn tls_policy(bucket: &str) -> String {
    format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":{{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\",\
         \"Resource\":[\"arn:aws:s3:::{bucket}\",\"arn:aws:s3:::{bucket}/*\"],\
         \"Condition\":{{\"Bool\":{{\"aws:SecureTransport\":\"false\"}}}}}}}}"
    )
}

#[test]
fn old_rules_get_new_ones_in_their_own_form() {
    let world = plain();
    let old = "<LifecycleConfiguration><Rule><ID>old</ID><Prefix>a/</Prefix><Status>Enabled</Status>\
               <Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>";
    document(&world, "plain", "lifecycle", old);
    let done = posture(&world, &["s3://plain", "--tier", "basic", "--apply"]).exits(0);
    assert_eq!(row(&done, 0, "abort-uploads")["mended"], true);
    let rules = stored(&world, "plain", "lifecycle").expect("rules");
    assert!(rules.contains("<ID>old</ID>") && rules.contains("s3twin-abort-uploads"), "{rules}");
}

#[test]
fn a_stricter_tier_adds_a_rule_beside_the_one_of_the_last_time() {
    let world = plain();
    posture(&world, &["s3://plain", "--tier", "basic", "--apply"]).exits(0);
    let file = configured(&world, "[tiers.short.posture]\nabort_uploads_days = 2\n");
    let flags = ["--tier", "short", "--apply", "--config", &file];
    let done = posture(&world, &[&["s3://plain"], &flags[..]].concat()).exits(1);
    assert_eq!(row(&done, 0, "abort-uploads")["mended"], true);
    let rules = stored(&world, "plain", "lifecycle").expect("rules");
    assert!(
        rules.contains("<ID>s3twin-abort-uploads</ID>") && rules.contains("s3twin-abort-uploads-2"),
        "{rules}"
    );
}

#[test]
fn a_document_with_something_new_in_it_is_left_alone() {
    let world = plain();
    let strange = OWN_RULES.replace("<ID>own</ID>", "<ID>own</ID><Freeze>1</Freeze>");
    document(&world, "plain", "lifecycle", &strange);
    let done = posture(&world, &["s3://plain", "--tier", "basic", "--apply"]).exits(1);
    let row = row(&done, 0, "abort-uploads");
    assert!(row["advice"].as_str().is_some_and(|advice| advice.contains("Freeze")), "{row}");
    assert_eq!(stored(&world, "plain", "lifecycle").as_deref(), Some(strange.as_str()));
}

#[test]
fn what_is_stricter_already_stays_as_it_is() {
    let world = plain();
    let kms = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
               <SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>\
               </ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>";
    document(&world, "plain", "encryption", kms);
    let half = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>\
                </PublicAccessBlockConfiguration>";
    document(&world, "plain", "publicAccessBlock", half);
    let looked = posture(&world, &["s3://plain", "--tier", "basic"]).exits(1);
    let open = row(&looked, 0, "public-access")["found"].as_str().expect("words").to_owned();
    assert!(open.contains("BlockPublicPolicy") && !open.contains("BlockPublicAcls"), "{open}");
    let done = posture(&world, &["s3://plain", "--tier", "basic", "--apply"]).exits(0);
    assert_eq!(verdict(&done, "encryption"), "kept");
    assert_eq!(stored(&world, "plain", "encryption").as_deref(), Some(kms));
    let access = stored(&world, "plain", "publicAccessBlock").expect("a document");
    assert_eq!(access.matches(">true<").count(), 4, "{access}");
}

#[test]
fn replication_is_added_given_a_role_and_only_beside_other_rules() {
    let world = World::pair();
    world.bucket("elsewhere");
    let own = format!(
        "<ReplicationConfiguration><Role>{ROLE}</Role><Rule><ID>own</ID><Priority>3</Priority><Filter>\
         <Prefix>a/</Prefix></Filter><Status>Enabled</Status><DeleteMarkerReplication><Status>Disabled</Status>\
         </DeleteMarkerReplication><Destination><Bucket>arn:aws:s3:::elsewhere</Bucket>\
         <StorageClass>STANDARD_IA</StorageClass></Destination></Rule></ReplicationConfiguration>"
    );
    document(&world, "source", "replication", &own);
    let critical = ["s3://source", "--tier", "critical", "--apply", "--replicate-to", "s3://replica"];
    let without = posture(&world, &critical).exits(1);
    assert!(
        row(&without, 0, "replication")["advice"].as_str().is_some_and(|a| a.contains("--replication-role"))
    );
    let other = [&critical[..], &["--replication-role", "arn:aws:iam::123456789012:role/other"]].concat();
    let other = posture(&world, &other).exits(1);
    assert!(row(&other, 0, "replication")["advice"].as_str().is_some_and(|advice| advice.contains(ROLE)));
    assert_eq!(stored(&world, "source", "replication").as_deref(), Some(own.as_str()));
    let done = posture(&world, &[&critical[..], &["--replication-role", ROLE]].concat()).exits(1);
    assert_eq!(row(&done, 0, "replication")["mended"], true);
    let rules = stored(&world, "source", "replication").expect("rules");
    for part in ["<ID>own</ID>", "STANDARD_IA", "<ID>s3twin-replicate</ID>", "<Minutes>15</Minutes>", ">4<"] {
        assert!(rules.contains(part), "no {part} in {rules}");
    }
    posture(&world, &["s3://source", "--replication-role", "me"]).exits(2).says(&["arn:aws:iam::"]);
}

#[test]
fn a_replica_that_cannot_take_it_is_a_failure_in_the_servers_words() {
    let world = World::new();
    world.bucket("source");
    world.store().create_bucket("replica", Versioning::Unversioned).expect("a bucket");
    let flags =
        ["--tier", "critical", "--apply", "--replicate-to", "s3://replica", "--replication-role", ROLE];
    let done = posture(&world, &[&["s3://source"], &flags[..]].concat()).exits(1);
    let row = row(&done, 0, "replication");
    assert_eq!((&row["mended"], &row["verdict"]), (&false.into(), &"broken".into()));
    assert!(row["error"].as_str().is_some_and(|why| why.contains("Versioning must be")), "{row}");
}

#[test]
fn what_is_refused_or_not_there_is_unknown_with_its_reason() {
    let world = plain();
    deny(&world, "GetBucketPolicy");
    deny(&world, "HeadBucket");
    deny(&world, "ListObjectsV2");
    let done = posture(&world, &["s3://plain"]).exits(1);
    let denied = row(&done, 0, "tls-only");
    assert_eq!((&denied["verdict"], &denied["reason"]), (&"unknown".into(), &"access-denied".into()));
    assert!(denied["advice"].as_str().is_some_and(|advice| advice.contains("s3:GetBucketPolicy")));
    let world = plain();
    world.lab.lacks().set(&[Lack::Settings]);
    let done = posture(&world, &["s3://plain"]).exits(1);
    assert_eq!(row(&done, 0, "encryption")["reason"], "unsupported");
    assert_eq!(verdict(&done, "versioning"), "broken");
}

#[test]
fn a_server_that_only_says_it_took_it_is_found_out() {
    let world = plain();
    world.lab.lacks().set(&[Lack::SettingWrites]);
    let done = posture(&world, &["s3://plain", "--tier", "basic", "--apply"]).exits(1);
    let row = row(&done, 0, "public-access");
    assert_eq!((&row["verdict"], &row["mended"]), (&"broken".into(), &false.into()));
}

#[test]
fn a_second_factor_is_not_worked_around() {
    let world = World::pair();
    {
        let bucket = world.store().bucket("source").expect("a bucket");
        let mut state = bucket.write();
        (state.mfa_delete, state.versioning) = (Some(true), Versioning::Suspended);
    }
    let done = posture(&world, &["s3://source", "--apply"]).exits(1);
    let row = row(&done, 0, "versioning");
    assert_eq!((&row["verdict"], &row["remedy"]), (&"broken".into(), &Value::Null));
    assert!(row["advice"].as_str().is_some_and(|advice| advice.contains("root user")));
    assert_eq!(world.seen("PutBucketVersioning"), 0);
}

const TIERS: &str = "\
[tiers.gold.posture]\nreplication = true\nreplicate_markers = true\nabort_uploads_days = 3\nexpire_noncurrent_days = 0\n\
tls_only = false\npublic_access_block = false\nencryption = \"none\"\n\
[jobs.settings]\ncommand = \"posture\"\nflags = { apply = true, replication-role = \"arn:aws:iam::123456789012:role/copy\" }\n";

#[test]
fn a_fleet_is_held_by_its_tiers_and_as_a_job() {
    let world = World::pair();
    let file = configured(&world, TIERS);
    let text = std::fs::read_to_string(&file).expect("the file");
    let text = text
        .replace("[buckets.b]", "tier = \"gold\"\n[buckets.b]")
        .replace("[pairs.p]", "tier = \"basic\"\n[pairs.p]");
    std::fs::write(&file, text).expect("written");
    world.spawn(&["config", "check", "--config", &file]).wait().exits(0);
    let done = world.spawn(&["posture", "--config", &file, "--output", "json"]).wait().exits(1);
    assert_eq!(json(&done)["buckets"].as_array().map(Vec::len), Some(2));
    assert_eq!(row(&done, 0, "replication")["wanted"], "the whole bucket to replica, with delete markers");
    assert_eq!(json(&done)["buckets"][1]["tier"], "basic");
    world.spawn(&["run", "settings", "--config", &file]).wait().exits(0);
    let history = history(&world, "settings").expect("a history");
    assert!(history["runs"][0]["headline"].as_str().is_some_and(|words| words.contains("2 of 2 buckets")));
    assert!(stored(&world, "source", "replication").is_some_and(|rules| rules.contains("s3twin-replicate")));
    let shown = world.spawn(&["config", "show", "--config", &file]).wait().exits(0).stdout;
    assert!(
        shown.contains(&format!("s3twin posture --apply --replication-role={ROLE} --config={file}")),
        "{shown}"
    );
    // By its name in the file, which says how it is reached.
    let folder = world.state.path().join("report");
    let arguments = ["posture", "a", "--config", &file, "--report", &folder.display().to_string()];
    let table = world.spawn(&arguments).wait().exits(0).stdout;
    assert!(table.starts_with("1 of 1 bucket set as wanted") && table.contains("gold"), "{table}");
    let page = std::fs::read_to_string(folder.join("posture.md")).expect("a page");
    assert!(page.contains("| `s3://source` | gold | kept |"), "{page}");
    assert!(folder.join("posture.json").exists());
}

#[test]
fn one_bucket_that_is_gone_hides_no_other() {
    let world = World::new();
    world.bucket("source");
    let done = posture(&world, &["s3://nowhere", "s3://source", "--tier", "basic"]).exits(4);
    let result = json(&done);
    assert_eq!((&result["state"], &result["checks"]["unreached"]), (&"incomplete".into(), &1.into()));
    assert!(result["buckets"][0]["error"].as_str().is_some_and(|words| words.contains("nowhere")));
    assert_eq!(row(&done, 1, "encryption")["verdict"], "kept");
}

#[test]
fn mistakes_are_answered_with_what_to_do() {
    let world = World::pair();
    posture(&world, &[]).exits(2).says(&["no bucket to look at", "config example"]);
    posture(&world, &["media"]).exits(2).says(&["s3://media"]);
    posture(&world, &["s3://source", "--tier", "gold"]).exits(2).says(&["critical, standard, basic"]);
    posture(&world, &["s3://source", "s3://replica", "--replicate-to", "s3://xyz"])
        .exits(2)
        .says(&["one bucket"]);
    for (section, words) in [
        ("encryption = \"rot13\"", "no encryption of a bucket"),
        ("kms_key = \"k\"", "AES256 takes no key"),
        ("object_lock_mode = \"SOFT\"", "no mode of object lock"),
        ("keep_noncurrent_days = 99", "cannot be kept 99 days"),
    ] {
        let file = configured(&world, &format!("[tiers.t.posture]\n{section}\n"));
        world.spawn(&["config", "check", "--config", &file]).wait().exits(2).says(&[words]);
    }
}
