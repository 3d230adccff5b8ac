//! Faults as text, for command lines and files.

use std::str::FromStr;

use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::faults::Fault;
use crate::text::{TextError, number, refuse, time};

/// A fault as text: its name, what it takes, and which requests it strikes.
///
/// The names are those of the constructors, with dashes: `service-unavailable`, `slow 200ms`, `reply 500`. After them
/// come, in any order, `on=METHOD`, `at=PATH`, `times=NUMBER`, `always`, `after=NUMBER`, `starting-in=TIME`,
/// `lasting=TIME`, `header=NAME:VALUE` and, last since it takes the rest of the line, `body=TEXT`. Times are written
/// `200ms`, `30s`, `5m` or `1h`.
///
/// # Examples
/// ```
/// use octoseal_mock::{Fault, GitHub};
///
/// # fn main() -> Result<(), octoseal_mock::TextError> {
/// let github = GitHub::new();
/// github.inject("secondary-limit header=retry-after:30 on=PUT times=3".parse()?);
/// github.inject("reply 422 at=/secrets/KEY body={\"message\":\"no\"}".parse::<Fault>()?);
/// assert!("unicorns".parse::<Fault>().is_err());
/// # Ok(())
/// # }
/// ```
impl FromStr for Fault {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let (text, body) = match text.split_once("body=") {
            Some((text, body)) => (text, Some(body)),
            None => (text, None),
        };
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        if body.is_some() && name != "reply" {
            return refuse(format!("{name} has no body=, which reply has"));
        }
        let mut fault = named(name, &mut words, body.unwrap_or_default())?;
        for word in words {
            fault = modified(fault, word)?;
        }
        Ok(fault)
    }
}

/// The fault of a name, which takes what it needs from the words that follow.
fn named<'a>(
    name: &str,
    words: &mut impl Iterator<Item = &'a str>,
    body: &str,
) -> Result<Fault, TextError> {
    let mut next = |what: &str| {
        let missing = || TextError::new(format!("{name} needs {what} after it"));
        words.next().ok_or_else(missing)
    };
    Ok(match name {
        "reply" => {
            let text = next("a status")?;
            match text.parse::<StatusCode>() {
                Ok(status) => Fault::reply(status.as_u16(), body),
                Err(_) => return refuse(format!("{text} is not a status")),
            }
        }
        "secondary-limit" => Fault::secondary_limit(),
        "primary-limit" => Fault::primary_limit(time(next("the time until its reset")?)?),
        "service-unavailable" => Fault::service_unavailable(),
        "unicorn" => Fault::unicorn(),
        "gateway-timeout" => Fault::gateway_timeout(),
        "captive-portal" => Fault::captive_portal(),
        "public-key" => Fault::public_key(next("a key id and a key")?, next("a key")?),
        "rotated-key" => Fault::rotated_key(),
        "slow" => Fault::slow(time(next("a time")?)?),
        "lost-reply" => Fault::lost_reply(),
        "hang" => Fault::hang(),
        "truncated-body" => Fault::truncated_body(),
        "endless-body" => Fault::endless_body(),
        _ => return refuse(format!("there is no fault called {name:?}")),
    })
}

/// The fault with one thing more said about it.
fn modified(fault: Fault, word: &str) -> Result<Fault, TextError> {
    if word == "always" {
        return Ok(fault.always());
    }
    let Some((key, value)) = word.split_once('=') else {
        return refuse(format!(
            "{word:?} is not one of on=, at=, times=, always, after=, starting-in=, lasting=, header="
        ));
    };
    Ok(match key {
        "on" => match value.parse::<Method>() {
            Ok(method) => fault.on(method.as_str()),
            Err(_) => return refuse(format!("{value:?} is not a method")),
        },
        "at" => fault.at(value),
        "times" => fault.times(number(value)?),
        "after" => fault.after(number(value)?),
        "starting-in" => fault.starting_in(time(value)?),
        "lasting" => fault.lasting(time(value)?),
        "header" => match value.split_once(':') {
            Some((name, value)) if is_header(name, value) && fault.has_own_reply() => {
                fault.header(name, value)
            }
            Some((name, value)) if is_header(name, value) => {
                return refuse("header= is for faults that send a reply of their own");
            }
            _ => return refuse(format!("{value:?} is not a header as NAME:VALUE")),
        },
        _ => return refuse(format!("a fault has no {key}=")),
    })
}

fn is_header(name: &str, value: &str) -> bool {
    name.parse::<HeaderName>().is_ok() && value.parse::<HeaderValue>().is_ok()
}
