//! The copy engine against a scripted store: decisions, guards, doubtful ends, fallbacks, proof.

mod deletes;
mod guards;
mod proof;
mod uploads;
mod ways;

use super::double::{Double, Fault, Stored, crc64};
use super::*;
use crate::compare::Evidence;
use crate::model::{ETag, StorageClass, Timestamp};
use crate::s3::{Kind, Metadata, Operation, UploadId, WriteAttributes};
use crate::verify::pool::CpuPool;
use Operation::{
    AbortMultipartUpload as Abort, CompleteMultipartUpload as Complete, CopyObject as Copy,
    CreateMultipartUpload as Create, DeleteObjects as Delete, GetObject as Get,
    GetObjectAttributes as Attributes, GetObjectTagging as Tags, HeadObject as Head, PutObject as Put,
    UploadPart as Part, UploadPartCopy as CopyPart,
};

const BODY: &[u8] = b"the quick brown fox jumps over the lazy dog";

#[derive(Default)]
struct Log(Mutex<(Vec<UploadId>, Vec<UploadId>)>);

impl UploadLog for Log {
    fn begun(&self, upload: &UploadId) {
        self.0.lock().unwrap().0.push(upload.clone());
    }
    fn ended(&self, upload: &UploadId) {
        self.0.lock().unwrap().1.push(upload.clone());
    }
}

/// Two sides, one store each (or one for both), and a copier between them.
struct Stage {
    from: Arc<Double>,
    to: Arc<Double>,
    options: CopyOptions,
    log: Arc<Log>,
    cancel: CancellationToken,
    copier: Mutex<Option<Copier>>,
}

impl Stage {
    fn one_service() -> Self {
        let store = Double::new("here");
        Self::of(Arc::clone(&store), store)
    }

    fn two_services() -> Self {
        Self::of(Double::new("here"), Double::new("there"))
    }

    fn of(from: Arc<Double>, to: Arc<Double>) -> Self {
        let options =
            CopyOptions { relay_part: 10, server_part: 10, single_put: 100, ..CopyOptions::default() };
        let cancel = CancellationToken::new();
        Self { from, to, options, log: Arc::default(), cancel, copier: Mutex::default() }
    }

    fn with(mut self, change: impl FnOnce(&mut CopyOptions)) -> Self {
        change(&mut self.options);
        self
    }

    fn copier(&self) -> Copier {
        let mut copier = self.copier.lock().unwrap();
        let make = || {
            let uploads = Arc::clone(&self.log) as Arc<dyn UploadLog>;
            let tools = CopyTools { uploads, cancel: self.cancel.clone(), ..tools() };
            let (source, replica) = (self.from.side("s3://src/in/"), self.to.side("s3://dst/out/"));
            Copier::new(source, replica, self.options.clone(), tools)
        };
        copier.get_or_insert_with(make).clone()
    }

    fn source(&self, key: &str, body: &[u8], parts: &[u64]) -> CopyTask {
        let stored = self.from.put_there("src", &format!("in/{key}"), body, parts);
        task(key, &stored)
    }

    async fn copy(&self, task: &CopyTask) -> CopyOutcome {
        self.copier().copy(task).await
    }

    fn target(&self, key: &str) -> Stored {
        self.to.current("dst", &format!("out/{key}")).unwrap()
    }

    fn writes(&self, key: &str) -> usize {
        self.to.versions("dst", &format!("out/{key}")).len()
    }
}

fn tools() -> CopyTools {
    CopyTools {
        digests: DigestService::new(CpuPool::inline()),
        memory: MemoryTickets::new(1 << 20),
        bandwidth: Arc::new(Bandwidth::new(None)),
        uploads: Arc::new(NoUploadLog),
        cancel: CancellationToken::new(),
    }
}

fn task(key: &str, stored: &Stored) -> CopyTask {
    CopyTask {
        key: key.into(),
        source: Seen { size: stored.body.len() as u64, etag: stored.etag.clone(), ..Seen::default() },
        standing: Standing::Absent,
        ..CopyTask::default()
    }
}

fn present(stored: &Stored) -> Standing {
    let etag = stored.etag.clone().unwrap();
    Standing::Present { etag, last_modified: Timestamp::from_seconds(stored.at) }
}

fn proof(outcome: &CopyOutcome) -> Evidence {
    outcome.result.as_ref().unwrap().proof
}

fn reason(outcome: &CopyOutcome) -> &'static str {
    outcome.result.as_ref().unwrap_err().reason()
}
