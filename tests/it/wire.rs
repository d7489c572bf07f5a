//! A server's end of a connection, in the clear or secured, and the certificate for it.

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A certificate for one name that its own file alone vouches for.
pub(crate) struct Certificate {
    pub(crate) file: PathBuf,
    pub(crate) config: Arc<ServerConfig>,
}

impl Certificate {
    /// For `localhost`.
    pub(crate) fn local(folder: &Path) -> Self {
        Self::of(folder, "localhost")
    }

    pub(crate) fn of(folder: &Path, name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let file = folder.join(format!("{name}.pem"));
        std::fs::write(&file, made.cert.pem()).expect("written");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .and_then(|builder| {
                    builder.with_no_client_auth().with_single_cert(vec![made.cert.into()], key)
                })
                .expect("a configuration");
        Self { file, config: Arc::new(config) }
    }

    /// The file as a value of `ca_bundle`.
    pub(crate) fn path(&self) -> String {
        self.file.display().to_string()
    }
}

/// A connection.
pub(crate) enum Wire {
    Clear(TcpStream),
    Secured(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Wire {
    /// From the next byte on TLS is spoken.
    pub(crate) fn secured(self, config: &Arc<ServerConfig>) -> Option<Self> {
        let Self::Clear(stream) = self else { return None };
        let connection = ServerConnection::new(Arc::clone(config)).ok()?;
        Some(Self::Secured(Box::new(StreamOwned::new(connection, stream))))
    }

    pub(crate) fn is_secured(&self) -> bool {
        matches!(self, Self::Secured(_))
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.read(buffer),
            Self::Secured(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.write(bytes),
            Self::Secured(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.flush(),
            Self::Secured(stream) => stream.flush(),
        }
    }
}
