//! From arguments to connected sides and a session.

use crate::args::{CopyArgs, EndpointArgs, LimitArgs};
use s3twin_engine::Error;
use s3twin_engine::act::{Bandwidth, CopyTools, MemoryTickets, UploadLog};
use s3twin_engine::flow::{Clock, Pace, PaceLimits};
use s3twin_engine::list::{Side, Sides};
use s3twin_engine::model::{Location, Timestamp};
use s3twin_engine::observe::Progress;
use s3twin_engine::run::Session;
use s3twin_engine::s3::aws::{AwsStore, ConnectError, EndpointSettings, Trust, reach, reach_settings};
use s3twin_engine::s3::{CustomerKey, Meter, Paced, RetryPolicy, Store};
use s3twin_engine::verify::pool::CpuPool;
use s3twin_engine::verify::service::DigestService;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Bytes of relayed objects in memory where no flag says otherwise.
const PLAIN_MEMORY: u64 = 128 << 20;
/// Lists in flight at once; the memory of their pages stays below 20 MiB.
const LISTS_MAX: usize = 64;

/// Key ranges worked on at once. Each lists every side there is.
pub(crate) fn ranges_max(sides: &Sides) -> usize {
    if sides.replica.is_some() { LISTS_MAX / 2 } else { LISTS_MAX }
}

/// The wall clock.
pub(crate) fn clock() -> Clock {
    Clock::new(|| Timestamp::from_millis(jiff::Timestamp::now().as_millisecond()))
}

/// Settings of the two sides out of the common and the separate flags.
pub(crate) fn endpoints(args: &EndpointArgs) -> (EndpointSettings, EndpointSettings) {
    let side = |url: &Option<String>, region: &Option<String>, profile: &Option<String>| EndpointSettings {
        endpoint_url: url.clone().or_else(|| args.endpoint_url.clone()),
        region: region.clone().or_else(|| args.region.clone()),
        profile: profile.clone().or_else(|| args.profile.clone()),
        credentials: args.credentials.clone(),
        trust: trust(args),
        ..EndpointSettings::default()
    };
    (
        side(&args.source_endpoint_url, &args.source_region, &args.source_profile),
        side(&args.replica_endpoint_url, &args.replica_region, &args.replica_profile),
    )
}

fn trust(args: &EndpointArgs) -> Trust {
    match &args.ca_bundle {
        // What is said on the command line wins over the environment.
        _ if args.no_verify_ssl => Trust::Anybody,
        Some(path) => Trust::Bundle(path.clone()),
        None => Trust::System,
    }
}

/// Says loudly what is not checked, at every run.
pub(crate) fn warn(args: &EndpointArgs) {
    if args.no_verify_ssl {
        eprintln!(
            "s3twin: WARNING: --no-verify-ssl: nobody checks with whom this run speaks. Whoever sits in between can \
             read and change every object, and no proof below is one. Name the authority with --ca-bundle instead"
        );
    }
}

/// A connected pair and the figures it counts.
pub(crate) struct Connected {
    pub(crate) sides: Sides,
    pub(crate) progress: Arc<Progress>,
}

/// One server's pace, one count of requests, whatever is wrapped.
struct Wrapper<'a> {
    limits: PaceLimits,
    /// The limit a server sets is the server's: sides on one service share one controller.
    paces: Mutex<HashMap<String, Arc<Pace>>>,
    meter: Arc<Meter>,
    cancel: &'a CancellationToken,
}

impl<'a> Wrapper<'a> {
    fn new(limits: &LimitArgs, cancel: &'a CancellationToken) -> Self {
        let limits = PaceLimits {
            ceiling: usize::from(limits.concurrency),
            requests_per_second: limits.max_requests_per_second.map(f64::from),
            ..PaceLimits::default()
        };
        Self { limits, paces: Mutex::default(), meter: Arc::default(), cancel }
    }

    fn wrap(&self, store: AwsStore) -> Arc<Paced<AwsStore>> {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = paces.entry(store.service().to_owned()).or_insert_with(|| Pace::new(self.limits.clone()));
        let policy = RetryPolicy { seed: fastrand::u64(..), ..RetryPolicy::default() };
        let (pace, meter) = (Arc::clone(pace), Arc::clone(&self.meter));
        Arc::new(Paced::new(Arc::new(store), pace, meter, self.cancel.clone(), policy))
    }
}

/// Connects the sides, both at once.
pub(crate) async fn connect(
    source: &Location,
    replica: Option<&Location>,
    args: &EndpointArgs,
    limits: &LimitArgs,
    cancel: &CancellationToken,
) -> Result<Connected, Error> {
    warn(args);
    let (source_settings, replica_settings) = endpoints(args);
    let (source_key, replica_key) = customer_keys(args)?;
    let wrapper = Wrapper::new(limits, cancel);
    let side = async |name, settings: &EndpointSettings, location: &Location, key: Option<CustomerKey>| {
        let wrap = |store| -> Arc<dyn Store> { wrapper.wrap(store) };
        let store = reach(settings, &location.bucket, wrap).await.map_err(|error| side_error(name, error))?;
        if key.is_some() {
            check_secrecy(store.service())?;
        }
        Ok::<_, Error>(Arc::new(Side::new(store, location.clone()).with_customer_key(key)))
    };
    let there = async {
        match replica {
            Some(location) => side("replica", &replica_settings, location, replica_key).await.map(Some),
            None => Ok(None),
        }
    };
    let (source, replica) = tokio::join!(side("source", &source_settings, source, source_key), there);
    let sides = Sides { source: source?, replica: replica? };
    Ok(Connected { sides, progress: Arc::new(Progress::new(wrapper.meter)) })
}

