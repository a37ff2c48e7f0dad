//! A model exported for the browser: one graph for each precision, and one whose weights lie beside it.

use serde_json::json;

use super::repo;
use crate::desk::Fault;
use crate::hubserver::samples::folder::Folder;
use crate::hubserver::samples::tokens;

/// Parameters of the model.
const PARAMETERS: u64 = 100_000;

pub(super) fn write(root: &Folder) -> Result<(), Fault> {
    let repo = repo(root, "blue-heron-labs/Egret-embed-ONNX", "library_name: transformers.js\npipeline_tag: feature-extraction\n", 15)?;
    let config = json!({ "architectures": ["BertModel"], "model_type": "bert", "hidden_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 256, "vocab_size": 256, "max_position_embeddings": 512,
        "transformers.js_config": { "use_external_data_format": { "model.onnx": 1 } } });
    repo.json("config.json", &config)?;
    tokens::write(&repo, 256)?;
    let graphs = repo.below("onnx")?;
    // The graph alone: its weights are in the data file.
    graph(&graphs, "model.onnx", 1, 0)?;
    graphs.binary("model.onnx_data", &[], PARAMETERS * 4)?;
    graph(&graphs, "model_fp16.onnx", 10, PARAMETERS * 2)?;
    graph(&graphs, "model_quantized.onnx", 3, PARAMETERS)?;
    graph(&graphs, "model_q4.onnx", 2, PARAMETERS / 2)
}

/// Writes a model whose graph has one tensor with so many bytes of this type: <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.
fn graph(folder: &Folder, name: &str, stored: u8, bytes: u64) -> Result<(), Fault> {
    // The bytes of a tensor come last in it, it last in the graph, and that last in the model: so they can follow as noise.
    let tensor = [vec![0x10, stored, 0x42, 1, b'w'], counted(0x4a, bytes)].concat();
    let graph = [vec![0x12, 4], b"main".to_vec(), counted(0x2a, tensor.len() as u64 + bytes), tensor].concat();
    let model = [vec![0x08, 8, 0x12, 7], b"pytorch".to_vec(), counted(0x3a, graph.len() as u64 + bytes), graph].concat();
    folder.binary(name, &model, bytes)
}

/// A field's tag and the length of what follows, as Protocol Buffers write them.
fn counted(tag: u8, mut length: u64) -> Vec<u8> {
    let mut bytes = vec![tag];
    while length > 0x7f {
        bytes.push(0x80 | length.to_le_bytes()[0]);
        length >>= 7;
    }
    bytes.push(length.to_le_bytes()[0]);
    bytes
}
