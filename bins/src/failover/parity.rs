//! Are the two buckets set alike, where it decides what becomes of objects after the failover?

use super::{Check, Found, turned};
use crate::args::FailoverCheckArgs;
use crate::setup::Fleet;
use s3twin_engine::Error;
use s3twin_engine::run::posture::EncryptionPolicy;
use s3twin_engine::s3::{BucketSettings, DefaultEncryption, Lifecycle, LifecycleRule, S3Error};

const LIFECYCLE: &str = "lifecycle";
const ENCRYPTION: &str = "encryption";

/// Compares lifecycle and default encryption; it takes both sides.
pub(super) async fn settings(args: &FailoverCheckArgs, both_reached: bool, fleet: &Fleet<'_>) -> [Check; 2] {
    if !both_reached {
        return [LIFECYCLE, ENCRYPTION]
            .map(|name| Check::new(name, Found::NotChecked, "it takes both sides"));
    }
    let (here, there) = (args.endpoints.clone(), turned(&args.endpoints));
    let primary = Box::pin(fleet.bucket(&args.primary.bucket, &here)).await;
    let replica = Box::pin(fleet.bucket(&args.replica.bucket, &there)).await;
    match (primary, replica) {
        (Ok(primary), Ok(replica)) => compare(args, &*primary, &*replica).await,
        (Err(error), _) | (_, Err(error)) => unreached(&error),
    }
}

fn unreached(error: &Error) -> [Check; 2] {
    [LIFECYCLE, ENCRYPTION].map(|name| Check::new(name, Found::Warning, error.to_string()))
}

async fn compare(
    args: &FailoverCheckArgs,
    primary: &dyn BucketSettings,
    replica: &dyn BucketSettings,
) -> [Check; 2] {
    let (here, there) = (&*args.primary.bucket, &*args.replica.bucket);
    let lifecycle = match (primary.lifecycle(here).await, replica.lifecycle(there).await) {
        (Ok(here), Ok(there)) => compare_lifecycle(&here, &there),
        (Err(error), _) | (_, Err(error)) => open(LIFECYCLE, &error),
    };
    let encryption = match (primary.encryption(here).await, replica.encryption(there).await) {
        (Ok(here), Ok(there)) => compare_encryption(here.as_ref(), there.as_ref()),
        (Err(error), _) | (_, Err(error)) => open(ENCRYPTION, &error),
    };
    [lifecycle, encryption]
}

fn open(name: &'static str, error: &S3Error) -> Check {
    Check::new(name, Found::Warning, format!("could not be compared: {error}")).advise(error.advice())
}

/// Rules in force, whatever they are called and in whatever order.
fn compare_lifecycle(here: &Lifecycle, there: &Lifecycle) -> Check {
    let (mine, theirs) = (in_force(here), in_force(there));
    let only = |of: &[&LifecycleRule], other: &[&LifecycleRule]| {
        let alone = of.iter().filter(|rule| !other.iter().any(|same| same.text == rule.text));
        alone.map(|rule| if rule.id.is_empty() { "(no name)" } else { rule.id.as_str() }.to_owned()).collect()
    };
    let (missing, extra): (Vec<String>, Vec<String>) = (only(&mine, &theirs), only(&theirs, &mine));
    if missing.is_empty() && extra.is_empty() {
        let detail = match mine.len() {
            0 => "no rules in force on either".to_owned(),
            1 => "the same rule in force on both".to_owned(),
            many => format!("the same {many} rules in force on both"),
        };
        return Check::new(LIFECYCLE, Found::Ok, detail);
    }
    let listed = |place: &str, names: &[String]| {
        (!names.is_empty()).then(|| format!("only on the {place}: {}", names.join(", ")))
    };
    let detail: Vec<String> =
        [listed("primary", &missing), listed("replica", &extra)].into_iter().flatten().collect();
    Check::new(LIFECYCLE, Found::Warning, detail.join("; ")).advise(
        "after the failover objects age by the replica's rules: give both the same, or mean the difference",
    )
}

fn in_force(lifecycle: &Lifecycle) -> Vec<&LifecycleRule> {
    lifecycle.rules.iter().filter(|rule| rule.enabled).collect()
}

fn compare_encryption(here: Option<&DefaultEncryption>, there: Option<&DefaultEncryption>) -> Check {
    let word = |found: Option<&DefaultEncryption>| {
        found.map_or_else(|| "none".to_owned(), |found| found.algorithm.clone())
    };
    let strength = |found: Option<&DefaultEncryption>| {
        EncryptionPolicy::strength(found.map_or("", |found| &found.algorithm))
    };
    let (mine, theirs) = (word(here), word(there));
    // Keys are of a region and an account, and rightly differ.
    if mine == theirs {
        return Check::new(ENCRYPTION, Found::Ok, format!("{mine} by default on both"));
    }
    let detail = format!("{mine} by default on the primary, {theirs} on the replica");
    if strength(there) > strength(here) {
        return Check::new(ENCRYPTION, Found::Ok, detail);
    }
    Check::new(ENCRYPTION, Found::Warning, detail)
        .advise("what is written after the failover is less protected: `s3twin posture` sets both by a tier")
}
