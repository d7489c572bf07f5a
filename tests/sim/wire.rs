//! The model behind the engine's seam, with a network in between that delays, fails, loses and lies; that is cut
//! off for good at a chosen request; and with other people who write while the run goes on.

use crate::faults::{Fault, Faults, hash, mix};
use crate::model::{Author, Content, Model};
use s3twin_engine::s3::{Answer, Kind, Operation, S3Error};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What somebody else does, just before the n-th request.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(crate) before: u64,
    pub(crate) bucket: &'static str,
    pub(crate) key: String,
    /// `None` deletes.
    pub(crate) content: Option<Content>,
}

/// How a run ends early.
#[derive(Clone, Debug)]
pub(crate) enum Cut {
    /// The process dies at this request.
    Crash(u64),
    /// It is told to stop at this request.
    Stop(u64, CancellationToken),
}

/// Both buckets and all that happens to them. Both sides of a run are clones of one world.
pub(crate) struct World {
    pub(crate) model: Model,
    pub(crate) faults: Faults,
    pub(crate) deeds: Vec<Deed>,
    /// Every state of a source key that stood at some moment of the run, in bytes.
    pub(crate) stood: Vec<(String, Option<bytes::Bytes>)>,
    pub(crate) cut: Option<Cut>,
    /// Entries of a page at most.
    pub(crate) page: usize,
    pub(crate) number: u64,
    pub(crate) epoch: u64,
    pub(crate) dead: bool,
    /// Keys of either bucket that somebody else wrote or deleted.
    pub(crate) written: Vec<(String, String)>,
    /// What must never happen and did.
    pub(crate) sins: Vec<String>,
}

/// A door to the world, for one service.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) service: &'static str,
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) died: Arc<Notify>,
}

/// A request on its way.
pub(crate) struct Passage {
    pub(crate) operation: Operation,
    pub(crate) bucket: String,
    pub(crate) fault: Option<Fault>,
    pub(crate) chance: u64,
    /// The process dies at this request, which took effect.
    dies: bool,
}

impl Wire {
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no seed panics with the lock held")
    }

    /// A request arrives. Refusals end here.
    pub(crate) async fn enter(&self, operation: Operation, bucket: &str, what: &str) -> Answer<Passage> {
        let (passage, pause, effect) = {
            let mut world = self.world();
            world.number += 1;
            let (number, epoch) = (world.number, world.epoch);
            world.others_write(number);
            let (fault, chance) = world.faults.draw(operation, what, number, epoch);
            let dies = match &world.cut {
                Some(Cut::Crash(at)) => number >= *at,
                Some(Cut::Stop(at, cancel)) => {
                    if number >= *at {
                        cancel.cancel();
                    }
                    false
                }
                None => false,
            };
            world.dead |= dies;
            let mut pause = Duration::from_millis(mix(chance ^ 3) % 40);
            if fault == Some(Fault::Stall) {
                pause += Duration::from_secs(30);
            }
            // Of the request at which the process dies nobody knows whether it arrived.
            let effect = !dies || hash(chance, "arrived").is_multiple_of(2);
            (Passage { operation, bucket: bucket.to_owned(), fault, chance, dies }, pause, effect)
        };
        if !passage.dies {
            tokio::time::sleep(pause).await;
            if self.world().dead {
                std::future::pending::<()>().await;
            }
        } else if !effect {
            self.die().await;
        }
        match passage.fault {
            Some(Fault::Throttled) => Err(passage.error(Kind::Throttled, Some("SlowDown"), 503)),
            Some(Fault::Internal) => Err(passage.error(Kind::Transient, Some("InternalError"), 500)),
            Some(Fault::ResetBefore) => Err(passage.error(Kind::Transient, None, 0)),
            Some(Fault::Conflict) => {
                Err(passage.error(Kind::Conflict, Some("ConditionalRequestConflict"), 409))
            }
            Some(Fault::BadDigest) => Err(passage.error(Kind::Corrupt, Some("BadDigest"), 400)),
            Some(Fault::Expired) => Err(passage.error(Kind::Credentials, Some("ExpiredToken"), 400)),
            _ => Ok(passage),
        }
    }

    /// The answer goes back, unless it is lost or nobody is there any more.
    pub(crate) async fn leave<T>(&self, passage: &Passage, answer: Answer<T>) -> Answer<T> {
        if passage.dies {
            self.die().await;
        }
        match passage.fault {
            Some(Fault::Lost) => Err(passage.error(Kind::Transient, None, 0)),
            _ => answer,
        }
    }

    async fn die(&self) {
        self.died.notify_one();
        std::future::pending::<()>().await;
    }
}

impl Passage {
    pub(crate) fn error(&self, kind: Kind, code: Option<&str>, status: u16) -> S3Error {
        let mut error = S3Error::local(kind, self.operation, &self.bucket, code.unwrap_or("reset"));
        error.code = code.map(str::to_owned);
        error.status = Some(status).filter(|status| *status > 0);
        error
    }
}

impl World {
    fn others_write(&mut self, number: u64) {
        let (due, later) =
            std::mem::take(&mut self.deeds).into_iter().partition(|deed| deed.before <= number);
        self.deeds = later;
        let due: Vec<Deed> = due;
        for deed in due {
            self.model.now += 1;
            self.written.push((deed.bucket.to_owned(), deed.key.clone()));
            let body = deed.content.as_ref().map(|content| content.body.clone());
            match deed.content {
                Some(content) => drop(self.model.put(deed.bucket, &deed.key, content, Author::Writer)),
                None => drop(self.model.delete(deed.bucket, &deed.key, Author::Writer)),
            }
            if deed.bucket == crate::history::SOURCE {
                self.stood.push((deed.key, body));
            }
        }
    }

    /// The run replaces what is current: if somebody else wrote that, it must have seen it.
    pub(crate) fn check_not_blind(&mut self, bucket: &str, key: &str) {
        let top = self.model.bucket(bucket).keys.get(key).and_then(|versions| versions.last());
        if let Some(top) = top.filter(|top| top.author == Author::Writer && !top.seen) {
            self.sins.push(format!("{bucket}/{key}: {} was overwritten unseen", top.id));
        }
    }

    /// Somebody else wrote or deleted this key of the replica.
    pub(crate) fn touched(&self, key: &str) -> bool {
        self.written.iter().any(|(bucket, written)| bucket == crate::history::REPLICA && written == key)
    }

    /// Time goes on as requests take effect.
    pub(crate) fn tick(&mut self) {
        self.model.now += i64::from(mix(self.number ^ self.faults.weather.seed).is_multiple_of(3));
    }
}
