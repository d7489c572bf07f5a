//! Why a copy has the source's bytes. What cannot be shown is a failure, never a silent success.

use super::hashing::Hashes;
use super::layout::sized;
use super::{Copied, Failure, Job, fetch, hashing};
use crate::compare::{Evidence, Verdict, stored};
use crate::model::{Checksum, ChecksumAlgorithm, ChecksumType, ETag};
use crate::s3::{HeadObject, Kind, ObjectId, Written};

/// What we know of the bytes that the copy must have.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    /// The source's ETag.
    pub(super) source_etag: Option<ETag>,
    /// The source's stored checksums, as far as somebody asked.
    pub(super) source_checksums: Vec<Checksum>,
    /// The ETag that the bytes hashed here make in the layout they were written in.
    pub(super) own_etag: Option<ETag>,
    /// The checksum of the bytes hashed here.
    pub(super) own_checksums: Vec<Checksum>,
    /// The ETag that our write will have got: tells whether it took effect, proves nothing.
    pub(super) predicted: Option<ETag>,
}

/// Does an equal ETag of this shape mean equal bytes? Opaque ones may be random, or the same for all.
fn is_digest(etag: &ETag) -> bool {
    !matches!(etag, ETag::Opaque(_))
}

impl Claims {
    /// Holds the claims against what the destination says about itself.
    pub(super) fn judge(&self, etag: Option<&ETag>, checksums: &[Checksum]) -> Option<Evidence> {
        let same_etag = |other: &Option<ETag>| etag.is_some_and(is_digest) && etag == other.as_ref();
        let same_checksum = |others: &[Checksum]| checksums.iter().any(|checksum| others.contains(checksum));
        if same_etag(&self.source_etag) {
            Some(Evidence::Etag)
        } else if same_checksum(&self.source_checksums) {
            Some(Evidence::Checksum)
        } else if self.contradiction(checksums).is_some() {
            // What passed through here arrived whole, but it is not what the source says it holds.
            None
        } else if same_etag(&self.own_etag) || same_checksum(&self.own_checksums) {
            Some(Evidence::Bytes)
        } else {
            None
        }
    }

    /// Could this be the object that our write made?
    pub(super) fn recognise(&self, etag: Option<&ETag>, checksums: &[Checksum]) -> bool {
        let predicted = etag.is_some() && etag == self.predicted.as_ref();
        predicted || self.judge(etag, checksums).is_some()
    }

    /// The bytes read here are not those of which the source stores a checksum.
    pub(super) fn misread(&self) -> Option<String> {
        let source = Self { source_checksums: self.source_checksums.clone(), ..Self::default() };
        source.contradiction(&self.own_checksums)
    }

    /// Checksums of one algorithm and kind on both sides that differ: these are not the same bytes.
    fn contradiction(&self, checksums: &[Checksum]) -> Option<String> {
        let known = self.source_checksums.iter().chain(&self.own_checksums);
        let full = |checksum: &&Checksum| checksum.parts.is_none();
        let differs = |a: &Checksum, b: &Checksum| a.algorithm == b.algorithm && a.value != b.value;
        let mut known = known.filter(full);
        known.find_map(|ours| {
            let theirs = checksums.iter().filter(full).find(|theirs| differs(ours, theirs))?;
            Some(format!("the source's checksum is {ours}, the copy's {theirs}"))
        })
    }
}

