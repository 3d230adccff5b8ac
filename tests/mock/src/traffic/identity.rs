//! Whom GitHub counts requests as.

use std::fmt;
use std::str::FromStr;

use crate::text::{TextError, number, refuse};

/// Whom GitHub counts requests as: all tokens of a user together, one installation of an App, or an App itself.
///
/// As text, and so for commands: `user:octocat`, `installation:41000001`, `app:12345`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Identity {
    /// A user, by login. Tokens belong to `octocat` unless [`Token::user`](crate::Token::user) says otherwise.
    User(String),
    /// An installation of an App, by number.
    Installation(u64),
    /// An App, by number, when it calls with its own JWT.
    App(u64),
}

impl Identity {
    /// A user by login.
    pub fn user(login: &str) -> Self {
        Self::User(login.to_owned())
    }
}

/// The user whom tokens belong to unless told otherwise.
impl Default for Identity {
    fn default() -> Self {
        Self::user("octocat")
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(login) => write!(f, "user:{login}"),
            Self::Installation(id) => write!(f, "installation:{id}"),
            Self::App(id) => write!(f, "app:{id}"),
        }
    }
}

impl FromStr for Identity {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        match text.split_once(':') {
            Some(("user", login)) if !login.is_empty() => Ok(Self::user(login)),
            Some(("installation", id)) => Ok(Self::Installation(number(id)?)),
            Some(("app", id)) => Ok(Self::App(number(id)?)),
            _ => refuse(format!(
                "{text:?} is not one of user:LOGIN, installation:NUMBER, app:NUMBER"
            )),
        }
    }
}
