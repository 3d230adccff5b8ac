//! Holds nothing: the benchmark is in `benches/seal.rs`.
