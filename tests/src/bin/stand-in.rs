//! The stand-in GitHub on a socket, for clients that we did not write: `cargo xtask interop` starts it.
//!
//! It has the organization `acme`. The first line printed is its address; after that, every line read is
//! the name of an organization secret, answered by its plaintext in hex, or by `none`. It ends with its
//! input.

use std::io::{BufRead as _, Result, Write as _, stdin, stdout};

fn main() -> Result<()> {
    let github = octoseal_tests::acme();
    let server = github.serve();
    let mut out = stdout().lock();
    writeln!(out, "{}", server.url())?;
    out.flush()?;
    for name in stdin().lock().lines() {
        let answer = match github.plaintext(octoseal_tests::ACME, &name?) {
            Some(value) => value.iter().map(|byte| format!("{byte:02x}")).collect(),
            None => "none".to_owned(),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
