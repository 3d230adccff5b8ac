//! Which server a host names.

use std::fmt;

/// A server, as `gh` tells them apart by their hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// GitHub itself, by any of its names.
    GitHub,
    /// A tenant with data residency, by its name below `ghe.com`.
    Tenant(String),
    /// An Enterprise Server, by its host.
    Own(String),
}

impl Server {
    /// Reads a host, in whatever case it is written.
    pub(crate) fn of(host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        if host == "github.com" || host.ends_with(".github.com") {
            return Self::GitHub;
        }
        match host.strip_suffix(".ghe.com") {
            Some(below) => Self::Tenant(below.rsplit('.').next().unwrap_or(below).to_owned()),
            None => Self::Own(host),
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
