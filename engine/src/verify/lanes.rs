//! MD5 of many independent messages at once, one message per SIMD lane.
//!
//! MD5 is a single chain of dependent additions, so one message can never use more than a fraction of
//! a core. Many messages side by side can: each vector instruction advances one step of 8 or 16
//! messages, and two or three interleaved sets of vectors hide the latency of the chain.
//!
//! This is the only module with `unsafe` code. The argument why it is sound:
//! - *CPU features.* A vector kernel is entered only from [`Lanes::compress`] with the kernel stored in
//!   `Lanes`, and [`Lanes::new`] stores it only after `is_x86_feature_detected!` has confirmed every
//!   feature the kernel is compiled with. The field is private and never changed.
//! - *Reads.* A kernel reads `blocks * 64` bytes from each of its pointers and nothing else.
//!   `compress` takes every pointer from a slice and limits `blocks` to the shortest of them; lanes
//!   without input read the first slice. The slices are borrowed for the whole call.
//! - *Writes.* Kernels write only to their own locals and to the state array, through references or
//!   through pointers to whole rows of `MAX_LANES` words, of which they use no more than that.
//! - *Alignment.* All vector loads and stores are the unaligned forms.
#![allow(unsafe_code)]

use super::md5_block::{BLOCK, INITIAL, portable};

/// The most lanes any kernel has.
pub const MAX_LANES: usize = 32;

/// With fewer live messages than this, one message after the other is faster than a vector that is
/// mostly empty.
const MIN_LIVE: usize = 3;

/// Lanes of the portable kernel: one 128-bit vector. With more the compiler gives up on vectors.
const PORTABLE_LANES: usize = 4;

/// An implementation of the lane engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// 2 × 16 lanes, needs AVX-512F.
    Avx512,
    /// 3 × 8 lanes, needs AVX2.
    Avx2,
    /// 4 lanes of plain arrays, on any CPU.
    Portable,
}

impl Kernel {
    /// All kernels, fastest first.
    pub const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Portable];

    /// The fastest kernel this CPU can run.
    #[must_use]
    pub fn best() -> Self {
        Self::ALL.into_iter().find(|kernel| kernel.is_available()).unwrap_or(Self::Portable)
    }

    /// Whether this CPU can run the kernel.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => false,
            Self::Portable => true,
        }
    }

    /// Messages the kernel advances at once.
    #[must_use]
    pub const fn lanes(self) -> usize {
        match self {
            Self::Avx512 => 32,
            Self::Avx2 => 24,
            Self::Portable => PORTABLE_LANES,
        }
    }
}

/// The four state words of every lane, word by word as the vectors want them.
type Words = [[u32; MAX_LANES]; 4];

/// MD5 states side by side, advanced together.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub struct Lanes {
    words: Words,
    kernel: Kernel,
}

impl Lanes {
    /// Fresh lanes on `kernel`, or on the portable kernel if this CPU lacks it.
    #[must_use]
    pub fn new(kernel: Kernel) -> Self {
        let kernel = if kernel.is_available() { kernel } else { Kernel::Portable };
        Self { words: INITIAL.map(|word| [word; MAX_LANES]), kernel }
    }

