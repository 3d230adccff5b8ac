//! What can be said to the stand-in as text, one command a line: by a command line, a file, a program in any language.

use crate::faults::Fault;
use crate::github::GitHub;
use crate::limits::Limits;
use crate::place::Scope;
use crate::text::{TextError, first_word, refuse, time};

/// The commands, and what they take.
pub const COMMANDS: &str = "\
    organization NAME              let an organization exist
    repository OWNER/NAME          let a repository exist, its owner too
    environment OWNER/NAME/ENV     let an environment exist, its repository too; a / in its name as %2F
    secret SCOPE NAME VALUE        put a secret in place, its scope too
    token TOKEN                    accept this token, and none that is not made known
    revoke TOKEN                   refuse this token
    limits documented|none         enforce GitHub's documented limits, or none
    latency TIME                   let every request travel this long
    fault FAULT                    let something go wrong, for example: fault unicorn on=PUT times=2

    plaintext SCOPE NAME           asks what a secret holds; answered in hexadecimal, or with none
    requests                       asks how many requests came
    refusals                       asks how many of them the limits refused

A SCOPE is STORE:org/ORG, STORE:repo/OWNER/REPO, STORE:env/OWNER/REPO/ENV or STORE:user; a TIME is 200ms, 30s, 5m or 1h.
";

impl GitHub {
    /// Runs a command: what a test does by methods, as a line of text. Gives the answer of a command that asks, and
    /// `ok` for any other. The commands are those of the program `octoseal-mock`, whose `--help` lists them.
    ///
    /// # Errors
    /// [`TextError`] for what is no command, or not one that fits. Nothing has changed then.
    ///
    /// # Examples
    /// ```
    /// let github = octoseal_mock::GitHub::new();
    /// assert_eq!(github.run("secret actions:org/acme KEY s3cret")?, "ok");
    /// assert_eq!(github.run("plaintext actions:org/acme KEY")?, "733363726574");
    /// assert!(github.run("secret KEY s3cret").is_err());
    /// # Ok::<(), octoseal_mock::TextError>(())
    /// ```
    pub fn run(&self, command: &str) -> Result<String, TextError> {
        let (command, rest) = first_word(command);
        self.obey(command, rest.trim_end())
            .map_err(|why| why.at(command))
    }

    fn obey(&self, command: &str, rest: &str) -> Result<String, TextError> {
        match command {
            "organization" => {
                self.add_organization(name(rest)?);
            }
            "repository" => {
                let [owner, repository] = pieces(rest, "OWNER/NAME")?;
                self.add_repository(owner, repository);
            }
            "environment" => {
                let [..] = pieces::<3>(rest, "OWNER/NAME/ENV")?;
                let scope = format!("actions:env/{rest}").parse()?;
                self.state().vault(&scope);
            }
            "secret" => {
                let (scope, rest) = first_word(rest);
                let (secret, value) = first_word(rest);
                self.seed_at(scope.parse()?, name(secret)?, value.as_bytes());
            }
            "token" => drop(self.add_token(name(rest)?)),
            "revoke" => self.revoke(name(rest)?),
            "limits" => match rest {
                "documented" => self.set_limits(Limits::documented()),
                "none" => self.set_limits(None),
                _ => return refuse(format!("{rest:?} is neither documented nor none")),
            },
            "latency" => self.set_latency(time(rest)?),
            "fault" => self.inject(rest.parse::<Fault>()?),
            _ => return self.tell(command, rest),
        }
        Ok("ok".to_owned())
    }

    /// Answers a command that asks.
    fn tell(&self, command: &str, rest: &str) -> Result<String, TextError> {
        Ok(match command {
            "plaintext" => {
                let (scope, secret) = first_word(rest);
                let scope: Scope = scope.parse()?;
                let state = self.state();
                let vault = state.find_vault(&scope);
                match vault.and_then(|vault| state.secrets.get(&vault, name(secret).ok()?)) {
                    Some(secret) => secret
                        .value
                        .iter()
                        .map(|byte| format!("{byte:02x}"))
                        .collect(),
                    None => "none".to_owned(),
                }
            }
            "requests" => self.request_count().to_string(),
            "refusals" => self.refusals().to_string(),
            _ => return refuse("there is no such command"),
        })
    }
}

/// One word, which must be there.
fn name(text: &str) -> Result<&str, TextError> {
    match first_word(text) {
        ("", _) => refuse("a name is missing"),
        (name, "") => Ok(name),
        _ => refuse(format!("{text:?} is not one name")),
    }
}

/// What stands between slashes.
fn pieces<'a, const N: usize>(text: &'a str, wanted: &str) -> Result<[&'a str; N], TextError> {
    let pieces: Vec<&str> = name(text)?.split('/').collect();
    match <[&str; N]>::try_from(pieces) {
        Ok(pieces) if !pieces.contains(&"") => Ok(pieces),
        _ => refuse(format!("{text:?} is not {wanted}")),
    }
}
