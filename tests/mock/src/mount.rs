//! How requests come in and replies go out: over sockets, and in process.

pub(crate) mod delivery;
pub(crate) mod flights;
pub(crate) mod server;
pub(crate) mod transport;
