//! A job as a command line: one code path, one set of checks and defaults, for people and for jobs.

use super::schema::{Bucket, Config, Filter, Flag, Job};
use std::collections::BTreeMap;

/// The command as clap knows it.
pub(crate) fn subcommand(name: &str) -> Option<clap::Command> {
    let cli = <crate::args::Cli as clap::CommandFactory>::command();
    cli.find_subcommand(name).cloned()
}

/// Does the command have this long flag?
pub(crate) fn knows(command: &clap::Command, flag: &str) -> bool {
    command.get_arguments().any(|argument| argument.get_long() == Some(flag))
}

/// The command line of a job, without the program's name.
pub(crate) fn job_argv(config: &Config, job: &Job) -> Vec<String> {
    let mut argv = vec![job.command.name().to_owned()];
    let command = subcommand(job.command.name());
    let known = |flag: &str| command.as_ref().is_some_and(|command| knows(command, flag));
    let mut flags = BTreeMap::new();
    // A command that knows the file finds the places there.
    let places = if job.command.takes_names() { Vec::new() } else { places(config, job) };
    for (name, value) in places.into_iter().chain(tier_flags(config, job)) {
        flags.insert(name, Flag::Word(value));
    }
    for (name, value) in &config.defaults.flags {
        if known(&dashed(name)) {
            flags.insert(dashed(name), value.clone());
        }
    }
    flags.extend(job.flags.iter().map(|(name, value)| (dashed(name), value.clone())));
    // Every known place comes first: which bucket is which is the order that decides.
    if job.command.takes_names() {
        argv.extend(job.buckets.iter().cloned());
    } else {
        argv.extend(buckets(config, job).map(|bucket| bucket.location.clone()));
    }
    for (name, value) in &flags {
        argv.extend(words(name, value));
    }
    for filter in &job.filters {
        argv.push(match filter {
            Filter::Include(glob) => format!("--include={glob}"),
            Filter::Exclude(glob) => format!("--exclude={glob}"),
        });
    }
    if let Some(state) = config.defaults.state_dir.as_ref().filter(|_| known("state-dir")) {
        argv.push(format!("--state-dir={}", state.display()));
    }
    argv
}

/// `max_delete` and `max-delete` are one flag.
pub(crate) fn dashed(name: &str) -> String {
    name.replace('_', "-")
}

fn words(name: &str, value: &Flag) -> Vec<String> {
    match value {
        Flag::Switch(true) => vec![format!("--{name}")],
        Flag::Switch(false) => Vec::new(),
        Flag::Whole(number) => vec![format!("--{name}={number}")],
        Flag::Number(number) => vec![format!("--{name}={number}")],
        Flag::Word(word) => vec![format!("--{name}={word}")],
        Flag::Words(words) => words.iter().map(|word| format!("--{name}={word}")).collect(),
    }
}

/// The buckets of a job in the order of its command line.
fn buckets<'a>(config: &'a Config, job: &'a Job) -> impl Iterator<Item = &'a Bucket> {
    let pair = job.pair.as_ref().and_then(|name| config.pairs.get(name));
    let names = pair.into_iter().flat_map(|pair| [&pair.source, &pair.replica]).chain(&job.buckets);
    names.filter_map(|name| config.buckets.get(name))
}

/// How the sides are reached.
fn places(config: &Config, job: &Job) -> Vec<(String, String)> {
    let sides: &[&str] = if job.pair.is_some() { &["source-", "replica-"] } else { &[""] };
    let mut flags = Vec::new();
    for (side, bucket) in sides.iter().zip(buckets(config, job)) {
        for (what, value) in
            [("endpoint-url", &bucket.endpoint_url), ("region", &bucket.region), ("profile", &bucket.profile)]
        {
            flags.extend(value.as_ref().map(|value| (format!("{side}{what}"), value.clone())));
        }
    }
    flags
}

/// What the tier of the first bucket asks of this command.
fn tier_flags(config: &Config, job: &Job) -> Vec<(String, String)> {
    let Some(command) = subcommand(job.command.name()) else { return Vec::new() };
    let tier = buckets(config, job).find_map(|bucket| config.tiers.get(bucket.tier.as_ref()?));
    let wishes = tier.map(|tier| [("rpo", &tier.rpo), ("rto", &tier.rto)]);
    wishes
        .into_iter()
        .flatten()
        .filter(|(flag, _)| knows(&command, flag))
        .filter_map(|(flag, value)| Some((flag.to_owned(), value.clone()?)))
        .collect()
}
