//! Tokens, and the server they are for.

pub(crate) mod server;
pub(crate) mod sources;
pub(crate) mod token;
