//! From a choice to a plan. Knows nothing of HTTP.
