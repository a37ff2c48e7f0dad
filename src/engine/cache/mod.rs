//! What is on the disk: the Hugging Face cache, shared blob store included. Knows neither HTTP nor the queue.
