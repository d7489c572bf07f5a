//! The small relay: one GET, one PUT. A plain ETag stays a plain ETag.

use super::fetch::{self, Read, Wish};
use super::guard::Door;
use super::hashing::Hashes;
use super::proof::Claims;
use super::{Copied, Failure, Job, Note};
use crate::model::{Checksum, ETag};
use crate::s3::{Guard, PutObject, WriteAttributes, Written};
use bytes::Bytes;

/// Reads of an object whose MD5 is not its ETag. So many equal ones are believed over the ETag, but only on a server
/// of which no ETag has been a digest yet.
const READS: u32 = 3;

impl Job<'_> {
    /// Reads the object and writes it.
    pub(super) async fn put_object(&mut self) -> Result<Copied, Failure> {
        let _ticket = self.shared.tickets.acquire(self.task.source.size).await;
        let (read, hashes) = self.read_checked().await?;
        self.pin(&read.info);
        // GET tells how many tags there are.
        let mut write = self.luggage(&read.info, false).await?;
        write.checksum = hashes.checksum.as_ref().map(|checksum| checksum.algorithm);
        let own_etag = Some(ETag::Plain(hashes.md5));
        let claims = Claims {
            source_etag: self.task.source.etag.clone(),
            predicted: own_etag.clone(),
            own_etag,
            own_checksums: hashes.checksum.clone().into_iter().collect(),
            ..Claims::default()
        };
        // A single empty frame keeps the body one of known length.
        let frames = if read.frames.is_empty() { vec![Bytes::new()] } else { read.frames };
        let (frames, checksum) = (&frames, &hashes.checksum);
        let send = |write| self.send_put(write, frames, checksum.clone(), &claims);
        let written = self.adapted(write, send).await?;
        self.prove(claims, written).await
    }

    async fn send_put(
        &self,
        write: WriteAttributes,
        frames: &[Bytes],
        checksum: Option<Checksum>,
        claims: &Claims,
    ) -> Result<Written, Failure> {
        let request = PutObject {
            bucket: self.target.bucket.clone(),
            key: self.target.key.clone(),
            frames: frames.to_vec(),
            checksum: checksum.filter(|_| write.checksum.is_some()),
            guard: Guard::None,
            write,
        };
        let (store, request) = (&self.shared.replica.store, &request);
        self.commit(Door::Put, claims, |guard| async move {
            store.put(&PutObject { guard, ..request.clone() }).await
        })
        .await
    }

    /// The object's bytes, held against its ETag where that is an MD5.
    async fn read_checked(&self) -> Result<(Read, Hashes), Failure> {
        let learned = &self.shared.learned;
        let mut wrong = Vec::new();
        for round in 1..=READS {
            let read = self.read_whole().await?;
            let hashes = Hashes::of(&read.frames, self.single_checksum(), &self.shared.digests).await?;
            self.moved(|traffic| traffic.hashed += hashes.size);
            let md5 = match &self.task.source.etag {
                Some(ETag::Plain(md5)) if read.info.encryption.keeps_md5() && !learned.has_odd_etags() => md5,
                _ => return Ok((read, hashes)),
            };
            if *md5 == hashes.md5 {
                learned.saw_digest_etag();
                return Ok((read, hashes));
            }
            let always = wrong.iter().all(|other| *other == hashes.md5);
            if round == READS && always && learned.may_have_odd_etags() {
                self.note(Note::SourceEtagNotADigest);
                learned.saw_odd_etag();
                return Ok((read, hashes));
            }
            wrong.push(hashes.md5);
        }
        Err(Failure::Corrupt("the bytes read are not those of the source's ETag".into()))
    }

    async fn read_whole(&self) -> Result<Read, Failure> {
        let wish = Wish {
            id: self.source.clone(),
            etag: self.task.source.etag.clone(),
            first: 0,
            length: self.task.source.size,
            whole: true,
        };
        let passed = |bytes| self.moved(|traffic| traffic.streamed += bytes);
        let read = fetch::read(&*self.shared.source.store, &wish, &self.shared.bandwidth, &passed);
        tokio::select! {
            read = read => read,
            () = self.shared.cancel.cancelled() => Err(Failure::Cancelled),
        }
    }
}
