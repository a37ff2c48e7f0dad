//! Flags that say what a model is to run on, and with how much context.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::values::{self, Given};
use crate::desk::{CacheType, Fault, FaultKind, Machine, Scenario};

const HEADING: &str = "What to judge by";

/// What a model is to run on. Without these flags: this machine.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct ScenarioArgs {
    /// The memory of another machine's graphics cards, such as 24G or 2x24G; none for a machine without
    #[arg(long, value_name = "SIZES", value_parser = values::cards, help_heading = HEADING)]
    gpu: Option<Given<Vec<u64>>>,
    /// That machine's main memory, such as 64G [default: as much as the cards have]
    #[arg(long, value_name = "SIZE", value_parser = values::memory, help_heading = HEADING)]
    ram: Option<Given<u64>>,
    /// Tokens of context, such as 32k [default: 8192]
    #[arg(long, value_name = "TOKENS", value_parser = values::tokens, help_heading = HEADING)]
    context: Option<Given<u64>>,
    /// How keys and values of the context are stored
    #[arg(long, value_name = "TYPE", value_parser = cache_type(), ignore_case = true, help_heading = HEADING)]
    cache_type: Option<CacheType>,
}

impl ScenarioArgs {
    /// What the flags say together.
    pub fn scenario(&self) -> Result<Scenario, Fault> {
        Ok(Scenario {
            machine: self.machine()?,
            context: self.context.as_ref().map_or(Scenario::CONTEXT, |context| context.value),
            cache_type: self.cache_type.unwrap_or_default(),
        })
    }

    /// Another machine, if any flag tells of one.
    fn machine(&self) -> Result<Option<Machine>, Fault> {
        let cards = self.gpu.as_ref().map(|gpu| gpu.value.as_slice());
        match (cards, self.ram.as_ref().map(|ram| ram.value)) {
            (None, None) => Ok(None),
            (Some([]), None) => Err(Fault::new(FaultKind::Usage, "a machine without graphics cards is judged by its main memory")
                .hint("add --ram, for example --ram 64G")),
            (cards, ram) => Ok(Some(Machine::simulated(cards.unwrap_or_default(), ram))),
        }
    }

    /// The flags as they were given, each with a space before it.
    pub fn line(&self) -> String {
        let gpu = self.gpu.as_ref().map(|gpu| format!(" --gpu {}", gpu.text));
        let ram = self.ram.as_ref().map(|ram| format!(" --ram {}", ram.text));
        let context = self.context.as_ref().map(|context| format!(" --context {}", context.text));
        let cache_type = self.cache_type.map(|kind| format!(" --cache-type {}", kind.name()));
        [gpu, ram, context, cache_type].into_iter().flatten().collect()
    }
}

/// A `--cache-type`, by the names that llama.cpp has for them.
fn cache_type() -> impl TypedValueParser<Value = CacheType> {
    let unknown = || Fault::new(FaultKind::Usage, "not a type of cache");
    PossibleValuesParser::new(CacheType::ALL.map(CacheType::name))
        .try_map(move |name| CacheType::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(&name)).ok_or_else(unknown))
}
