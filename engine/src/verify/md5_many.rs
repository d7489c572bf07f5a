//! MD5 of many messages with the lanes kept full.
//!
//! [`run`] takes messages from a [`Feed`] whenever a lane is free, advances all lanes together, and
//! hands each digest back as soon as its message ends. So many small messages and a few large ones
//! both fill the vector, and messages that arrive while others are being hashed join them.
//!
//! A message is a list of frames cut anywhere. Its bytes are read where they lie; only a run of blocks
//! that crosses a frame boundary, or holds the padding, is assembled in a buffer of the lane.
//!
//! Bounds: one buffer of `RUN` bytes per lane, 64 KiB in all at most. Time per message: O(bytes).

use super::lanes::{Kernel, Lanes, MAX_LANES};
use super::md5_block::BLOCK;
use bytes::Bytes;

/// Blocks the lanes advance in one go at most. Long enough to hide the bookkeeping, short enough for
/// all lanes' data to stay in the caches.
const RUN_BLOCKS: usize = 32;

/// The same in bytes.
const RUN: usize = RUN_BLOCKS * BLOCK;

/// Bytes in frames.
pub trait Message {
    /// The frame at `index`, or `None` past the last one. Frames must not change while hashed.
    fn frame(&self, index: usize) -> Option<&[u8]>;

    /// Called when the lanes have read `bytes` more bytes of the message, which are now in the cache.
    fn passed(&mut self, bytes: usize) {
        let _ = bytes;
    }
}

impl<T: AsRef<[u8]>> Message for Vec<T> {
    fn frame(&self, index: usize) -> Option<&[u8]> {
        self.get(index).map(AsRef::as_ref)
    }
}

impl<T: AsRef<[u8]>> Message for &[T] {
    fn frame(&self, index: usize) -> Option<&[u8]> {
        self.get(index).map(AsRef::as_ref)
    }
}

/// A message in one piece.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a>(pub &'a [u8]);

impl Message for Whole<'_> {
    fn frame(&self, index: usize) -> Option<&[u8]> {
        (index == 0).then_some(self.0)
    }
}

impl Message for Bytes {
    fn frame(&self, index: usize) -> Option<&[u8]> {
        (index == 0).then_some(self.as_ref())
    }
}

/// Where messages come from and digests go to.
pub trait Feed {
    /// A message and whatever the feed needs to know it again.
    type Job: Message;

    /// The next message if there is one now. Asked again and again while a lane is free.
    fn next(&mut self) -> Option<Self::Job>;

    /// Takes the finished message and its MD5.
    fn done(&mut self, job: Self::Job, md5: [u8; 16]);
}

/// The MD5 of each message, in order, on the fastest kernel of this CPU.
pub fn md5_many<M: Message>(messages: impl IntoIterator<Item = M>) -> Vec<[u8; 16]> {
    md5_many_on(Kernel::best(), messages)
}

/// [`md5_many`] on a kernel of choice.
pub fn md5_many_on<M: Message>(kernel: Kernel, messages: impl IntoIterator<Item = M>) -> Vec<[u8; 16]> {
    let mut jobs: Vec<_> =
        messages.into_iter().enumerate().map(|(index, message)| (length(&message), index, message)).collect();
    let mut digests = vec![[0; 16]; jobs.len()];
    // Shortest first, because the batch takes from the end: long messages must not be left for last.
    jobs.sort_by_key(|(length, ..)| *length);
    run(kernel, &mut Batch { jobs, digests: &mut digests });
    digests
}

/// A fixed list of messages as a feed.
struct Batch<'d, M> {
    jobs: Vec<(u64, usize, M)>,
    digests: &'d mut [[u8; 16]],
}

/// A message with its place in the batch.
struct Numbered<M>(usize, M);

impl<M: Message> Message for Numbered<M> {
    fn frame(&self, index: usize) -> Option<&[u8]> {
        self.1.frame(index)
    }
    fn passed(&mut self, bytes: usize) {
        self.1.passed(bytes);
    }
}

impl<M: Message> Feed for Batch<'_, M> {
    type Job = Numbered<M>;

    fn next(&mut self) -> Option<Numbered<M>> {
        self.jobs.pop().map(|(_, index, message)| Numbered(index, message))
    }

    fn done(&mut self, job: Numbered<M>, md5: [u8; 16]) {
        if let Some(slot) = self.digests.get_mut(job.0) {
            *slot = md5;
        }
    }
}

