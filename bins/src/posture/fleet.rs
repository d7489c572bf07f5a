//! The buckets of a command line and of `s3twin.toml`, each with its wish.

use crate::args::{EndpointArgs, PostureArgs};
use crate::config::{Bucket, Config, Loaded, find, policy_of};
use s3twin_engine::Error;
use s3twin_engine::model::Location;
use s3twin_engine::run::posture::Wish;

/// Tier of a bucket that has none.
const USUAL_TIER: &str = "standard";

/// One bucket.
pub(crate) struct Target {
    pub(crate) bucket: String,
    pub(crate) tier: String,
    pub(crate) wish: Wish,
    pub(crate) endpoints: EndpointArgs,
}

/// All of them, in order.
///
/// # Errors
/// When a name leads nowhere, or there is nothing to look at.
pub(crate) fn targets(args: &PostureArgs) -> Result<Vec<Target>, Error> {
    let given = args.config.config.as_deref();
    let loaded = if given.is_some() || find(None).is_ok() {
        Some(Loaded::read(given, &args.config.set).map_err(Error::Invalid)?)
    } else {
        None
    };
    let config = loaded.as_ref().map(|loaded| &loaded.config);
    let named = named(args, config)?;
    if args.replicate_to.is_some() && named.len() != 1 {
        return Err(Error::Invalid("--replicate-to is for one bucket: name it".to_owned()));
    }
    let mut targets: Vec<Target> = Vec::new();
    for (bucket, known) in named {
        let target = target(args, config, bucket, known)?;
        // Two prefixes of one bucket are one bucket.
        let is_same = |other: &Target| {
            other.bucket == target.bucket
                && other.tier == target.tier
                && other.endpoints.endpoint_url == target.endpoints.endpoint_url
        };
        if !targets.iter().any(is_same) {
            targets.push(target);
        }
    }
    Ok(targets)
}

type Named<'a> = (String, Option<&'a Bucket>);

/// Bucket names, with what the file says of them.
fn named<'a>(args: &PostureArgs, config: Option<&'a Config>) -> Result<Vec<Named<'a>>, Error> {
    let of_file = |bucket: &'a Bucket| Ok((bucket_of(&bucket.location)?, Some(bucket)));
    if args.buckets.is_empty() {
        let all = config.map(|config| &config.buckets).filter(|buckets| !buckets.is_empty());
        let none = || {
            let words = "there is no bucket to look at: name one (s3twin posture s3://BUCKET), or put buckets \
                         into s3twin.toml (`s3twin config example` shows how)";
            Error::Invalid(words.to_owned())
        };
        return all.ok_or_else(none)?.values().map(of_file).collect();
    }
    let one = |word: &String| {
        if let Some(bucket) = config.and_then(|config| config.buckets.get(word)) {
            return of_file(bucket);
        }
        if !word.starts_with("s3://") {
            let names = config.into_iter().flat_map(|config| config.buckets.keys().map(String::as_str));
            let names: Vec<&str> = names.collect();
            let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(Error::Invalid(format!(
                "`{word}` is no bucket: write s3://{word}, or a name of s3twin.toml (there are: {there})"
            )));
        }
        let bucket = bucket_of(word)?;
        let known = config.and_then(|config| {
            config.buckets.values().find(|known| bucket_of(&known.location).is_ok_and(|name| name == bucket))
        });
        Ok((bucket, known))
    };
    args.buckets.iter().map(one).collect()
}

/// Settings are the bucket's: a prefix does not count.
fn bucket_of(location: &str) -> Result<String, Error> {
    let location: Location = location.parse().map_err(|error| Error::Invalid(format!("{error}")))?;
    Ok(location.bucket.to_string())
}

fn target(
    args: &PostureArgs,
    config: Option<&Config>,
    bucket: String,
    known: Option<&Bucket>,
) -> Result<Target, Error> {
    let tier = args.tier.clone().or_else(|| known?.tier.clone()).unwrap_or_else(|| USUAL_TIER.to_owned());
    let mut policy = policy_of(config, &tier).map_err(Error::Invalid)?;
    let mut replicate_to = args.replicate_to.as_ref().map(|location| location.bucket.to_string());
    if let Some(config) = config.filter(|_| replicate_to.is_none()) {
        match replica(config, &bucket) {
            Place::Source(replica) => replicate_to = Some(replica),
            // It is the end of the line.
            Place::Replica => policy.replication = None,
            Place::Neither => {}
        }
    }
    let endpoints = EndpointArgs {
        endpoint_url: known.and_then(|known| known.endpoint_url.clone()),
        region: known.and_then(|known| known.region.clone()),
        profile: known.and_then(|known| known.profile.clone()),
        ..EndpointArgs::default()
    };
    Ok(Target {
        tier,
        wish: Wish {
            policy,
            replicate_to,
            replication_role: args.replication_role.clone(),
            may_expire: args.expire_versions,
        },
        // What is said on the command line wins.
        endpoints: args.endpoints.clone().or(endpoints),
        bucket,
    })
}

/// The place of a bucket in the pairs.
enum Place {
    Source(String),
    Replica,
    Neither,
}

fn replica(config: &Config, bucket: &str) -> Place {
    let of = |name: &String| config.buckets.get(name).and_then(|bucket| bucket_of(&bucket.location).ok());
    let is_it = |name: &String| of(name).as_deref() == Some(bucket);
    if let Some(pair) = config.pairs.values().find(|pair| is_it(&pair.source)) {
        return of(&pair.replica).map_or(Place::Neither, Place::Source);
    }
    if config.pairs.values().any(|pair| is_it(&pair.replica)) { Place::Replica } else { Place::Neither }
}
