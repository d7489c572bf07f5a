//! Copies in parts, in the source's own layout where it can be learnt, so that the ETags stay comparable.
//!
//! Invariant: an upload that is begun is completed, aborted, or left in the log.

use super::guard::Door;
use super::hashing::{self, multipart_etag};
use super::layout::{Layout, sized};
use super::parts::{PartMaker, Sent};
use super::proof::Claims;
use super::uploads::OpenUpload;
use super::{Copied, Failure, Job, Note, Way};
use crate::model::{Checksum, ChecksumAlgorithm, ChecksumType, ETag};
use crate::s3::{
    CompleteUpload, CreateUpload, Feature, Guard, HeadObject, Kind, ObjectInfo, WriteAttributes, Written,
};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Whole uploads, one after the other, where the server lost one or the bytes look wrong.
const ROUNDS: u32 = 3;

/// What one round is about.
struct Round {
    layout: Layout,
    checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
    /// The source's checksums of the whole, if the HEAD told them.
    stored: Vec<Checksum>,
    /// The source's ETag should be the digest of what is read.
    etag_is_digest: bool,
    relay: bool,
}

impl Job<'_> {
    /// Copies the object in parts.
    pub(super) async fn in_parts(&mut self, relay: bool) -> Result<Copied, Failure> {
        let mut wrong = Vec::new();
        let mut rounds = 0;
        loop {
            rounds += 1;
            match self.round(relay, &mut wrong).await {
                Err(failure) if rounds < ROUNDS && is_worth_another(&failure) => {
                    tracing::debug!(%failure, "an upload has to be begun anew");
                }
                result => return result,
            }
        }
    }

    async fn round(&mut self, relay: bool, wrong: &mut Vec<Option<ETag>>) -> Result<Copied, Failure> {
        let first = self.head_source().await?;
        let Some(layout) = self.choose_layout(&first, relay).await? else {
            self.gone(Way::Copy);
            return self.copy_object().await;
        };
        let write = self.luggage(&first, true).await?;
        let whole = self.task.source.parts().is_none_or(|parts| parts == 1);
        let mut round = Round {
            checksum: self.upload_checksum(&first, layout.like_source),
            stored: if whole { first.checksums.clone() } else { Vec::new() },
            etag_is_digest: layout.like_source
                && first.encryption.keeps_md5()
                && !self.shared.learned.has_odd_etags(),
            layout,
            relay,
        };
        let upload = self.begin(write, &mut round).await?;
        match self.fill(&upload, &round, wrong).await {
            Ok((claims, written)) => {
                upload.completed();
                self.prove(claims, written).await
            }
            Err(failure) => {
                upload.abort().await;
                Err(failure)
            }
        }
    }

    /// What the source is like; of a multipart one, with size and checksums of its first part.
    async fn head_source(&mut self) -> Result<ObjectInfo, Failure> {
        let profile = &self.shared.source.profile;
        let of_parts =
            self.task.source.parts().is_some_and(|parts| parts > 1) && !profile.lacks(Feature::PartNumbers);
        let request = HeadObject { id: self.source.clone(), checksum: true, part_number: None };
        let store = &self.shared.source.store;
        let info = if of_parts {
            // Asked about a part, some servers leave the metadata out, and it must not be lost.
            let of_part = HeadObject { part_number: Some(1), ..request.clone() };
            let whole = HeadObject { checksum: false, ..request };
            let (whole, part) = tokio::join!(store.head(&whole), store.head(&of_part));
            match part {
                Ok(ObjectInfo { size, parts_count, checksums, checksum_type, .. }) => {
                    // Of two parts and more none is the whole, unless the others are empty.
                    if size < self.task.source.size {
                        profile.saw(Feature::PartNumbers);
                    } else if parts_count.is_none() {
                        profile.misses(Feature::PartNumbers);
                    }
                    ObjectInfo { size, parts_count, checksums, checksum_type, ..whole? }
                }
                Err(error) if matches!(error.kind, Kind::Invalid | Kind::Unsupported) => whole?,
                Err(error) => return Err(error.into()),
            }
        } else {
            store.head(&request).await?
        };
        // About a part, some servers give the part's ETag; the requests that move bytes are pinned anyway.
        if !of_parts && info.etag.is_some() && info.etag != self.task.source.etag {
            return Err(Failure::Changed("the source has another ETag now".into()));
        }
        self.pin(&info);
        Ok(info)
    }

    /// `None` to copy the object as one: nothing is won by parts.
    async fn choose_layout(&self, first: &ObjectInfo, relay: bool) -> Result<Option<Layout>, Failure> {
        let (source, options) = (&self.task.source, &self.shared.options);
        let as_one = !relay && source.size <= options.limits.copy;
        if source.parts().is_some() {
            // Encrypted with a KMS key, neither ETag is a digest; only a composite checksum needs the layout.
            let composite = source.checksum_type == Some(ChecksumType::Composite);
            if as_one && !first.encryption.keeps_md5() && !composite {
                return Ok(None);
            }
            let own = self.source_layout(first).await?;
            // A part must fit into memory to be relayed.
            let fits = |layout: &Layout| !relay || layout.largest() <= self.shared.tickets.capacity();
            if let Some(own) = own.filter(fits) {
                return Ok(Some(own));
            }
            self.note(Note::PartLayoutLost);
            if as_one {
                return Ok(None);
            }
        }
        let wished = if relay { options.relay_part } else { options.server_part };
        Layout::even(source.size, wished, &options.limits).map(Some)
    }

    async fn begin(&self, mut write: WriteAttributes, round: &mut Round) -> Result<OpenUpload, Failure> {
        write.checksum = round.checksum.map(|(algorithm, _)| algorithm);
        let kind = round.checksum.map(|(_, kind)| kind);
        let id = self
            .adapted(write, |write| async {
                let request = CreateUpload {
                    bucket: self.target.bucket.clone(),
                    key: self.target.key.clone(),
                    checksum_type: kind.filter(|_| write.checksum.is_some()),
                    write,
                };
                self.create_upload(&request).await
            })
            .await?;
        round.checksum = round.checksum.filter(|_| self.wants_checksums());
        Ok(OpenUpload::new(
            id,
            Arc::clone(&self.shared.replica.store),
            Arc::clone(&self.shared.uploads),
            &self.shared.open_uploads,
        ))
    }

    /// Sends the parts and completes.
    async fn fill(
        &self,
        upload: &OpenUpload,
        round: &Round,
        wrong: &mut Vec<Option<ETag>>,
    ) -> Result<(Claims, Written), Failure> {
        let maker = PartMaker {
            shared: Arc::clone(self.shared),
            source: self.source.clone(),
            etag: self.task.source.etag.clone(),
            size: self.task.source.size,
            upload: upload.id.clone(),
            algorithm: round.checksum.map(|(algorithm, _)| algorithm),
            relay: round.relay,
            streamed: AtomicU64::new(0),
        };
        let sent = self.send_parts(maker, &round.layout).await?;
        let claims = self.claims(round, &sent);
        if round.relay {
            // The source's own checksum of the whole tells damage on the way here, whatever the layout.
            if let Some(why) = claims.misread() {
                return Err(Failure::Corrupt(why));
            }
            if round.etag_is_digest {
                self.check_read(&claims, wrong)?;
            }
        }
        let full = |checksum: &&Checksum| {
            let wanted = round.checksum.map(|(algorithm, _)| algorithm);
            checksum.parts.is_none() && Some(checksum.algorithm) == wanted
        };
        let request = CompleteUpload {
            upload: upload.id.clone(),
            parts: sent.into_iter().map(|part| part.uploaded).collect(),
            size: self.task.source.size,
            // The server compares before it commits.
            checksum: claims.own_checksums.iter().chain(&claims.source_checksums).find(full).cloned(),
            guard: Guard::None,
            customer_key: self.target.customer_key.clone(),
        };
        let (store, request) = (&self.shared.replica.store, &request);
        let complete =
            |guard| async move { store.complete_upload(&CompleteUpload { guard, ..request.clone() }).await };
        let written = self.commit(Door::Complete, &claims, complete).await?;
        Ok((claims, written))
    }

    fn claims(&self, round: &Round, sent: &[Sent]) -> Claims {
        let hashed: Option<Vec<_>> = sent.iter().map(|part| part.hashes.as_ref()).collect();
        let parts = hashed.iter().flatten().map(|hashes| (hashes.size, hashes.checksum.clone()));
        let parts = sized(&parts.collect::<Vec<_>>());
        let whole = round.checksum.zip(parts).and_then(|(kind, parts)| hashing::whole(kind, &parts));
        let md5s = hashed.map(|all| all.iter().map(|hashes| hashes.md5).collect::<Vec<_>>());
        Claims {
            source_etag: self.task.source.etag.clone(),
            source_checksums: round.stored.clone(),
            own_etag: md5s.filter(|_| round.relay).map(|md5s| multipart_etag(&md5s)),
            own_checksums: whole.filter(|_| round.relay).into_iter().collect(),
            predicted: predicted(sent),
        }
    }

    /// What was read in the source's own layout should make its ETag. If not, it is read again; the same bytes in
    /// every round are believed over the ETag, but only on a server of which no ETag has been a digest yet.
    fn check_read(&self, claims: &Claims, wrong: &mut Vec<Option<ETag>>) -> Result<(), Failure> {
        let learned = &self.shared.learned;
        if claims.own_etag == claims.source_etag {
            learned.saw_digest_etag();
            return Ok(());
        }
        let always = wrong.iter().all(|other| *other == claims.own_etag);
        if wrong.len() + 1 == ROUNDS as usize && always && learned.may_have_odd_etags() {
            self.note(Note::SourceEtagNotADigest);
            learned.saw_odd_etag();
            return Ok(());
        }
        wrong.push(claims.own_etag.clone());
        Err(Failure::Corrupt("the bytes read do not make the source's ETag".into()))
    }
}

/// The ETag that completion will give, if the parts' ETags are digests.
fn predicted(sent: &[Sent]) -> Option<ETag> {
    let md5s: Option<Vec<_>> = sent
        .iter()
        .map(|part| match part.uploaded.etag {
            Some(ETag::Plain(md5)) => Some(md5),
            _ => None,
        })
        .collect();
    md5s.map(|md5s| multipart_etag(&md5s))
}

fn is_worth_another(failure: &Failure) -> bool {
    match failure {
        Failure::Corrupt(_) => true,
        Failure::Request(error) => matches!(error.kind, Kind::NoSuchUpload | Kind::Conflict),
        _ => false,
    }
}
