//! Faults as text, for command lines and files.

use std::str::{FromStr, SplitWhitespace};

use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;

use crate::faults::{Fault, Policy};
use crate::text::{TextError, commands, number, refuse, time};

/// A fault as text: its name, what it takes, and which requests it strikes.
///
/// The names are those of the constructors, with dashes: `service-unavailable`, `slow 200ms`, `reply 500`; `+` and
/// another one adds what that does. After them come, in any order, `on=METHOD`, `at=PATH`, `by=IDENTITY`, `overlapping`,
/// `with-token-younger-than=TIME`, `times=NUMBER`, `always`, `after=NUMBER`, `starting-in=TIME`, `lasting=TIME` and
/// `header=NAME:VALUE`; last of all, since they take the rest of the line, the `body=TEXT` of a reply or the
/// `do=COMMAND` of `meanwhile`. Times are written `200ms`, `30s`, `5m` or `1h`.
///
/// # Examples
/// ```
/// use octoseal_mock::{Fault, GitHub};
///
/// # fn main() -> Result<(), octoseal_mock::TextError> {
/// let github = GitHub::new();
/// github.inject("secondary-limit header=retry-after:30 on=PUT times=3".parse()?);
/// github.inject("short-pages 10 + without-links + slow 2s on=GET always".parse()?);
/// github.inject("meanwhile on=PUT do=visibility actions:org/acme KEY private".parse()?);
/// github.inject("reply 422 at=/secrets/KEY body={\"message\":\"no\"}".parse()?);
/// assert!("unicorns".parse::<Fault>().is_err());
/// # Ok(())
/// # }
/// ```
impl FromStr for Fault {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let rest = |key: &str| {
            let (before, rest) = text.split_once(&format!("{key}="))?;
            before
                .ends_with(' ')
                .then(|| (before.to_owned(), rest.to_owned()))
        };
        let (text, rest) = match rest("body").or_else(|| rest("do")) {
            Some((text, rest)) => (text, Some(rest)),
            None => (text.to_owned(), None),
        };
        let mut words = Words {
            words: text.split_whitespace(),
            rest,
        };
        let mut fault = named(&mut words)?;
        while let Some(word) = words.words.next() {
            fault = if word == "+" {
                fault.and(named(&mut words)?)
            } else {
                said(fault, word)?
            };
        }
        match words.rest {
            None => Ok(fault),
            Some(_) => refuse("body= is for reply and foreign-reply, do= for meanwhile"),
        }
    }
}

/// What is left of a text.
struct Words<'a> {
    words: SplitWhitespace<'a>,
    /// What the last key takes.
    rest: Option<String>,
}

impl<'a> Words<'a> {
    fn next(&mut self, name: &str, what: &str) -> Result<&'a str, TextError> {
        let missing = || TextError::new(format!("{name} needs {what} after it"));
        self.words.next().ok_or_else(missing)
    }

    fn status(&mut self, name: &str) -> Result<u16, TextError> {
        let text = self.next(name, "a status")?;
        match text.parse::<StatusCode>() {
            Ok(status) => Ok(status.as_u16()),
            Err(_) => refuse(format!("{text} is not a status")),
        }
    }
}

/// The fault of the next word, which takes what it needs from those that follow.
fn named(words: &mut Words<'_>) -> Result<Fault, TextError> {
    let name = words.words.next().unwrap_or_default();
    if let Some(fault) = plain(name) {
        return Ok(fault);
    }
    Ok(match name {
        "reply" => Fault::reply(words.status(name)?, words.rest.take().unwrap_or_default()),
        "foreign-reply" => {
            Fault::foreign_reply(words.status(name)?, words.rest.take().unwrap_or_default())
        }
        "primary-limit" => {
            Fault::primary_limit(time(words.next(name, "the time until its reset")?)?)
        }
        "refused-by" => Fault::refused_by(policy(words.next(name, "a policy")?)?),
        "public-key" => {
            let id = words.next(name, "a key id and a key")?;
            Fault::public_key(id, words.next(name, "a key")?)
        }
        "meanwhile" => {
            let missing = || TextError::new("meanwhile needs do=COMMAND at the end");
            let command = words.rest.take().ok_or_else(missing)?;
            let command = commands::read(&command)?;
            Fault::meanwhile(move |github| {
                if let Err(why) = command(github) {
                    eprintln!("octoseal-mock: meanwhile: {why}");
                }
            })
        }
        "without-field" => Fault::without_field(words.next(name, "a field")?),
        "null-field" => Fault::null_field(words.next(name, "a field")?),
        "extra-field" => {
            let field = words.next(name, "a field and a value")?;
            let value = words.next(name, "a value")?;
            let value: Value =
                serde_json::from_str(value).unwrap_or_else(|_| Value::from(value.to_owned()));
            Fault::extra_field(field, value)
        }
        "short-pages" => Fault::short_pages(number(words.next(name, "a number")?)?),
        "partial-results" => Fault::partial_results(number(words.next(name, "a number")?)?),
        "links-to" => Fault::links_to(words.next(name, "a host")?),
        "total-count" => Fault::total_count(number(words.next(name, "a number")?)?),
        "stale-read" => Fault::stale_read(time(words.next(name, "a time")?)?),
        "deprecated" => Fault::deprecated(time(words.next(name, "a time")?)?),
        "slow" => Fault::slow(time(words.next(name, "a time")?)?),
        "dripping-body" => Fault::dripping_body(time(words.next(name, "a time")?)?),
        "interim-replies" => Fault::interim_replies(number(words.next(name, "a number")?)?),
        _ => return refuse(format!("there is no fault called {name:?}")),
    })
}

