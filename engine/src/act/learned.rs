//! What the copies of one pair of sides have found out about the servers, so that not every object pays for the
//! same refusal.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// So many refusals in a row make a rule: one object may be refused for reasons of its own.
const A_RULE: u32 = 3;

/// So many objects whose bytes contradict their ETags, and none that agrees, make a server whose ETags are no digests.
const ODD_ETAGS: u32 = 8;

/// Findings, shared by all copies of a pair. Only hints: races between copies cost a request, nothing else.
#[derive(Debug, Default)]
pub(super) struct Learned {
    unconditional: AtomicBool,
    no_attributes: AtomicBool,
    digests_seen: AtomicBool,
    odd_etags: AtomicU32,
    refused: AtomicU32,
    relayed_in_vain: AtomicU32,
}

impl Learned {
    /// The server has no conditional writes.
    pub(super) fn is_unconditional(&self) -> bool {
        self.unconditional.load(Ordering::Relaxed)
    }

    pub(super) fn set_unconditional(&self) {
        self.unconditional.store(true, Ordering::Relaxed);
    }

    /// GetObjectAttributes is not there or not allowed.
    pub(super) fn has_no_attributes(&self) -> bool {
        self.no_attributes.load(Ordering::Relaxed)
    }

    pub(super) fn set_no_attributes(&self) {
        self.no_attributes.store(true, Ordering::Relaxed);
    }

    /// The source's ETags are no digests, although they look like it: several were not, and none ever was.
    pub(super) fn has_odd_etags(&self) -> bool {
        self.may_have_odd_etags() && self.odd_etags.load(Ordering::Relaxed) >= ODD_ETAGS
    }

    /// No ETag of the source has been seen to be a digest yet. One that was makes every other that does not fit a
    /// sign of damage.
    pub(super) fn may_have_odd_etags(&self) -> bool {
        !self.digests_seen.load(Ordering::Relaxed)
    }

    pub(super) fn saw_odd_etag(&self) {
        self.odd_etags.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn saw_digest_etag(&self) {
        if self.may_have_odd_etags() {
            self.digests_seen.store(true, Ordering::Relaxed);
        }
    }

    /// Server-side copies are worth a try.
    pub(super) fn may_copy(&self) -> bool {
        self.refused.load(Ordering::Relaxed) < A_RULE
    }

    pub(super) fn copy_worked(&self) {
        // A plain load first: this is on the path of every object, and a shared write is not free.
        if self.refused.load(Ordering::Relaxed) != 0 {
            self.refused.store(0, Ordering::Relaxed);
        }
    }

    /// A relay after a refusal is worth reading the whole object.
    pub(super) fn may_relay(&self) -> bool {
        self.relayed_in_vain.load(Ordering::Relaxed) < A_RULE
    }

    /// A server-side copy was refused; a relay of the same object then worked or was refused, too.
    pub(super) fn relay_after_refusal(&self, worked: bool) {
        if worked {
            self.refused.fetch_add(1, Ordering::Relaxed);
            self.relayed_in_vain.store(0, Ordering::Relaxed);
        } else {
            self.relayed_in_vain.fetch_add(1, Ordering::Relaxed);
        }
    }
}
