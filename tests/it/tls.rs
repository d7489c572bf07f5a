//! TLS: who is believed, and what is said when nobody is asked to vouch.

use crate::harness::{Done, World};
use crate::wire::Certificate;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A lab behind TLS, with a certificate that its own file alone vouches for.
struct Behind {
    world: World,
    address: SocketAddr,
    certificate: PathBuf,
}

impl Behind {
    async fn tls() -> Self {
        Self::named("localhost").await
    }

    /// With a certificate for this name.
    async fn named(name: &str) -> Self {
        let world = World::pair();
        world.put("source", "k", "value");
        world.put("replica", "k", "value");
        let Certificate { file: certificate, config } = Certificate::of(world.state.path(), name);
        let acceptor = TlsAcceptor::from(config);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, lab) = (listener.local_addr().expect("an address"), world.lab.port());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not believe the certificate goes away.
                    let Ok(mut outside) = acceptor.accept(stream).await else { return };
                    let Ok(mut inside) = TcpStream::connect(("127.0.0.1", lab)).await else { return };
                    let _ = copy_bidirectional(&mut outside, &mut inside).await;
                });
            }
        });
        Self { world, address, certificate }
    }

    async fn audit(&self, more: &[&str]) -> Done {
        let url = format!("https://localhost:{}", self.address.port());
        let words = ["audit", "s3://source", "s3://replica", "--output", "json", "--endpoint-url", &url];
        let running = self.world.spawn(&[&words[..], more].concat());
        tokio::task::spawn_blocking(move || running.wait()).await.expect("it ends")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_not_believed_and_the_way_out_is_named() {
    let behind = Behind::tls().await;
    behind.audit(&[]).await.exits(4).says(&["--ca-bundle"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_ones_own_is_believed() {
    let behind = Behind::tls().await;
    let path = behind.certificate.to_str().expect("a path");
    let done = behind.audit(&["--ca-bundle", path]).await.exits(0);
    assert_eq!(done.number("verdicts.identical"), 1);
    behind.audit(&["--ca-bundle", "/nowhere.pem"]).await.exits(2).says(&["/nowhere.pem"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_is_told_as_that() {
    let behind = Behind::named("elsewhere.example").await;
    let path = behind.certificate.to_str().expect("a path");
    let done = behind.audit(&["--ca-bundle", path]).await.exits(4);
    done.says(&["elsewhere.example", "--endpoint-url as its certificate has it"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_believes_anybody_is_warned() {
    let behind = Behind::tls().await;
    behind.audit(&["--no-verify-ssl"]).await.exits(0).says(&["WARNING", "--ca-bundle"]);
}
