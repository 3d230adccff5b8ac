//! The stand-in GitHub, held against the behaviour that is known of the real one. Requests are raw: no client of ours
//! stands between a row and its answer.

mod access;
mod app;
mod ask;
mod changes;
mod commands;
mod environments;
mod faults;
mod in_process;
mod limits;
mod lists;
mod names;
mod others;
mod registries;
mod selected;
mod sockets;
mod stores;
mod variables;
mod writes;
