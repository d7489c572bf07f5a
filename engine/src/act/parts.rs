//! The parts of one upload, several at once: copied by the server, or read here and sent on.

use super::fetch::{self, Wish};
use super::hashing::Hashes;
use super::layout::{Layout, Part};
use super::{Failure, Job, Shared};
use crate::model::{ChecksumAlgorithm, ETag};
use crate::s3::{CopyPart, ObjectId, UploadId, UploadPart, UploadedPart};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinSet;

/// A part that the destination has.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) uploaded: UploadedPart,
    /// Of the bytes that passed through here.
    pub(super) hashes: Option<Hashes>,
}

/// What all parts of one upload have in common.
pub(super) struct PartMaker {
    pub(super) shared: Arc<Shared>,
    /// Pinned source.
    pub(super) source: ObjectId,
    pub(super) etag: Option<ETag>,
    pub(super) size: u64,
    pub(super) upload: UploadId,
    pub(super) algorithm: Option<ChecksumAlgorithm>,
    pub(super) relay: bool,
    pub(super) streamed: AtomicU64,
}

impl PartMaker {
    async fn make(&self, part: Part) -> Result<Sent, Failure> {
        if self.relay || part.size == 0 { self.relay(part).await } else { self.copy(part).await }
    }

    async fn copy(&self, part: Part) -> Result<Sent, Failure> {
        let range = (part.size < self.size).then(|| (part.first, part.first + part.size - 1));
        let request = CopyPart {
            upload: self.upload.clone(),
            part_number: part.number,
            source: self.source.clone(),
            source_if_match: self.etag.clone(),
            range,
            customer_key: self.shared.replica.customer_key.clone(),
        };
        let mut uploaded = self.shared.replica.store.copy_part(&request).await?;
        uploaded.size = part.size;
        Ok(Sent { uploaded, hashes: None })
    }

    async fn relay(&self, part: Part) -> Result<Sent, Failure> {
        let shared = &self.shared;
        let _ticket = shared.tickets.acquire(part.size).await;
        let frames = self.read(part).await?;
        let hashes = Hashes::of(&frames, self.algorithm, &shared.digests).await?;
        let request = UploadPart {
            upload: self.upload.clone(),
            part_number: part.number,
            frames,
            checksum: hashes.checksum.clone(),
            customer_key: shared.replica.customer_key.clone(),
        };
        let mut uploaded = shared.replica.store.upload_part(&request).await?;
        uploaded.size = part.size;
        // The completion must name each part's checksum, also where the answer did not.
        if uploaded.checksums.is_empty() {
            uploaded.checksums.extend(hashes.checksum.clone());
        }
        Ok(Sent { uploaded, hashes: Some(hashes) })
    }

    async fn read(&self, part: Part) -> Result<Vec<Bytes>, Failure> {
        if part.size == 0 {
            return Ok(vec![Bytes::new()]);
        }
        let wish = Wish {
            id: self.source.clone(),
            etag: self.etag.clone(),
            first: part.first,
            length: part.size,
            whole: part.size == self.size,
        };
        let passed = |bytes| {
            self.streamed.fetch_add(bytes, Ordering::Relaxed);
        };
        let read = fetch::read(&*self.shared.source.store, &wish, &self.shared.bandwidth, &passed).await?;
        Ok(read.frames)
    }
}

impl Job<'_> {
    /// All parts, in order. After an error no part is in flight any more, so that an abort finds nothing new.
    pub(super) async fn send_parts(&self, maker: PartMaker, layout: &Layout) -> Result<Vec<Sent>, Failure> {
        let maker = Arc::new(maker);
        let mut running = JoinSet::new();
        let result = self.run_parts(&maker, layout, &mut running).await;
        running.shutdown().await;
        let streamed = maker.streamed.load(Ordering::Relaxed);
        let done = |relay: bool| match &result {
            Ok(sent) if maker.relay == relay => sent.iter().map(|part| part.uploaded.size).sum(),
            _ => 0,
        };
        let (hashed, server_side) = (done(true), done(false));
        self.moved(|traffic| {
            traffic.streamed += streamed;
            traffic.hashed += hashed;
            traffic.server_side += server_side;
        });
        let mut sent = result?;
        sent.sort_by_key(|part| part.uploaded.part_number);
        Ok(sent)
    }

    async fn run_parts(
        &self,
        maker: &Arc<PartMaker>,
        layout: &Layout,
        running: &mut JoinSet<Result<Sent, Failure>>,
    ) -> Result<Vec<Sent>, Failure> {
        let at_once = self.shared.options.parts_in_flight.max(1);
        let mut waiting = layout.parts.iter().copied();
        let mut sent = Vec::with_capacity(layout.parts.len());
        loop {
            while running.len() < at_once
                && let Some(part) = waiting.next()
            {
                let maker = Arc::clone(maker);
                // A task of its own: parts of one object use several cores.
                running.spawn(async move { maker.make(part).await });
            }
            let joined = tokio::select! {
                joined = running.join_next() => joined,
                () = self.shared.cancel.cancelled() => return Err(Failure::Cancelled),
            };
            match joined {
                None => return Ok(sent),
                Some(Ok(part)) => sent.push(part?),
                Some(Err(error)) => return Err(Failure::Internal(error.to_string())),
            }
        }
    }
}