/// A fault that takes nothing.
fn plain(name: &str) -> Option<Fault> {
    Some(match name {
        "secondary-limit" => Fault::secondary_limit(),
        "content-limit" => Fault::content_limit(),
        "limit-page" => Fault::limit_page(),
        "anonymous-limit" => Fault::anonymous_limit(),
        "bad-credentials" => Fault::bad_credentials(),
        "forbidden" => Fault::forbidden(),
        "not-found" => Fault::not_found(),
        "server-error" => Fault::server_error(),
        "service-unavailable" => Fault::service_unavailable(),
        "unicorn" => Fault::unicorn(),
        "gateway-timeout" => Fault::gateway_timeout(),
        "captive-portal" => Fault::captive_portal(),
        "firewall" => Fault::firewall(),
        "proxy-authentication" => Fault::proxy_authentication(),
        "rotated-key" => Fault::rotated_key(),
        "without-links" => Fault::without_links(),
        "links-to-itself" => Fault::links_to_itself(),
        "without-total-count" => Fault::without_total_count(),
        "lost-reply" => Fault::lost_reply(),
        "reset" => Fault::reset(),
        "silence" => Fault::silence(),
        "hang" => Fault::hang(),
        "truncated-body" => Fault::truncated_body(),
        "endless-body" => Fault::endless_body(),
        _ => return None,
    })
}

fn policy(name: &str) -> Result<Policy, TextError> {
    Ok(match name {
        "ip-allow-list" => Policy::IpAllowList,
        "classic-tokens" => Policy::ClassicTokens,
        "token-lifetime" => Policy::TokenLifetime,
        "suspended-account" => Policy::SuspendedAccount,
        "suspended-installation" => Policy::SuspendedInstallation,
        _ => return refuse(format!("there is no policy called {name:?}")),
    })
}

/// The fault with one thing more said about it.
fn said(fault: Fault, word: &str) -> Result<Fault, TextError> {
    match word {
        "always" => return Ok(fault.always()),
        "overlapping" => return Ok(fault.overlapping()),
        _ => {}
    }
    let Some((key, value)) = word.split_once('=') else {
        return refuse(format!("{word:?} can't be said of a fault"));
    };
    Ok(match key {
        "on" => match value.parse::<Method>() {
            Ok(method) => fault.on(method.as_str()),
            Err(_) => return refuse(format!("{value:?} is not a method")),
        },
        "at" => fault.at(value),
        "by" => fault.by(value.parse()?),
        "with-token-younger-than" => fault.with_token_younger_than(time(value)?),
        "times" => fault.times(number(value)?),
        "after" => fault.after(number(value)?),
        "starting-in" => fault.starting_in(time(value)?),
        "lasting" => fault.lasting(time(value)?),
        "header" => with_header(fault, value)?,
        _ => return refuse(format!("a fault has no {key}=")),
    })
}

fn with_header(mut fault: Fault, text: &str) -> Result<Fault, TextError> {
    let header = text.split_once(':').filter(|(name, value)| {
        name.parse::<HeaderName>().is_ok() && value.parse::<HeaderValue>().is_ok()
    });
    match header {
        None => refuse(format!("{text:?} is not a header as NAME:VALUE")),
        Some(_) if fault.own_reply().is_none() => {
            refuse("header= is for faults that send a reply of their own")
        }
        Some((name, value)) => Ok(fault.header(name, value)),
    }
}
