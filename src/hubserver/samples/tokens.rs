//! A small invented vocabulary.

use serde_json::{Map, Value, json};

use super::folder::Folder;
use crate::desk::Fault;

const SYLLABLES: [&str; 20] =
    ["au", "ro", "ra", "lu", "men", "pri", "sma", "fi", "eld", "no", "te", "he", "li", "os", "qu", "ant", "sha", "rd", "blo", "b"];

/// Words of three syllables at most, all different; the first three are control tokens.
pub fn vocabulary(count: u64) -> Vec<String> {
    let control = ["<|unk|>", "<|begin|>", "<|end|>"].map(str::to_owned);
    control.into_iter().chain((0..count.saturating_sub(3)).map(word)).collect()
}

fn word(mut number: u64) -> String {
    let mut word = String::new();
    loop {
        let at = usize::try_from(number % 20).unwrap_or_default();
        word.push_str(SYLLABLES[at]);
        word.push(if number < 20 { '.' } else { '_' });
        if number < 20 {
            return word;
        }
        number = number / 20 - 1;
    }
}

/// Writes `tokenizer.json` and `tokenizer_config.json`.
pub fn write(folder: &Folder, count: u64) -> Result<(), Fault> {
    let words = vocabulary(count);
    let vocab: Map<String, Value> = words.iter().zip(0..).map(|(word, id)| (word.clone(), Value::from(id))).collect();
    let added: Vec<Value> = words.iter().take(3).zip(0..).map(|(word, id): (_, u64)| added_token(word, id)).collect();
    let bytes = json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
    let model = json!({ "type": "BPE", "dropout": null, "unk_token": words[0], "continuing_subword_prefix": null, "end_of_word_suffix": null,
        "fuse_unk": false, "byte_fallback": false, "vocab": vocab, "merges": [] });
    folder.json(
        "tokenizer.json",
        &json!({ "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": bytes, "post_processor": null, "decoder": bytes, "model": model }),
    )?;
    folder.json(
        "tokenizer_config.json",
        &json!({ "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": words[1], "eos_token": words[2],
        "unk_token": words[0], "model_max_length": 32768, "clean_up_tokenization_spaces": false, "chat_template": CHAT_TEMPLATE }),
    )
}

fn added_token(word: &str, id: u64) -> Value {
    json!({ "id": id, "content": word, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true })
}

/// A chat template in Jinja.
pub const CHAT_TEMPLATE: &str = "{% for message in messages %}<|begin|>{{ message.role }}\n{{ message.content }}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|begin|>assistant\n{% endif %}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_all_different() {
        let words = vocabulary(9000);
        assert_eq!(words.iter().collect::<std::collections::HashSet<_>>().len(), 9000);
    }
}
