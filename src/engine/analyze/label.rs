//! Quantization labels in file and folder names.
//!
//! People separate them with dashes, dots or underscores, write them in either case, leave out underscores (`q4k`), put a
//! family in front (`UD-`, `i1-`, `smol-`) or a note behind (`_v2`), and list one type for each group of tensors
//! (`Q8_0-FFN-IQ4_XS`). A model's own name may hold one too, so that the last one counts.

/// Families whose name belongs to the label, as people write them.
const FAMILIES: [&str; 6] = ["UD-", "UDT-", "AD-", "MTP-", "i1-", "smol-"];
/// Unquantized types.
const FLOATS: [&str; 7] = ["BF16", "F16", "F32", "F64", "FP16", "FP32", "FP64"];
/// Types that are one word. `SOURCE` is a conversion that keeps the original's type.
const WORDS: [&str; 9] = ["NVFP4", "MXFP6", "MXFP8", "FP8", "FP4", "INT4", "INT8", "Q4F16", "SOURCE"];
/// What may follow `Q4` and its like after an underscore; so may a single digit.
const TAILS: [&str; 21] =
    ["K", "KM", "KS", "KL", "KT", "KSS", "KXL", "XXS", "XS", "S", "M", "L", "XL", "XXL", "NL", "H", "X", "R4", "R8", "KV", "KXS"];
/// Sizes of the mixtures that are called APEX: <https://huggingface.co/mudler/Step-3.7-Flash-APEX-GGUF>.
const MIXTURES: [&str; 4] = ["BALANCED", "COMPACT", "MINI", "QUALITY"];
/// Groups of tensors, between two types of one label.
const GROUPS: [&str; 9] = ["FFN", "EMBD", "EMBED", "OUT", "OUTPUT", "ATTN", "EXP", "TOK", "B16"];

/// A label and what surrounds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Labelled {
    /// The label as people write it, in capitals: `UD-Q4_K_XL`.
    pub label: String,
    /// What stands before it, usually the model's name.
    pub before: String,
    /// What stands behind it, with its separator: `-hip-optimized`.
    pub after: String,
    /// Whether it names a quantized type rather than a float.
    pub quantized: bool,
}

/// A part of a name between separators.
#[derive(Clone, Copy)]
struct Piece<'a> {
    start: usize,
    text: &'a str,
    /// The separator before it.
    separator: char,
}

impl Piece<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// A type's name in the pieces `from..to`.
struct Found {
    from: usize,
    to: usize,
    /// Where it begins in the text: not always at a piece's beginning.
    start: usize,
    name: String,
    float: bool,
}

/// The label in a name without its extension.
pub(super) fn parse(text: &str) -> Option<Labelled> {
    let pieces = pieces(text);
    let found = all(&pieces);
    let run = last_run(&found, &pieces);
    let (first, last) = (run.first()?, run.last()?);
    let (start, family) = family(&pieces, first);
    let end = noted(&pieces, last.to);
    let after = pieces.get(end).map_or("", |piece| &text[piece.start - piece.separator.len_utf8()..]);
    let middle: String = run.windows(2).flat_map(|pair| [pair[0].name.clone(), between(&pieces, &pair[0], &pair[1])]).collect();
    let notes = &text[pieces[last.to - 1].end()..pieces[end - 1].end()];
    Some(Labelled {
        label: format!("{family}{middle}{}{notes}", last.name),
        before: text[..start].trim_end_matches(is_separator).to_owned(),
        after: after.to_owned(),
        quantized: run.iter().any(|found| !found.float),
    })
}

fn is_separator(c: char) -> bool {
    matches!(c, '-' | '_' | '.' | ' ')
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut separator = '-';
    let mut start = 0;
    for (at, c) in text.char_indices().filter(|(_, c)| is_separator(*c)).chain([(text.len(), '-')]) {
        pieces.push(Piece { start, text: &text[start..at], separator });
        (start, separator) = (at + c.len_utf8(), c);
    }
    pieces
}

fn all(pieces: &[Piece]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        match type_at(pieces, at) {
            Some(one) => {
                at = one.to;
                found.push(one);
            }
            None => at += 1,
        }
    }
    found
}

