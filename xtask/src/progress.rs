//! Words about what is under way, for what takes longer than a moment.

/// Says what begins now, on standard error.
pub fn step(what: &str) {
    eprintln!("{what} …");
}
