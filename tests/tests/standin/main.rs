//! The stand-in GitHub, held against the behaviour that is known of the real one. Requests are raw: no client of ours
//! stands between a row and its answer.

mod access;
mod app;
mod ask;
mod faults;
mod limits;
mod lists;
mod mounts;
mod names;
mod registries;
mod selected;
mod stores;
mod writes;
