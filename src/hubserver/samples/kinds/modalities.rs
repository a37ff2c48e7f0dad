//! Models of sound, of pictures, and of pictures and text; and weights that nothing describes.

use serde_json::{Value, json};

use super::repo;
use crate::desk::Fault;
use crate::hubserver::samples::folder::Folder;
use crate::hubserver::samples::llama::Shape;
use crate::hubserver::samples::safetensors::{self, Tensor, Type};
use crate::hubserver::samples::{Scale, tokens};

/// Values in a layer of the small models.
const WIDTH: u64 = 128;

pub(super) fn write(root: &Folder) -> Result<(), Fault> {
    audio(root)?;
    vision(root)?;
    multimodal(root)?;
    generic(root)
}

/// Two layers below this name.
fn layers(name: &str) -> Vec<Tensor> {
    let parts = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj", "fc1", "fc2"];
    let layer = |number: usize| parts.map(|part| Tensor::new(format!("{name}.layers.{number}.{part}.weight"), &[WIDTH, WIDTH], Type::F16));
    (0..2).flat_map(layer).collect()
}

/// A model that turns speech into text.
fn audio(root: &Folder) -> Result<(), Fault> {
    let repo = repo(root, "polar-speech/Skua-small", "library_name: transformers\nlanguage:\n- en\n- de\ntags:\n- audio\n", 11)?;
    let config = json!({ "architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper", "d_model": WIDTH, "encoder_layers": 2,
        "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2, "num_mel_bins": 80, "max_source_positions": 1500,
        "max_target_positions": 448, "vocab_size": 256, "is_encoder_decoder": true, "torch_dtype": "float16", "transformers_version": "4.57.1" });
    repo.json("config.json", &config)?;
    let features = json!({ "feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80, "sampling_rate": 16000, "n_fft": 400,
        "hop_length": 160, "chunk_length": 30, "processor_class": "WhisperProcessor" });
    repo.json("preprocessor_config.json", &features)?;
    repo.json("generation_config.json", &json!({ "is_multilingual": true, "max_length": 448, "no_timestamps_token_id": 255 }))?;
    repo.json("normalizer.json", &json!({ "colour": "color" }))?;
    tokens::write(&repo, 256)?;
    safetensors::write(&repo, "model.safetensors", &[layers("model.encoder"), layers("model.decoder")].concat())
}

/// A model that says what a picture shows.
fn vision(root: &Folder) -> Result<(), Fault> {
    let repo = repo(root, "kestrel-vision/Buzzard-patch16-224", "library_name: transformers\ntags:\n- vision\n", 12)?;
    let config = json!({ "architectures": ["ViTForImageClassification"], "model_type": "vit", "hidden_size": WIDTH, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": WIDTH, "image_size": 224, "patch_size": 16, "num_channels": 3,
        "id2label": { "0": "heron", "1": "curlew" }, "label2id": { "heron": 0, "curlew": 1 }, "torch_dtype": "float16" });
    repo.json("config.json", &config)?;
    repo.json("preprocessor_config.json", &pictures("ViTImageProcessor"))?;
    safetensors::write(&repo, "model.safetensors", &layers("vit.encoder"))
}

fn pictures(processor: &str) -> Value {
    json!({ "image_processor_type": processor, "do_normalize": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5], "rescale_factor": 0.003_921_568_627_450_98, "size": { "height": 224, "width": 224 } })
}

/// A language model that sees. Its shards come with everything that a processor needs.
fn multimodal(root: &Folder) -> Result<(), Fault> {
    let repo = repo(root, "vellum-press/Fresco-3B-VL", "library_name: transformers\ntags:\n- multimodal\n", 13)?;
    let shape = Shape::small(Scale::Tiny);
    let vision = json!({ "model_type": "siglip_vision_model", "hidden_size": WIDTH, "image_size": 224, "num_attention_heads": 2,
        "num_hidden_layers": 2, "patch_size": 14 });
    let config = json!({ "architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "image_token_index": 3,
        "mm_tokens_per_image": 256, "text_config": shape.config(), "vision_config": vision, "torch_dtype": "bfloat16", "transformers_version": "4.57.1" });
    repo.json("config.json", &config)?;
    repo.json("preprocessor_config.json", &pictures("Gemma3ImageProcessor"))?;
    repo.json("processor_config.json", &json!({ "image_seq_length": 256, "processor_class": "Gemma3Processor" }))?;
    repo.text("chat_template.jinja", tokens::CHAT_TEMPLATE)?;
    tokens::write(&repo, shape.vocabulary())?;
    safetensors::write_shards(&repo, &[shape.tensors(), layers("vision_tower.encoder")].concat(), 2)
}

/// Two detectors that only their author's program can read.
fn generic(root: &Folder) -> Result<(), Fault> {
    let repo = repo(root, "fathom-works/Plover-detectors", "tags:\n- sonar\n", 14)?;
    repo.text("classes.txt", "fish\nweed\nstone\n")?;
    safetensors::write(&repo, "plover-s.safetensors", &layers("backbone"))?;
    safetensors::write(&repo, "plover-m.safetensors", &[layers("backbone"), layers("neck")].concat())
}
