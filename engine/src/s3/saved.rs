//! A manifest as a store: a saved listing stands in for a live one. Reading of bytes and writing are not to be had.

use super::lister::{ListOnly, Lister};
use super::object::ObjectInfo;
use super::store::{HeadObject, ListObjects};
use super::{Answer, Kind, Operation, S3Error};
use crate::compare::listing::FactsRow;
use crate::model::{Checksum, ChecksumAlgorithm, ETag, Page, PageBuilder, Row, StorageClass};
use crate::report::{Manifest, ManifestRow};
use async_trait::async_trait;
use std::io;
use std::sync::Arc;

/// Its service name.
pub const SAVED_LISTING: &str = "manifest";

/// See the module text. Keys are those of the manifest: relative to what was listed then.
#[derive(Clone, Debug)]
pub struct SavedListing {
    manifest: Arc<Manifest>,
}

impl SavedListing {
    /// A store over a manifest.
    #[must_use]
    pub fn over(manifest: Manifest) -> ListOnly<Self> {
        ListOnly(Self { manifest: Arc::new(manifest) })
    }

    async fn look_up<T, F>(&self, operation: Operation, look: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnOnce(&Manifest) -> io::Result<T> + Send + 'static,
    {
        let manifest = Arc::clone(&self.manifest);
        let failed = |what: String| S3Error::local(Kind::Protocol, operation, "manifest", what);
        let found = tokio::task::spawn_blocking(move || look(&manifest)).await;
        found.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
    }
}

fn page(rows: &[ManifestRow], more: bool) -> Option<Page> {
    let mut builder = PageBuilder::new();
    for ManifestRow { key, facts } in rows {
        let row = Row {
            size: facts.size,
            last_modified: facts.last_modified,
            etag: facts.etag.as_deref().map(ETag::parse),
            storage_class: StorageClass::from_name(&facts.storage_class),
            ..Row::default()
        };
        builder.push(key, "", row).ok()?;
    }
    builder.page_mut().truncated = more;
    Some(builder.finish())
}

fn info(facts: &FactsRow) -> ObjectInfo {
    let checksum = facts.checksum.as_deref().and_then(|text| text.split_once(':'));
    let checksum = checksum.and_then(|(name, value)| {
        ChecksumAlgorithm::from_name(name).and_then(|algorithm| Checksum::parse(algorithm, value).ok())
    });
    ObjectInfo {
        size: facts.size,
        etag: facts.etag.as_deref().map(ETag::parse),
        version_id: facts.version_id.clone(),
        last_modified: facts.last_modified,
        storage_class: StorageClass::from_name(&facts.storage_class),
        checksums: checksum.into_iter().collect(),
        ..ObjectInfo::default()
    }
}

#[async_trait]
impl Lister for SavedListing {
    fn service(&self) -> &str {
        SAVED_LISTING
    }

    fn reason(&self) -> &'static str {
        "a manifest holds no more than a listing"
    }

    async fn list_objects(&self, request: &ListObjects) -> Answer<Page> {
        let (after, limit) = (request.start_after.clone(), usize::from(request.max_keys));
        let rows = move |manifest: &Manifest| manifest.rows_after(&after, limit);
        let (rows, more) = self.look_up(Operation::ListObjectsV2, rows).await?;
        let too_long =
            || S3Error::local(Kind::Protocol, Operation::ListObjectsV2, "manifest", "a key is too long");
        page(&rows, more).ok_or_else(too_long)
    }

    async fn head(&self, request: &HeadObject) -> Answer<ObjectInfo> {
        if request.part_number.is_some() {
            return self.refuse(Operation::HeadObject);
        }
        let key = request.id.key.clone();
        let row = self.look_up(Operation::HeadObject, move |manifest| manifest.row(&key)).await?;
        let gone =
            || S3Error::local(Kind::NotFound, Operation::HeadObject, "manifest", "not in the manifest");
        row.map(|row| info(&row.facts)).ok_or_else(gone)
    }
}
