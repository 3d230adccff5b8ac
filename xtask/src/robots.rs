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

/// The cargo that runs this, or the one of the search path.
fn cargo() -> std::process::Command {
    std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
