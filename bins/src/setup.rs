//! From arguments to connected sides and a session.

use crate::args::{CopyArgs, EndpointArgs, LimitArgs};
use s3twin_engine::Error;
use s3twin_engine::act::{Bandwidth, CopyTools, MemoryTickets, UploadLog};
use s3twin_engine::flow::{Clock, Pace, PaceLimits};
use s3twin_engine::list::{Side, Sides};
use s3twin_engine::model::{Location, Timestamp};
use s3twin_engine::observe::Progress;
use s3twin_engine::run::Session;
use s3twin_engine::s3::aws::{AwsStore, ConnectError, EndpointSettings, reach};
use s3twin_engine::s3::{CustomerKey, Meter, Paced, RetryPolicy, Store};
use s3twin_engine::verify::pool::CpuPool;
use s3twin_engine::verify::service::DigestService;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

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
        ..EndpointSettings::default()
    };
    (
        side(&args.source_endpoint_url, &args.source_region, &args.source_profile),
        side(&args.replica_endpoint_url, &args.replica_region, &args.replica_profile),
    )
}

/// A connected pair and the figures it counts.
pub(crate) struct Connected {
    pub(crate) sides: Sides,
    pub(crate) progress: Arc<Progress>,
}

/// Connects the sides, both at once.
pub(crate) async fn connect(
    source: &Location,
    replica: Option<&Location>,
    args: &EndpointArgs,
    limits: &LimitArgs,
    cancel: &CancellationToken,
) -> Result<Connected, Error> {
    let (source_settings, replica_settings) = endpoints(args);
    let (source_key, replica_key) = customer_keys(args)?;
    let meter = Arc::new(Meter::default());
    let pace_limits = PaceLimits {
        ceiling: usize::from(limits.concurrency),
        requests_per_second: limits.max_requests_per_second.map(f64::from),
        ..PaceLimits::default()
    };
    // The limit a server sets is the server's: sides on one service share one controller.
    let paces: Mutex<HashMap<String, Arc<Pace>>> = Mutex::default();
    let wrap = |store: AwsStore| -> Arc<dyn Store> {
        let mut paces = paces.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = paces.entry(store.service().to_owned()).or_insert_with(|| Pace::new(pace_limits.clone()));
        let policy = RetryPolicy { seed: fastrand::u64(..), ..RetryPolicy::default() };
        Arc::new(Paced::new(Arc::new(store), Arc::clone(pace), Arc::clone(&meter), cancel.clone(), policy))
    };
    let side = async |name, settings: &EndpointSettings, location: &Location, key: Option<CustomerKey>| {
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
    Ok(Connected { sides, progress: Arc::new(Progress::new(meter)) })
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
    let pool = CpuPool::new(0).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(CopyTools {
        digests: DigestService::new(pool),
        memory: MemoryTickets::new(args.memory_limit.as_u64()),
        bandwidth: Arc::new(Bandwidth::new(args.max_bandwidth.map(|rate| rate.as_u64()))),
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

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
