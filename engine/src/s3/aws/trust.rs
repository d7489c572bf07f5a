//! Whose certificates are believed: the system's authorities, a file of the operator's, or, loudly, anybody's.

use super::connect::ConnectError;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector as Tcp};
use hyper_util::rt::TokioExecutor;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Whose certificates a server may show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those of the authorities that the system trusts.
    #[default]
    System,
    /// Those of the authorities in this PEM file, and no others.
    Bundle(PathBuf),
    /// Anybody's: the connection is encrypted, but nothing tells with whom.
    Anybody,
}

impl Trust {
    /// The HTTP client for it; `None` for the SDK's own.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate.
    pub(super) fn client(&self) -> Result<Option<SharedHttpClient>, ConnectError> {
        match self {
            Self::System => Ok(None),
            Self::Bundle(path) => {
                let error = |why: String| ConnectError::Bundle { path: path.clone(), why };
                let pem = std::fs::read(path).map_err(|cause| error(cause.to_string()))?;
                if !pem.windows(27).any(|window| window == b"-----BEGIN CERTIFICATE-----") {
                    return Err(error("it holds no certificate in PEM form".into()));
                }
                let store = TrustStore::empty().with_pem_certificate(pem);
                let context = TlsContext::builder().with_trust_store(store).build();
                let context = context.map_err(|cause| error(cause.to_string()))?;
                let client = aws_smithy_http_client::Builder::new();
                let client = client.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(context);
                Ok(Some(client.build_https()))
            }
            Self::Anybody => Ok(Some(believing())),
        }
    }
}

/// A client that believes everybody. The SDK offers none, on purpose; this one is for servers with certificates
/// that nobody vouches for, and whoever asks for it is warned.
fn believing() -> SharedHttpClient {
    http_client_fn(|settings, _| {
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(settings.connect_timeout());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map(|builder| {
                let verifier = Arc::new(Anybody(provider));
                builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
            });
        let client = config.map(|config| {
            let https = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
            Client::builder(TokioExecutor::new()).build(https.enable_http1().wrap_connector(tcp))
        });
        SharedHttpConnector::new(Believing {
            client: client.map_err(|error| error.to_string()),
            read_timeout: settings.read_timeout(),
        })
    })
}

#[derive(Debug)]
struct Believing {
    client: Result<Client<HttpsConnector<Tcp>, SdkBody>, String>,
    read_timeout: Option<Duration>,
}

impl HttpConnector for Believing {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (client, timeout) = (self.client.clone(), self.read_timeout);
        HttpConnectorFuture::new(async move {
            let client = client.map_err(|error| ConnectorError::other(error.into(), None))?;
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let sent = client.request(request);
            let answer = match timeout {
                Some(limit) => tokio::time::timeout(limit, sent)
                    .await
                    .map_err(|error| ConnectorError::timeout(error.into()))?,
                None => sent.await,
            };
            let answer = answer.map_err(|error| ConnectorError::io(error.into()))?;
            let answer = answer.map(SdkBody::from_body_1_x);
            answer.try_into().map_err(|error| {
                let error: aws_smithy_runtime_api::http::HttpError = error;
                ConnectorError::other(error.into(), None)
            })
        })
    }
}

/// Takes every certificate; signatures are still checked, so that the key at least is the certificate's.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
