//! The MD5 block function, in safe code: the tables every kernel shares, and the portable kernel.
//!
//! The portable kernel works on `N` messages side by side in plain arrays. With `N = 1` it is the
//! ordinary single-stream MD5; with more lanes the compiler turns the inner loops into whatever
//! vector instructions the target has.

/// Bytes in one MD5 block.
pub(super) const BLOCK: usize = 64;

/// The four state words before the first block.
pub(super) const INITIAL: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// The additive constants, `floor(2^32 * abs(sin(i + 1)))`.
pub(super) const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// Runs the 64 steps of one block. `$step!(f, a, b, c, d, k, i, s)` must perform
/// `a = b + rotl(a + f(b, c, d) + m[k] + SINES[i], s)`; the four state names are the caller's.
macro_rules! md5_steps {
    ($step:ident, $a:ident, $b:ident, $c:ident, $d:ident) => {
        md5_steps!(@round $step, f, 1, 0, 0, [7, 12, 17, 22], $a, $b, $c, $d);
        md5_steps!(@round $step, g, 5, 1, 16, [5, 9, 14, 20], $a, $b, $c, $d);
        md5_steps!(@round $step, h, 3, 5, 32, [4, 11, 16, 23], $a, $b, $c, $d);
        md5_steps!(@round $step, i, 7, 0, 48, [6, 10, 15, 21], $a, $b, $c, $d);
    };
    (@round $step:ident, $f:ident, $mul:literal, $add:literal, $base:literal,
     [$s0:literal, $s1:literal, $s2:literal, $s3:literal], $a:ident, $b:ident, $c:ident, $d:ident) => {
        md5_steps!(@four $step, $f, $mul, $add, $base, 0, [$s0, $s1, $s2, $s3], $a, $b, $c, $d);
        md5_steps!(@four $step, $f, $mul, $add, $base, 4, [$s0, $s1, $s2, $s3], $a, $b, $c, $d);
        md5_steps!(@four $step, $f, $mul, $add, $base, 8, [$s0, $s1, $s2, $s3], $a, $b, $c, $d);
        md5_steps!(@four $step, $f, $mul, $add, $base, 12, [$s0, $s1, $s2, $s3], $a, $b, $c, $d);
    };
    (@four $step:ident, $f:ident, $mul:literal, $add:literal, $base:literal, $i:literal,
     [$s0:literal, $s1:literal, $s2:literal, $s3:literal], $a:ident, $b:ident, $c:ident, $d:ident) => {
        $step!($f, $a, $b, $c, $d, ($mul * $i + $add) & 15, $base + $i, $s0);
        $step!($f, $d, $a, $b, $c, ($mul * ($i + 1) + $add) & 15, $base + $i + 1, $s1);
        $step!($f, $c, $d, $a, $b, ($mul * ($i + 2) + $add) & 15, $base + $i + 2, $s2);
        $step!($f, $b, $c, $d, $a, ($mul * ($i + 3) + $add) & 15, $base + $i + 3, $s3);
    };
}
pub(super) use md5_steps;

/// One word of each of `N` messages.
type Row<const N: usize> = [u32; N];

/// `f` lane by lane. Whole-row operations in straight lines are what the compiler vectorises.
#[inline(always)]
fn zip<const N: usize>(x: Row<N>, y: Row<N>, f: impl Fn(u32, u32) -> u32) -> Row<N> {
    std::array::from_fn(|lane| f(x[lane], y[lane]))
}
#[inline(always)]
fn add<const N: usize>(x: Row<N>, y: Row<N>) -> Row<N> {
    zip(x, y, u32::wrapping_add)
}
/// The four boolean functions, each written for the shortest dependency on its first argument.
#[inline(always)]
fn f<const N: usize>(b: Row<N>, c: Row<N>, d: Row<N>) -> Row<N> {
    zip(d, zip(b, zip(c, d, |c, d| c ^ d), |b, x| b & x), |d, x| d ^ x)
}
#[inline(always)]
fn g<const N: usize>(b: Row<N>, c: Row<N>, d: Row<N>) -> Row<N> {
    add(zip(d, b, |d, b| d & b), zip(d, c, |d, c| !d & c))
}
#[inline(always)]
fn h<const N: usize>(b: Row<N>, c: Row<N>, d: Row<N>) -> Row<N> {
    zip(b, zip(c, d, |c, d| c ^ d), |b, x| b ^ x)
}
#[inline(always)]
fn i<const N: usize>(b: Row<N>, c: Row<N>, d: Row<N>) -> Row<N> {
    zip(c, zip(b, d, |b, d| b | !d), |c, x| c ^ x)
}

/// One block for each of `N` messages; `state[word][lane]`.
#[inline(always)]
fn block<const N: usize>(state: &mut [Row<N>; 4], message: &[Row<N>; 16]) {
    let [mut a, mut b, mut c, mut d] = *state;
    macro_rules! step {
        ($f:ident, $a:ident, $b:ident, $c:ident, $d:ident, $k:expr, $i:expr, $s:literal) => {
            let sum = add($a, add(message[$k], [SINES[$i]; N]));
            let sum = add(sum, $f($b, $c, $d));
            $a = add($b, sum.map(|word| word.rotate_left($s)));
        };
    }
    md5_steps!(step, a, b, c, d);
    for (word, new) in state.iter_mut().zip([a, b, c, d]) {
        *word = add(*word, new);
    }
}

/// Advances `N` states over the whole blocks of `N` inputs, which should be equally long: the pass
/// ends with the shortest.
pub(super) fn portable<const N: usize>(state: &mut [[u32; N]; 4], inputs: [&[u8]; N]) {
    let mut blocks = inputs.map(|input| input.chunks_exact(BLOCK));
    loop {
        let mut message = [[0u32; N]; 16];
        for (lane, chunks) in blocks.iter_mut().enumerate() {
            let Some(bytes) = chunks.next() else { return };
            for (word, bytes) in message.iter_mut().zip(bytes.as_chunks::<4>().0) {
                word[lane] = u32::from_le_bytes(*bytes);
            }
        }
        block(state, &message);
    }
}
