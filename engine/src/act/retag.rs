//! Tags alone differ: they are set in place, and no byte is copied.

use super::{Copier, Failure};
use crate::model::ETag;
use crate::s3::HeadObject;

impl Copier {
    /// Gives the replica's object the source's tags, and reads them back. `etag` is what was listed on the
    /// replica: tags are not put on anything else.
    ///
    /// # Errors
    /// [`Failure::Changed`] when something else stands there, [`Failure::Unproven`] when other tags are read back.
    pub async fn retag(&self, key: &str, etag: Option<&ETag>) -> Result<(), Failure> {
        let (source, replica) = (&self.shared.source, &self.shared.replica);
        let head = HeadObject { id: replica.object(key), checksum: false, part_number: None };
        let info = replica.store.head(&head).await?;
        if info.etag.as_ref() != etag {
            return Err(Failure::Changed("the destination was overwritten".into()));
        }
        let mut wanted = source.store.tags(&source.object(key)).await?;
        let target = replica.version(key, info.version_id.as_deref());
        replica.store.put_tags(&target, &wanted).await?;
        let mut found = replica.store.tags(&target).await?;
        wanted.sort_unstable();
        found.sort_unstable();
        if wanted == found { Ok(()) } else { Err(Failure::Unproven("other tags were read back".into())) }
    }
}