    /// The number of lanes; lane numbers are below it.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.kernel.lanes()
    }

    /// Puts `lane` back to the state before the first block.
    pub fn reset(&mut self, lane: usize) {
        for (row, initial) in self.words.iter_mut().zip(INITIAL) {
            if let Some(word) = row.get_mut(lane) {
                *word = initial;
            }
        }
    }

    /// The state of `lane` as a digest; the MD5 of its message once the padding has gone through.
    #[must_use]
    pub fn digest(&self, lane: usize) -> [u8; 16] {
        let mut digest = [0; 16];
        for (bytes, row) in digest.as_chunks_mut::<4>().0.iter_mut().zip(&self.words) {
            *bytes = row.get(lane).copied().unwrap_or_default().to_le_bytes();
        }
        digest
    }

    /// Advances every lane that has an input by the same number of 64-byte blocks, and returns that
    /// number: at most `blocks`, and no more than the shortest input holds. `inputs[i]` belongs to lane
    /// `i`; a lane with `None`, or past the end of `inputs`, stays as it was.
    pub fn compress(&mut self, inputs: &[Option<&[u8]>], blocks: usize) -> usize {
        let inputs = inputs.get(..self.count()).unwrap_or(inputs);
        let live = inputs.iter().flatten();
        let blocks = live.clone().fold(blocks, |least, input| least.min(input.len() / BLOCK));
        let Some(first) = live.clone().next().filter(|_| blocks > 0) else { return 0 };
        let live = live.count();
        if live < MIN_LIVE {
            for (lane, input) in inputs.iter().enumerate() {
                if let Some(input) = input {
                    self.compress_one(lane, input.get(..blocks * BLOCK).unwrap_or(input));
                }
            }
            return blocks;
        }
        let held = (live < self.count()).then_some(self.words);
        self.dispatch(inputs, first, blocks);
        if let Some(held) = held {
            self.restore(inputs, &held);
        }
        blocks
    }

    /// Advances one lane over the whole blocks of `input`, without vectors.
    pub fn compress_one(&mut self, lane: usize, input: &[u8]) {
        let mut state = self.words.map(|row| [row.get(lane).copied().unwrap_or_default()]);
        portable(&mut state, [input]);
        for (row, [word]) in self.words.iter_mut().zip(state) {
            if let Some(slot) = row.get_mut(lane) {
                *slot = word;
            }
        }
    }

    /// Puts the lanes without input back to their `held` state.
    fn restore(&mut self, inputs: &[Option<&[u8]>], held: &Words) {
        let idle = |lane: usize| !matches!(inputs.get(lane), Some(Some(_)));
        for (row, held) in self.words.iter_mut().zip(held) {
            for (lane, (word, held)) in row.iter_mut().zip(held).enumerate() {
                if idle(lane) {
                    *word = *held;
                }
            }
        }
    }

    /// Runs the kernel. Every input holds at least `blocks` blocks; `first` is one of them.
    fn dispatch<'a>(&mut self, inputs: &[Option<&'a [u8]>], first: &'a [u8], blocks: usize) {
        debug_assert!(inputs.iter().flatten().chain([&first]).all(|input| input.len() >= blocks * BLOCK));
        #[cfg(target_arch = "x86_64")]
        if self.kernel != Kernel::Portable {
            let mut pointers = [first.as_ptr(); MAX_LANES];
            for (pointer, input) in pointers.iter_mut().zip(inputs) {
                *pointer = input.unwrap_or(first).as_ptr();
            }
            // SAFETY: `new` has checked the CPU, and every pointer starts `blocks` readable blocks.
            unsafe {
                match self.kernel {
                    Kernel::Avx512 => avx512::compress(&mut self.words, &pointers, blocks),
                    Kernel::Avx2 => avx2::compress(&mut self.words, &pointers, blocks),
                    Kernel::Portable => {}
                }
            }
            return;
        }
        let cut = |input: Option<&'a [u8]>| input.and_then(|input| input.get(..blocks * BLOCK));
        let input = |lane: usize| cut(inputs.get(lane).copied().flatten()).or(cut(Some(first)));
        let mut state = [[0; PORTABLE_LANES]; 4];
        for (state, row) in state.iter_mut().zip(&self.words) {
            state.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
        }
        portable(&mut state, std::array::from_fn(|lane| input(lane).unwrap_or_default()));
        for (state, row) in state.iter().zip(&mut self.words) {
            state.iter().zip(row).for_each(|(from, to)| *to = *from);
        }
    }
}

