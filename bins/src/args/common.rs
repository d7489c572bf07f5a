//! Flags that several commands share.

use clap::{ArgAction, ArgMatches, Args, Error, FromArgMatches, ValueEnum};
use s3twin_engine::act::{AclMode, CopyMode, CopyOptions};
use s3twin_engine::model::StorageClass;
use s3twin_engine::plan::FilterRule;
use s3twin_engine::s3::Encryption;
use s3twin_engine::s3::aws::StaticCredentials;
use std::path::PathBuf;

/// How much the program says.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Talk")]
pub(crate) struct Talk {
    /// Say more (-v progress in words, -vv every retry, -vvv everything)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// No progress bar, even on a terminal
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// How log lines look
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    Text,
    /// One JSON object on stdout at the end
    Json,
}

/// Where results go.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// What is printed on stdout at the end
    #[arg(long, value_enum, default_value_t = OutputFormat::Text, value_name = "FORMAT")]
    pub(crate) output: OutputFormat,
    /// Folder for the results and the page [default: a folder of its own in the state dir]
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    /// Where runs are remembered [default: $XDG_STATE_HOME/s3twin or ~/.local/state/s3twin]
    #[arg(long, value_name = "DIR", env = "S3TWIN_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

/// How to reach the two sides.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Endpoints (standard AWS configuration applies; these override it)")]
pub(crate) struct EndpointArgs {
    /// S3 endpoint of both sides; means path-style addressing
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// Region of both sides
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Profile of both sides
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// S3 endpoint of the source (the primary)
    #[arg(long, value_name = "URL")]
    pub(crate) source_endpoint_url: Option<String>,
    /// Region of the source
    #[arg(long, value_name = "REGION")]
    pub(crate) source_region: Option<String>,
    /// Profile of the source
    #[arg(long, value_name = "PROFILE")]
    pub(crate) source_profile: Option<String>,
    /// S3 endpoint of the replica
    #[arg(long, value_name = "URL")]
    pub(crate) replica_endpoint_url: Option<String>,
    /// Region of the replica
    #[arg(long, value_name = "REGION")]
    pub(crate) replica_region: Option<String>,
    /// Profile of the replica
    #[arg(long, value_name = "PROFILE")]
    pub(crate) replica_profile: Option<String>,
    /// What the servers can do: relied on, found out, or not relied on
    #[arg(long, value_enum, default_value_t = Compat::Auto, value_name = "PROFILE")]
    pub(crate) compat: Compat,
    /// File with the 32-byte key (raw or base64) of objects encrypted with SSE-C, on both sides
    #[arg(long, value_name = "FILE")]
    pub(crate) sse_c_key_file: Option<PathBuf>,
    /// The same of the source: opens what is read there
    #[arg(long, value_name = "FILE")]
    pub(crate) source_sse_c_key_file: Option<PathBuf>,
    /// The same of the replica: opens what is read there, encrypts what is written
    #[arg(long, value_name = "FILE")]
    pub(crate) replica_sse_c_key_file: Option<PathBuf>,
    /// File of the authorities (PEM) that vouch for the servers, instead of the system's
    #[arg(long, value_name = "FILE", env = "AWS_CA_BUNDLE", hide_env_values = true)]
    pub(crate) ca_bundle: Option<PathBuf>,
    /// Believe any certificate: somebody in between could read and change everything
    #[arg(long)]
    pub(crate) no_verify_ssl: bool,
    /// Credentials of both sides; never from the command line, where others could read them.
    #[arg(skip)]
    pub(crate) credentials: Option<StaticCredentials>,
}

impl EndpointArgs {
    /// What is said here, and for the rest what was said there.
    pub(crate) fn or(self, there: Self) -> Self {
        Self {
            endpoint_url: self.endpoint_url.or(there.endpoint_url),
            region: self.region.or(there.region),
            profile: self.profile.or(there.profile),
            source_endpoint_url: self.source_endpoint_url.or(there.source_endpoint_url),
            source_region: self.source_region.or(there.source_region),
            source_profile: self.source_profile.or(there.source_profile),
            replica_endpoint_url: self.replica_endpoint_url.or(there.replica_endpoint_url),
            replica_region: self.replica_region.or(there.replica_region),
            replica_profile: self.replica_profile.or(there.replica_profile),
            compat: if self.compat == Compat::Auto { there.compat } else { self.compat },
            sse_c_key_file: self.sse_c_key_file.or(there.sse_c_key_file),
            source_sse_c_key_file: self.source_sse_c_key_file.or(there.source_sse_c_key_file),
            replica_sse_c_key_file: self.replica_sse_c_key_file.or(there.replica_sse_c_key_file),
            ca_bundle: self.ca_bundle.or(there.ca_bundle),
            no_verify_ssl: self.no_verify_ssl || there.no_verify_ssl,
            credentials: self.credentials.or(there.credentials),
        }
    }
}

/// What is taken for granted of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compat {
    /// All of S3 on AWS; elsewhere found out on the way and remembered for a week
    #[default]
    Auto,
    /// All of S3: conditional writes, stored checksums, everything
    Aws,
    /// Neither conditional writes nor checksums: keys are looked at before they are written
    Generic,
    /// As auto, forgetting what is remembered
    Probe,
}

