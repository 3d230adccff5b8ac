//! What can be said to the stand-in as text, one command a line: by a command line, a file, a program in any language.

use crate::faults::Fault;
use crate::github::GitHub;
use crate::text::{TextError, first_word, number, refuse, time};
use crate::traffic::identity::Identity;
use crate::traffic::limits::Limits;
use crate::world::place::Scope;

/// The commands, and what they take.
pub const COMMANDS: &str = "\
    organization NAME              let an organization exist
    repository OWNER/NAME          let a repository exist, its owner too
    environment OWNER/NAME/ENV     let an environment exist, its repository too; a / in its name as %2F

    secret SCOPE NAME VALUE        put a secret in place, its scope too
    visibility SCOPE NAME WHICH    change a secret as somebody else would
    delete-secret SCOPE NAME       delete a secret as somebody else would
    rotate-key SCOPE               replace the key that values are sealed with

    token TOKEN                    accept this token, and none that is not made known
    revoke TOKEN                   refuse this token

    api-version-ends VERSION TIME  end a version of the API after TIME, and announce it until then

    limits LIMITS                  enforce limits for every identity, for example: limits documented
    limits-of IDENTITY LIMITS      enforce others for one
    use-quota IDENTITY N TIME      use up N of its requests, which come back after TIME
    latency TIME                   let every request travel this long
    fault FAULT                    let something go wrong, for example: fault unicorn on=PUT times=2
    clear-faults                   take back every fault
    clear-requests                 forget the requests that came

    plaintext SCOPE NAME           asks what a secret holds; answered in hexadecimal, or with none
    requests                       asks how many requests came
    refusals                       asks how many of them the limits refused
    usage IDENTITY                 asks what an identity has used
    pending-faults                 asks how many faults have not yet done what they were ordered for

A SCOPE is STORE:org/ORG, STORE:repo/OWNER/REPO, STORE:env/OWNER/REPO/ENV or STORE:user; an IDENTITY is user:LOGIN,
installation:NUMBER or app:NUMBER; a TIME is 200ms, 30s, 5m or 1h. LIMITS are documented, content or none, and after it
any of concurrent=N, points-a-minute=N, content-a-minute=N, content-an-hour=N, requests-an-hour=N, between-writes=TIME,
penalty=TIME, status=N and without-retry-after.

A FAULT is what happens, then which requests it strikes (on=METHOD, at=PATH, by=IDENTITY, overlapping,
with-token-younger-than=TIME) and when (times=N, always, after=N, starting-in=TIME, lasting=TIME). What happens:
  in place of GitHub's answer    reply STATUS, foreign-reply STATUS (header=NAME:VALUE, and at the end body=TEXT),
    not-found, forbidden, bad-credentials, refused-by POLICY, server-error, service-unavailable, unicorn,
    gateway-timeout, secondary-limit, content-limit, limit-page, primary-limit TIME, anonymous-limit, captive-portal,
    firewall, proxy-authentication, public-key ID KEY
  to what is shown               short-pages N, partial-results N, total-count N, without-total-count, without-links,
    links-to HOST, links-to-itself, without-field NAME, null-field NAME, extra-field NAME JSON, stale-read TIME,
    deprecated TIME
  meanwhile                      rotated-key, meanwhile (at the end do=COMMAND)
  to the reply on its way        slow TIME, dripping-body TIME, lost-reply, reset, silence, hang, truncated-body,
    endless-body, interim-replies N
Several happen together with + between them: fault short-pages 10 + slow 1s on=GET always
A POLICY is ip-allow-list, classic-tokens, token-lifetime, suspended-account or suspended-installation.
";

impl GitHub {
    /// Runs a command: what a test does by methods, as a line of text. Gives the answer of a command that asks, and
    /// `ok` for any other. The commands are those of the program `octoseal-mock`, whose `--help` lists them.
    ///
    /// # Errors
    /// [`TextError`] for text that is no command, or that does not fit. Nothing has changed then.
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
        read(command)?(self)
    }
}

