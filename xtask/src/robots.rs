//! What tries the machine and its work at large: whole descriptions, earlier versions, other libraries, foreign bytes, many
//! processes.

pub mod fleet;
pub mod fuzz;
pub mod interop;
pub mod scratch;
mod stand_in;
pub mod sweep;
pub mod timelapse;
pub mod trips;
pub mod whole;
