//! Tokens, and the server they are for.

mod environment;
mod file;
mod reading;
mod server;
mod sources;
mod token;

pub(crate) use environment::Environment;
#[cfg(feature = "app")]
pub(crate) use file::read_secret;
pub(crate) use server::{Server, base_url, is_loopback, is_own_server};
#[cfg(feature = "app")]
pub(crate) use sources::unset_variable;
pub use sources::{EnvToken, FileToken};
pub use token::{AfterRefusal, Audience, Token, TokenFuture, TokenRefusal, TokenSource};