/// A command that was read: what it does, and what it answers.
pub(crate) type Command = Box<dyn Fn(&GitHub) -> Result<String, TextError> + Send + Sync>;

/// Reads a command.
pub(crate) fn read(line: &str) -> Result<Command, TextError> {
    let (command, rest) = first_word(line);
    let rest = rest.trim_end();
    let kinds = [places, secrets, tokens, traffic, questions];
    let mut found = kinds
        .iter()
        .filter_map(|read| read(command, rest).transpose());
    let command_of = |found: Result<Command, TextError>| found.map_err(|why| why.at(command));
    let missing = || refuse("there is no such command");
    command_of(found.next().unwrap_or_else(missing))
}

/// A command that makes something.
fn makes(make: impl Fn(&GitHub) + Send + Sync + 'static) -> Command {
    Box::new(move |github| {
        make(github);
        Ok("ok".to_owned())
    })
}

/// A command that asks something.
fn asks(ask: impl Fn(&GitHub) -> String + Send + Sync + 'static) -> Command {
    Box::new(move |github| Ok(ask(github)))
}

/// Commands about organizations, repositories and environments.
fn places(command: &str, rest: &str) -> Result<Option<Command>, TextError> {
    Ok(Some(match command {
        "organization" => {
            let login = name(rest)?.to_owned();
            makes(move |github| {
                github.add_organization(&login);
            })
        }
        "repository" => {
            let [owner, name] = pieces(rest, "OWNER/NAME")?;
            makes(move |github| {
                github.add_repository(&owner, &name);
            })
        }
        "environment" => {
            let [..] = pieces::<3>(rest, "OWNER/NAME/ENV")?;
            let scope: Scope = format!("actions:env/{rest}").parse()?;
            makes(move |github| drop(github.state().vault(&scope)))
        }
        _ => return Ok(None),
    }))
}

/// Commands about secrets.
fn secrets(command: &str, rest: &str) -> Result<Option<Command>, TextError> {
    Ok(Some(match command {
        "secret" => {
            let (scope, rest) = first_word(rest);
            let (secret, value) = first_word(rest);
            let scope: Scope = scope.parse()?;
            let (secret, value) = (name(secret)?.to_owned(), value.to_owned());
            makes(move |github| drop(github.seed_at(&scope, &secret, value.as_bytes())))
        }
        "visibility" => {
            let (scope, rest) = first_word(rest);
            let (secret, visibility) = first_word(rest);
            let scope: Scope = scope.parse()?;
            let (secret, visibility) = (name(secret)?.to_owned(), name(visibility)?.to_owned());
            Box::new(move |github| {
                let secret = github.edit_at(&scope, &secret)?;
                secret.visibility(&visibility);
                Ok("ok".to_owned())
            })
        }
        "delete-secret" => {
            let (scope, secret) = first_word(rest);
            let scope: Scope = scope.parse()?;
            let secret = name(secret)?.to_owned();
            Box::new(move |github| {
                github.edit_at(&scope, &secret)?.delete();
                Ok("ok".to_owned())
            })
        }
        "rotate-key" => {
            let scope: Scope = name(rest)?.parse()?;
            makes(move |github| github.rotate_key(&scope))
        }
        _ => return Ok(None),
    }))
}

/// Commands about tokens.
fn tokens(command: &str, rest: &str) -> Result<Option<Command>, TextError> {
    Ok(Some(match command {
        "token" => {
            let token = name(rest)?.to_owned();
            makes(move |github| drop(github.add_token(&token)))
        }
        "revoke" => {
            let token = name(rest)?.to_owned();
            makes(move |github| github.revoke(&token))
        }
        _ => return Ok(None),
    }))
}

