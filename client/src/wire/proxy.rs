//! The proxy that connections go through. One that is named and can't be used is an error.

use std::net::IpAddr;

use reqwest::Url;

use crate::error::Error;

/// Proxies as they were named: by a setting, or by variables and their values.
#[derive(Clone, Default)]
pub(crate) enum Proxies {
    #[default]
    None,
    Setting(String),
    Environment(Vec<(&'static str, String)>),
}

const HTTPS: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
const ALL: [&str; 2] = ["ALL_PROXY", "all_proxy"];
const EXCEPT: [&str; 2] = ["NO_PROXY", "no_proxy"];

impl Proxies {
    /// Reads the variables. `HTTP_PROXY` is not among them, since plain http is for loopback alone.
    pub(crate) fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let names = [HTTPS, ALL, EXCEPT].into_iter().flatten();
        let read = |name| Some((name, variable(name)?.trim().to_owned()));
        let is_set = |(_, value): &(&str, String)| !value.is_empty();
        Self::Environment(names.filter_map(read).filter(is_set).collect())
    }

    /// The proxy on the way to a server; a server on this machine has none.
    pub(crate) fn toward(&self, base: &Url, on_loopback: bool) -> Result<Option<Url>, Error> {
        let proxy = match self {
            Self::None => None,
            Self::Setting(text) => Some(address("the setting `proxy`", text)?),
            Self::Environment(set) => {
                let (https, all) = (one_of(set, HTTPS)?, one_of(set, ALL)?);
                let except = one_of(set, EXCEPT)?;
                let read = |(name, text): (&str, &str)| address(name, text);
                let (https, all) = (https.map(read).transpose()?, all.map(read).transpose()?);
                match except {
                    Some((name, list)) if is_excepted(name, list, base)? => None,
                    _ => https.or(all),
                }
            }
        };
        Ok(proxy.filter(|_| !on_loopback))
    }
}

/// A variable in upper or lower case. Fails if both are set and differ.
fn one_of<'a>(
    set: &'a [(&'static str, String)],
    names: [&'static str; 2],
) -> Result<Option<(&'static str, &'a str)>, Error> {
    let mut found = set.iter().filter(|(name, _)| names.contains(name));
    let first = found.next();
    match (first, found.next()) {
        (Some((_, one)), Some((_, other))) if one != other => {
            let [upper, lower] = names;
            let why = format!("{upper} and {lower} are both set and differ");
            Err(Error::config(why).with_hint("unset one of them"))
        }
        _ => Ok(first.map(|(name, value)| (*name, value.as_str()))),
    }
}

/// Parses a proxy's address. Errors don't quote it, since it may hold a password.
fn address(named_by: &str, text: &str) -> Result<Url, Error> {
    let refuse = |why: &str| {
        Error::config(format!(
            "the proxy that {named_by} names can't be used: {why}"
        ))
        .with_hint("it looks like http://proxy.example:3128")
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(refuse("it is empty"));
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains(['"', '\'', '`']) {
        return Err(refuse(
            "it holds quotes, blanks or other characters that no address has",
        ));
    }
    let whole = match text.contains("://") {
        true => text.to_owned(),
        false => format!("http://{text}"),
    };
    let url = Url::parse(&whole).map_err(|_| refuse("it is not a URL"))?;
    match url.scheme() {
        "http" | "https" => {}
        scheme if scheme.starts_with("socks") => {
            return Err(refuse("SOCKS is not supported, only http and https are"));
        }
        _ => return Err(refuse("its scheme is neither http nor https")),
    }
    if url.port() == Some(0) {
        return Err(refuse("its port is 0"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(refuse(
            "it has more than a host and a port (in a password, `/`, `?` and `#` are written %2F, %3F and %23)",
        ));
    }
    Ok(url)
}

/// Whether a list of exceptions has the server. An entry is `*`, a domain with all below it, an address or a range of
/// addresses; all but a range may have a port.
fn is_excepted(name: &str, list: &str, base: &Url) -> Result<bool, Error> {
    let host = base.host_str().unwrap_or_default();
    let host = host.trim_matches(['[', ']', '.']).to_ascii_lowercase();
    let mut excepted = false;
    for entry in list.split([',', ' ', '\t', '\n', '\r']) {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b".-_*:[]/".contains(&b);
        let refuse = || {
            Error::config(format!(
                "{name} has an entry that is no host, address or range"
            ))
            .with_hint("it looks like .corp.example,10.0.0.0/8,ghe.example:8443, or is * alone")
        };
        if !entry.bytes().all(fits) {
            return Err(refuse());
        }
        let entry = entry.to_ascii_lowercase();
        excepted |= match entry.split_once('/') {
            _ if entry.is_empty() => false,
            Some((first, bits)) => is_within(&host, first, bits).ok_or_else(refuse)?,
            None => {
                let (named, port) = without_port(&entry);
                let port = port.map(str::parse).transpose().map_err(|_| refuse())?;
                let here = port.is_none_or(|port: u16| base.port_or_known_default() == Some(port));
                let named = named.trim_start_matches("*.").trim_matches('.');
                if named != "*" && named.contains('*') {
                    return Err(refuse());
                }
                here && (named == "*" || is_below(&host, named))
            }
        };
    }
    Ok(excepted)
}

/// An entry's host and its port. Several colons without brackets are an IPv6 address.
fn without_port(entry: &str) -> (&str, Option<&str>) {
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (entry, None),
    };
    (host.trim_matches(['[', ']']), port)
}

/// Whether a host is the named one or lies below it. Addresses are compared as numbers.
fn is_below(host: &str, named: &str) -> bool {
    let address = |text: &str| text.parse::<IpAddr>().ok();
    match (address(host), address(named)) {
        (Some(host), Some(named)) => host == named,
        (None, None) => host
            .strip_suffix(named)
            .is_some_and(|before| before.is_empty() || before.ends_with('.')),
        _ => false,
    }
}

/// Whether a host is an address in a range; `None` if it is no range.
fn is_within(host: &str, first: &str, bits: &str) -> Option<bool> {
    let first: IpAddr = first.parse().ok()?;
    let bits: u32 = bits.parse().ok()?;
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let (start, width) = number(first);
    let rest = u32::checked_sub(width, bits)?;
    let Ok(host) = host.parse::<IpAddr>() else {
        return Some(false);
    };
    let (host, host_width) = number(host);
    let shifted = |number: u128| number.checked_shr(rest).unwrap_or(0);
    Some(width == host_width && shifted(host) == shifted(start))
}
