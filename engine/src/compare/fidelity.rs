//! `--compare`: what describes an object, once its bytes are proved equal.
//!
//! The storage class is in the listing. One HEAD per side tells metadata, encryption, lock and how many tags there
//! are; only equal counts of tags need the tags themselves. ACLs are one request per side. Nothing that was not
//! asked for is requested.

use super::evidence::unreadable;
use super::{Facts, Judgement, Reason};
use crate::list::Side;
use crate::s3::{Answer, HeadObject, Metadata, ObjectInfo, S3Error};

/// What to compare beyond the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Independent switches of one flag.
pub struct Fidelity {
    /// System and user metadata.
    pub metadata: bool,
    /// Tags.
    pub tags: bool,
    /// Storage class.
    pub storage_class: bool,
    /// Retention and legal hold.
    pub lock: bool,
    /// How it is encrypted at rest.
    pub encryption: bool,
    /// Access control list.
    pub acl: bool,
}

impl Fidelity {
    /// Whether a pair with these listed facts must be looked at.
    #[must_use]
    pub fn concerns(&self, same_class: bool) -> bool {
        self.acl || self.asks_head() || (self.storage_class && !same_class)
    }

    fn asks_head(&self) -> bool {
        self.metadata || self.tags || self.lock || self.encryption
    }
}

/// What both sides' HEADs said.
pub type Heads = (ObjectInfo, ObjectInfo);

/// One pair whose bytes are equal.
#[derive(Debug)]
pub(crate) struct Described<'a> {
    pub(crate) sides: (&'a Side, &'a Side),
    pub(crate) key: &'a str,
    pub(crate) facts: (&'a Facts, &'a Facts),
    pub(crate) heads: Option<&'a Heads>,
}

/// The first difference in what was asked for, with words for it; `None` if all agrees.
pub(crate) async fn judge(pair: Described<'_>, wanted: Fidelity) -> Option<(Judgement, String)> {
    let (a, b) = pair.facts;
    if wanted.storage_class && a.storage_class != b.storage_class {
        return different(
            Reason::StorageClassDiffers,
            format!("{} and {}", a.storage_class, b.storage_class),
        );
    }
    match pair.look(wanted).await {
        Ok(found) => found,
        Err(error) => Some((unreadable(&error), error.to_string())),
    }
}

type Found = Option<(Judgement, String)>;

fn different(reason: Reason, detail: String) -> Found {
    Some((Judgement::different(reason), detail))
}

impl Described<'_> {
    async fn look(&self, wanted: Fidelity) -> Answer<Found> {
        if wanted.asks_head() {
            let asked;
            let (a, b) = match self.heads {
                Some(heads) => heads,
                None => {
                    let (left, right) = futures::join!(self.head(self.sides.0), self.head(self.sides.1));
                    asked = (left?, right?);
                    &asked
                }
            };
            if a.etag != self.facts.0.etag || b.etag != self.facts.1.etag {
                return Ok(Some((
                    Judgement::unproven(Reason::ChangedMeanwhile),
                    "written meanwhile".to_owned(),
                )));
            }
            if let Some(found) = judge_heads(a, b, wanted) {
                return Ok(Some(found));
            }
            if wanted.tags && a.tag_count > 0 && !self.same_tags().await? {
                return Ok(different(
                    Reason::TagsDiffer,
                    "the same number of tags, not the same tags".to_owned(),
                ));
            }
        }
        if wanted.acl {
            let (a, b) = self.ids();
            let (a, b) = futures::join!(self.sides.0.store.acl(&a), self.sides.1.store.acl(&b));
            if a? != b? {
                return Ok(different(
                    Reason::AclDiffers,
                    "the access control lists are not the same".to_owned(),
                ));
            }
        }
        Ok(None)
    }

    fn ids(&self) -> (crate::s3::ObjectId, crate::s3::ObjectId) {
        let of = |side: &Side, facts: &Facts| side.version(self.key, facts.version_id.as_deref());
        (of(self.sides.0, self.facts.0), of(self.sides.1, self.facts.1))
    }

    async fn head(&self, side: &Side) -> Answer<ObjectInfo> {
        let request = HeadObject { id: side.object(self.key), checksum: false, part_number: None };
        side.store.head(&request).await
    }

    async fn same_tags(&self) -> Result<bool, S3Error> {
        let (a, b) = self.ids();
        let (a, b) = futures::join!(self.sides.0.store.tags(&a), self.sides.1.store.tags(&b));
        let (mut a, mut b) = (a?, b?);
        a.sort_unstable();
        b.sort_unstable();
        Ok(a == b)
    }
}

fn judge_heads(a: &ObjectInfo, b: &ObjectInfo, wanted: Fidelity) -> Found {
    if wanted.metadata
        && let Some(field) = metadata_difference(&a.metadata, &b.metadata)
    {
        return different(Reason::MetadataDiffers, field);
    }
    if wanted.tags && a.tag_count != b.tag_count {
        return different(Reason::TagsDiffer, format!("{} tags and {}", a.tag_count, b.tag_count));
    }
    if wanted.lock && a.lock != b.lock {
        return different(Reason::LockDiffers, "retention or legal hold is not the same".to_owned());
    }
    if wanted.encryption && !same_encryption(a, b) {
        let name = |info: &ObjectInfo| match (&info.encryption.algorithm, info.encryption.customer_key) {
            (_, true) => "SSE-C".to_owned(),
            (Some(algorithm), _) => algorithm.clone(),
            (None, _) => "AES256".to_owned(),
        };
        return different(Reason::EncryptionDiffers, format!("{} and {}", name(a), name(b)));
    }
    None
}

/// The kind of encryption. The KMS key is not compared: buckets in two regions or accounts never share one.
fn same_encryption(a: &ObjectInfo, b: &ObjectInfo) -> bool {
    // Servers that do not say encrypt by default, as S3 does since 2023.
    let kind = |info: &ObjectInfo| {
        (
            info.encryption.algorithm.clone().unwrap_or_else(|| "AES256".to_owned()),
            info.encryption.customer_key,
        )
    };
    kind(a) == kind(b)
}

/// The first header that differs.
fn metadata_difference(a: &Metadata, b: &Metadata) -> Option<String> {
    let fields = [
        ("Content-Type", &a.content_type, &b.content_type),
        ("Cache-Control", &a.cache_control, &b.cache_control),
        ("Content-Disposition", &a.content_disposition, &b.content_disposition),
        ("Content-Encoding", &a.content_encoding, &b.content_encoding),
        ("Content-Language", &a.content_language, &b.content_language),
        ("Expires", &a.expires, &b.expires),
        ("x-amz-website-redirect-location", &a.website_redirect, &b.website_redirect),
    ];
    if let Some((name, ..)) = fields.into_iter().find(|(_, a, b)| a != b) {
        return Some(format!("{name} is not the same"));
    }
    let names = a.user.keys().chain(b.user.keys());
    let mut differing = names.filter(|name| a.user.get(*name) != b.user.get(*name));
    differing.next().map(|name| format!("x-amz-meta-{name} is not the same"))
}
