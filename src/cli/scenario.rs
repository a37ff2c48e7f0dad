//! Flags that say what a model is to run on, and with how much context.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::values;
use crate::desk::{CacheType, Fault, FaultKind, Machine, Scenario};

/// What a model is to run on. Without these flags: this machine.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "What to judge by")]
pub struct ScenarioArgs {
    /// The memory of another machine's graphics cards, such as 24G or 2x24G; none for a machine without
    #[arg(long, value_name = "SIZES", value_parser = values::cards)]
    gpu: Option<values::Cards>,
    /// That machine's main memory, such as 64G [default: as much as the cards have]
    #[arg(long, value_name = "SIZE", value_parser = values::memory)]
    ram: Option<u64>,
    /// Tokens of context, such as 32k [default: 8192]
    #[arg(long, value_name = "TOKENS", value_parser = values::tokens)]
    context: Option<u64>,
    /// How keys and values of the context are stored
    #[arg(long, value_name = "TYPE", value_parser = cache_type())]
    cache_type: Option<CacheType>,
}

impl ScenarioArgs {
    /// What the flags say together.
    pub fn scenario(&self) -> Scenario {
        let simulated = self.gpu.is_some() || self.ram.is_some();
        let cards = self.gpu.as_ref().map_or(&[][..], |cards| &cards.0);
        Scenario {
            machine: simulated.then(|| Machine::simulated(cards, self.ram)),
            context: self.context.unwrap_or(Scenario::CONTEXT),
            cache_type: self.cache_type.unwrap_or_default(),
        }
    }
}

/// A `--cache-type`, by the names that llama.cpp has for them.
fn cache_type() -> impl TypedValueParser<Value = CacheType> {
    let unknown = || Fault::new(FaultKind::Usage, "not a type of cache");
    PossibleValuesParser::new(CacheType::ALL.map(CacheType::name))
        .try_map(move |name| CacheType::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(unknown))
}
