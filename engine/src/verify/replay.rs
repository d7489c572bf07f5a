//! Layout replay: the multipart ETags one byte stream would have under several part layouts at once.
//!
//! When only one side of a pair is read, its bytes are hashed in the other side's layout, or in all
//! plausible ones, and compared with the other side's ETag. The current parts of all layouts are
//! independent messages, so they share the SIMD lanes: sixteen layouts cost little more than two.
//!
//! Bound: one MD5 state and one 64-byte block per layout; nothing of the stream is kept.

use super::lanes::{Kernel, Lanes, MAX_LANES};
use super::layout::Layout;
use super::md5_block::BLOCK;
use super::multipart::MultipartEtag;

/// Computes the multipart ETag of a stream for several layouts in one pass.
#[derive(Debug)]
pub struct LayoutReplay {
    groups: Vec<Group>,
    total: u64,
    seen: u64,
}

impl LayoutReplay {
    /// A replay of a stream that will have `total` bytes.
    #[must_use]
    pub fn new(layouts: Vec<Layout>, total: u64) -> Self {
        Self::on(Kernel::best(), layouts, total)
    }

    /// [`LayoutReplay::new`] on a kernel of choice.
    #[must_use]
    pub fn on(kernel: Kernel, layouts: Vec<Layout>, total: u64) -> Self {
        let lanes = Lanes::new(kernel);
        let mut groups: Vec<Group> = Vec::new();
        for layout in layouts {
            let track = Track::new(layout, total);
            match groups.last_mut().filter(|group| group.tracks.len() < lanes.count()) {
                Some(group) => group.tracks.push(track),
                None => groups.push(Group { lanes: lanes.clone(), tracks: vec![track] }),
            }
        }
        Self { groups, total, seen: 0 }
    }

    /// Takes the next bytes of the stream.
    pub fn update(&mut self, bytes: &[u8]) {
        self.seen = self.seen.saturating_add(bytes.len() as u64);
        self.groups.iter_mut().for_each(|group| group.update(bytes));
    }

    /// The ETag without quotes for each layout, in order. `None` where the layout does not fit the
    /// announced size, and for all if the stream was not as long as announced.
    #[must_use]
    pub fn finish(mut self) -> Vec<Option<String>> {
        // Closes parts that end with the stream.
        self.groups.iter_mut().for_each(|group| group.update(&[]));
        let whole = self.seen == self.total;
        let tracks = self.groups.into_iter().flat_map(|group| group.tracks);
        tracks
            .map(|track| track.etag.filter(|_| whole && track.left.is_none()).map(MultipartEtag::finish))
            .collect()
    }
}

/// As many layouts as there are lanes.
#[derive(Debug)]
struct Group {
    lanes: Lanes,
    tracks: Vec<Track>,
}

impl Group {
    fn update(&mut self, bytes: &[u8]) {
        self.tracks.iter_mut().for_each(|track| track.offset = 0);
        loop {
            let mut inputs = [None; MAX_LANES];
            for (lane, (track, input)) in self.tracks.iter_mut().zip(&mut inputs).enumerate() {
                *input = track.next_run(lane, &mut self.lanes, bytes);
            }
            let blocks = self.lanes.compress(&inputs, bytes.len() / BLOCK);
            if blocks == 0 {
                return;
            }
            for (track, input) in self.tracks.iter_mut().zip(&inputs) {
                if input.is_some() {
                    track.pass(blocks * BLOCK);
                }
            }
        }
    }
}

/// One layout on its way through the stream.
#[derive(Debug)]
struct Track {
    layout: Layout,
    total: u64,
    /// `None` if the layout does not fit the size.
    etag: Option<MultipartEtag>,
    /// The current part: its index, length and the bytes of it still to come; `None` after the last.
    part: usize,
    length: u64,
    left: Option<u64>,
    /// The start of a block whose end has not arrived.
    block: [u8; BLOCK],
    held: usize,
    /// Bytes of the current chunk already used.
    offset: usize,
}

impl Track {
    fn new(layout: Layout, total: u64) -> Self {
        let fits = layout.fits(total);
        let left = if fits { layout.part(0, total) } else { None };
        Self {
            etag: fits.then(MultipartEtag::default),
            part: 0,
            length: left.unwrap_or_default(),
            left,
            block: [0; BLOCK],
            held: 0,
            offset: 0,
            layout,
            total,
        }
    }