/// Hashes everything the feed gives, until it has nothing more and all lanes are empty.
pub fn run<F: Feed>(kernel: Kernel, feed: &mut F) {
    let mut states = Lanes::new(kernel);
    let count = states.count();
    let mut lanes: Vec<Option<Lane<F::Job>>> = std::iter::repeat_with(|| None).take(count).collect();
    let mut buffers = vec![[0u8; RUN]; count];
    loop {
        refill(&mut lanes, &mut states, feed);
        let live = lanes.iter().flatten();
        let Some(blocks) = live.map(|lane| lane.blocks).min() else { return };
        let blocks = usize::try_from(blocks).map_or(RUN_BLOCKS, |blocks| blocks.min(RUN_BLOCKS));
        let mut inputs = [None; MAX_LANES];
        for ((lane, buffer), input) in lanes.iter_mut().zip(&mut buffers).zip(&mut inputs) {
            *input = lane.as_mut().map(|lane| lane.next_blocks(blocks, buffer));
        }
        let blocks = states.compress(inputs.get(..count).unwrap_or(&inputs), blocks);
        for (index, slot) in lanes.iter_mut().enumerate() {
            if let Some(lane) = slot.as_mut() {
                lane.advance(blocks);
            }
            if let Some(lane) = slot.take_if(|lane| lane.blocks == 0) {
                feed.done(lane.job, states.digest(index));
            }
        }
    }
}

/// Gives every free lane a message, as far as the feed has any.
fn refill<F: Feed>(lanes: &mut [Option<Lane<F::Job>>], states: &mut Lanes, feed: &mut F) {
    for (index, slot) in lanes.iter_mut().enumerate().filter(|(_, slot)| slot.is_none()) {
        let Some(job) = feed.next() else { return };
        states.reset(index);
        *slot = Some(Lane::new(job));
    }
}

/// Bytes of all frames.
fn length(message: &impl Message) -> u64 {
    (0..).map_while(|index| message.frame(index)).map(|frame| frame.len() as u64).sum()
}

/// A place in a message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    frame: usize,
    offset: usize,
}

impl Cursor {
    /// The bytes from here to the end of the frame; steps over frames that are used up. Empty only at
    /// the end of the message.
    pub fn rest<'m>(&mut self, message: &'m impl Message) -> &'m [u8] {
        while let Some(frame) = message.frame(self.frame) {
            match frame.get(self.offset..) {
                Some(rest) if !rest.is_empty() => return rest,
                _ => *self = Self { frame: self.frame + 1, offset: 0 },
            }
        }
        &[]
    }

    /// Passes the next `bytes` bytes to `take`, frame by frame.
    pub fn read(&mut self, message: &impl Message, mut bytes: usize, mut take: impl FnMut(&[u8])) {
        while bytes > 0 {
            let rest = self.rest(message);
            let piece = rest.get(..bytes).unwrap_or(rest);
            if piece.is_empty() {
                return;
            }
            take(piece);
            self.offset += piece.len();
            bytes -= piece.len();
        }
    }
}

/// A message on its way through a lane. The stream hashed is body, 0x80, zeros, length: whole blocks.
struct Lane<J> {
    job: J,
    cursor: Cursor,
    /// Bytes of the body.
    length: u64,
    /// Bytes of the stream already hashed.
    position: u64,
    /// Blocks of the stream still to hash.
    blocks: u64,
}

impl<J: Message> Lane<J> {
    fn new(job: J) -> Self {
        let length = length(&job);
        let blocks = (length + 8) / BLOCK as u64 + 1;
        Self { job, cursor: Cursor::default(), length, position: 0, blocks }
    }

    /// Bytes of the body among the next `size` bytes of the stream.
    fn body(&self, size: usize) -> usize {
        let left = self.length.saturating_sub(self.position);
        usize::try_from(left).map_or(size, |left| left.min(size))
    }

    /// The next `blocks` blocks of the stream: in place, or assembled in `buffer`.
    fn next_blocks<'l>(&'l mut self, blocks: usize, buffer: &'l mut [u8; RUN]) -> &'l [u8] {
        let size = blocks * BLOCK;
        if let Some(run) = self.cursor.rest(&self.job).get(..size) {
            return run;
        }
        let body = self.body(size);
        let mut filled = 0;
        // A copy of the cursor: `advance` moves the real one.
        self.cursor.clone().read(&self.job, body, |piece| {
            if let Some(to) = buffer.get_mut(filled..filled + piece.len()) {
                to.copy_from_slice(piece);
            }
            filled += piece.len();
        });
        let Some(run) = buffer.get_mut(..size) else { return &[] };
        if body < size {
            if let Some(padding) = run.get_mut(body..) {
                padding.fill(0);
            }
            // The mark may already have gone out at the end of an earlier run.
            if let Some(mark) = run.get_mut(body).filter(|_| self.position <= self.length) {
                *mark = 0x80;
            }
            if blocks as u64 == self.blocks
                && let Some(bits) = run.last_chunk_mut::<8>()
            {
                *bits = (self.length << 3).to_le_bytes();
            }
        }
        run
    }

