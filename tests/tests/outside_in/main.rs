//! What a user of `octoseal` sees, against a stand-in GitHub that opens what it is sent.

mod access;
mod documented;
mod errors;
mod names;
mod registries;
mod scopes;