    /// The whole blocks of `bytes` that come next for this lane. What is not a whole block, and the end
    /// of a part, is dealt with on the way. `None` when the chunk is used up.
    fn next_run<'b>(&mut self, lane: usize, lanes: &mut Lanes, bytes: &'b [u8]) -> Option<&'b [u8]> {
        loop {
            let left = self.left?;
            if left == 0 {
                self.end_part(lane, lanes);
                continue;
            }
            let rest = bytes.get(self.offset..)?;
            let rest = usize::try_from(left).ok().and_then(|left| rest.get(..left)).unwrap_or(rest);
            if rest.is_empty() {
                return None;
            }
            if self.held == 0 && rest.len() >= BLOCK {
                return rest.get(..rest.len() / BLOCK * BLOCK);
            }
            self.hold(rest, lane, lanes);
        }
    }

    /// Fills the held block from `bytes`, and hashes it if that makes it whole.
    fn hold(&mut self, bytes: &[u8], lane: usize, lanes: &mut Lanes) {
        let free = self.block.get_mut(self.held..).unwrap_or_default();
        let taken = free.len().min(bytes.len());
        free.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        self.held += taken;
        self.pass(taken);
        if self.held == BLOCK {
            lanes.compress_one(lane, &self.block);
            self.held = 0;
        }
    }

    /// Counts `bytes` bytes as used.
    fn pass(&mut self, bytes: usize) {
        self.offset += bytes;
        self.left = self.left.map(|left| left.saturating_sub(bytes as u64));
    }

    /// Pads and closes the current part, and begins the next.
    fn end_part(&mut self, lane: usize, lanes: &mut Lanes) {
        let mut tail = [0; 2 * BLOCK];
        let padding = std::iter::once(0x80).chain(std::iter::repeat(0));
        let message = self.block.iter().copied().take(self.held).chain(padding);
        tail.iter_mut().zip(message).for_each(|(to, from)| *to = from);
        let blocks = if self.held + 9 > BLOCK { 2 } else { 1 };
        let (blocks, _) = tail.split_at_mut(blocks * BLOCK);
        if let Some(bits) = blocks.last_chunk_mut::<8>() {
            *bits = (self.length << 3).to_le_bytes();
        }
        lanes.compress_one(lane, blocks);
        if let Some(etag) = &mut self.etag {
            etag.push(&lanes.digest(lane));
        }
        lanes.reset(lane);
        self.held = 0;
        self.part += 1;
        self.left = self.layout.part(self.part, self.total);
        self.length = self.left.unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::super::multipart::multipart_etag;
    use super::*;
    use md5::{Digest, Md5};
    use proptest::prelude::*;

    fn naive(layout: &Layout, bytes: &[u8]) -> Option<String> {
        let total = bytes.len() as u64;
        if !layout.fits(total) {
            return None;
        }
        let mut rest = bytes;
        let mut parts = Vec::new();
        for length in (0..).map_while(|index| layout.part(index, total)) {
            let (part, tail) = rest.split_at(length as usize);
            parts.push(Md5::digest(part).into());
            rest = tail;
        }
        Some(multipart_etag(&parts))
    }

    fn check(layouts: &[Layout], bytes: &[u8], cuts: &[usize]) {
        let expected: Vec<_> = layouts.iter().map(|layout| naive(layout, bytes)).collect();
        for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()) {
            let mut replay = LayoutReplay::on(kernel, layouts.to_vec(), bytes.len() as u64);
            let mut rest = bytes;
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (chunk, tail) = rest.split_at((*cut).min(rest.len()));
                replay.update(chunk);
                rest = tail;
            }
            assert_eq!(replay.finish(), expected, "{kernel:?}");
        }
    }

    #[test]
    fn known_answers() {
        let mut replay =
            LayoutReplay::new(vec![Layout::Uniform(5 << 20), Layout::Uniform(1 << 30)], 15 << 20);
        for byte in b"ABC" {
            let half = vec![*byte; 5 << 19];
            replay.update(&half);
            replay.update(&half);
        }
        let etags = replay.finish();
        assert_eq!(etags[0].as_deref(), Some("b2add96cc9702bbf4efb0ccdfc6b7747-3"));
        assert!(etags[1].as_deref().is_some_and(|etag| etag.ends_with("-1")));
        let empty = LayoutReplay::new(vec![Layout::Uniform(8), Layout::Parts(vec![0])], 0).finish();
        let one = Some("59adb24ef3cdbe0297f05b395827453f-1".to_owned());
        assert_eq!(empty, [one.clone(), one]);
    }

    #[test]
    fn a_stream_of_the_wrong_length_proves_nothing() {
        for length in [9, 11] {
            let mut replay = LayoutReplay::new(vec![Layout::Uniform(4)], 10);
            replay.update(&[0; 16][..length]);
            assert_eq!(replay.finish(), [None]);
        }
    }

    #[test]
    fn many_layouts() {
        let bytes: Vec<u8> = (0..40_000u32).map(|i| (i.wrapping_mul(i) >> 3) as u8).collect();
        let layouts: Vec<Layout> = (0..40).map(|i| Layout::Uniform(i * 1000)).collect();
        check(&layouts, &bytes, &[1 << 20]);
        check(&layouts, &bytes, &[4096, 1, 0, 777]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn same_as_one_by_one(
            parts in prop::collection::vec(0u64..1500, 1..20),
            uniform in prop::collection::vec(1u64..3000, 0..8),
            cuts in prop::collection::vec(1usize..2000, 1..5),
        ) {
            let total: u64 = parts.iter().sum();
            let bytes: Vec<u8> = (0..total).map(|i| (i.wrapping_mul(i) >> 3) as u8).collect();
            let mut layouts: Vec<Layout> = uniform.into_iter().map(Layout::Uniform).collect();
            layouts.push(Layout::Parts(parts));
            layouts.push(Layout::Parts(vec![total, 1]));
            check(&layouts, &bytes, &cuts);
        }
    }
}
