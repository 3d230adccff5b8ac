//! Pages on what no single item explains.

#[doc = include_str!("guide/apps.md")]
pub mod apps {}

#[doc = include_str!("guide/limits.md")]
pub mod limits {}

#[doc = include_str!("guide/operations.md")]
pub mod operations {}

#[doc = include_str!("guide/seeing.md")]
pub mod seeing {}

#[doc = include_str!("guide/start.md")]
pub mod start {}