/// A connected bucket, for commands that ask more of it than its objects.
pub(crate) struct ConnectedBucket {
    pub(crate) side: Arc<Side>,
    pub(crate) store: Arc<Paced<AwsStore>>,
    pub(crate) progress: Arc<Progress>,
}

/// Connects one bucket.
pub(crate) async fn connect_bucket(
    location: &Location,
    args: &EndpointArgs,
    limits: &LimitArgs,
    cancel: &CancellationToken,
) -> Result<ConnectedBucket, Error> {
    warn(args);
    let (settings, _) = endpoints(args);
    let wrapper = Wrapper::new(limits, cancel);
    let store = reach(&settings, &location.bucket, |store| wrapper.wrap(store)).await;
    let store = store.map_err(|error| side_error("source", error))?;
    let side = Arc::new(Side::new(Arc::clone(&store) as Arc<dyn Store>, location.clone()));
    Ok(ConnectedBucket { side, store, progress: Arc::new(Progress::new(wrapper.meter)) })
}

/// Many buckets whose settings are asked for: one count of requests, one pace for each server.
pub(crate) struct Fleet<'a>(Wrapper<'a>);

impl<'a> Fleet<'a> {
    pub(crate) fn new(limits: &LimitArgs, cancel: &'a CancellationToken) -> Self {
        Self(Wrapper::new(limits, cancel))
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.0.meter
    }

    /// Connects one of them.
    pub(crate) async fn bucket(
        &self,
        bucket: &str,
        args: &EndpointArgs,
    ) -> Result<Arc<Paced<AwsStore>>, Error> {
        let (settings, _) = endpoints(args);
        let store = reach_settings(&settings, bucket, |store| self.0.wrap(store)).await;
        store.map_err(|error| side_error("bucket", error))
    }
}

/// The customer's keys of the two sides, out of their files.
fn customer_keys(args: &EndpointArgs) -> Result<(Option<CustomerKey>, Option<CustomerKey>), Error> {
    let read = |path: &Path| {
        let unusable =
            |why: String| Error::Invalid(format!("the key file {} is unusable: {why}", path.display()));
        let content = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        CustomerKey::from_file_content(&content).map_err(|why| unusable(why.to_owned()))
    };
    let side =
        |own: &Option<PathBuf>| own.as_deref().or(args.sse_c_key_file.as_deref()).map(read).transpose();
    Ok((side(&args.source_sse_c_key_file)?, side(&args.replica_sse_c_key_file)?))
}

/// A key in a header is only as secret as the way there.
fn check_secrecy(service: &str) -> Result<(), Error> {
    let Some(rest) = service.strip_prefix("http://") else { return Ok(()) };
    let host = rest.split(['/', '|', ':']).next().unwrap_or_default();
    if host == "localhost" || host.starts_with("127.") || rest.starts_with("[::1]") {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "a key of yours would go to {host} over plain HTTP for all to read: use https://"
    )))
}

fn side_error(side: &'static str, error: ConnectError) -> Error {
    match error {
        ConnectError::Server(error) => Error::Side { side, error },
        other => Error::Invalid(other.to_string()),
    }
}

/// What copies to a side share: hashing threads, memory, bandwidth.
///
/// # Errors
/// When two keys are to encrypt the copies; when the hashing threads cannot be started.
pub(crate) fn copy_tools(args: &CopyArgs, target: &Side, session: &Session) -> Result<CopyTools, Error> {
    if args.sse.is_some() && target.customer_key.is_some() {
        return Err(Error::Invalid(
            "--sse and a key file for the target contradict each other: leave one out".into(),
        ));
    }
    tools(args.memory_limit.as_u64(), args.max_bandwidth.map(|rate| rate.as_u64()), session)
}

/// The same without limits of the user's, for commands that copy little.
///
/// # Errors
/// When the hashing threads cannot be started.
pub(crate) fn plain_copy_tools(session: &Session) -> Result<CopyTools, Error> {
    tools(PLAIN_MEMORY, None, session)
}

fn tools(memory: u64, bandwidth: Option<u64>, session: &Session) -> Result<CopyTools, Error> {
    let pool = CpuPool::new(0).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(CopyTools {
        digests: DigestService::new(pool),
        memory: MemoryTickets::new(memory),
        bandwidth: Arc::new(Bandwidth::new(bandwidth)),
        uploads: Arc::clone(&session.recorder) as Arc<dyn UploadLog>,
        cancel: session.cancel.clone(),
    })
}

/// A token that SIGINT and SIGTERM cancel. A second signal ends the process at once.
pub(crate) fn cancel_on_signals() -> CancellationToken {
    let token = CancellationToken::new();
    let child = token.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        eprintln!("s3twin: stopping; once more to stop at once");
        child.cancel();
        wait_for_signal().await;
        std::process::exit(i32::from(crate::exit::Exit::Interrupted.code()));
    });
    token
}

/// Waits for SIGINT or SIGTERM.
pub(crate) async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
