//! L4: one side is read, and held against everything the other side stores about its bytes.
//!
//! What can be computed from bytes alone: a plain MD5 ETag, full-object checksums, and the multipart ETag in every
//! layout the object may have. The layout is known from the part list, from HEADs of parts, or guessed; equality
//! in any layout proves equal bytes, so a wrong guess costs nothing but the hashing.

use super::reading::{CHUNK, Pinned, Reading};
use crate::list::Side;
use crate::model::{Checksum, ChecksumAlgorithm, ETag};
use crate::s3::{Answer, Attributes, HeadObject, Kind, ObjectId, ObjectInfo, S3Error};
use crate::verify::digest::{Digests, Hasher};
use crate::verify::kind::{HashKind, Wanted};
use crate::verify::layout::{Layout, candidate_layouts};
use crate::verify::replay::LayoutReplay;
use futures::{StreamExt as _, pin_mut};

/// HEADs of single parts that an unknown layout is worth: a page of GetObjectAttributes has as many.
const PART_HEADS_MAX: u32 = 1000;
/// Such HEADs in flight at once for one object.
const PART_HEADS_AT_ONCE: usize = 16;

/// What one side stores about its bytes, as far as bytes alone can be held against it.
#[derive(Clone, Debug, Default)]
pub(super) struct Fingerprint {
    md5: Option<[u8; 16]>,
    checksums: Vec<(HashKind, Checksum)>,
    etag: Option<ETag>,
    layouts: Vec<Layout>,
    /// The only layout above is certainly the object's.
    exact: bool,
}

/// What reading one side showed about the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The bytes read are those the fingerprint was taken of.
    Same,
    /// They are not.
    Other,
    /// The fingerprint does not say.
    Open,
}

impl Fingerprint {
    /// Whether reading the other side can tell anything.
    pub(super) fn is_useful(&self) -> bool {
        self.md5.is_some()
            || !self.layouts.is_empty()
            || self.checksums.iter().any(|(kind, _)| kind.size() > 4)
    }

    /// From what HEAD and attributes said, and no further request.
    pub(super) fn stored(info: &ObjectInfo, attributes: Option<&Attributes>) -> Self {
        let full = info.checksums.iter().filter(|checksum| checksum.parts.is_none());
        let mut print = Self {
            checksums: full.map(|checksum| (hash_kind(checksum.algorithm), checksum.clone())).collect(),
            ..Self::default()
        };
        if !info.encryption.keeps_md5() {
            return print;
        }
        match &info.etag {
            Some(ETag::Plain(md5)) => print.md5 = Some(*md5),
            Some(etag @ ETag::Multipart { parts, .. }) => {
                print.etag = Some(etag.clone());
                let listed = attributes.and_then(|attributes| listed_layout(attributes, info.size, *parts));
                print.exact = listed.is_some() || *parts == 1;
                print.layouts = match listed {
                    Some(layout) => vec![layout],
                    None => candidate_layouts(info.size, *parts).into_iter().map(Layout::Uniform).collect(),
                };
            }
            _ => {}
        }
        print
    }

    /// Asks for the part layout where it is only guessed and the bytes are worth the requests.
    pub(super) async fn ask_layout(&mut self, side: &Side, key: &str, info: &ObjectInfo) {
        let Some(ETag::Multipart { parts, .. }) = self.etag else { return };
        if self.exact || info.size <= CHUNK {
            return;
        }
        let id = side.version(key, info.version_id.as_deref());
        // Without an answer the guesses stand.
        let Ok(first) = part_size(side, &id, 1, parts).await else { return };
        let last = first.checked_mul(u64::from(parts) - 1).and_then(|before| info.size.checked_sub(before));
        if first > 0 && last.is_some_and(|last| last > 0 && last <= first) {
            // Any other even cut would have another first part.
            self.layouts = vec![Layout::Uniform(first)];
        } else if parts <= PART_HEADS_MAX {
            let sizes = futures::stream::iter(1..=parts).map(|number| part_size(side, &id, number, parts));
            let sizes: Vec<Answer<u64>> = sizes.buffered(PART_HEADS_AT_ONCE).collect().await;
            let layout = sizes.into_iter().collect::<Answer<Vec<u64>>>().map(Layout::Parts);
            if let Some(layout) = layout.ok().filter(|layout| layout.fits(info.size)) {
                (self.layouts, self.exact) = (vec![layout], true);
            }
        }
    }

