//! `--memory-limit`: the right to hold bytes of a relay in memory, taken before the GET.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One permit stands for so many bytes; small objects are charged at least one.
const UNIT: u64 = 16 << 10;

/// Bytes that relays may hold at once. Waiters are served first come, first served; each holds one ticket only,
/// so they cannot wait for each other in a circle.
#[derive(Clone, Debug)]
pub struct MemoryTickets {
    free: Arc<Semaphore>,
    units: u32,
}

/// The right to hold some bytes; ends on drop.
#[derive(Debug)]
pub struct Ticket {
    _permit: Option<OwnedSemaphorePermit>,
}

impl MemoryTickets {
    /// Room for `bytes`.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        // The semaphore's own bound lies far above any machine's memory.
        let units = u32::try_from((bytes / UNIT).max(1)).unwrap_or(u32::MAX).min(1 << 28);
        Self { free: Arc::new(Semaphore::new(units as usize)), units }
    }

    /// All the room there is, in bytes.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        u64::from(self.units) * UNIT
    }

    /// Waits for room. What is larger than all the room waits for all of it, and then goes alone.
    pub async fn acquire(&self, bytes: u64) -> Ticket {
        let units = u32::try_from(bytes.div_ceil(UNIT).max(1)).unwrap_or(u32::MAX).min(self.units);
        // The semaphore is never closed; without a permit the copy would still be right.
        Ticket { _permit: Arc::clone(&self.free).acquire_many_owned(units).await.ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[tokio::test]
    async fn never_more_than_the_room() {
        let tickets = MemoryTickets::new(4 * UNIT);
        let small = tickets.acquire(1).await;
        let most = tickets.acquire(3 * UNIT).await;
        assert!(tickets.acquire(1).now_or_never().is_none());
        drop(most);
        let large = tickets.acquire(u64::MAX);
        tokio::pin!(large);
        assert!((&mut large).now_or_never().is_none());
        drop(small);
        assert!(large.now_or_never().is_some());
    }
}
