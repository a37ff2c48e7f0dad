//! What the app looks like: `view` draws the state and changes nothing.