/// The body of a vector kernel: `SETS` interleaved sets of `WIDTH` lanes. The surrounding module
/// supplies the vector type `V`, the operations, and `transpose`.
#[cfg(target_arch = "x86_64")]
macro_rules! vector_kernel {
    ($feature:literal) => {
        /// Advances all lanes by `blocks` blocks.
        ///
        /// # Safety
        /// The CPU must have the feature, and every pointer must start `blocks * 64` readable bytes.
        #[target_feature(enable = $feature)]
        pub(super) unsafe fn compress(words: &mut Words, pointers: &[*const u8; MAX_LANES], blocks: usize) {
            let mut state = [[splat(0); SETS]; 4];
            for (vectors, row) in state.iter_mut().zip(words.iter()) {
                for (set, vector) in vectors.iter_mut().enumerate() {
                    // SAFETY: `SETS * WIDTH <= MAX_LANES` words are in the row.
                    *vector = unsafe { load(row.as_ptr().add(set * WIDTH).cast()) };
                }
            }
            let mut message = [[splat(0); SETS]; 16];
            for block in 0..blocks {
                for set in 0..SETS {
                    // SAFETY: `block < blocks`, so 64 bytes are readable at each pointer.
                    unsafe { transpose(&mut message, set, pointers, block * BLOCK) };
                }
                rounds(&mut state, &message);
            }
            for (vectors, row) in state.iter().zip(words.iter_mut()) {
                for (set, vector) in vectors.iter().enumerate() {
                    // SAFETY: as for the loads.
                    unsafe { store(row.as_mut_ptr().add(set * WIDTH).cast(), *vector) };
                }
            }
        }

        /// The 64 steps of one block on all sets.
        #[inline]
        #[target_feature(enable = $feature)]
        fn rounds(state: &mut [[V; SETS]; 4], message: &[[V; SETS]; 16]) {
            let [mut a, mut b, mut c, mut d] = *state;
            macro_rules! step {
                ($f:ident, $a:ident, $b:ident, $c:ident, $d:ident, $k:expr, $i:expr, $s:literal) => {
                    let sine = splat(SINES[$i]);
                    for set in 0..SETS {
                        let sum = add($a[set], add(message[$k][set], sine));
                        let sum = add(sum, $f($b[set], $c[set], $d[set]));
                        $a[set] = add($b[set], rotate::<$s>(sum));
                    }
                };
            }
            md5_steps!(step, a, b, c, d);
            for (state, new) in state.iter_mut().zip([a, b, c, d]) {
                for (state, new) in state.iter_mut().zip(new) {
                    *state = add(*state, new);
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    //! 2 × 16 lanes: three-input logic and rotates are single instructions.
    use super::super::md5_block::{SINES, md5_steps};
    use super::{BLOCK, MAX_LANES, Words};
    use std::arch::x86_64::*;

    type V = __m512i;
    const SETS: usize = 2;
    const WIDTH: usize = 16;

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn splat(word: u32) -> V {
        _mm512_set1_epi32(word.cast_signed())
    }
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn add(x: V, y: V) -> V {
        _mm512_add_epi32(x, y)
    }
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn rotate<const BITS: i32>(x: V) -> V {
        _mm512_rol_epi32::<BITS>(x)
    }
    /// `b ? c : d`, as are the three below, by truth table.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn f(b: V, c: V, d: V) -> V {
        _mm512_ternarylogic_epi32::<0xca>(b, c, d)
    }
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn g(b: V, c: V, d: V) -> V {
        _mm512_ternarylogic_epi32::<0xe4>(b, c, d)
    }
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn h(b: V, c: V, d: V) -> V {
        _mm512_ternarylogic_epi32::<0x96>(b, c, d)
    }
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn i(b: V, c: V, d: V) -> V {
        _mm512_ternarylogic_epi32::<0x39>(b, c, d)
    }
    /// # Safety
    /// 64 bytes must be readable.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(from: *const u8) -> V {
        // SAFETY: the caller's.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }
    /// # Safety
    /// 64 bytes must be writable.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn store(to: *mut u8, vector: V) {
        // SAFETY: the caller's.
        unsafe { _mm512_storeu_si512(to.cast(), vector) }
    }

    /// Reads one block of each of the set's 16 messages and turns rows (messages) into columns
    /// (words): `message[k][set]` holds word `k` of all 16.
    ///
    /// # Safety
    /// 64 bytes must be readable at `offset` from each pointer.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn transpose(
        message: &mut [[V; SETS]; 16],
        set: usize,
        pointers: &[*const u8; MAX_LANES],
        offset: usize,
    ) {
        let mut quads = [splat(0); 16];
        for group in 0..4 {
            let mut row = [splat(0); 4];
            for (lane, row) in row.iter_mut().enumerate() {
                // SAFETY: the caller's.
                *row = unsafe { load(pointers[set * WIDTH + group * 4 + lane].add(offset)) };
            }
            let low = [_mm512_unpacklo_epi32(row[0], row[1]), _mm512_unpacklo_epi32(row[2], row[3])];
            let high = [_mm512_unpackhi_epi32(row[0], row[1]), _mm512_unpackhi_epi32(row[2], row[3])];
            quads[group * 4] = _mm512_unpacklo_epi64(low[0], low[1]);
            quads[group * 4 + 1] = _mm512_unpackhi_epi64(low[0], low[1]);
            quads[group * 4 + 2] = _mm512_unpacklo_epi64(high[0], high[1]);
            quads[group * 4 + 3] = _mm512_unpackhi_epi64(high[0], high[1]);
        }
        // Quarter `q` of `quads[4 * group + c]` is word `4 * q + c` of the group's four messages.
        for c in 0..4 {
            let even = _mm512_shuffle_i32x4::<0x88>(quads[c], quads[4 + c]);
            let odd = _mm512_shuffle_i32x4::<0xdd>(quads[c], quads[4 + c]);
            let even2 = _mm512_shuffle_i32x4::<0x88>(quads[8 + c], quads[12 + c]);
            let odd2 = _mm512_shuffle_i32x4::<0xdd>(quads[8 + c], quads[12 + c]);
            message[c][set] = _mm512_shuffle_i32x4::<0x88>(even, even2);
            message[4 + c][set] = _mm512_shuffle_i32x4::<0x88>(odd, odd2);
            message[8 + c][set] = _mm512_shuffle_i32x4::<0xdd>(even, even2);
            message[12 + c][set] = _mm512_shuffle_i32x4::<0xdd>(odd, odd2);
        }
    }

    vector_kernel!("avx512f");
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    //! 3 × 8 lanes: the third set fills the slots that the longer logic leaves open.
    use super::super::md5_block::{SINES, md5_steps};
    use super::{BLOCK, MAX_LANES, Words};
    use std::arch::x86_64::*;

    type V = __m256i;
    const SETS: usize = 3;
    const WIDTH: usize = 8;

    #[inline]
    #[target_feature(enable = "avx2")]
    fn splat(word: u32) -> V {
        _mm256_set1_epi32(word.cast_signed())
    }
    #[inline]
    #[target_feature(enable = "avx2")]
    fn add(x: V, y: V) -> V {
        _mm256_add_epi32(x, y)
    }
    #[inline]
    #[target_feature(enable = "avx2")]
    fn rotate<const BITS: i32>(x: V) -> V {
        let left = _mm256_sll_epi32(x, _mm_cvtsi32_si128(BITS));
        _mm256_or_si256(left, _mm256_srl_epi32(x, _mm_cvtsi32_si128(32 - BITS)))
    }
    #[inline]
    #[target_feature(enable = "avx2")]
    fn f(b: V, c: V, d: V) -> V {
        _mm256_xor_si256(d, _mm256_and_si256(b, _mm256_xor_si256(c, d)))
    }
    /// The two halves never share a bit, so their sum is their union; the half without `b` is early.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn g(b: V, c: V, d: V) -> V {
        add(_mm256_and_si256(d, b), _mm256_andnot_si256(d, c))
    }
    #[inline]
    #[target_feature(enable = "avx2")]
    fn h(b: V, c: V, d: V) -> V {
        _mm256_xor_si256(b, _mm256_xor_si256(c, d))
    }
    #[inline]
    #[target_feature(enable = "avx2")]
    fn i(b: V, c: V, d: V) -> V {
        _mm256_xor_si256(c, _mm256_or_si256(b, _mm256_xor_si256(d, splat(u32::MAX))))
    }
    /// # Safety
    /// 32 bytes must be readable.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load(from: *const u8) -> V {
        // SAFETY: the caller's.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }
    /// # Safety
    /// 32 bytes must be writable.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn store(to: *mut u8, vector: V) {
        // SAFETY: the caller's.
        unsafe { _mm256_storeu_si256(to.cast(), vector) }
    }

    /// Reads one block of each of the set's 8 messages, half a block at a time, and turns rows
    /// (messages) into columns (words): `message[k][set]` holds word `k` of all 8.
    ///
    /// # Safety
    /// 64 bytes must be readable at `offset` from each pointer.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn transpose(
        message: &mut [[V; SETS]; 16],
        set: usize,
        pointers: &[*const u8; MAX_LANES],
        offset: usize,
    ) {
        for half in 0..2 {
            let mut quads = [splat(0); 8];
            for group in 0..2 {
                let mut row = [splat(0); 4];
                for (lane, row) in row.iter_mut().enumerate() {
                    let pointer = pointers[set * WIDTH + group * 4 + lane];
                    // SAFETY: the caller's.
                    *row = unsafe { load(pointer.add(offset + half * 32)) };
                }
                let low = [_mm256_unpacklo_epi32(row[0], row[1]), _mm256_unpacklo_epi32(row[2], row[3])];
                let high = [_mm256_unpackhi_epi32(row[0], row[1]), _mm256_unpackhi_epi32(row[2], row[3])];
                quads[group * 4] = _mm256_unpacklo_epi64(low[0], low[1]);
                quads[group * 4 + 1] = _mm256_unpackhi_epi64(low[0], low[1]);
                quads[group * 4 + 2] = _mm256_unpacklo_epi64(high[0], high[1]);
                quads[group * 4 + 3] = _mm256_unpackhi_epi64(high[0], high[1]);
            }
            for c in 0..4 {
                message[half * 8 + c][set] = _mm256_permute2x128_si256::<0x20>(quads[c], quads[4 + c]);
                message[half * 8 + 4 + c][set] = _mm256_permute2x128_si256::<0x31>(quads[c], quads[4 + c]);
            }
        }
    }

    vector_kernel!("avx2");
}
