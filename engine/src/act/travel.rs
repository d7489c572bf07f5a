//! What travels with the bytes: metadata, tags, class, encryption, lock. What cannot is noted.

use super::options::AclMode;
use super::{Failure, Job, Note};
use crate::model::{ChecksumAlgorithm, ChecksumType, StorageClass};
use crate::s3::{Encryption, Feature, Kind, Lock, ObjectInfo, S3Error, Support, WriteAttributes};

impl Job<'_> {
    /// What every write asks for, whatever way the bytes go.
    pub(super) async fn placement(&self) -> Result<WriteAttributes, Failure> {
        let options = &self.shared.options;
        let own =
            || Some(self.task.source.storage_class.clone()).filter(|class| *class != StorageClass::Standard);
        Ok(WriteAttributes {
            acl: self.acl().await?,
            storage_class: options.storage_class.clone().or_else(own),
            encryption: options.encryption.clone(),
            customer_key: self.target.customer_key.clone(),
            ..WriteAttributes::default()
        })
    }

    /// The placement, and what a HEAD or GET of the source told. For writes that carry nothing over by themselves.
    pub(super) async fn luggage(
        &self,
        info: &ObjectInfo,
        ask_for_tags: bool,
    ) -> Result<WriteAttributes, Failure> {
        let options = &self.shared.options;
        let mut write = self.placement().await?;
        if let Some(text) = &info.metadata.expires
            && jiff::fmt::rfc2822::parse(text).is_err()
        {
            self.note(Note::ExpiresNotADate);
        }
        self.note_encryption(&info.encryption);
        write.metadata = Some(info.metadata.clone());
        write.lock = Some(&info.lock).filter(|lock| options.lock && **lock != Lock::default()).cloned();
        if options.tags && (ask_for_tags || info.tag_count > 0) {
            write.tags = self.source_tags(info.tag_count).await?;
        }
        Ok(write)
    }

    /// Keys do not travel: the copy is encrypted as the operator or its bucket says.
    pub(super) fn note_encryption(&self, source: &Encryption) {
        let chosen = self.shared.options.encryption.is_some() || self.target.customer_key.is_some();
        if !chosen && !source.keeps_md5() {
            self.note(Note::EncryptionNotCopied);
        }
    }

    /// The source's tags. A server without tags has none to lose.
    async fn source_tags(&self, known: u32) -> Result<Option<Vec<(String, String)>>, Failure> {
        match self.shared.source.store.tags(&self.source).await {
            Ok(tags) => Ok(Some(tags).filter(|tags| !tags.is_empty())),
            Err(error) if matches!(error.kind, Kind::Unsupported | Kind::Invalid) && known == 0 => Ok(None),
            Err(error) if matches!(error.kind, Kind::Denied | Kind::Unsupported | Kind::Invalid) => {
                self.note(Note::TagsUnreadable);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a write; again without what the destination refuses: the source's storage class, checksums.
    pub(super) async fn adapted<T, F>(
        &self,
        mut write: WriteAttributes,
        send: impl Fn(WriteAttributes) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let asked = write.checksum.is_some();
        loop {
            match send(write.clone()).await {
                Err(Failure::Request(error)) if self.gives_way(&error, &mut write) => {}
                Ok(done) => {
                    let profile = &self.shared.replica.profile;
                    match (asked, write.checksum) {
                        (true, None) => profile.misses(Feature::Checksums),
                        (true, Some(_)) => profile.saw(Feature::Checksums),
                        (false, _) => {}
                    }
                    return Ok(done);
                }
                other => return other,
            }
        }
    }

    /// Takes out of a refused write what may be the reason. The operator's own choices are not overruled.
    fn gives_way(&self, error: &S3Error, write: &mut WriteAttributes) -> bool {
        if error.code.as_deref() == Some("InvalidStorageClass") && self.shared.options.storage_class.is_none()
        {
            let refused = write.storage_class.take();
            if let Some(class) = &refused {
                self.note(Note::StorageClassRefused(class.name().to_owned()));
            }
            return refused.is_some();
        }
        if error.code.as_deref() == Some("AccessControlListNotSupported")
            && self.shared.options.acl == AclMode::Copy
        {
            self.note(Note::AclNotCopied);
            return write.acl.take().is_some();
        }
        // Lacking by now: others may have found out while this one was on its way.
        let open = self.shared.replica.profile.support(Feature::Checksums) != Support::Has;
        open && matches!(error.kind, Kind::Invalid | Kind::Unsupported) && write.checksum.take().is_some()
    }

    /// Whether checksums are asked for: the operator has not ruled them out, and the server has not refused any.
    pub(super) fn wants_checksums(&self) -> bool {
        self.shared.options.request_checksums && !self.shared.replica.profile.lacks(Feature::Checksums)
    }

    /// Which checksum a whole, single write stores.
    pub(super) fn single_checksum(&self) -> Option<ChecksumAlgorithm> {
        let own = self.task.source.algorithms.iter().next();
        self.wants_checksums().then(|| own.unwrap_or(ChecksumAlgorithm::Crc64nvme))
    }

    /// Which checksum an upload in parts stores: the source's where its kind can be had again, else S3's default,
    /// which is a full-object one and makes later audits cheap.
    pub(super) fn upload_checksum(
        &self,
        first: &ObjectInfo,
        like_source: bool,
    ) -> Option<(ChecksumAlgorithm, ChecksumType)> {
        if !self.wants_checksums() {
            return None;
        }
        let told = first.checksums.first().map(|checksum| checksum.algorithm);
        let kind = self.task.source.checksum_type.or(first.checksum_type);
        let composite = kind == Some(ChecksumType::Composite);
        let default = (ChecksumAlgorithm::Crc64nvme, ChecksumType::FullObject);
        Some(match self.task.source.algorithms.iter().next().or(told) {
            None => default,
            Some(ChecksumAlgorithm::Crc64nvme) => default,
            Some(own) if composite && like_source => (own, ChecksumType::Composite),
            Some(own) if super::hashing::is_combinable(own) => (own, ChecksumType::FullObject),
            Some(_) => default,
        })
    }
}
