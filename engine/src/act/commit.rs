//! The moment of writing: under a guard, exactly once, and never taken for done without an answer.
//!
//! A write whose answer is lost may have taken effect; repeated blindly it makes a version too many, and under
//! a guard it fails against its own first try. So after every doubtful end we look at the destination first.

use super::guard::Door;
use super::proof::Claims;
use super::task::Standing;
use super::{Failure, Job, Note};
use crate::s3::{Answer, Guard, HeadObject, Kind, ObjectInfo, S3Error, Written};
use std::time::Duration;

/// Tries of one write. Failures that merely repeat are retried below this layer; this counts doubtful ends.
const TRIES: u32 = 4;
/// Pause before a try, times the number of tries.
const PAUSE: Duration = Duration::from_millis(200);

/// What a look at the destination found.
enum Look {
    /// What our write was to make.
    Effected(Written),
    /// What stood there before.
    Untouched,
    /// Something else.
    Foreign(String),
}

/// What to do after a failed try.
enum Next {
    Done(Written),
    Again,
    Unguarded,
}

impl Job<'_> {
    /// Makes `write` take effect once, under the task's guard.
    pub(super) async fn commit<W, F>(&self, door: Door, claims: &Claims, write: W) -> Result<Written, Failure>
    where
        W: Fn(Guard) -> F,
        F: Future<Output = Answer<Written>>,
    {
        let options = &self.shared.options;
        let mut guarded = options.conditional_writes && !self.shared.learned.is_unconditional();
        let mut tries = 0;
        loop {
            tries += 1;
            let (guard, trial) =
                if guarded { self.guard(door).await? } else { (self.unguarded().await?, None) };
            let was_guarded = guard != Guard::None;
            let error = match write(guard).await {
                Ok(written) => {
                    if options.conditional_writes && !guarded {
                        self.learn_refusal(door);
                    }
                    return Ok(match trial {
                        Some(turn) => self.try_guard(door, written, &write, turn).await,
                        None => written,
                    });
                }
                Err(error) => error,
            };
            // Others need not wait for what is cleared up here.
            drop(trial);
            match self.after(error, claims, was_guarded, tries).await? {
                Next::Done(written) => return Ok(written),
                Next::Again => tokio::time::sleep(PAUSE * tries).await,
                Next::Unguarded => guarded = false,
            }
        }
    }

    async fn after(
        &self,
        error: S3Error,
        claims: &Claims,
        guarded: bool,
        tries: u32,
    ) -> Result<Next, Failure> {
        if error.kind == Kind::Unsupported && guarded {
            return Ok(Next::Unguarded);
        }
        let vanished = error.kind == Kind::NotFound && matches!(self.task.standing, Standing::Present { .. });
        let refused = error.kind == Kind::Changed;
        let doubtful = error.is_ambiguous() || matches!(error.kind, Kind::Conflict | Kind::NoSuchUpload);
        if !(doubtful || refused || vanished) {
            return Err(error.into());
        }
        match self.look(claims).await? {
            Look::Effected(written) => {
                self.note(Note::FoundInPlace);
                Ok(Next::Done(written))
            }
            Look::Foreign(what) => Err(Failure::Changed(what)),
            // 412 with the destination as it was: it is the source that changed.
            Look::Untouched if refused => Err(Failure::Changed(error.to_string())),
            Look::Untouched if vanished || error.kind == Kind::NoSuchUpload || tries >= TRIES => {
                Err(error.into())
            }
            Look::Untouched => Ok(Next::Again),
        }
    }

    async fn look(&self, claims: &Claims) -> Result<Look, Failure> {
        let found = self.head_target().await?;
        let Some(info) = found else {
            return Ok(match self.task.standing {
                Standing::Present { .. } => Look::Foreign("the destination was deleted".into()),
                Standing::Absent | Standing::Unknown => Look::Untouched,
            });
        };
        if let Standing::Present { etag, last_modified } = &self.task.standing
            && info.etag.as_ref() == Some(etag)
            && info.last_modified.seconds() <= last_modified.seconds()
        {
            return Ok(Look::Untouched);
        }
        // Of two empty objects there is nothing to tell apart.
        let size = self.task.source.size;
        if info.size == size && (size == 0 || self.recognise(claims, &info).await?) {
            return Ok(Look::Effected(written(info)));
        }
        Ok(match self.task.standing {
            Standing::Unknown => Look::Untouched,
            _ => Look::Foreign("somebody else wrote the destination".into()),
        })
    }

    async fn recognise(&self, claims: &Claims, info: &ObjectInfo) -> Result<bool, Failure> {
        if claims.recognise(info.etag.as_ref(), &info.checksums) {
            return Ok(true);
        }
        // Under a bucket's default KMS encryption no ETag can be foretold, but checksums are the same.
        if info.checksums.is_empty() || !claims.source_checksums.is_empty() {
            return Ok(false);
        }
        let stored = Claims { source_checksums: self.source_checksums().await?, ..Claims::default() };
        Ok(stored.recognise(None, &info.checksums))
    }

    pub(super) async fn head_target(&self) -> Result<Option<ObjectInfo>, Failure> {
        let request = HeadObject { id: self.target.clone(), checksum: true, part_number: None };
        match self.shared.replica.store.head(&request).await {
            Ok(info) => Ok(Some(info)),
            Err(error) if matches!(error.kind, Kind::NotFound | Kind::DeleteMarker) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn written(info: ObjectInfo) -> Written {
    Written {
        etag: info.etag,
        version_id: info.version_id,
        source_version_id: None,
        checksums: info.checksums,
        last_modified: Some(info.last_modified),
    }
}