/// How hard to work.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Requests in flight at most; below this the program finds its own level
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: u16,
    /// Requests per second at most [default: as many as the server bears]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_requests_per_second: Option<u32>,
}

/// How objects are copied.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Copying")]
pub(crate) struct CopyArgs {
    /// Who moves the bytes
    #[arg(long, value_enum, default_value_t = CopyModeArg::Auto, value_name = "MODE")]
    pub(crate) copy_mode: CopyModeArg,
    /// Storage class of the copies [default: the source's]
    #[arg(long, value_name = "CLASS")]
    pub(crate) storage_class: Option<String>,
    /// Encryption of the copies: AES256, aws:kms or aws:kms:dsse [default: the bucket's]
    #[arg(long, value_name = "ALGORITHM", value_parser = ["AES256", "aws:kms", "aws:kms:dsse"])]
    pub(crate) sse: Option<String>,
    /// KMS key of the copies
    #[arg(long, value_name = "KEY", requires = "sse")]
    pub(crate) sse_kms_key_id: Option<String>,
    /// Carry object lock retention and legal hold over (one more request per object)
    #[arg(long)]
    pub(crate) copy_lock: bool,
    /// Access control lists: `copy` takes each source's over (one more request per object), or a ready-made one
    /// such as bucket-owner-full-control [default: the owner alone]
    #[arg(long, value_name = "ACL", value_parser = ACLS)]
    pub(crate) acl: Option<String>,
    /// Carry website redirects over of objects with content, too (one more request per object)
    #[arg(long)]
    pub(crate) copy_redirects: bool,
    /// Bytes of relayed objects in memory at most
    #[arg(long, value_name = "SIZE", default_value = "128MiB")]
    pub(crate) memory_limit: bytesize::ByteSize,
    /// Bytes per second through this machine at most [default: no limit]
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_bandwidth: Option<bytesize::ByteSize>,
}

/// What `--acl` takes.
const ACLS: [&str; 8] = [
    "copy",
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
];

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CopyModeArg {
    /// The server where it can, else this machine
    Auto,
    /// Only the server
    Server,
    /// Only this machine
    Relay,
}

impl CopyArgs {
    /// What clap cannot say, because commands without copies have the keys, too.
    pub(crate) fn check(&self, endpoints: &EndpointArgs) -> Result<(), String> {
        let has_key = endpoints.sse_c_key_file.is_some() || endpoints.replica_sse_c_key_file.is_some();
        if self.sse.is_some() && has_key {
            return Err("copies are encrypted either by --sse or with a key of yours, not both".into());
        }
        Ok(())
    }

    /// As the engine wants it.
    pub(crate) fn options(&self) -> CopyOptions {
        CopyOptions {
            mode: match self.copy_mode {
                CopyModeArg::Auto => CopyMode::Auto,
                CopyModeArg::Server => CopyMode::Server,
                CopyModeArg::Relay => CopyMode::Relay,
            },
            storage_class: self.storage_class.as_deref().map(StorageClass::from_name),
            encryption: self.sse.clone().map(|algorithm| Encryption {
                algorithm: Some(algorithm),
                kms_key_id: self.sse_kms_key_id.clone(),
                customer_key: false,
            }),
            lock: self.copy_lock,
            fidelity_heads: self.copy_redirects,
            acl: match self.acl.as_deref() {
                None => AclMode::Leave,
                Some("copy") => AclMode::Copy,
                Some(canned) => AclMode::Canned(canned.to_owned()),
            },
            ..CopyOptions::default()
        }
    }
}

/// Which keys take part, in the order given.
#[derive(Clone, Debug, Default)]
pub(crate) struct FilterArgs {
    pub(crate) rules: Vec<FilterRule>,
}

const INCLUDE: &str = "include";
const EXCLUDE: &str = "exclude";

// By hand, because the order between --include and --exclude decides and derive keeps it only within one flag.
impl Args for FilterArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        let flag = |name: &'static str, help: &'static str| {
            clap::Arg::new(name)
                .long(name)
                .value_name("GLOB")
                .action(ArgAction::Append)
                .help(help)
                .help_heading("Filters (the last match wins; * stops at /, ** does not)")
        };
        command
            .arg(flag(INCLUDE, "Keys that take part; given first, only these do"))
            .arg(flag(EXCLUDE, "Keys left alone on both sides: not compared, not copied, never deleted"))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for FilterArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let of = |name: &str, rule: fn(String) -> FilterRule| {
            let values = matches.get_many::<String>(name).into_iter().flatten();
            let places = matches.indices_of(name).into_iter().flatten();
            places.zip(values.map(move |value| rule(value.clone()))).collect::<Vec<_>>()
        };
        let mut rules = of(INCLUDE, FilterRule::Include);
        rules.extend(of(EXCLUDE, FilterRule::Exclude));
        rules.sort_by_key(|(place, _)| *place);
        Ok(Self { rules: rules.into_iter().map(|(_, rule)| rule).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
