//! One language model quantized by six libraries: their `quantization_config`, and their tensors in place of each linear layer's weight.

use serde_json::{Value, json};

use super::repo;
use crate::desk::Fault;
use crate::hubserver::samples::folder::Folder;
use crate::hubserver::samples::llama::Shape;
use crate::hubserver::samples::safetensors::{self, Tensor, Type};
use crate::hubserver::samples::{Scale, tokens};

/// A way to quantize.
struct Scheme {
    /// The repository.
    id: &'static str,
    /// The key of `config.json` and what stands there.
    config: fn() -> (&'static str, Value),
    /// What stands for a linear layer of this name, with so many inputs and outputs.
    layer: fn(&str, u64, u64) -> Vec<Tensor>,
}

const SCHEMES: [Scheme; 6] = [
    Scheme { id: "copperline/Brook-3B-Instruct-GPTQ-Int4", config: gptq_config, layer: gptq },
    Scheme { id: "copperline/Brook-3B-Instruct-AWQ", config: awq_config, layer: awq },
    Scheme { id: "saltmarsh/Brook-3B-Instruct-exl3-4.0bpw", config: exl3_config, layer: exl3 },
    Scheme { id: "larkspur/Brook-3B-Instruct-FP8", config: fp8_config, layer: fp8 },
    Scheme { id: "orchard-ml/Brook-3B-Instruct-4bit", config: mlx_config, layer: mlx },
    Scheme { id: "juniper-lab/Brook-3B-Instruct-bnb-4bit", config: nf4_config, layer: nf4 },
];

/// Weights that share a scale.
const GROUP: u64 = 128;

pub(super) fn write(root: &Folder) -> Result<(), Fault> {
    let shape = Shape::small(Scale::Tiny);
    for (downloads, scheme) in (1..).zip(&SCHEMES) {
        let front = "base_model: lumen-research/Lumen-3B-Base\nbase_model_relation: quantized\nlibrary_name: transformers\npipeline_tag: text-generation\n";
        let repo = repo(root, scheme.id, front, downloads)?;
        let mut config = shape.config();
        let (key, quantization) = (scheme.config)();
        config[key] = quantization;
        repo.json("config.json", &config)?;
        repo.json("generation_config.json", &json!({ "bos_token_id": 1, "eos_token_id": 2, "transformers_version": "4.57.1" }))?;
        tokens::write(&repo, shape.vocabulary())?;
        let tensors: Vec<Tensor> = shape.tensors().into_iter().flat_map(|tensor| quantized(scheme, tensor)).collect();
        safetensors::write(&repo, "model.safetensors", &tensors)?;
    }
    Ok(())
}

/// A linear layer's weight as the scheme stores it; every other tensor as it is.
fn quantized(scheme: &Scheme, tensor: Tensor) -> Vec<Tensor> {
    match (tensor.name.strip_suffix(".weight"), tensor.shape.as_slice()) {
        (Some(layer), [outputs, inputs]) if layer.ends_with("_proj") => (scheme.layer)(layer, *inputs, *outputs),
        _ => vec![tensor],
    }
}

fn tensor<const N: usize>(layer: &str, part: &str, shape: [u64; N], stored: Type) -> Tensor {
    Tensor::new(format!("{layer}.{part}"), &shape, stored)
}

/// <https://github.com/ModelCloud/GPTQModel>: eight weights of 4 bits in a word, packed along the inputs.
fn gptq(layer: &str, inputs: u64, outputs: u64) -> Vec<Tensor> {
    vec![
        tensor(layer, "g_idx", [inputs], Type::I32),
        tensor(layer, "qweight", [inputs / 8, outputs], Type::I32),
        tensor(layer, "qzeros", [inputs / GROUP, outputs / 8], Type::I32),
        tensor(layer, "scales", [inputs / GROUP, outputs], Type::F16),
    ]
}

fn gptq_config() -> (&'static str, Value) {
    let config = json!({ "bits": 4, "checkpoint_format": "gptq", "desc_act": true, "group_size": GROUP, "lm_head": false,
        "meta": { "damp_percent": 0.05, "quantizer": ["gptqmodel:4.2.5"], "static_groups": false, "true_sequential": true },
        "pack_dtype": "int32", "quant_method": "gptq", "sym": true });
    ("quantization_config", config)
}

/// <https://github.com/casper-hansen/AutoAWQ>: eight weights of 4 bits in a word, packed along the outputs.
fn awq(layer: &str, inputs: u64, outputs: u64) -> Vec<Tensor> {
    vec![
        tensor(layer, "qweight", [inputs, outputs / 8], Type::I32),
        tensor(layer, "qzeros", [inputs / GROUP, outputs / 8], Type::I32),
        tensor(layer, "scales", [inputs / GROUP, outputs], Type::F16),
    ]
}

fn awq_config() -> (&'static str, Value) {
    let config = json!({ "bits": 4, "group_size": GROUP, "modules_to_not_convert": null, "quant_method": "awq", "version": "gemm", "zero_point": true });
    ("quantization_config", config)
}

/// <https://github.com/turboderp-org/exllamav3>: tiles of 16 by 16 weights, 4 bits each, and a vector for each side.
fn exl3(layer: &str, inputs: u64, outputs: u64) -> Vec<Tensor> {
    vec![
        tensor(layer, "suh", [inputs], Type::F16),
        tensor(layer, "svh", [outputs], Type::F16),
        tensor(layer, "trellis", [inputs / 16, outputs / 16, 64], Type::I16),
    ]
}

fn exl3_config() -> (&'static str, Value) {
    let config = json!({ "quant_method": "exl3", "version": "0.0.6", "bits": 4.0, "head_bits": 6,
        "calibration": { "rows": 100, "cols": 2048 }, "out_scales": "auto" });
    ("quantization_config", config)
}

/// Weights of 8 bits with a scale for each block of 128 by 128, as `transformers` reads them:
/// <https://huggingface.co/docs/transformers/quantization/finegrained_fp8>.
fn fp8(layer: &str, inputs: u64, outputs: u64) -> Vec<Tensor> {
    vec![
        tensor(layer, "weight", [outputs, inputs], Type::F8E4m3),
        tensor(layer, "weight_scale_inv", [outputs.div_ceil(GROUP), inputs.div_ceil(GROUP)], Type::F32),
    ]
}

fn fp8_config() -> (&'static str, Value) {
    let config = json!({ "activation_scheme": "dynamic", "fmt": "e4m3", "modules_to_not_convert": ["lm_head"], "quant_method": "fp8",
        "weight_block_size": [GROUP, GROUP] });
    ("quantization_config", config)
}

/// <https://github.com/ml-explore/mlx-lm>: eight weights of 4 bits in a word, a scale and a bias for 64 of them.
fn mlx(layer: &str, inputs: u64, outputs: u64) -> Vec<Tensor> {
    vec![
        tensor(layer, "biases", [outputs, inputs / 64], Type::Bf16),
        tensor(layer, "scales", [outputs, inputs / 64], Type::Bf16),
        tensor(layer, "weight", [outputs, inputs / 8], Type::U32),
    ]
}

fn mlx_config() -> (&'static str, Value) {
    ("quantization", json!({ "group_size": 64, "bits": 4, "mode": "affine" }))
}

/// <https://huggingface.co/docs/transformers/quantization/bitsandbytes>: two weights in a byte, a scale for 64 of them that is quantized itself.
fn nf4(layer: &str, inputs: u64, outputs: u64) -> Vec<Tensor> {
    let blocks = inputs * outputs / 64;
    vec![
        tensor(layer, "weight", [inputs * outputs / 2, 1], Type::U8),
        tensor(layer, "weight.absmax", [blocks], Type::U8),
        tensor(layer, "weight.nested_absmax", [blocks.div_ceil(256)], Type::F32),
        tensor(layer, "weight.nested_quant_map", [256], Type::F32),
        tensor(layer, "weight.quant_map", [16], Type::F32),
    ]
}

fn nf4_config() -> (&'static str, Value) {
    let config = json!({ "_load_in_4bit": true, "_load_in_8bit": false, "bnb_4bit_compute_dtype": "bfloat16", "bnb_4bit_quant_storage": "uint8",
        "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": true, "llm_int8_skip_modules": null, "load_in_4bit": true,
        "load_in_8bit": false, "quant_method": "bitsandbytes" });
    ("quantization_config", config)
}
