//! What is asked for once and used by many.

pub(crate) mod keys;
pub(crate) mod memory;
pub(crate) mod repositories;
