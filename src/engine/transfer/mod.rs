//! Moving bytes: sources, segments, the journal, pacing, digests. Knows neither the queue nor what a model is.
