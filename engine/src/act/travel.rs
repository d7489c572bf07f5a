//! What travels with the bytes: metadata, tags, class, encryption, lock. What cannot is noted.

use super::{Failure, Job, Note};
use crate::model::{ChecksumAlgorithm, ChecksumType, StorageClass};
use crate::s3::{Kind, Lock, ObjectInfo, WriteAttributes};

impl Job<'_> {
    /// What every write asks for, whatever way the bytes go.
    pub(super) fn placement(&self) -> WriteAttributes {
        let options = &self.shared.options;
        if options.acl {
            self.note(Note::AclNotCopied);
        }
        let own =
            || Some(self.task.source.storage_class.clone()).filter(|class| *class != StorageClass::Standard);
        WriteAttributes {
            storage_class: options.storage_class.clone().or_else(own),
            encryption: options.encryption.clone(),
            ..WriteAttributes::default()
        }
    }

    /// The placement, and what a HEAD or GET of the source told. For writes that carry nothing over by themselves.
    pub(super) async fn luggage(
        &self,
        info: &ObjectInfo,
        ask_for_tags: bool,
    ) -> Result<WriteAttributes, Failure> {
        let options = &self.shared.options;
        let mut write = self.placement();
        if let Some(text) = &info.metadata.expires
            && jiff::fmt::rfc2822::parse(text).is_err()
        {
            self.note(Note::ExpiresNotADate);
        }
        if options.encryption.is_none()
            && info.encryption.algorithm.as_deref().is_some_and(|name| name != "AES256")
        {
            self.note(Note::EncryptionNotCopied);
        }
        write.metadata = Some(info.metadata.clone());
        write.lock = Some(&info.lock).filter(|lock| options.lock && **lock != Lock::default()).cloned();
        if options.tags && (ask_for_tags || info.tag_count > 0) {
            write.tags = self.source_tags(info.tag_count).await?;
        }
        Ok(write)
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

    /// Sends a write; once more without the source's storage class where the destination does not know that.
    pub(super) async fn with_class<T, F>(
        &self,
        mut write: WriteAttributes,
        send: impl Fn(WriteAttributes) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let answer = send(write.clone()).await;
        let refused = match &answer {
            Err(Failure::Request(error)) => error.code.as_deref() == Some("InvalidStorageClass"),
            _ => false,
        };
        // The operator's own choice is not overruled.
        if !refused || self.shared.options.storage_class.is_some() {
            return answer;
        }
        let Some(class) = write.storage_class.take() else { return answer };
        self.note(Note::StorageClassRefused(class.name().to_owned()));
        send(write).await
    }

    /// Which checksum a whole, single write stores.
    pub(super) fn single_checksum(&self) -> Option<ChecksumAlgorithm> {
        let own = self.task.source.algorithms.iter().next();
        self.shared.options.request_checksums.then(|| own.unwrap_or(ChecksumAlgorithm::Crc64nvme))
    }

    /// Which checksum an upload in parts stores: the source's where its kind can be had again, else S3's default,
    /// which is a full-object one and makes later audits cheap.
    pub(super) fn upload_checksum(
        &self,
        first: &ObjectInfo,
        like_source: bool,
    ) -> Option<(ChecksumAlgorithm, ChecksumType)> {
        if !self.shared.options.request_checksums {
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
