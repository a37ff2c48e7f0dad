//! Safetensors files: the length of a JSON header, the header, then the data without gaps.

use serde_json::{Map, json};

use super::folder::Folder;
use crate::desk::Fault;

/// A tensor's description.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its dimensions, the outermost first.
    pub shape: Vec<u64>,
    /// The type of its values.
    pub stored: Type,
}

/// A type of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Brain floating point.
    Bf16,
    /// 16-bit floating point.
    F16,
    /// 32-bit floating point.
    F32,
    /// 8-bit floating point with a mantissa of 3 bits.
    F8E4m3,
    /// 16-bit integers.
    I16,
    /// 32-bit integers.
    I32,
    /// Bytes.
    U8,
    /// 32-bit integers without a sign.
    U32,
}

impl Type {
    fn name_and_size(self) -> (&'static str, u64) {
        match self {
            Self::Bf16 => ("BF16", 2),
            Self::F16 => ("F16", 2),
            Self::F32 => ("F32", 4),
            Self::F8E4m3 => ("F8_E4M3", 1),
            Self::I16 => ("I16", 2),
            Self::I32 => ("I32", 4),
            Self::U8 => ("U8", 1),
            Self::U32 => ("U32", 4),
        }
    }
}

impl Tensor {
    /// A tensor.
    pub fn new(name: impl Into<String>, shape: &[u64], stored: Type) -> Self {
        Self { name: name.into(), shape: shape.to_vec(), stored }
    }

    /// Its bytes.
    pub fn size(&self) -> u64 {
        self.shape.iter().product::<u64>() * self.stored.name_and_size().1
    }
}

/// Writes a file with these tensors, whose values are random.
pub fn write(folder: &Folder, name: &str, tensors: &[Tensor]) -> Result<(), Fault> {
    let mut header = Map::from_iter([("__metadata__".to_owned(), json!({ "format": "pt" }))]);
    let mut end = 0;
    for tensor in tensors {
        let start = end;
        end += tensor.size();
        let description = json!({ "dtype": tensor.stored.name_and_size().0, "shape": tensor.shape, "data_offsets": [start, end] });
        header.insert(tensor.name.clone(), description);
    }
    let mut text = serde_json::Value::Object(header).to_string();
    text.push_str(&" ".repeat(text.len().next_multiple_of(8) - text.len()));
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    folder.binary(name, &bytes, end)
}

/// Writes the same as shards with an index, as `transformers` does.
pub fn write_shards(folder: &Folder, tensors: &[Tensor], count: usize) -> Result<(), Fault> {
    let mut places = Map::new();
    for (number, part) in (1..=count).zip(tensors.chunks(tensors.len().div_ceil(count))) {
        let name = format!("model-{number:05}-of-{count:05}.safetensors");
        write(folder, &name, part)?;
        places.extend(part.iter().map(|tensor| (tensor.name.clone(), name.clone().into())));
    }
    let total: u64 = tensors.iter().map(Tensor::size).sum();
    folder.json("model.safetensors.index.json", &json!({ "metadata": { "total_size": total }, "weight_map": places }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_match_the_data() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path()).unwrap();
        let tensors = [Tensor::new("a", &[2, 3], Type::Bf16), Tensor::new("b", &[5], Type::F32), Tensor::new("c", &[1], Type::F16)];
        write_shards(&folder, &tensors, 2).unwrap();
        let content = std::fs::read(dir.path().join("model-00001-of-00002.safetensors")).unwrap();
        let length = usize::try_from(u64::from_le_bytes(content[..8].try_into().unwrap())).unwrap();
        let header: serde_json::Value = serde_json::from_slice(&content[8..8 + length]).unwrap();
        assert_eq!(header["b"], json!({ "dtype": "F32", "shape": [5], "data_offsets": [12, 32] }));
        assert_eq!(content.len(), 8 + length + 32);
        let index = std::fs::read_to_string(dir.path().join("model.safetensors.index.json")).unwrap();
        let index: serde_json::Value = serde_json::from_str(&index).unwrap();
        assert_eq!(index["metadata"]["total_size"], 34);
        assert_eq!(index["weight_map"]["c"], "model-00002-of-00002.safetensors");
    }
}
