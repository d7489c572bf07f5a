//! The guard of a write on servers that nobody vouches for.
//!
//! A server may ignore If-Match and If-None-Match without a word. Until it has been seen to refuse a write by
//! one, each destination is looked at as well. It is tried out once per kind of write: a write that has just
//! worked is sent again under a condition that cannot hold. A refusal is the proof; a server that lets it pass
//! has written the same bytes twice, and the spare version is removed again.

use super::task::Standing;
use super::{Failure, Job, Note};
use crate::model::ETag;
use crate::s3::{Answer, DeleteKey, Feature, Guard, Kind, Support, Trial, Written};

/// Larger objects are not written twice to try a condition.
const TRIAL_MAX: u64 = 1 << 20;

/// How a write ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Copy,
    Put,
    Complete,
}

impl Door {
    fn feature(self, guard: &Guard) -> Option<Feature> {
        match (self, guard) {
            (_, Guard::None) => None,
            (Self::Copy, Guard::Absent) => Some(Feature::CopyIfAbsent),
            (Self::Copy, Guard::Matches(_)) => Some(Feature::CopyIfMatch),
            // Servers that heed it on PutObject heed it on CompleteMultipartUpload (S3 facts, section 10).
            (_, Guard::Absent) => Some(Feature::PutIfAbsent),
            (_, Guard::Matches(_)) => Some(Feature::PutIfMatch),
        }
    }
}

/// An ETag that no object has.
pub(super) fn nobodys_etag() -> ETag {
    ETag::Plain([0; 16])
}

impl Job<'_> {
    /// The condition to send, after a look at the destination where the condition alone may not hold. Where
    /// nobody knows yet, one write finds out and the others wait: it comes with the turn to do so.
    pub(super) async fn guard(&self, door: Door) -> Result<(Guard, Option<Trial>), Failure> {
        let guard = self.task.standing.guard();
        let Some(feature) = door.feature(&guard) else { return Ok((guard, None)) };
        let profile = &self.shared.replica.profile;
        let trial = if self.may_try(door) { profile.claim(feature).await } else { None };
        if self.shared.cancel.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        match profile.support(feature) {
            Support::Has => Ok((guard, None)),
            Support::Unknown => {
                self.check_standing().await?;
                Ok((guard, trial))
            }
            Support::Lacks => Ok((self.unguarded().await?, None)),
        }
    }

    /// This write may be made twice to try a condition.
    fn may_try(&self, door: Door) -> bool {
        door != Door::Complete && self.task.source.size <= TRIAL_MAX
    }

    /// Before a write without conditions: is the destination still what it was?
    pub(super) async fn unguarded(&self) -> Result<Guard, Failure> {
        if self.task.standing != Standing::Unknown {
            self.note(Note::Unguarded);
            self.check_standing().await?;
        }
        Ok(Guard::None)
    }

    async fn check_standing(&self) -> Result<(), Failure> {
        match (&self.task.standing, self.head_target().await?) {
            (Standing::Absent, Some(_)) => Err(Failure::Changed("the destination was created".into())),
            (Standing::Present { .. }, None) => Err(Failure::Changed("the destination was deleted".into())),
            (Standing::Present { etag, .. }, Some(info)) if info.etag.as_ref() != Some(etag) => {
                Err(Failure::Changed("the destination was overwritten".into()))
            }
            _ => Ok(()),
        }
    }

    /// The server does not know conditions on writes: remembered, so that not every object asks.
    pub(super) fn learn_refusal(&self, door: Door) {
        self.shared.learned.set_unconditional();
        if let Some(feature) = door.feature(&self.task.standing.guard()) {
            self.shared.replica.profile.misses(feature);
        }
    }

    /// Tries out, once per kind of write, whether the guard of a write that has just worked means anything.
    pub(super) async fn try_guard<W, F>(
        &self,
        door: Door,
        written: Written,
        write: &W,
        _turn: Trial,
    ) -> Written
    where
        W: Fn(Guard) -> F,
        F: Future<Output = Answer<Written>>,
    {
        let guard = self.task.standing.guard();
        let profile = &self.shared.replica.profile;
        let Some(feature) = door.feature(&guard) else { return written };
        let impossible = if guard == Guard::Absent { guard } else { Guard::Matches(nobodys_etag()) };
        let answer = write(impossible).await;
        match answer {
            Err(error) if matches!(error.kind, Kind::Changed | Kind::Conflict) => profile.saw(feature),
            Err(_) => {}
            Ok(spare) => {
                profile.misses(feature);
                self.note(Note::Unguarded);
                return self.without_spare(written, spare).await;
            }
        }
        written
    }

    /// Removes the second of two equal versions of ours. What stands on top in the end is given back.
    async fn without_spare(&self, written: Written, spare: Written) -> Written {
        if spare.version_id.is_none() || spare.version_id == written.version_id {
            return spare;
        }
        let key =
            DeleteKey { key: self.target.key.clone(), version_id: spare.version_id.clone(), if_match: None };
        match self.shared.replica.store.delete_one(&self.target.bucket, &key).await {
            Ok(_) => written,
            Err(error) => {
                tracing::warn!(%error, "a second version of equal bytes could not be removed");
                spare
            }
        }
    }
}
