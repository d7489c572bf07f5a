//! The SDK's own parser as a second opinion: the same bodies, fed to it through a canned connection.

use super::super::{ListKind, read_page};
use super::writer::{Encoding, Want, Writer, assert_holds, wants};
use crate::model::{ETag, EntryKind, Page};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Config, Credentials, Region, StalledStreamProtectionConfig};
use aws_sdk_s3::primitives::DateTime;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use std::sync::{Arc, Mutex};

/// Answers every request with 200 and the body of the moment.
#[derive(Clone, Debug, Default)]
struct Canned(Arc<Mutex<String>>);

impl HttpConnector for Canned {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let body = self.0.lock().unwrap().clone();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body))))
    }
}

/// A client on a canned connection, and a runtime to run it.
struct Sdk {
    client: Client,
    canned: Canned,
    runtime: tokio::runtime::Runtime,
}

impl Sdk {
    fn new() -> Self {
        let canned = Canned::default();
        let connector = SharedHttpConnector::new(canned.clone());
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { client: Client::from_conf(config), canned, runtime }
    }

    fn answer(&self, body: &str) {
        body.clone_into(&mut self.canned.0.lock().unwrap());
    }
}

/// The keys the SDK can read at all: what XML allows, unencoded.
const KEY: &str = "[a-c/ +%&<>'\"\\]\\nyé한😀]{1,12}|[!-~]{1,12}";

fn pages(kind: ListKind) -> impl Strategy<Value = (Vec<Want>, u64, u64)> {
    (wants(kind, KEY), prop::sample::select(vec![0_u64, 25]), any::<u64>())
}

fn millis(time: Option<&DateTime>) -> i64 {
    time.unwrap().to_millis().unwrap()
}

/// Odd XML the SDK does not take (CDATA, prefixes) is no matter of opinion; it is left out of the comparison.
fn run(kind: ListKind, compare: impl Fn(&Sdk, &Page) -> Option<()>) {
    let sdk = Sdk::new();
    let compared = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Cases { failure_persistence: None, ..Cases::with_cases(2000) });
    runner
        .run(&pages(kind), |(wants, oddity, seed)| {
            let body = Writer::new(kind, Encoding::Plain, oddity, seed).with_whole_text().page(&wants);
            let page = read_page(kind, body.as_bytes()).unwrap();
            assert_holds(&page, &wants, kind);
            sdk.answer(&body);
            let outcome = compare(&sdk, &page);
            assert!(outcome.is_some() || oddity > 0, "the SDK refuses a page as S3 writes it: {body}");
            compared.set(compared.get() + usize::from(outcome.is_some()));
            Ok(())
        })
        .unwrap();
    assert!(compared.get() >= 1000, "{}", compared.get());
}

#[test]
fn objects_as_the_sdk_reads_them() {
    run(ListKind::Objects, |sdk, page| {
        let listed = sdk.runtime.block_on(sdk.client.list_objects_v2().bucket("b").send()).ok()?;
        assert_eq!(listed.contents().len(), page.len());
        assert_eq!(listed.is_truncated(), Some(page.truncated));
        for (theirs, ours) in listed.contents().iter().zip(page.iter()) {
            assert_eq!(theirs.key(), Some(ours.key));
            assert_eq!(theirs.size().unwrap() as u64, ours.row.size);
            assert_eq!(theirs.e_tag().map(ETag::parse), ours.row.etag);
            assert_eq!(millis(theirs.last_modified()), ours.row.last_modified.millis());
            assert_eq!(theirs.storage_class().unwrap().as_str(), ours.row.storage_class.name());
            assert_eq!(theirs.checksum_algorithm().len(), ours.row.algorithms.iter().count());
            for algorithm in theirs.checksum_algorithm() {
                assert!(ours.row.algorithms.iter().any(|a| a.name() == algorithm.as_str()));
            }
        }
        Some(())
    });
}

/// The SDK keeps two lists; each must be ours without the other.
#[test]
fn versions_as_the_sdk_reads_them() {
    run(ListKind::Versions, |sdk, page| {
        let listed = sdk.runtime.block_on(sdk.client.list_object_versions().bucket("b").send()).ok()?;
        let of = |kind| page.iter().filter(move |entry| entry.row.kind == kind);
        assert_eq!(listed.versions().len() + listed.delete_markers().len(), page.len());
        for (theirs, ours) in listed.versions().iter().zip(of(EntryKind::Object)) {
            assert_eq!((theirs.key(), theirs.version_id()), (Some(ours.key), ours.version_id));
            assert_eq!(theirs.is_latest(), Some(ours.row.is_latest));
            assert_eq!(theirs.size().unwrap() as u64, ours.row.size);
            assert_eq!(theirs.e_tag().map(ETag::parse), ours.row.etag);
            assert_eq!(millis(theirs.last_modified()), ours.row.last_modified.millis());
            assert_eq!(theirs.storage_class().unwrap().as_str(), ours.row.storage_class.name());
        }
        for (theirs, ours) in listed.delete_markers().iter().zip(of(EntryKind::DeleteMarker)) {
            assert_eq!((theirs.key(), theirs.version_id()), (Some(ours.key), ours.version_id));
            assert_eq!(theirs.is_latest(), Some(ours.row.is_latest));
            assert_eq!(millis(theirs.last_modified()), ours.row.last_modified.millis());
        }
        Some(())
    });
}