/// The name of a type that begins in this piece.
fn type_at(pieces: &[Piece], at: usize) -> Option<Found> {
    let piece = pieces[at];
    let upper = piece.text.to_ascii_uppercase();
    let found = |to, name: String, float| Found { from: at, to, start: piece.start, name, float };
    if FLOATS.contains(&upper.as_str()) {
        return Some(found(at + 1, upper, true));
    }
    if WORDS.contains(&upper.as_str()) {
        return Some(found(at + 1, upper, false));
    }
    if let Some((to, name)) = mixture(pieces, at) {
        return Some(found(to, name, false));
    }
    let next = pieces.get(at + 1).filter(|next| next.separator == '_').map(|next| next.text.to_ascii_uppercase());
    match (upper.as_str(), next) {
        ("MXFP4", Some(next)) if next.starts_with("MOE") => return Some(found(at + 2, format!("MXFP4_{next}"), false)),
        ("MXFP4", _) => return Some(found(at + 1, upper, false)),
        ("I2" | "I8", Some(next)) if next == "S" => return Some(found(at + 2, format!("{upper}_S"), false)),
        _ => {}
    }
    if let Some(head) = head(&upper) {
        let (to, tails) = tails(pieces, at + 1, &head);
        return Some(found(to, head + &tails, false));
    }
    let (start, head) = glued(piece)?;
    let (to, tails) = tails(pieces, at + 1, &head);
    (to > at + 1).then(|| Found { start, ..found(to, head + &tails, false) })
}

/// `APEX-Mini`, or `APEX-I-Mini` where it is made with an importance matrix.
fn mixture(pieces: &[Piece], at: usize) -> Option<(usize, String)> {
    let word = |at: usize| pieces.get(at).map(|piece| piece.text.to_ascii_uppercase());
    let weighted = word(at + 1)? == "I";
    let last = at + 1 + usize::from(weighted);
    let size = word(last).filter(|size| MIXTURES.contains(&size.as_str()))?;
    let middle = if weighted { "-I-" } else { "-" };
    (word(at)? == "APEX").then(|| (last + 1, format!("APEX{middle}{size}")))
}

/// `Q4` and its like in canonical form, with whatever follows without an underscore: `Q4KM` is `Q4_K_M`.
fn head(upper: &str) -> Option<String> {
    let family = ["IQ", "TQ", "Q"].into_iter().find(|family| upper.starts_with(family))?;
    let rest = &upper[family.len()..];
    let bits = rest.get(..1).filter(|digit| digit.as_bytes()[0].is_ascii_digit())?;
    let rest = &rest[1..];
    if rest.is_empty() {
        return Some(format!("{family}{bits}"));
    }
    is_tail(rest).then(|| format!("{family}{bits}_{}", spread(family, rest)))
}

/// What follows `Q4`: pieces after underscores, or after dashes where those are the habit (`Q8-0`, `Q4-K-M`).
fn tails(pieces: &[Piece], from: usize, head: &str) -> (usize, String) {
    let separator = match pieces.get(from) {
        Some(piece) if piece.separator == '-' && matches!(piece.text, "0" | "1" | "K" | "k") => '-',
        _ => '_',
    };
    let more = pieces[from..].iter().take_while(|piece| piece.separator == separator && is_tail(&piece.text.to_ascii_uppercase()));
    let tails: Vec<String> = more.map(|piece| spread(head, &piece.text.to_ascii_uppercase())).collect();
    (from + tails.len(), tails.iter().flat_map(|tail| ["_", tail]).collect())
}

fn is_tail(upper: &str) -> bool {
    TAILS.contains(&upper) || matches!(upper.as_bytes(), [digit] if digit.is_ascii_digit())
}

/// `KM` is `K_M` with its underscore left out, and so are `KS` and `KL` but for the types `IQ4_KS` and `IQ2_KL`.
fn spread(head: &str, tail: &str) -> String {
    match tail {
        "KM" | "KXL" | "KXS" => format!("K_{}", &tail[1..]),
        "KS" | "KL" if head.starts_with('Q') => format!("K_{}", &tail[1..]),
        _ => tail.to_owned(),
    }
}

/// A type glued to a model's name (`devstralQ4_K_M`): a capital after a small letter.
fn glued(piece: Piece) -> Option<(usize, String)> {
    [3, 2].into_iter().find_map(|length| {
        let at = piece.text.len().checked_sub(length)?;
        let end = piece.text.get(at..)?;
        let lower_before = piece.text[..at].ends_with(|c: char| c.is_ascii_lowercase());
        let is_type = lower_before && end.starts_with(if length == 3 { "IQ" } else { "Q" });
        is_type.then(|| head(end).map(|head| (piece.start + at, head)))?
    })
}

