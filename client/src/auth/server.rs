//! The server that a host or an address names.

use std::fmt;

use reqwest::Url;

use crate::error::Error;

/// A server, by its host, as the command `gh` tells them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// GitHub itself, by any of its names.
    GitHub,
    /// A tenant with data residency, by its name below `ghe.com`.
    Tenant(String),
    /// An Enterprise Server, by its host and the port, unless that is 443.
    Own(String),
}

impl Server {
    /// Reads a host, in any case, with a port or without. Errors call it `named_by` and don't quote it, since it may hold a
    /// password.
    pub(crate) fn named(host: &str, named_by: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            Error::config(format!("{named_by} {why}"))
                .with_hint("it looks like github.com, TENANT.ghe.com or ghe.example:8443")
        };
        let fits =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
        if host.is_empty() || !host.bytes().all(fits) {
            return Err(refuse(
                "is empty or holds a scheme, a path or another character that no host has",
            ));
        }
        let whole = match host.parse::<std::net::Ipv6Addr>() {
            Ok(address) => format!("https://[{address}]"),
            Err(_) => format!("https://{host}"),
        };
        let url = Url::parse(&whole).map_err(|_| refuse("is not a host"))?;
        match Self::at(&url) {
            Self::GitHub | Self::Tenant(_) if url.port().is_some() => {
                Err(refuse("has a port that GitHub does not have"))
            }
            server => Ok(server),
        }
    }

    /// The server at an address.
    pub(crate) fn at(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if host == "github.com" || host.ends_with(".github.com") {
            return Self::GitHub;
        }
        match (host.strip_suffix(".ghe.com"), url.port()) {
            (Some(below), _) => Self::Tenant(below.rsplit('.').next().unwrap_or(below).to_owned()),
            (None, Some(port)) => Self::Own(format!("{host}:{port}")),
            (None, None) => Self::Own(host),
        }
    }
}

/// The address of its API.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GitHub => f.write_str("https://api.github.com"),
            Self::Tenant(name) => write!(f, "https://api.{name}.ghe.com"),
            Self::Own(host) => write!(f, "https://{host}/api/v3"),
        }
    }
}

/// Parses and checks the address of an API, without the dot with which a host may end: it is the same host.
pub(crate) fn base_url(text: &str) -> Result<Url, Error> {
    let refuse = |why: &str| Error::config(format!("the base URL {why}"));
    let mut url = Url::parse(text).map_err(|why| refuse(&format!("is not a URL: {why}")))?;
    if let Some(host) = url.host_str().filter(|host| host.ends_with('.')) {
        let host = host.trim_end_matches('.').to_owned();
        url.set_host(Some(&host))
            .map_err(|_| refuse("names no host"))?;
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("holds a user name or password").with_hint("give the token by `token`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(
            refuse("holds a query or fragment").with_hint("it looks like https://HOST/api/v3")
        );
    }
    if matches!(url.host_str(), Some("github.com" | "www.github.com")) {
        return Err(refuse("is GitHub's website and not its API")
            .with_hint("the API is at https://api.github.com"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(
            refuse("is plain http, which would show the token to the network")
                .with_hint("use https"),
        ),
        _ => Err(refuse("is neither https nor http on loopback")),
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    // The URL parser has normalized the host: `127.1` and `0x7f.1` are `127.0.0.1` here.
    url.host_str().is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || address
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

/// Whether this is the address of a GitHub Enterprise Server.
pub(crate) fn is_own_server(base: &Url) -> bool {
    matches!(Server::at(base), Server::Own(_)) && !is_loopback(base)
}
