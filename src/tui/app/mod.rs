//! The state of the app and its one transition, `update`. Pure: no runtime, files, network or terminal.