/// The last type, with those directly before it that belong to the same label; floats in front only name the source.
fn last_run<'a>(found: &'a [Found], pieces: &[Piece]) -> &'a [Found] {
    let joined =
        |pair: &[Found]| pieces[pair[0].to..=pair[1].from].iter().all(|piece| piece.separator == '-') && linked(pieces, &pair[0], &pair[1]);
    let broken = found.windows(2).rposition(|pair| !joined(pair)).map_or(0, |at| at + 1);
    let run = &found[broken..];
    let floats = run.iter().take_while(|found| found.float).count().min(run.len().saturating_sub(1));
    &run[floats..]
}

/// Whether only names of tensor groups stand between two types.
fn linked(pieces: &[Piece], one: &Found, other: &Found) -> bool {
    pieces[one.to..other.from].iter().all(|piece| {
        let upper = piece.text.to_ascii_uppercase();
        GROUPS.contains(&upper.as_str()) || upper.bytes().all(|byte| b"QKVOEUD".contains(&byte))
    })
}

fn between(pieces: &[Piece], one: &Found, other: &Found) -> String {
    pieces[one.to..other.from].iter().map(|piece| format!("-{}", piece.text)).chain(["-".to_owned()]).collect()
}

/// Where the label begins with the family before it, and how that is written.
fn family(pieces: &[Piece], first: &Found) -> (usize, &'static str) {
    let before = first.from.checked_sub(1).map(|at| pieces[at]).filter(|_| first.start == pieces[first.from].start);
    let family = before.and_then(|piece| {
        let name = FAMILIES.into_iter().find(|name| name.trim_end_matches('-').eq_ignore_ascii_case(piece.text))?;
        Some((piece.start, name))
    });
    family.unwrap_or((first.start, ""))
}

/// Where the notes behind a label end: what an underscore glues to it, and a version.
fn noted(pieces: &[Piece], from: usize) -> usize {
    let is_note = |piece: &Piece| piece.separator == '_' || (piece.separator == '-' && is_version(piece.text));
    from + pieces[from..].iter().take_while(|piece| is_note(piece)).count()
}

