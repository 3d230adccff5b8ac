//! What a user of `octoseal` sees, against a stand-in GitHub that opens what it is sent.

mod access;
mod app;
mod app_faults;
mod batch;
mod callers;
mod crates;
mod documented;
mod errors;
mod faults;
mod faults_keys;
mod faults_redirects;
mod handles;
mod limits;
mod names;
mod registries;
mod replies;
mod scopes;
mod security;
mod security_logs;
mod security_properties;
mod seeing;
mod sockets;
mod sockets_http2;
mod sockets_raw;
mod sockets_tls;
mod texts;
