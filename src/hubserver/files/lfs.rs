//! Which files a Hub keeps outside git, addressed by SHA-256.

/// A larger file is stored as LFS whatever its name, in bytes; the Hub refuses such files in git.
const LARGEST_IN_GIT: u64 = 10 << 20;

/// Extensions of the Hub's default `.gitattributes`, and GGUF.
const EXTENSIONS: [&str; 38] = [
    "7z",
    "arrow",
    "avro",
    "bin",
    "bz2",
    "ckpt",
    "ftz",
    "gguf",
    "gz",
    "h5",
    "joblib",
    "mlmodel",
    "model",
    "msgpack",
    "npy",
    "npz",
    "onnx",
    "ot",
    "parquet",
    "pb",
    "pickle",
    "pkl",
    "pt",
    "pth",
    "rar",
    "safetensors",
    "tar",
    "tflite",
    "tgz",
    "wasm",
    "xz",
    "zip",
    "zst",
    "flac",
    "mp3",
    "mp4",
    "wav",
    "webm",
];

/// Whether the file is an LFS file, by its repository path and its size in bytes.
pub(super) fn is_lfs(path: &str, size: u64) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    size > LARGEST_IN_GIT || name.contains("tfevents") || extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_archives_and_anything_large_are_lfs() {
        for path in ["a/b.gguf", "model.safetensors", "x.PT", "data/train.parquet", "events.out.tfevents.1"] {
            assert!(is_lfs(path, 1), "{path}");
        }
        for path in ["README.md", "config.json", "gguf", "data/train.jsonl", ".gitattributes"] {
            assert!(!is_lfs(path, LARGEST_IN_GIT), "{path}");
            assert!(is_lfs(path, LARGEST_IN_GIT + 1), "{path}");
        }
    }
}