fn is_version(text: &str) -> bool {
    text.strip_prefix(['v', 'V']).is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: &str) -> String {
        parse(name).map_or("-".to_owned(), |labelled| labelled.label)
    }

    #[test]
    fn labels_as_people_write_them() {
        for (name, wanted) in [
            ("Qwen3-8B-Q4_K_M", "Q4_K_M"),
            ("Qwen2.5-7B.Q8_0", "Q8_0"),
            ("Magistral-Small-2506_Q8_0", "Q8_0"),
            ("qwen1_5-0_5b-chat-q5_0", "Q5_0"),
            ("Q4_K_M", "Q4_K_M"),
            ("Qwen2.5-7B.Q4_0_4_4", "Q4_0_4_4"),
            ("Qwen2.5-7B.Q4_0", "Q4_0"),
            ("m-IQ2_XXS", "IQ2_XXS"),
            ("m-IQ4_NL", "IQ4_NL"),
            ("DeepSeek-R1-0528-IQ1_S_R4", "IQ1_S_R4"),
            ("m-IQ4_KS", "IQ4_KS"),
            ("m-IQ4_KSS", "IQ4_KSS"),
            ("m-TQ1_0", "TQ1_0"),
            ("m-Q1_0", "Q1_0"),
            ("ggml-model-i2_s", "I2_S"),
            ("gpt-oss-20b-MXFP4", "MXFP4"),
            ("gpt-oss-20b-mxfp4_moe", "MXFP4_MOE"),
            ("OpenAI-20B-DIMAT-MXFP4_MOE2", "MXFP4_MOE2"),
            ("Ling-3.0-flash-AD-NVFP4", "AD-NVFP4"),
            ("m-BF16", "BF16"),
            ("ggml-model-f16", "F16"),
            ("qwq-32b-fp16", "FP16"),
            ("m.f32", "F32"),
            ("llava-v1_1-int4", "INT4"),
            ("Kimi-K2.6-Q4_X", "Q4_X"),
            ("m-Q4_5_M", "Q4_5_M"),
            ("m-Q3_K_XL", "Q3_K_XL"),
            ("DeepHermes-8b-Q4", "Q4"),
            ("m.SOURCE", "SOURCE"),
            ("model-q4k", "Q4_K"),
            ("m-13b-q5km", "Q5_K_M"),
            ("m-Q4_KM", "Q4_K_M"),
            ("m-iq4xs", "IQ4_XS"),
            ("m-IQ4NL", "IQ4_NL"),
            ("neutts-air-Q8-0", "Q8_0"),
            ("devstralQ4_K_M", "Q4_K_M"),
            ("m-i_Q5_k_m", "Q5_K_M"),
            ("m-Q4_0_8_8", "Q4_0_8_8"),
            ("m-TQ2_0", "TQ2_0"),
            ("m-NVFP4", "NVFP4"),
            ("m.mxfp8", "MXFP8"),
            ("m-APEX-Quality", "APEX-QUALITY"),
            ("m-APEX_I_Mini", "APEX-I-MINI"),
            ("m-APEX-Instruct-Q4_0", "Q4_0"),
        ] {
            assert_eq!(label(name), wanted, "{name}");
        }
    }

    #[test]
    fn families_and_notes_belong_to_the_label() {
        for (name, wanted) in [
            ("m-UD-Q4_K_XL", "UD-Q4_K_XL"),
            ("m-ud_q2_k_xl", "UD-Q2_K_XL"),
            ("m.i1-IQ3_S", "i1-IQ3_S"),
            ("Kimi-K2.6-smol-IQ2_KL", "smol-IQ2_KL"),
            ("Qwen3.6-27B-UDT-Q4_K_XL_MTP", "UDT-Q4_K_XL_MTP"),
            ("Qwen3.6-27B-MTP-IQ4_KS", "MTP-IQ4_KS"),
            ("m-Q8_0_v2", "Q8_0_v2"),
            ("m-Q4_K_M-v2", "Q4_K_M-v2"),
            ("m-IQ4_XS_STOCK", "IQ4_XS_STOCK"),
            ("m-7B-i-Q6_K_i", "Q6_K_i"),
            ("m-Q8_0_L", "Q8_0_L"),
            ("m-Q3_K-f16", "Q3_K-F16"),
            ("m-Q8_0-embd-bf16", "Q8_0-embd-BF16"),
            ("GLM-4.6-Q8_0-IQ4_KS-IQ4_KS-IQ5_KS", "Q8_0-IQ4_KS-IQ4_KS-IQ5_KS"),
            ("GLM-4.5-Air-Q8_0-FFN-IQ4_XS-IQ3_S-IQ4_NL-v2", "Q8_0-FFN-IQ4_XS-IQ3_S-IQ4_NL-v2"),
            ("qwen35-122b-a10b-q80-q6k_ffn", "Q8_0-Q6_K_ffn"),
        ] {
            assert_eq!(label(name), wanted, "{name}");
        }
    }

    #[test]
    fn a_label_in_the_models_name_does_not_win() {
        for (name, wanted) in [
            ("gemma-4-31B-qat-q4_0-unquantized.i1-Q2_K", "i1-Q2_K"),
            ("Uncensored-FP16.i1-Q4_1", "i1-Q4_1"),
            ("Sentinel-Serpent-Q3-32B.i1-IQ1_M", "i1-IQ1_M"),
            ("DeepSeek-V3-BF16-256x20B-Q8_0", "Q8_0"),
            ("qwen2.5-3b-dpo.F16.Q4_K_M", "Q4_K_M"),
            ("bitnet-embeddings-0.6b-bf16-i2_s", "I2_S"),
            ("L3-8B-32K-NEO-V1-D_AU-Q4_K_S-imat13", "Q4_K_S"),
            ("gemma-4-26B_q4_0-it", "Q4_0"),
        ] {
            assert_eq!(label(name), wanted, "{name}");
        }
    }

    #[test]
    fn names_without_a_label_have_none() {
        for name in [
            "devstral",
            "Qwen3-Next-80B-A3B-Instruct",
            "QwQ-32B",
            "x_tok-16_out-16_exp-16-16-16",
            "",
            "-",
            "模型",
            "q",
            "IQ",
            "Q4é",
            "éQ4",
            "v0_5",
            "m-APEX",
            "m-APEX-I",
            "m-mini",
        ] {
            assert_eq!(label(name), "-", "{name}");
        }
    }

    #[test]
    fn what_surrounds_a_label_is_kept() {
        let found = parse("LFM2-1.2B-Q4_K_M-hip-optimized").unwrap();
        assert_eq!((found.before.as_str(), found.after.as_str(), found.quantized), ("LFM2-1.2B", "-hip-optimized", true));
        let float = parse("m-UD_BF16").unwrap();
        assert_eq!((float.before.as_str(), float.label.as_str(), float.quantized), ("m", "UD-BF16", false));
        assert_eq!(parse("devstralQ4_K_M").unwrap().before, "devstral");
    }
}
