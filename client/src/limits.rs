//! How fast requests may leave.

pub(crate) mod gate;
pub(crate) mod pacing;
