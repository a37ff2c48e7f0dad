//! Headers built by hand, for tests.

/// A value of GGUF metadata.
#[derive(Clone, Debug)]
pub(super) enum Value {
    U32(u32),
    I32(i32),
    F32(f32),
    U64(u64),
    Bool(bool),
    Text(&'static str),
    Texts(Vec<String>),
    U32s(Vec<u32>),
    Bools(Vec<bool>),
    /// A list of lists of one byte each, this deep.
    Deep(u32),
    /// A type number and bytes.
    Raw(u32, Vec<u8>),
}

/// A GGUF header.
#[derive(Clone, Debug)]
pub(super) struct Gguf {
    pub version: u32,
    pub big_endian: bool,
    pub entries: Vec<(String, Value)>,
    pub tensors: Vec<(String, Vec<u64>, u32)>,
    /// Said instead of the true numbers of tensors and keys.
    pub counts: Option<(u64, u64)>,
}

impl Gguf {
    pub fn new(architecture: &'static str) -> Self {
        let empty = Self { version: 3, big_endian: false, entries: Vec::new(), tensors: Vec::new(), counts: None };
        empty.with("general.architecture", Value::Text(architecture))
    }

    pub fn with(mut self, key: impl Into<String>, value: Value) -> Self {
        self.entries.push((key.into(), value));
        self
    }

    /// Numbers under the keys of the architecture.
    pub fn numbers(mut self, architecture: &str, numbers: &[(&str, u32)]) -> Self {
        self.entries.extend(numbers.iter().map(|(key, number)| (format!("{architecture}.{key}"), Value::U32(*number))));
        self
    }

    pub fn tensor(mut self, name: &str, shape: &[u64], kind: u32) -> Self {
        self.tensors.push((name.to_owned(), shape.to_vec(), kind));
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Out { bytes: b"GGUF".to_vec(), big: self.big_endian };
        out.u32(self.version);
        let (tensors, entries) = self.counts.unwrap_or((self.tensors.len() as u64, self.entries.len() as u64));
        out.u64(tensors);
        out.u64(entries);
        for (key, value) in &self.entries {
            out.text(key);
            out.value(value);
        }
        for (name, shape, kind) in &self.tensors {
            out.text(name);
            out.u32(u32::try_from(shape.len()).unwrap());
            for size in shape {
                out.u64(*size);
            }
            out.u32(*kind);
            out.u64(0);
        }
        out.bytes
    }
}

struct Out {
    bytes: Vec<u8>,
    big: bool,
}

impl Out {
    fn number<const N: usize>(&mut self, little: [u8; N]) {
        let mut bytes = little;
        if self.big {
            bytes.reverse();
        }
        self.bytes.extend_from_slice(&bytes);
    }

    fn u32(&mut self, number: u32) {
        self.number(number.to_le_bytes());
    }

    fn u64(&mut self, number: u64) {
        self.number(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.u64(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn list(&mut self, kind: u32, count: usize) {
        self.u32(9);
        self.u32(kind);
        self.u64(count as u64);
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::U32(number) => self.tagged(4, |out| out.u32(*number)),
            Value::I32(number) => self.tagged(5, |out| out.number(number.to_le_bytes())),
            Value::F32(number) => self.tagged(6, |out| out.number(number.to_le_bytes())),
            Value::U64(number) => self.tagged(10, |out| out.u64(*number)),
            Value::Bool(flag) => self.tagged(7, |out| out.bytes.push(u8::from(*flag))),
            Value::Text(text) => self.tagged(8, |out| out.text(text)),
            Value::Texts(texts) => {
                self.list(8, texts.len());
                for text in texts {
                    self.text(text);
                }
            }
            Value::U32s(numbers) => {
                self.list(4, numbers.len());
                for number in numbers {
                    self.u32(*number);
                }
            }
            Value::Bools(flags) => {
                self.list(7, flags.len());
                self.bytes.extend(flags.iter().map(|flag| u8::from(*flag)));
            }
            Value::Deep(depth) => self.tagged(9, |out| out.deep(*depth)),
            Value::Raw(kind, bytes) => self.tagged(*kind, |out| out.bytes.extend_from_slice(bytes)),
        }
    }

    fn tagged(&mut self, kind: u32, write: impl FnOnce(&mut Self)) {
        self.u32(kind);
        write(self);
    }

    fn deep(&mut self, depth: u32) {
        self.u32(if depth == 0 { 0 } else { 9 });
        self.u64(1);
        if depth == 0 {
            self.bytes.push(1);
        } else {
            self.deep(depth - 1);
        }
    }
}

/// A safetensors file's front with this header.
pub(super) fn safetensors(header: &str) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes
}
