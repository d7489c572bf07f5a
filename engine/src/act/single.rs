//! One CopyObject. For a plain object this is the one request the copy costs.

use super::guard::Door;
use super::proof::Claims;
use super::{Copied, Failure, Job};
use crate::model::ChecksumAlgorithm;
use crate::s3::{CopyObject, HeadObject, Lock, WriteAttributes};

impl Job<'_> {
    /// Copies the object as one.
    pub(super) async fn copy_object(&self) -> Result<Copied, Failure> {
        let options = &self.shared.options;
        let mut write = self.placement().await?;
        // Redirects are mostly of objects without content, and those cost nothing else.
        if options.fidelity_heads || options.lock || self.task.source.size == 0 {
            self.look_closer(&mut write).await?;
        }
        // S3 keeps the source's algorithm by itself; a source without one gets the default.
        if self.wants_checksums() && self.task.source.algorithms.is_empty() {
            write.checksum = Some(ChecksumAlgorithm::Crc64nvme);
        }
        let claims = Claims {
            source_etag: self.task.source.etag.clone(),
            predicted: self.task.source.etag.clone(),
            ..Claims::default()
        };
        let written = self.adapted(write, |write| self.send_copy(write, &claims)).await?;
        self.moved(|traffic| traffic.server_side += self.task.source.size);
        self.prove(claims, written).await
    }

    async fn send_copy(
        &self,
        write: WriteAttributes,
        claims: &Claims,
    ) -> Result<crate::s3::Written, Failure> {
        let request = CopyObject {
            source: self.source.clone(),
            source_if_match: self.task.source.etag.clone(),
            bucket: self.target.bucket.clone(),
            key: self.target.key.clone(),
            guard: crate::s3::Guard::None,
            write,
        };
        let (store, request) = (&self.shared.replica.store, &request);
        self.commit(Door::Copy, claims, |guard| async move {
            store.copy(&CopyObject { guard, ..request.clone() }).await
        })
        .await
    }

    /// Finds what CopyObject leaves behind: redirect and lock.
    async fn look_closer(&self, write: &mut WriteAttributes) -> Result<(), Failure> {
        let request = HeadObject { id: self.source.clone(), checksum: false, part_number: None };
        let info = self.shared.source.store.head(&request).await?;
        if info.metadata.website_redirect.is_some() {
            // To set one header of the metadata is to set all of them.
            write.metadata = Some(info.metadata);
        }
        write.lock = Some(info.lock).filter(|lock| self.shared.options.lock && *lock != Lock::default());
        self.note_encryption(&info.encryption);
        Ok(())
    }
}
