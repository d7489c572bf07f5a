//! L5: the bytes of both sides, held against each other. Nothing is hashed: equal is equal.
//!
//! Frames are compared as they arrive and let go at once, while they are still in the cache. What is kept is what one
//! side is ahead of the other.

use super::reading::{AHEAD, Pinned, Reading, cuts};
use crate::s3::Answer;
use bytes::{Buf as _, Bytes};
use futures::stream::{self, StreamExt as _};
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};

/// Offset of the first byte in which two objects of one size differ; `None` if there is none. A difference is
/// read a second time before it is believed: the network may have turned a bit over.
pub(super) async fn first_difference(a: &Pinned, b: &Pinned, reading: &Reading) -> Answer<Option<u64>> {
    let compared = stream::iter(cuts(a.size())).map(|cut| async move {
        // One ticket for both sides: two of one pair could wait for each other.
        let _ticket = reading.memory.acquire(2 * cut.1).await;
        Ok((cut, compare((a, b), cut, reading).await?))
    });
    let mut compared = pin!(compared.buffered(AHEAD));
    while let Some(chunk) = compared.next().await {
        let (cut, difference) = chunk?;
        // Without a ticket: those of the chunks ahead are not given back while they wait for this one.
        if difference.is_some()
            && let Some(offset) = compare((a, b), cut, reading).await?
        {
            return Ok(Some(offset));
        }
    }
    Ok(None)
}

/// The first offset in a range at which the two differ.
async fn compare((a, b): (&Pinned, &Pinned), cut: (u64, u64), reading: &Reading) -> Answer<Option<u64>> {
    let race = Mutex::new(Race::default());
    let take = |runner| {
        let race = &race;
        move |frame| race.lock().unwrap_or_else(PoisonError::into_inner).take(runner, frame)
    };
    let (x, y) = futures::join!(
        a.read_each(cut, reading, take(Runner::A)),
        b.read_each(cut, reading, take(Runner::B))
    );
    x.and(y)?;
    let race = race.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(race.difference().map(|offset| cut.0 + offset))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Runner {
    #[default]
    A,
    B,
}

/// Two streams of bytes under way.
#[derive(Debug, Default)]
struct Race {
    /// What the one who is ahead has brought and the other has not.
    lead: VecDeque<Bytes>,
    leader: Runner,
    /// Bytes found equal.
    equal: u64,
    differ: bool,
}

impl Race {
    fn take(&mut self, runner: Runner, mut frame: Bytes) {
        while !self.differ && !frame.is_empty() {
            let Some(other) = self.lead.front_mut().filter(|_| self.leader != runner) else {
                self.leader = runner;
                self.lead.push_back(frame);
                return;
            };
            let length = other.len().min(frame.len());
            let (x, y) = (&other[..length], &frame[..length]);
            if x != y {
                self.equal += x.iter().zip(y).take_while(|(x, y)| x == y).count() as u64;
                self.differ = true;
                self.lead.clear();
                return;
            }
            self.equal += length as u64;
            other.advance(length);
            frame.advance(length);
            if other.is_empty() {
                self.lead.pop_front();
            }
        }
    }

    /// Where they part, when both have ended.
    fn difference(&self) -> Option<u64> {
        (self.differ || !self.lead.is_empty()).then_some(self.equal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(bytes: &[u8], size: usize) -> VecDeque<Bytes> {
        bytes.chunks(size).map(Bytes::copy_from_slice).collect()
    }

    /// Feeds both, the next frame from whichever side `turns` names.
    fn run(mut a: VecDeque<Bytes>, mut b: VecDeque<Bytes>, turns: &[bool]) -> Option<u64> {
        let mut race = Race::default();
        let mut turns = turns.iter().copied().cycle();
        while !(a.is_empty() && b.is_empty()) {
            let (frames, runner) = match turns.next() {
                Some(true) if !a.is_empty() => (&mut a, Runner::A),
                _ if b.is_empty() => (&mut a, Runner::A),
                _ => (&mut b, Runner::B),
            };
            race.take(runner, frames.pop_front().unwrap());
        }
        race.difference()
    }

    proptest! {
        #[test]
        fn however_they_are_cut_and_whoever_comes_first(
            (m, n) in (1_usize..1100, 1_usize..1100),
            turns in proptest::collection::vec(any::<bool>(), 1..20),
            place in 0_usize..1000,
            short in 1_usize..1000,
        ) {
            let whole: Vec<u8> = (0..=255).cycle().take(1000).collect();
            prop_assert_eq!(run(cut(&whole, m), cut(&whole, n), &turns), None);
            let mut other = whole.clone();
            other[place] ^= 1;
            prop_assert_eq!(run(cut(&whole, m), cut(&other, n), &turns), Some(place as u64));
            prop_assert_eq!(run(cut(&whole, m), cut(&whole[..short], n), &turns), Some(short as u64));
        }
    }

    #[test]
    fn nothing_equals_nothing() {
        assert_eq!(run(VecDeque::new(), VecDeque::new(), &[true]), None);
    }
}
