//! `s3twin audit`.

use super::{EndpointArgs, FilterArgs, LimitArgs, OutputArgs};
use clap::{Args, ValueEnum};
use s3twin_engine::compare::{Depth, Fidelity, ScrubWish};
use s3twin_engine::model::Location;

/// Prove that primary and replica hold the same objects; changes nothing
///
/// Lists both sides at once and compares key by key. What the listing proves needs no further request; what
/// it leaves open is settled by stored checksums, and what cannot be proved is reported as unproven, never
/// as equal.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AuditArgs {
    /// s3://bucket or s3://bucket/prefix
    pub(crate) primary: Location,
    /// s3://bucket or s3://bucket/prefix
    #[arg(required_unless_present_any = ["own", "baseline"])]
    pub(crate) replica: Option<Location>,
    /// Hold one bucket against itself: read every object, and recompute every checksum and ETag that is stored of it
    #[arg(long = "self", conflicts_with_all = ["replica", "depth", "versions", "scrub", "compare", "grace"])]
    pub(crate) own: bool,
    /// Hold the bucket against what it held when a manifest was taken: a run with --write-manifest, or its file
    #[arg(
        long,
        value_name = "RUN",
        conflicts_with_all = ["replica", "own", "versions", "scrub", "compare", "grace", "write_manifest"]
    )]
    pub(crate) baseline: Option<String>,
    /// Say how much was proved by reading within this time (30d), by this run or an earlier one of the pair; with
    /// --scrub, read first what was never proved, then what was proved longest ago
    #[arg(long, value_name = "AGE", conflicts_with_all = ["versions", "baseline"])]
    pub(crate) proved_within: Option<jiff::Span>,
    /// Leave manifest.jsonl: every key of the primary as it is now, for a later --baseline
    #[arg(long, conflicts_with = "versions")]
    pub(crate) write_manifest: bool,
    /// How far to go for proof
    #[arg(long, value_enum, default_value_t = DepthArg::Checksums)]
    pub(crate) depth: DepthArg,
    /// Compare whole histories: every version and delete marker, in order (needs versioned buckets)
    #[arg(long, conflicts_with = "depth")]
    pub(crate) versions: bool,
    /// Read the bytes of both sides even where less would do: all, k/n (the k-th of n runs that cover all), N%
    /// (moves on from day to day) or a size (20GiB)
    #[arg(long, value_name = "SHARE", value_parser = scrub_wish, conflicts_with = "versions")]
    pub(crate) scrub: Option<ScrubWish>,
    /// What to compare beyond the bytes
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT", conflicts_with = "versions")]
    pub(crate) compare: Vec<Described>,
    /// Differences in objects younger than this are in flight, not findings (15m, 2h)
    #[arg(long, value_name = "AGE")]
    pub(crate) grace: Option<jiff::Span>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) endpoints: EndpointArgs,
}

const EXAMPLES: &str = "\
Examples:
  s3twin audit s3://media s3://media-replica --replica-region eu-west-1
  s3twin audit s3://media/2026/ s3://backup/media/2026/ --exclude '*.tmp' --output json
  s3twin audit s3://media s3://media --replica-endpoint-url http://127.0.0.1:9000 --depth listing
  s3twin audit s3://media s3://media-replica --versions --grace 15m
  s3twin audit s3://media s3://media-replica --depth bytes --scrub 3/30 --compare metadata,tags
  s3twin audit s3://media s3://media-replica --scrub 20GiB --proved-within 30d
  s3twin audit s3://media/2026/ --self --write-manifest
  s3twin audit s3://media/2026/ --baseline 20261121T141500";

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DepthArg {
    /// What the listing says: size and ETag, no request per key
    Listing,
    /// Also stored checksums and part arithmetic, for the keys the listing leaves open
    Checksums,
    /// Also read the bytes of what is still open: one side if its bytes settle it, else both
    Bytes,
}

impl From<DepthArg> for Depth {
    fn from(depth: DepthArg) -> Self {
        match depth {
            DepthArg::Listing => Self::Listing,
            DepthArg::Checksums => Self::Checksums,
            DepthArg::Bytes => Self::Bytes,
        }
    }
}

/// What describes an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Described {
    /// System and user metadata (one HEAD per side and key)
    Metadata,
    /// Tags (one HEAD per side and key; the tags themselves only where their numbers agree)
    Tags,
    /// Storage class (the listing has it)
    StorageClass,
    /// Retention and legal hold (one HEAD per side and key)
    Lock,
    /// Kind of encryption at rest (one HEAD per side and key)
    Encryption,
    /// Access control list (one request per side and key)
    Acl,
}

/// As the engine wants it.
pub(crate) fn fidelity(asked: &[Described]) -> Fidelity {
    let has = |what| asked.contains(&what);
    Fidelity {
        metadata: has(Described::Metadata),
        tags: has(Described::Tags),
        storage_class: has(Described::StorageClass),
        lock: has(Described::Lock),
        encryption: has(Described::Encryption),
        acl: has(Described::Acl),
    }
}

fn scrub_wish(text: &str) -> Result<ScrubWish, String> {
    text.parse().or_else(|error: &str| {
        let size = text.parse::<bytesize::ByteSize>().ok().map(|size| size.as_u64()).filter(|size| *size > 0);
        size.map(ScrubWish::Bytes).ok_or_else(|| error.to_owned())
    })
}
