//! Two SHA-256 computations at the same time on one core.
//!
//! In one computation every round needs the one before, so the processor's SHA units wait half of the time. With the rounds of two computations
//! in turns they do not: two take hardly longer than one. Where a processor has no such instructions, one follows the other.

use sha2::block_api::compress256;

use super::sha256::{BLOCK, State};

/// Compresses as many blocks of one stream as of the other, each into its own state.
pub(super) fn compress(states: [&mut State; 2], blocks: [&[[u8; BLOCK]]; 2]) {
    #[cfg(target_arch = "x86_64")]
    if x86::is_supported() {
        // SAFETY: the processor has the features that the function is compiled for; it needs nothing else.
        #[allow(unsafe_code, reason = "instructions that not every processor has can be reached in no other way")]
        return unsafe { x86::compress(states, blocks) };
    }
    one_after_the_other(states, blocks);
}

fn one_after_the_other(states: [&mut State; 2], blocks: [&[[u8; BLOCK]]; 2]) {
    states.into_iter().zip(blocks).for_each(|(state, blocks)| compress256(state, blocks));
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::is_x86_feature_detected;
    use std::arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi32, _mm_set_epi64x, _mm_sha256msg1_epu32,
        _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
    };

    use super::{BLOCK, State};

    /// Four words of each of the two computations.
    type Words = [__m128i; 2];

    /// Whether the processor has the features that are used here.
    pub fn is_supported() -> bool {
        is_x86_feature_detected!("sha") && is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1")
    }

    /// Compresses blocks of two streams in turns, with the instructions as Intel's "New Instructions Supporting the Secure Hash Algorithm"
    /// describes their use: the state is kept as the words ABEF and CDGH, and one instruction does two rounds.
    ///
    /// No closure is handed to a library in here: its functions are not compiled for these features, and would not be inlined.
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    pub fn compress(states: [&mut State; 2], blocks: [&[[u8; BLOCK]]; 2]) {
        let [one, other] = states;
        let mut abef = [words(one, [0, 1, 4, 5]), words(other, [0, 1, 4, 5])];
        let mut cdgh = [words(one, [2, 3, 6, 7]), words(other, [2, 3, 6, 7])];
        for (first, second) in blocks[0].iter().zip(blocks[1]) {
            let before = (abef, cdgh);
            let [mut w0, mut w1] = [load(first, second, 0), load(first, second, 1)];
            let [mut w2, mut w3] = [load(first, second, 2), load(first, second, 3)];
            for sixteen in 0..3 {
                four_rounds(&mut abef, &mut cdgh, w0, 4 * sixteen);
                w0 = schedule(w0, w1, w2, w3);
                four_rounds(&mut abef, &mut cdgh, w1, 4 * sixteen + 1);
                w1 = schedule(w1, w2, w3, w0);
                four_rounds(&mut abef, &mut cdgh, w2, 4 * sixteen + 2);
                w2 = schedule(w2, w3, w0, w1);
                four_rounds(&mut abef, &mut cdgh, w3, 4 * sixteen + 3);
                w3 = schedule(w3, w0, w1, w2);
            }
            four_rounds(&mut abef, &mut cdgh, w0, 12);
            four_rounds(&mut abef, &mut cdgh, w1, 13);
            four_rounds(&mut abef, &mut cdgh, w2, 14);
            four_rounds(&mut abef, &mut cdgh, w3, 15);
            abef = add(abef, before.0);
            cdgh = add(cdgh, before.1);
        }
        *one = unpacked(abef[0], cdgh[0]);
        *other = unpacked(abef[1], cdgh[1]);
    }

    /// Four rounds of both computations.
    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn four_rounds(abef: &mut Words, cdgh: &mut Words, message: Words, which: usize) {
        let constants = words(&K, [4 * which + 3, 4 * which + 2, 4 * which + 1, 4 * which]);
        let [one, other] = add(message, [constants; 2]);
        *cdgh = [_mm_sha256rnds2_epu32(cdgh[0], abef[0], one), _mm_sha256rnds2_epu32(cdgh[1], abef[1], other)];
        let [one, other] = [_mm_shuffle_epi32::<0b1110>(one), _mm_shuffle_epi32::<0b1110>(other)];
        *abef = [_mm_sha256rnds2_epu32(abef[0], cdgh[0], one), _mm_sha256rnds2_epu32(abef[1], cdgh[1], other)];
    }

    /// The four words of the message schedule that follow these sixteen.
    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn schedule(w0: Words, w1: Words, w2: Words, w3: Words) -> Words {
        let partial = [_mm_sha256msg1_epu32(w0[0], w1[0]), _mm_sha256msg1_epu32(w0[1], w1[1])];
        let sum = add(partial, [_mm_alignr_epi8::<4>(w3[0], w2[0]), _mm_alignr_epi8::<4>(w3[1], w2[1])]);
        [_mm_sha256msg2_epu32(sum[0], w3[0]), _mm_sha256msg2_epu32(sum[1], w3[1])]
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn add(one: Words, other: Words) -> Words {
        [_mm_add_epi32(one[0], other[0]), _mm_add_epi32(one[1], other[1])]
    }

    /// Four big-endian words of a block of each stream.
    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn load(one: &[u8; BLOCK], other: &[u8; BLOCK], quarter: usize) -> Words {
        let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
        let (ones, others) = (one.as_chunks().0, other.as_chunks().0);
        let (low, high) = (2 * quarter, 2 * quarter + 1);
        let raw = |chunks: &[[u8; 8]]| _mm_set_epi64x(i64::from_le_bytes(chunks[high]), i64::from_le_bytes(chunks[low]));
        [_mm_shuffle_epi8(raw(ones), swap), _mm_shuffle_epi8(raw(others), swap)]
    }

    /// Four words of a table, the highest first.
    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn words<const N: usize>(table: &[u32; N], at: [usize; 4]) -> __m128i {
        let [a, b, c, d] = at;
        _mm_set_epi32(table[a].cast_signed(), table[b].cast_signed(), table[c].cast_signed(), table[d].cast_signed())
    }

    /// The state from A to H.
    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn unpacked(abef: __m128i, cdgh: __m128i) -> State {
        let ab = [_mm_extract_epi32::<3>(abef), _mm_extract_epi32::<2>(abef)];
        let ef = [_mm_extract_epi32::<1>(abef), _mm_extract_epi32::<0>(abef)];
        let cd = [_mm_extract_epi32::<3>(cdgh), _mm_extract_epi32::<2>(cdgh)];
        let gh = [_mm_extract_epi32::<1>(cdgh), _mm_extract_epi32::<0>(cdgh)];
        [ab[0], ab[1], cd[0], cd[1], ef[0], ef[1], gh[0], gh[1]].map(i32::cast_unsigned)
    }

    /// The constants of the rounds (FIPS 180-4, 4.2.2).
    #[rustfmt::skip]
    const K: [u32; 64] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn side_by_side_and_one_after_the_other_are_the_same() {
        let blocks: Vec<[u8; BLOCK]> = (0..20).map(|index| std::array::from_fn(|at| u8::try_from(index * 3 + at * 3).unwrap())).collect();
        let begin = || ([1, 2, 3, 4, 5, 6, 7, 8], [u32::MAX, 7, 6, 5, 4, 3, 2, 1 << 31]);
        let (mut one, mut other) = begin();
        compress([&mut one, &mut other], [&blocks[..10], &blocks[10..]]);
        let (mut first, mut second) = begin();
        one_after_the_other([&mut first, &mut second], [&blocks[..10], &blocks[10..]]);
        assert_eq!((one, other), (first, second));
    }
}
