//! From settings to a client: credentials, region, endpoint, transport.

use super::agent::Agent;
use super::endpoint::Remembered;
use super::trust::Trust;
use crate::s3::{Kind, ListObjects, S3Error, Store};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    RequestChecksumCalculation, ResponseChecksumValidation, StalledStreamProtectionConfig,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Credentials given outright instead of looked up.
#[derive(Clone)]
pub struct StaticCredentials {
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
    /// Session token of temporary credentials.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for StaticCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The secret must not reach a log.
        f.debug_struct("StaticCredentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// How to reach one side. Everything left out comes from the standard AWS configuration (environment,
/// profiles, SSO, instance metadata).
#[derive(Clone, Debug, Default)]
pub struct EndpointSettings {
    /// Custom endpoint; means path-style addressing unless told otherwise.
    pub endpoint_url: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Named profile.
    pub profile: Option<String>,
    /// Path-style addressing; `None` decides by the endpoint.
    pub path_style: Option<bool>,
    /// Credentials; `None` looks them up in the standard places.
    pub credentials: Option<StaticCredentials>,
    /// Whose certificates are believed.
    pub trust: Trust,
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The endpoint URL cannot be meant.
    #[error("`{url}` is not an endpoint URL: {why}. Write it as http://host:port or https://host")]
    Endpoint {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The file of trusted certificates cannot be used.
    #[error("the certificates in {} cannot be used: {why}. Name a file of PEM certificates", path.display())]
    Bundle {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The server was asked and refused, or could not be asked.
    #[error(transparent)]
    Server(#[from] Box<S3Error>),
}

/// Connecting may take this long. Source: the SDK's own default for current behaviour versions.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_100);
/// Time to the first byte of an answer. Server-side copies of gigabytes send keep-alive whitespace well within
/// it (S3 facts, section 4.3). Applies to: every request.
const READ_TIMEOUT: Duration = Duration::from_secs(120);
/// Without a region anywhere, this one signs; S3 corrects it with a redirect that names the right one.
const DEFAULT_REGION: &str = "us-east-1";

/// A client for one side.
#[derive(Clone, Debug)]
pub struct AwsStore {
    pub(super) client: Client,
    pub(super) service: String,
}

impl AwsStore {
    /// A client without asking the server anything.
    ///
    /// # Errors
    /// When the endpoint URL is malformed.
    pub async fn open(settings: &EndpointSettings) -> Result<Self, ConnectError> {
        let shared = load(settings).await?;
        let endpoint = settings.endpoint_url.clone().or_else(|| shared.endpoint_url().map(str::to_owned));
        let region = shared.region().map_or(DEFAULT_REGION, Region::as_ref).to_owned();
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
        let config = aws_sdk_s3::config::Builder::from(&shared)
            .region(Region::new(region))
            .force_path_style(settings.path_style.unwrap_or(endpoint.is_some()))
            // One layer of retries, ours: the SDK would hide the 503s that the controller must see.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            // Bodies are watched where they are read, and an idle consumer is not a stalled server.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            // Bytes are hashed once, by us; the SDK would hash them again.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .endpoint_resolver(Remembered::default())
            .interceptor(Agent)
            .build();
        // Server-side copies work within one service and one set of credentials, across regions too.
        let identity = settings.credentials.as_ref().map(|given| given.access_key.as_str());
        let service = format!(
            "{}|{}",
            endpoint.as_deref().unwrap_or("aws").trim_end_matches('/'),
            identity.or(settings.profile.as_deref()).unwrap_or_default()
        );
        Ok(Self { client: Client::from_conf(config), service })
    }
}

/// The standard AWS configuration with these settings over it.
pub(super) async fn load(settings: &EndpointSettings) -> Result<SdkConfig, ConnectError> {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &settings.endpoint_url {
        check_endpoint(url)?;
        loader = loader.endpoint_url(url);
    }
    if let Some(given) = &settings.credentials {
        let StaticCredentials { access_key, secret_key, session_token } = given.clone();
        let credentials = Credentials::new(access_key, secret_key, session_token, None, "given");
        loader = loader.credentials_provider(credentials);
    }
    if let Some(client) = settings.trust.client()? {
        loader = loader.http_client(client);
    }
    Ok(loader.load().await)
}

/// Reaches the bucket: opens a client, wraps it (pacing, retries, counts) and makes sure that the bucket is
/// there and may be listed, following it to its region if it is elsewhere.
///
/// # Errors
/// When the endpoint is malformed or unreachable, credentials are missing or refused, or the bucket does not
/// exist or may not be listed.
pub async fn reach<S: Store + ?Sized>(
    settings: &EndpointSettings,
    bucket: &str,
    wrap: impl Fn(AwsStore) -> Arc<S>,
) -> Result<Arc<S>, ConnectError> {
    let store = wrap(AwsStore::open(settings).await?);
    let error = match store.head_bucket(bucket).await {
        Ok(()) => return Ok(store),
        Err(error) => error,
    };
    match error.kind {
        Kind::WrongRegion(Some(region)) => {
            tracing::info!(bucket, region, "the bucket is in another region: following it");
            let settings = EndpointSettings { region: Some(region), ..settings.clone() };
            let store = wrap(AwsStore::open(&settings).await?);
            store.head_bucket(bucket).await.map_err(Box::new)?;
            Ok(store)
        }
        // HEAD answers without a body: a listing tells whether it is the bucket, the key or the clock. And some
        // compatible servers allow the one and not the other.
        Kind::Denied | Kind::Invalid | Kind::Unsupported => {
            let request = ListObjects { bucket: bucket.to_owned(), max_keys: 1, ..ListObjects::default() };
            store.list_objects(&request).await.map_err(Box::new)?;
            Ok(store)
        }
        _ => Err(ConnectError::Server(Box::new(error))),
    }
}

fn check_endpoint(url: &str) -> Result<(), ConnectError> {
    let error = |why| ConnectError::Endpoint { url: url.to_owned(), why };
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"))
        .ok_or_else(|| error("it does not begin with http:// or https://"))?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(error("it names no host"));
    }
    if let Some((_, port)) = host.rsplit_once(':')
        && !host.ends_with(']')
        && port.parse::<u16>().is_err()
    {
        return Err(error("its port is not a number up to 65535"));
    }
    Ok(())
}
