//! A Hub served from a folder of this machine, for the demo, the tests and a LAN. Knows nothing of the engine.
