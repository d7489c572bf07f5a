//! What the copies of one pair of sides have found out about the servers, so that not every object pays for the
//! same refusal.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// So many refusals in a row make a rule: one object may be refused for reasons of its own.
const A_RULE: u32 = 3;

/// Findings, shared by all copies of a pair. Only hints: races between copies cost a request, nothing else.
#[derive(Debug, Default)]
pub(super) struct Learned {
    unconditional: AtomicBool,
    no_attributes: AtomicBool,
    odd_etags: AtomicBool,
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

    /// The source's ETags are no digests, although they look like it.
    pub(super) fn has_odd_etags(&self) -> bool {
        self.odd_etags.load(Ordering::Relaxed)
    }

    pub(super) fn set_odd_etags(&self) {
        self.odd_etags.store(true, Ordering::Relaxed);
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
