//! GGUF files, version 3: a header of metadata and tensor descriptions, then aligned data.

use super::folder::Folder;
use super::quant::Type;
use crate::desk::Fault;

/// The alignment of tensor data, in bytes; the format's default.
const ALIGNMENT: u64 = 32;

/// A metadata value.
#[derive(Clone, Debug)]
pub enum Value {
    U16(u16),
    U32(u32),
    I32(i32),
    F32(f32),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    I32s(Vec<i32>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A tensor's description. The first dimension is the one whose values lie side by side.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<u64>,
    /// How its values are stored.
    pub stored: Type,
}

impl Tensor {
    /// A tensor.
    pub fn new(name: impl Into<String>, shape: &[u64], stored: Type) -> Self {
        Self { name: name.into(), shape: shape.to_vec(), stored }
    }

    fn size(&self) -> u64 {
        self.stored.size(self.shape.iter().product())
    }
}

/// Metadata in the order in which it is written.
pub type Metadata = Vec<(String, Value)>;

/// Writes a file with this metadata and these tensors, whose values are random.
pub fn write(folder: &Folder, name: &str, metadata: &Metadata, tensors: &[Tensor]) -> Result<(), Fault> {
    let mut header = Header::default();
    header.0.extend_from_slice(b"GGUF");
    header.u32(3);
    header.u64(tensors.len() as u64);
    header.u64(metadata.len() as u64);
    for (key, value) in metadata {
        header.text(key);
        header.value(value);
    }
    let mut offset = 0;
    for tensor in tensors {
        header.tensor(tensor, offset);
        offset += aligned(tensor.size());
    }
    let start = aligned(header.0.len() as u64);
    header.0.resize(usize::try_from(start).unwrap_or_default(), 0);
    folder.binary(name, &header.0, offset)
}

/// Writes the same as several shards, as `llama-gguf-split` does: all metadata in the first, the tensors dealt in order.
pub fn write_shards(folder: &Folder, stem: &str, metadata: &Metadata, tensors: &[Tensor], count: u16) -> Result<(), Fault> {
    let per_shard = tensors.len().div_ceil(usize::from(count));
    for (number, part) in (0..count).zip(tensors.chunks(per_shard)) {
        let mut own = if number == 0 { metadata.clone() } else { Metadata::new() };
        own.push(("split.no".to_owned(), Value::U16(number)));
        own.push(("split.count".to_owned(), Value::U16(count)));
        own.push(("split.tensors.count".to_owned(), Value::I32(i32::try_from(tensors.len()).unwrap_or_default())));
        write(folder, &format!("{stem}-{:05}-of-{count:05}.gguf", number + 1), &own, part)?;
    }
    Ok(())
}

fn aligned(bytes: u64) -> u64 {
    bytes.next_multiple_of(ALIGNMENT)
}

#[derive(Default)]
struct Header(Vec<u8>);

impl Header {
    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.u64(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Writes a value's type number and the value.
    fn value(&mut self, value: &Value) {
        match value {
            Value::U16(value) => self.number(2, &value.to_le_bytes()),
            Value::U32(value) => self.number(4, &value.to_le_bytes()),
            Value::I32(value) => self.number(5, &value.to_le_bytes()),
            Value::F32(value) => self.number(6, &value.to_le_bytes()),
            Value::Bool(value) => self.number(7, &[u8::from(*value)]),
            Value::Text(text) => {
                self.u32(8);
                self.text(text);
            }
            Value::Texts(texts) => {
                self.array(8, texts.len());
                for text in texts {
                    self.text(text);
                }
            }
            Value::I32s(numbers) => {
                self.array(5, numbers.len());
                for number in numbers {
                    self.0.extend_from_slice(&number.to_le_bytes());
                }
            }
        }
    }

    fn number(&mut self, kind: u32, bytes: &[u8]) {
        self.u32(kind);
        self.0.extend_from_slice(bytes);
    }

    fn array(&mut self, kind: u32, length: usize) {
        self.u32(9);
        self.u32(kind);
        self.u64(length as u64);
    }

    fn tensor(&mut self, tensor: &Tensor, offset: u64) {
        self.text(&tensor.name);
        self.u32(u32::try_from(tensor.shape.len()).unwrap_or_default());
        for size in &tensor.shape {
            self.u64(*size);
        }
        self.u32(tensor.stored.id);
        self.u64(offset);
    }
}

#[cfg(test)]
mod tests {
    use super::super::quant::{F32, RECIPES};
    use super::*;

    #[test]
    fn a_file_is_as_long_as_its_header_says() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path()).unwrap();
        let metadata =
            vec![("general.architecture".to_owned(), Value::from("llama")), ("t".to_owned(), Value::Texts(vec!["a".to_owned()]))];
        let tensors = [Tensor::new("norm", &[5], F32), Tensor::new("w", &[256, 3], RECIPES[0].base)];
        write(&folder, "x.gguf", &metadata, &tensors).unwrap();
        let content = std::fs::read(dir.path().join("x.gguf")).unwrap();
        assert_eq!(content[..24], *b"GGUF\x03\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0");
        // 24 bytes; two entries (8+20+4+8+5 and 8+1+4+4+8+8+1); two tensors (8+4+4+8+4+8 and 8+1+4+16+4+8); all rounded up to 32.
        let header = (24_u64 + 45 + 34 + 36 + 41).next_multiple_of(32);
        assert_eq!(content.len() as u64, header + 32 + (3 * 84_u64).next_multiple_of(32));
    }

    #[test]
    fn shards_hold_all_tensors() {
        let dir = tempfile::tempdir().unwrap();
        let tensors: Vec<Tensor> = (0..5).map(|n| Tensor::new(format!("t{n}"), &[8], F32)).collect();
        write_shards(&Folder::new(dir.path()).unwrap(), "x", &Metadata::new(), &tensors, 2).unwrap();
        let counts: Vec<u8> = (1..=2).map(|n| std::fs::read(dir.path().join(format!("x-0000{n}-of-00002.gguf"))).unwrap()[8]).collect();
        assert_eq!(counts, [3, 2]);
    }
}