/// Commands about what comes, how much of it is allowed, and what goes wrong.
fn traffic(command: &str, rest: &str) -> Result<Option<Command>, TextError> {
    Ok(Some(match command {
        "limits" => {
            let limits = limits(rest)?;
            makes(move |github| github.set_limits(limits.clone()))
        }
        "limits-of" => {
            let (identity, rest) = first_word(rest);
            let (identity, limits) = (identity.parse::<Identity>()?, limits(rest)?);
            makes(move |github| github.set_limits_of(&identity, limits.clone()))
        }
        "use-quota" => {
            let (identity, rest) = first_word(rest);
            let (requests, reset_in) = first_word(rest);
            let identity: Identity = identity.parse()?;
            let (requests, reset_in) = (number(requests)?, time(reset_in)?);
            makes(move |github| github.use_quota(&identity, requests, reset_in))
        }
        "api-version-ends" => {
            let (version, rest) = first_word(rest);
            let (version, after) = (version.to_owned(), time(rest)?);
            makes(move |github| {
                let end = github.now() + after;
                github.configure(|settings| {
                    settings.api_version_ends.insert(version.clone(), end);
                });
            })
        }
        "latency" => {
            let latency = time(rest)?;
            makes(move |github| github.set_latency(latency))
        }
        "fault" => {
            let fault: Fault = rest.parse()?;
            makes(move |github| github.inject(fault.clone()))
        }
        "clear-faults" => makes(GitHub::clear_faults),
        "clear-requests" => makes(GitHub::clear_requests),
        _ => return Ok(None),
    }))
}

/// Commands that ask.
fn questions(command: &str, rest: &str) -> Result<Option<Command>, TextError> {
    Ok(Some(match command {
        "plaintext" => {
            let (scope, secret) = first_word(rest);
            let scope: Scope = scope.parse()?;
            let secret = name(secret)?.to_owned();
            asks(move |github| {
                let state = github.state();
                let vault = state.find_vault(&scope);
                match vault.and_then(|vault| state.secrets.get(&vault, &secret)) {
                    Some(secret) => hex(&secret.value),
                    None => "none".to_owned(),
                }
            })
        }
        "requests" => asks(|github| github.request_count().to_string()),
        "refusals" => asks(|github| github.refusals().to_string()),
        "usage" => {
            let identity: Identity = rest.parse()?;
            asks(move |github| {
                let usage = github.usage(&identity);
                format!(
                    "admitted={} writes={} points={} refused={} most-under-way={}",
                    usage.admitted, usage.writes, usage.points, usage.refused, usage.most_under_way
                )
            })
        }
        "pending-faults" => asks(|github| github.pending_faults().len().to_string()),
        _ => return Ok(None),
    }))
}

/// Limits as text: where to start from, and what is different.
fn limits(text: &str) -> Result<Option<Limits>, TextError> {
    let mut words = text.split_whitespace();
    let mut limits = match words.next() {
        Some("documented") => Limits::documented(),
        Some("content") => Limits::documented().with_content(),
        Some("none") => Limits::none(),
        _ => {
            return refuse(format!(
                "{text:?} does not begin with documented, content or none"
            ));
        }
    };
    let mut changed = false;
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match key {
            "concurrent" => limits.concurrent = Some(number(value)?),
            "points-a-minute" => limits.points_a_minute = Some(number(value)?),
            "content-a-minute" => limits.content_a_minute = Some(number(value)?),
            "content-an-hour" => limits.content_an_hour = Some(number(value)?),
            "requests-an-hour" => limits.requests_an_hour = Some(number(value)?),
            "between-writes" => limits.between_writes = Some(time(value)?),
            "penalty" => limits.penalty = time(value)?,
            "status" => limits.status = number(value)?,
            "without-retry-after" => limits.retry_after = false,
            _ => return refuse(format!("limits have no {key}")),
        }
        changed = true;
    }
    // Nothing to count, so nothing is refused.
    Ok((changed || text != "none").then_some(limits))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
fn pieces<const N: usize>(text: &str, wanted: &str) -> Result<[String; N], TextError> {
    let pieces: Vec<String> = name(text)?.split('/').map(str::to_owned).collect();
    match <[String; N]>::try_from(pieces) {
        Ok(pieces) if !pieces.contains(&String::new()) => Ok(pieces),
        _ => refuse(format!("{text:?} is not {wanted}")),
    }
}