    /// Moves on by `blocks` blocks, now hashed.
    fn advance(&mut self, blocks: usize) {
        let size = blocks * BLOCK;
        let body = self.body(size);
        self.cursor.read(&self.job, body, |_| {});
        self.position += size as u64;
        self.blocks = self.blocks.saturating_sub(blocks as u64);
        self.job.passed(body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use md5::{Digest, Md5};
    use proptest::prelude::*;

    fn plain(message: &[u8]) -> [u8; 16] {
        Md5::digest(message).into()
    }

    fn noise(length: usize, seed: usize) -> Vec<u8> {
        (0..length).map(|i| (i.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 7) as u8).collect()
    }

    fn available() -> impl Iterator<Item = Kernel> {
        Kernel::ALL.into_iter().filter(|kernel| kernel.is_available())
    }

    /// Cuts `message` into frames of the given lengths, over and over; zero gives an empty frame.
    fn frames(message: &[u8], cuts: &[usize]) -> Vec<Bytes> {
        let mut frames = Vec::new();
        let mut rest = message;
        for cut in cuts.iter().cycle() {
            if rest.is_empty() || cuts.iter().all(|cut| *cut == 0) {
                break;
            }
            let (frame, tail) = rest.split_at((*cut).min(rest.len()));
            frames.push(Bytes::copy_from_slice(frame));
            rest = tail;
        }
        frames.push(Bytes::copy_from_slice(rest));
        frames
    }

    #[test]
    fn every_short_length() {
        let messages: Vec<Vec<u8>> = (0..400).map(|length| noise(length, length)).collect();
        let expected: Vec<_> = messages.iter().map(|message| plain(message)).collect();
        for kernel in available() {
            assert_eq!(md5_many_on(kernel, messages.iter().map(|m| Whole(m))), expected, "{kernel:?}");
        }
    }

    #[test]
    fn few_and_large_and_uneven() {
        let lengths = [300_000, 1, 0, 262_144, 70_001, 64, 63, 55, 56, 131_073];
        let messages: Vec<Vec<u8>> = lengths.iter().map(|length| noise(*length, *length)).collect();
        let expected: Vec<_> = messages.iter().map(|message| plain(message)).collect();
        for kernel in available() {
            for count in 0..=messages.len() {
                let some = messages.iter().take(count).map(|message| frames(message, &[16_384, 1, 900]));
                assert_eq!(md5_many_on(kernel, some), expected[..count], "{kernel:?} {count}");
            }
        }
    }

    #[test]
    fn known_answers() {
        let parts: Vec<Vec<u8>> = b"ABC".iter().map(|byte| vec![*byte; 5 << 20]).collect();
        let whole: Vec<&[u8]> = parts.iter().map(|part| &part[..]).collect();
        let messages: [&[&[u8]]; 5] =
            [&whole[..1], &whole[1..2], &whole[2..], &whole, &[b"1234", b"", b"56789"]];
        let digests = md5_many(messages.iter().copied().chain([&[][..]]));
        let expected = [
            "b8fc857a25e7958868c2f003d5e0952d",
            "ba8c3fac0e224c9b79a8e74bebd54654",
            "99167c91c1541375b4f9df4b5e051387",
            "a670a6dcdb7025927987f04ca80e2ff1",
            "25f9e794323b453885f5181f1b624d0b",
            "d41d8cd98f00b204e9800998ecf8427e",
        ];
        assert_eq!(digests.iter().map(hex::encode).collect::<Vec<_>>(), expected);
    }

    /// A message that counts what it is told.
    struct Counting(Vec<u8>, usize);
    impl Message for Counting {
        fn frame(&self, index: usize) -> Option<&[u8]> {
            (index == 0).then_some(&self.0[..])
        }
        fn passed(&mut self, bytes: usize) {
            self.1 += bytes;
        }
    }

    /// Gives a message only on every third question, so that lanes run partly empty and are joined.
    struct Trickle(Vec<Vec<u8>>, usize, Vec<(usize, bool)>);
    impl Feed for Trickle {
        type Job = Counting;
        fn next(&mut self) -> Option<Counting> {
            self.1 += 1;
            if self.1.is_multiple_of(3) || self.2.len() > 90 {
                self.0.pop().map(|m| Counting(m, 0))
            } else {
                None
            }
        }
        fn done(&mut self, job: Counting, md5: [u8; 16]) {
            self.2.push((job.1, plain(&job.0) == md5 && job.1 == job.0.len()));
        }
    }

    #[test]
    fn messages_join_while_others_run() {
        for kernel in available() {
            let messages = (0..100).map(|i| noise(i * 397, i)).collect();
            let mut feed = Trickle(messages, 2, Vec::new());
            while !feed.0.is_empty() {
                run(kernel, &mut feed);
            }
            assert_eq!(feed.2.len(), 100);
            assert!(feed.2.iter().all(|(_, right)| *right), "{kernel:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_lengths_any_frames(
            lengths in prop::collection::vec(0usize..3000, 0..70),
            cuts in prop::collection::vec(prop_oneof![Just(0usize), Just(64), 1usize..200, 1usize..3000], 1..6),
        ) {
            let messages: Vec<Vec<u8>> = lengths.iter().enumerate().map(|(i, l)| noise(*l, i)).collect();
            let expected: Vec<_> = messages.iter().map(|message| plain(message)).collect();
            for kernel in available() {
                let framed = messages.iter().map(|message| frames(message, &cuts));
                prop_assert_eq!(&md5_many_on(kernel, framed), &expected, "{:?}", kernel);
            }
        }
    }
}