    /// Reads an object to its end and holds it against the fingerprint.
    pub(super) async fn hold_against(
        &self,
        object: &Pinned,
        size: u64,
        reading: &Reading,
    ) -> Answer<Outcome> {
        let mut wanted: Wanted = self.checksums.iter().map(|(kind, _)| *kind).collect();
        if self.md5.is_some() {
            wanted = wanted.with(HashKind::Md5);
        }
        let mut state = (Hasher::new(wanted), LayoutReplay::new(self.layouts.clone(), size));
        let chunks = object.chunks(reading);
        pin_mut!(chunks);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            let hash = move || {
                for frame in &chunk.frames {
                    state.0.update(frame);
                    state.1.update(frame);
                }
                state
            };
            state = reading.pool.run(hash).await.map_err(|error| internal(object, &error.to_string()))?;
        }
        Ok(self.judge(&state.0.finish(), &state.1.finish()))
    }

    fn judge(&self, digests: &Digests, etags: &[Option<String>]) -> Outcome {
        let same = |(kind, checksum): &(HashKind, Checksum)| digests.get(*kind) == Some(&*checksum.value);
        if self.checksums.iter().any(|pair| !same(pair)) {
            return Outcome::Other;
        }
        if let Some(md5) = self.md5 {
            return if digests.md5() == Some(md5) { Outcome::Same } else { Outcome::Other };
        }
        let found = |etag: &Option<String>| etag.as_deref().map(ETag::parse) == self.etag;
        if self.etag.is_some() && etags.iter().any(found) {
            return Outcome::Same;
        }
        if self.exact && self.etag.is_some() {
            return Outcome::Other;
        }
        // Thirty-two bits may agree by accident, and are easily made to.
        if self.checksums.iter().any(|(kind, _)| kind.size() > 4) { Outcome::Same } else { Outcome::Open }
    }
}

/// The layout from a part list that is whole.
fn listed_layout(attributes: &Attributes, size: u64, parts: u32) -> Option<Layout> {
    let sizes: Vec<u64> = attributes.parts.iter().map(|part| part.size).collect();
    let whole = u32::try_from(sizes.len()).ok() == Some(parts);
    Some(Layout::Parts(sizes)).filter(|layout| whole && layout.fits(size))
}

async fn part_size(side: &Side, id: &ObjectId, number: u32, parts: u32) -> Answer<u64> {
    let request = HeadObject { id: id.clone(), checksum: false, part_number: Some(number) };
    let info = side.store.head(&request).await?;
    if info.parts_count.is_some_and(|count| count != parts) {
        return Err(S3Error::local(
            Kind::Changed,
            crate::s3::Operation::HeadObject,
            &id.bucket,
            "the number of parts is not that of the ETag",
        ));
    }
    Ok(info.size)
}

fn internal(object: &Pinned, message: &str) -> S3Error {
    object.error(Kind::Protocol, message)
}

/// The hash of a stored checksum.
pub(super) fn hash_kind(algorithm: ChecksumAlgorithm) -> HashKind {
    match algorithm {
        ChecksumAlgorithm::Crc32 => HashKind::Crc32,
        ChecksumAlgorithm::Crc32c => HashKind::Crc32c,
        ChecksumAlgorithm::Crc64nvme => HashKind::Crc64Nvme,
        ChecksumAlgorithm::Sha1 => HashKind::Sha1,
        ChecksumAlgorithm::Sha256 => HashKind::Sha256,
        ChecksumAlgorithm::Sha512 => HashKind::Sha512,
        ChecksumAlgorithm::Md5 => HashKind::Md5,
        ChecksumAlgorithm::Xxhash64 => HashKind::Xxh64,
        ChecksumAlgorithm::Xxhash3 => HashKind::Xxh3,
        ChecksumAlgorithm::Xxhash128 => HashKind::Xxh128,
    }
}