impl Job<'_> {
    /// The proved copy, or why it is none. Asks the servers only for what the write's answer left open.
    pub(super) async fn prove(&self, mut claims: Claims, mut written: Written) -> Result<Copied, Failure> {
        let size = self.task.source.size;
        self.ledger(|ledger| ledger.written.clone_from(&written.version_id));
        let mut proof = claims.judge(written.etag.as_ref(), &written.checksums);
        if proof.is_none() && claims.source_checksums.is_empty() {
            claims.source_checksums = self.source_checksums().await?;
            proof = claims.judge(written.etag.as_ref(), &written.checksums);
        }
        if proof.is_none() {
            self.inspect(&mut written).await?;
            proof = claims.judge(written.etag.as_ref(), &written.checksums);
            if proof.is_none() && size == 0 {
                proof = Some(Evidence::Size);
            }
        }
        if proof.is_none() {
            proof = self.compare_parts(&claims, &written).await?;
        }
        if proof.is_none() && self.shared.options.read_to_prove {
            claims.own_checksums.extend(self.read_source(&written.checksums).await?);
            proof = claims.judge(written.etag.as_ref(), &written.checksums);
        }
        match proof {
            Some(proof) => Ok(Copied {
                proof,
                size,
                etag: written.etag,
                version_id: written.version_id,
                checksums: written.checksums,
            }),
            None => Err(Failure::Unproven(why(&claims, &written))),
        }
    }

    /// The source's stored checksums. An object that stores none is no failure.
    pub(super) async fn source_checksums(&self) -> Result<Vec<Checksum>, Failure> {
        let request = HeadObject { id: self.source.clone(), checksum: true, part_number: None };
        let info = self.shared.source.store.head(&request).await?;
        if info.size != self.task.source.size {
            return Err(Failure::Changed("the source has another size now".into()));
        }
        self.note_encryption(&info.encryption);
        // Checksums of a later object would be another's testimony.
        if info.etag.is_some() && self.task.source.etag.is_some() && info.etag != self.task.source.etag {
            return Ok(Vec::new());
        }
        Ok(info.checksums)
    }

    /// Completes the write's answer by a HEAD of what was written.
    async fn inspect(&self, written: &mut Written) -> Result<(), Failure> {
        let id = ObjectId { version_id: written.version_id.clone(), ..self.target.clone() };
        let info =
            self.shared.replica.store.head(&HeadObject { id, checksum: true, part_number: None }).await?;
        if written.version_id.is_none() && written.etag.is_some() && info.etag != written.etag {
            return Err(Failure::Changed("somebody wrote the destination right after our copy".into()));
        }
        if info.size != self.task.source.size {
            return Err(Failure::Unproven(format!(
                "{} bytes arrived of {}",
                info.size, self.task.source.size
            )));
        }
        written.etag = written.etag.take().or(info.etag);
        written.checksums = info.checksums;
        Ok(())
    }

    /// Where a composite checksum is stored, its parts may tell the checksum of the whole.
    async fn compare_parts(&self, claims: &Claims, written: &Written) -> Result<Option<Evidence>, Failure> {
        let composite = |checksum: &Checksum| checksum.parts.is_some();
        if !claims.source_checksums.iter().chain(&written.checksums).any(composite) {
            return Ok(None);
        }
        let copy = ObjectId { version_id: written.version_id.clone(), ..self.target.clone() };
        let both = futures::future::try_join(
            self.shared.source.attributes(&self.source),
            self.shared.replica.attributes(&copy),
        );
        match both.await {
            Ok((source, copy)) if source.etag == claims.source_etag && copy.etag == written.etag => {
                let judgement = stored::judge_parts(&source, &copy);
                Ok(judgement
                    .filter(|judged| judged.verdict == Verdict::Identical)
                    .and_then(|judged| judged.evidence))
            }
            Ok(_) => Ok(None),
            Err(error) if matches!(error.kind, Kind::Unsupported | Kind::Denied | Kind::Invalid) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the source once and hashes it the way the copy's stored checksum wants: a full-object CRC.
    async fn read_source(&self, stored: &[Checksum]) -> Result<Option<Checksum>, Failure> {
        let usable =
            |checksum: &&Checksum| checksum.parts.is_none() && hashing::is_combinable(checksum.algorithm);
        let Some(algorithm) = stored.iter().find(usable).map(|checksum| checksum.algorithm) else {
            return Ok(None);
        };
        self.crc_of_source(algorithm).await
    }

    async fn crc_of_source(&self, algorithm: ChecksumAlgorithm) -> Result<Option<Checksum>, Failure> {
        let (size, piece) = (self.task.source.size, self.shared.options.relay_part.max(1));
        let mut parts = Vec::new();
        let mut first = 0;
        while first < size || (size == 0 && parts.is_empty()) {
            if self.shared.cancel.is_cancelled() {
                return Err(Failure::Cancelled);
            }
            let length = piece.min(size - first);
            let _ticket = self.shared.tickets.acquire(length).await;
            let wish = fetch::Wish {
                id: self.source.clone(),
                etag: self.task.source.etag.clone(),
                first,
                length,
                whole: length == size,
            };
            let passed = |bytes| self.moved(|traffic| traffic.streamed += bytes);
            let read =
                fetch::read(&*self.shared.source.store, &wish, &self.shared.bandwidth, &passed).await?;
            let hashes = Hashes::of(&read.frames, Some(algorithm), &self.shared.digests).await?;
            self.moved(|traffic| traffic.hashed += hashes.size);
            parts.push((hashes.size, hashes.checksum));
            first += length;
        }
        Ok(sized(&parts).and_then(|parts| hashing::whole((algorithm, ChecksumType::FullObject), &parts)))
    }
}

fn why(claims: &Claims, written: &Written) -> String {
    if let Some(contradiction) = claims.contradiction(&written.checksums) {
        return contradiction;
    }
    let etag = |etag: Option<&ETag>| etag.map_or_else(|| "none".to_owned(), ETag::to_string);
    let names = |checksums: &[Checksum]| {
        let names: Vec<_> = checksums.iter().map(|checksum| checksum.algorithm.name()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    format!(
        "ETags are {} and {}, stored checksums {} and {}, with nothing in common",
        etag(claims.source_etag.as_ref()),
        etag(written.etag.as_ref()),
        names(&claims.source_checksums),
        names(&written.checksums),
    )
}
