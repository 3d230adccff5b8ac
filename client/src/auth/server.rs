//! Which server a host names.

use std::fmt;

use reqwest::Url;

use crate::error::Error;

/// A server, as `gh` tells them apart by their hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// GitHub itself, by any of its names.
    GitHub,
    /// A tenant with data residency, by its name below `ghe.com`.
    Tenant(String),
    /// An Enterprise Server, by its host, with a port that is not that of https.
    Own(String),
}

impl Server {
    /// Reads a host that `named_by` gives, in whatever case it is written, with a port or without. What is refused may
    /// hold a password and is not quoted.
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
