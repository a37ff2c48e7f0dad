//! Some three hundred small repositories, so that search, sorting and paging have something to work on.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::folder::Folder;
use super::noise::Noise;
use crate::desk::Fault;

const OWNERS: [&str; 18] = [
    "tidewater-ai",
    "copperline",
    "blue-heron-labs",
    "orchard-ml",
    "saltmarsh",
    "larkspur",
    "ironwood-nlp",
    "fathom-works",
    "cinder-text",
    "polar-speech",
    "vellum-press",
    "harbor-data",
    "juniper-lab",
    "kestrel-vision",
    "quietforest",
    "aurora-labs",
    "openfield",
    "prism-studio",
];
const FAMILIES: [&str; 14] =
    ["Alder", "Basalt", "Cirrus", "Dune", "Egret", "Fjord", "Glacier", "Heath", "Islet", "Jetty", "Kelp", "Lichen", "Moraine", "Nimbus"];
const SIZES: [&str; 8] = ["0.5B", "1B", "3B", "7B", "8B", "14B", "32B", "70B"];
const LICENSES: [&str; 5] = ["apache-2.0", "mit", "cc-by-4.0", "cc-by-nc-4.0", "other"];
const LANGUAGES: [&str; 6] = ["en", "de", "fr", "zh", "es", "ja"];

/// What a repository is for: the end of its name, its task, its library and the model type in its configuration.
const PURPOSES: [(&str, &str, &str, &str); 10] = [
    ("Base", "text-generation", "transformers", "llama"),
    ("Instruct", "text-generation", "transformers", "llama"),
    ("Instruct-GGUF", "text-generation", "gguf", "llama"),
    ("Coder-GGUF", "text-generation", "gguf", "llama"),
    ("Instruct-AWQ", "text-generation", "transformers", "llama"),
    ("Vision", "image-text-to-text", "transformers", "llava"),
    ("Embed", "sentence-similarity", "sentence-transformers", "bert"),
    ("Speech", "automatic-speech-recognition", "transformers", "whisper"),
    ("Rerank", "text-ranking", "sentence-transformers", "bert"),
    ("Image", "text-to-image", "diffusers", "unet"),
];
const SUBJECTS: [&str; 8] = ["dialogues", "captions", "reviews", "proofs", "recipes", "court-records", "weather", "birdsong"];

/// Writes all of them.
pub fn write(root: &Folder) -> Result<(), Fault> {
    let mut noise = Noise::of("crowd");
    for family in FAMILIES {
        let first_size = usize::try_from(noise.below(8)).unwrap_or_default();
        for number in 0..18 {
            model(root, &mut noise, family, (number, first_size))?;
        }
    }
    for subject in SUBJECTS {
        for number in 0..6 {
            dataset(root, &mut noise, subject, number)?;
        }
    }
    Ok(())
}

/// One model of a family. Purposes repeat after ten, sizes after eight, so that no two of a family have the same name.
fn model(root: &Folder, noise: &mut Noise, family: &str, (number, first_size): (usize, usize)) -> Result<(), Fault> {
    let (purpose, task, library, model_type) = PURPOSES[number % PURPOSES.len()];
    let size = SIZES[(number + first_size) % SIZES.len()];
    let (owner, license, language) = (noise.pick(&OWNERS), noise.pick(&LICENSES), noise.pick(&LANGUAGES));
    let extra = if library == "gguf" { "- gguf\n" } else { "" };
    let readme = format!(
        "---\nlicense: {license}\nlanguage:\n- {language}\npipeline_tag: {task}\nlibrary_name: {library}\ntags:\n- sample\n{extra}---\n\
         # {family} {size} {purpose}\n\nA model of the {family} family for *{task}*. This entry has a card and a configuration only.\n"
    );
    let repo = root.repo(&format!("models/{owner}/{family}-{size}-{purpose}"), &readme, &facts(noise, 4))?;
    repo.json("config.json", &json!({ "model_type": model_type }))
}

fn dataset(root: &Folder, noise: &mut Noise, subject: &str, number: usize) -> Result<(), Fault> {
    let (owner, license, language) = (noise.pick(&OWNERS), noise.pick(&LICENSES), LANGUAGES[number % LANGUAGES.len()]);
    let readme = format!(
        "---\nlicense: {license}\nlanguage:\n- {language}\ntags:\n- sample\n---\n# {subject} ({language})\n\nA collection of {subject}.\n"
    );
    let repo = root.repo(&format!("datasets/{owner}/{subject}-{language}"), &readme, &facts(noise, 4))?;
    repo.text("data.csv", "id,text\n1,sample\n")
}

/// Downloads up to ten to the power of `digits`, most of them far fewer, so that the samples with real content lead the list; likes,
/// scores and dates that fit.
fn facts(noise: &mut Noise, digits: u32) -> String {
    let ceiling = 10_u64.pow(1 + u32::try_from(noise.below(u64::from(digits))).unwrap_or_default());
    let downloads = noise.below(ceiling);
    let likes = downloads.isqrt() + noise.below(1 + downloads.isqrt());
    let minutes = |count: u64| SignedDuration::from_mins(i64::try_from(count).unwrap_or_default());
    let opening = Timestamp::UNIX_EPOCH + minutes(28_401_120); // 2024-01-01
    let created = opening + minutes(noise.below(1_400_000));
    let modified = created + minutes(noise.below(100_000));
    format!(
        "downloads = {downloads}\nlikes = {likes}\ntrending = {}\ncreated_at = \"{created}\"\nlast_modified = \"{modified}\"\n",
        likes % 61
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_used_once() {
        let dir = tempfile::tempdir().unwrap();
        write(&Folder::new(dir.path()).unwrap()).unwrap();
        let count = |kind: &str| -> usize {
            let owners = std::fs::read_dir(dir.path().join(kind)).unwrap();
            owners.map(|owner| std::fs::read_dir(owner.unwrap().path()).unwrap().count()).sum()
        };
        assert_eq!((count("models"), count("datasets")), (252, 48));
    }
}
