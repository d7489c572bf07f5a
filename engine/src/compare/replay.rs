//! L4: one side is read, and held against everything the other side stores about its bytes.
//!
//! What can be computed from bytes alone: a plain MD5 ETag, full-object checksums, and the multipart ETag in every
//! layout the object may have. The layout is known from the part list, from HEADs of parts, or guessed; equality
//! in any layout proves equal bytes, so a wrong guess costs nothing but the hashing.

use super::parted::{part_digests, whole_crc};
use super::reading::{CHUNK, Pinned, Reading};
use crate::list::Side;
use crate::model::{Checksum, ChecksumAlgorithm, ETag};
use crate::s3::{Answer, Attributes, HeadObject, Kind, ObjectId, ObjectInfo, S3Error};
use crate::verify::digest::{Digests, Hasher};
use crate::verify::kind::{HashKind, Wanted};
use crate::verify::layout::{Layout, candidate_layouts};
use crate::verify::multipart::{composite, multipart_etag};
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
    /// Of the whole object.
    checksums: Vec<(HashKind, Checksum)>,
    /// Of the parts' checksums.
    composites: Vec<(HashKind, Checksum)>,
    etag: Option<ETag>,
    layouts: Vec<Layout>,
    /// The only layout above is certainly the object's.
    exact: bool,
    /// Accident is looked for, not malice: 32 equal bits are enough.
    lenient: bool,
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
        let tells = |(kind, _): &(HashKind, Checksum)| self.is_long_enough(*kind);
        let in_parts = self.etag.is_some() || self.composites.iter().any(tells);
        self.md5.is_some() || (in_parts && !self.layouts.is_empty()) || self.checksums.iter().any(tells)
    }

    /// Thirty-two bits may agree by accident, and are easily made to.
    fn is_long_enough(&self, kind: HashKind) -> bool {
        self.lenient || kind.size() > 4
    }

    /// From what HEAD and attributes said, and no further request.
    pub(super) fn stored(info: &ObjectInfo, attributes: Option<&Attributes>) -> Self {
        let hashes = |composite: bool| {
            let of_kind = info.checksums.iter().filter(move |checksum| checksum.parts.is_some() == composite);
            of_kind.map(|checksum| (hash_kind(checksum.algorithm), checksum.clone())).collect::<Vec<_>>()
        };
        let mut print = Self { checksums: hashes(false), composites: hashes(true), ..Self::default() };
        let keeps_md5 = info.encryption.keeps_md5();
        match &info.etag {
            Some(ETag::Plain(md5)) if keeps_md5 => print.md5 = Some(*md5),
            Some(etag @ ETag::Multipart { .. }) if keeps_md5 => print.etag = Some(etag.clone()),
            _ => {}
        }
        let Some(parts) = print.parts() else { return print };
        let listed = attributes.and_then(|attributes| listed_layout(attributes, info.size, parts));
        print.exact = listed.is_some() || parts == 1;
        print.layouts = match listed {
            Some(layout) => vec![layout],
            None => candidate_layouts(info.size, parts).into_iter().map(Layout::Uniform).collect(),
        };
        print
    }

    /// For an object held against itself.
    pub(super) fn against_rot(self) -> Self {
        Self { lenient: true, ..self }
    }

    /// Parts of the object, as far as it matters.
    fn parts(&self) -> Option<u32> {
        let of_etag = self.etag.as_ref().and_then(ETag::parts);
        of_etag.or_else(|| self.composites.iter().find_map(|(_, checksum)| checksum.parts))
    }

    /// What is stored, in words.
    pub(super) fn names(&self) -> String {
        let etag = (self.md5.is_some() || self.etag.is_some()).then_some("ETag");
        let sums = self.checksums.iter().chain(&self.composites);
        let names: Vec<_> = etag.into_iter().chain(sums.map(|(_, sum)| sum.algorithm.name())).collect();
        names.join(" and ")
    }

    /// Asks for the part layout where it is only guessed and the bytes are worth the requests.
    pub(super) async fn ask_layout(&mut self, side: &Side, key: &str, info: &ObjectInfo, always: bool) {
        let Some(parts) = self.parts() else { return };
        if self.exact || (info.size <= CHUNK && !always) {
            return;
        }
        let id = side.version(key, info.version_id.as_deref());
        // Without an answer the guesses stand.
        let Ok(first) = part_size(side, &id, 1, parts).await else { return };
        let last = first.checked_mul(u64::from(parts) - 1).and_then(|before| info.size.checked_sub(before));
        if first > 0 && last.is_some_and(|last| last > 0 && last <= first) {
            // Any other even cut would have another first part.
            self.layouts = vec![Layout::Uniform(first)];
        } else {
            self.list_parts(side, key, info).await;
        }
    }

    /// Asks for the size of every part. True if the layout is certain now and was not before.
    pub(super) async fn list_parts(&mut self, side: &Side, key: &str, info: &ObjectInfo) -> bool {
        let Some(parts) = self.parts().filter(|parts| !self.exact && *parts <= PART_HEADS_MAX) else {
            return false;
        };
        let id = side.version(key, info.version_id.as_deref());
        let sizes = futures::stream::iter(1..=parts).map(|number| part_size(side, &id, number, parts));
        let sizes: Vec<Answer<u64>> = sizes.buffered(PART_HEADS_AT_ONCE).collect().await;
        let layout = sizes.into_iter().collect::<Answer<Vec<u64>>>().map(Layout::Parts);
        let Some(layout) = layout.ok().filter(|layout| layout.fits(info.size)) else { return false };
        (self.layouts, self.exact) = (vec![layout], true);
        true
    }

    /// Reads an object to its end and holds it against the fingerprint.
    pub(super) async fn hold_against(
        &self,
        object: &Pinned,
        size: u64,
        reading: &Reading,
    ) -> Answer<Outcome> {
        match self.messages(size) {
            Some(sizes) => self.by_parts(object, &sizes, reading).await,
            None => self.by_stream(object, size, reading).await,
        }
    }

    /// The pieces that can be hashed independently, if all that is stored follows from their digests: the parts of
    /// the one possible layout, or a small object as a whole.
    fn messages(&self, size: u64) -> Option<Vec<u64>> {
        if self.parts().is_none() {
            return (size <= CHUNK).then(|| vec![size]);
        }
        let [layout] = &*self.layouts else { return None };
        let combine = self.checksums.iter().all(|(kind, _)| kind.crc().is_some());
        let sizes: Vec<u64> = (0..).map_while(|index| layout.part(index, size)).collect();
        (self.md5.is_none() && combine && layout.fits(size)).then_some(sizes)
    }

    async fn by_parts(&self, object: &Pinned, sizes: &[u64], reading: &Reading) -> Answer<Outcome> {
        let sums = self.checksums.iter().chain(&self.composites);
        let mut wanted: Wanted = sums.map(|(kind, _)| *kind).collect();
        if self.md5.is_some() || self.etag.is_some() {
            wanted = wanted.with(HashKind::Md5);
        }
        let parts = part_digests(object, sizes, wanted, reading).await?;
        let mut whole = Digests::default();
        if let ([only], None) = (&*parts, self.parts()) {
            whole = *only;
        }
        for (kind, _) in self.checksums.iter().filter(|_| self.parts().is_some()) {
            if let Some(crc) = whole_crc(*kind, &parts, sizes) {
                whole.set(*kind, &crc);
            }
        }
        let md5s: Vec<[u8; 16]> = parts.iter().filter_map(Digests::md5).collect();
        let same = |(kind, checksum): &(HashKind, Checksum)| {
            let values = parts.iter().filter_map(|digests| digests.get(*kind));
            composite(*kind, values).is_some_and(|text| text == checksum.text())
        };
        let composites = self.composites.iter().map(|sum| (sum.0, same(sum))).collect::<Vec<_>>();
        Ok(self.judge(&whole, &[Some(multipart_etag(&md5s))], &composites))
    }

    async fn by_stream(&self, object: &Pinned, size: u64, reading: &Reading) -> Answer<Outcome> {
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
        Ok(self.judge(&state.0.finish(), &state.1.finish(), &[]))
    }

    /// `composites` are those that could be computed, and whether they agree.
    fn judge(&self, digests: &Digests, etags: &[Option<String>], composites: &[(HashKind, bool)]) -> Outcome {
        let same = |(kind, checksum): &(HashKind, Checksum)| digests.get(*kind) == Some(&*checksum.value);
        if self.checksums.iter().any(|pair| !same(pair)) {
            return Outcome::Other;
        }
        if self.exact && composites.iter().any(|(_, same)| !same) {
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
        let in_parts = composites.iter().any(|(kind, same)| *same && self.is_long_enough(*kind));
        let whole = self.checksums.iter().any(|(kind, _)| self.is_long_enough(*kind));
        if in_parts || whole { Outcome::Same } else { Outcome::Open }
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
