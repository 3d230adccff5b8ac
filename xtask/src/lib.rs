//! The machine: cuts the fragment from GitHub's description, repairs it, generates the low-level
//! client, and checks that both are fresh.

pub mod codegen;
pub mod cut;
pub mod description;
pub mod diff;
pub mod dispatch;
pub mod docs;
pub mod facts;
pub mod family;
pub mod fetch;
pub mod fuzz;
pub mod generate;
pub mod httpmock;
pub mod interop;
pub mod npm;
pub mod refresh;
pub mod repairs;
pub mod scratch;
pub mod select;
pub mod source;
pub mod sweep;
pub mod table;
pub mod timelapse;
pub mod tree;
pub mod vendor;
pub mod whole;
