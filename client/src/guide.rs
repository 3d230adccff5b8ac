//! Pages about tasks that take several items of the API.

#[doc = include_str!("guide/apps.md")]
pub mod apps {}

#[doc = include_str!("guide/errors.md")]
#[doc = include_str!("guide/kinds.md")]
pub mod errors {}

#[doc = include_str!("guide/instead.md")]
pub mod instead {}

#[doc = include_str!("guide/limits.md")]
pub mod limits {}

#[doc = include_str!("guide/memory.md")]
pub mod memory {}

#[doc = include_str!("guide/moving.md")]
pub mod moving {}

#[doc = include_str!("guide/operations.md")]
pub mod operations {}

#[doc = include_str!("guide/processes.md")]
pub mod processes {}

#[doc = include_str!("guide/rotation.md")]
pub mod rotation {}

#[doc = include_str!("guide/seeing.md")]
pub mod seeing {}

#[doc = include_str!("guide/start.md")]
pub mod start {}

#[doc = include_str!("guide/testing.md")]
pub mod testing {}
