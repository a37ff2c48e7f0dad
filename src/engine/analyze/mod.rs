//! What a repository offers: its kind, quantization labels, shards and variants. Pure; knows nothing of downloading.
