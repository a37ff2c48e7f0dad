//! GGML tensor types and the recipes by which llama.cpp mixes them.

/// A tensor type: its number in GGUF, and how many values one block of how many bytes holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type {
    /// The number in a tensor's description.
    pub id: u32,
    values: u64,
    bytes: u64,
}

impl Type {
    const fn new(id: u32, values: u64, bytes: u64) -> Self {
        Self { id, values, bytes }
    }

    /// Bytes that this many values take.
    pub fn size(self, values: u64) -> u64 {
        values / self.values * self.bytes
    }
}

/// 32-bit floating point.
pub const F32: Type = Type::new(0, 1, 4);
/// 16-bit floating point.
pub const F16: Type = Type::new(1, 1, 2);
/// Brain floating point.
pub const BF16: Type = Type::new(30, 1, 2);
const Q4_0: Type = Type::new(2, 32, 18);
const Q8_0: Type = Type::new(8, 32, 34);
const Q2_K: Type = Type::new(10, 256, 84);
const Q3_K: Type = Type::new(11, 256, 110);
const Q4_K: Type = Type::new(12, 256, 144);
const Q5_K: Type = Type::new(13, 256, 176);
const Q6_K: Type = Type::new(14, 256, 210);
const IQ4_XS: Type = Type::new(23, 256, 136);

/// A quantization: which type each kind of matrix gets.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// The label in file names.
    pub label: &'static str,
    /// `general.file_type`.
    pub file_type: u32,
    /// Most matrices, and the embedding.
    pub base: Type,
    /// The value and down projections.
    pub fine: Type,
    /// The output matrix.
    pub output: Type,
}

const fn recipe(label: &'static str, file_type: u32, base: Type, fine: Type, output: Type) -> Recipe {
    Recipe { label, file_type, base, fine, output }
}

/// From the smallest to the largest.
pub const RECIPES: [Recipe; 12] = [
    recipe("Q2_K", 10, Q2_K, Q3_K, Q6_K),
    recipe("Q3_K_M", 12, Q3_K, Q4_K, Q6_K),
    recipe("IQ4_XS", 30, IQ4_XS, IQ4_XS, Q6_K),
    recipe("Q4_0", 2, Q4_0, Q4_0, Q6_K),
    recipe("Q4_K_S", 14, Q4_K, Q4_K, Q6_K),
    recipe("Q4_K_M", 15, Q4_K, Q5_K, Q6_K),
    recipe("UD-Q4_K_XL", 15, Q4_K, Q6_K, Q6_K),
    recipe("Q5_K_S", 16, Q5_K, Q5_K, Q6_K),
    recipe("Q5_K_M", 17, Q5_K, Q6_K, Q6_K),
    recipe("Q6_K", 18, Q6_K, Q6_K, Q6_K),
    recipe("Q8_0", 7, Q8_0, Q8_0, Q8_0),
    recipe("BF16", 32, BF16, BF16, BF16),
];
