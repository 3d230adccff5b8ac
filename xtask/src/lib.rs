//! The machine: cuts the fragment from GitHub's description, repairs it, generates the low-level client, and checks
//! that both are fresh.

pub mod codegen;
pub mod commands;
pub mod description;
pub mod diff;
pub mod progress;
pub mod refresh;
pub mod repairs;
pub mod robots;
pub mod rust_names;
pub mod tree;
pub mod vendor;
