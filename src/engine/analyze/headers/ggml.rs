//! The types of GGML tensors.

/// How many values one block holds, and in how many bytes, for a type's number in a GGUF file. `None` for a number unknown here.
///
/// Source: `GGML_QUANT_SIZES` in <https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/constants.py>, and for the types
/// that are no longer written (31 to 33 and 36 to 38, other orders of the same blocks) and `Q8_1`,
/// <https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h>.
pub(super) fn block(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 | 26 => (1, 4),                       // F32, I32
        1 | 25 | 30 => (1, 2),                  // F16, I16, BF16
        2 | 20 | 31..=33 | 36..=38 => (32, 18), // Q4_0, IQ4_NL
        3 => (32, 20),                          // Q4_1
        6 => (32, 22),                          // Q5_0
        7 => (32, 24),                          // Q5_1
        8 => (32, 34),                          // Q8_0
        9 => (32, 36),                          // Q8_1
        10 => (256, 84),                        // Q2_K
        11 | 21 => (256, 110),                  // Q3_K, IQ3_S
        12 => (256, 144),                       // Q4_K
        13 => (256, 176),                       // Q5_K
        14 => (256, 210),                       // Q6_K
        15 => (256, 292),                       // Q8_K
        16 | 35 => (256, 66),                   // IQ2_XXS, TQ2_0
        17 => (256, 74),                        // IQ2_XS
        18 => (256, 98),                        // IQ3_XXS
        19 => (256, 50),                        // IQ1_S
        22 => (256, 82),                        // IQ2_S
        23 => (256, 136),                       // IQ4_XS
        24 => (1, 1),                           // I8
        27 | 28 => (1, 8),                      // I64, F64
        29 => (256, 56),                        // IQ1_M
        34 => (256, 54),                        // TQ1_0
        39 => (32, 17),                         // MXFP4
        40 => (64, 36),                         // NVFP4
        41 => (128, 18),                        // Q1_0
        _ => return None,
    })
}

/// Bytes that so many values of a type take. `None` for an unknown type, or too many.
pub(super) fn bytes(kind: u32, values: u64) -> Option<u64> {
    let (held, size) = block(kind)?;
    values.div_ceil(held).checked_mul(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_takes_the_bits_its_type_is_known_for() {
        let bits = |kind| bytes(kind, 1 << 20).unwrap() as f64 * 8.0 / f64::from(1 << 20);
        let known = [(0, 32.0), (1, 16.0), (2, 4.5), (8, 8.5), (10, 2.625), (12, 4.5), (14, 6.5625), (19, 1.5625), (23, 4.25), (29, 1.75)];
        for (kind, expected) in known.into_iter().chain([(30, 16.0), (34, 1.6875), (35, 2.0625), (39, 4.25), (40, 4.5), (41, 1.125)]) {
            assert!((bits(kind) - expected).abs() < 1e-9, "type {kind}: {}", bits(kind));
        }
    }

    #[test]
    fn a_started_block_counts_and_the_unknown_is_not_guessed() {
        assert_eq!((bytes(12, 257), bytes(12, 0)), (Some(288), Some(0)));
        assert_eq!((bytes(4, 1), bytes(42, 1), bytes(u32::MAX, 1), bytes(0, u64::MAX)), (None, None, None, None));
    }
}
