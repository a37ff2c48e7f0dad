//! What a repository's variants need on a machine, and which one to take.

use serde::{Deserialize, Serialize};

use super::fit::{CacheType, Fit, Recommendation};
use super::machine::Machine;
use super::model::ModelFacts;

/// What a model is to do, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    /// The machine to run on. `None`: the one that the desk works on.
    pub machine: Option<Machine>,
    /// Tokens of context. A model is never asked for more than it was trained for.
    pub context: u64,
    /// How keys and values of the context are stored.
    pub cache_type: CacheType,
}

impl Scenario {
    /// Tokens of context that people begin with: a long conversation or a few source files.
    pub const CONTEXT: u64 = 8192;

    /// Contexts to choose from, in tokens.
    pub const CONTEXTS: [u64; 7] = [2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072];
}

impl Default for Scenario {
    fn default() -> Self {
        Self { machine: None, context: Self::CONTEXT, cache_type: CacheType::default() }
    }
}

/// What one variant needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Assessed {
    /// The variant's id.
    pub variant: String,
    /// Whether it fits. `None` for what is no model: a projector, a split, an importance matrix.
    pub fit: Option<Fit>,
    /// Bits that each parameter takes on average, by the variant's true size. `None` where nobody tells how many parameters there are.
    pub bits_per_weight: Option<f64>,
}

/// What a repository's variants need in a scenario, and which one to take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// The commit that was looked at: 40 hexadecimal digits.
    pub commit: String,
    /// The machine that was counted with.
    pub machine: Machine,
    /// Tokens of context that were counted with.
    pub context: u64,
    /// How keys and values of the context would be stored.
    pub cache_type: CacheType,
    /// The model, as its own header or config tells. Of several models in one repository, the one recommended or the first.
    pub model: ModelFacts,
    /// One for each variant of the analysis, in its order.
    pub variants: Vec<Assessed>,
    /// The one to take. `None` where there is nothing to choose between.
    pub recommended: Option<Recommendation>,
}

impl Assessment {
    /// What a variant needs, if it was assessed.
    pub fn of(&self, variant: &str) -> Option<&Assessed> {
        self.variants.iter().find(|assessed| assessed.variant == variant)
    }

    /// Whether there is a model in it whose need of memory could be judged.
    pub fn judges(&self) -> bool {
        self.variants.iter().any(|assessed| assessed.fit.is_some())
    }

    /// Whether this is the variant to take.
    pub fn recommends(&self, variant: &str) -> bool {
        self.recommended.as_ref().is_some_and(|recommended| recommended.variant == variant)
    }
}
