//! Names, checked before they reach a URL.
//!
//! The low-level client escapes `/`, `?`, `#` and `%` in a piece of a path, but not `.` and `..`, so every piece is checked
//! against GitHub's own rules.

use std::fmt;
use std::str::FromStr;

use super::as_text;
use crate::error::{Error, is_like_secret, may_be_shown, shown};

/// Makes a checked name: a newtype over `String` with its conversions. It turns into a `String`, which the arguments of
/// this crate are made from.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Checks and keeps a name.
            ///
            /// # Errors
            /// [`Error::is_invalid_input`], saying what to change.
            pub fn new(name: impl Into<String>) -> Result<Self, Error> {
                let name = name.into();
                $check(&name)?;
                Ok(Self(name))
            }

            /// The name as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if may_be_shown(&self.0) {
                    self.0.fmt(f)
                } else {
                    f.write_str(&shown(&self.0))
                }
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(name: &str) -> Result<Self, Error> {
                Self::new(name)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = Error;

            fn try_from(name: &str) -> Result<Self, Error> {
                Self::new(name)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(name: String) -> Result<Self, Error> {
                Self::new(name)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl From<&$name> for String {
            fn from(name: &$name) -> Self {
                name.0.clone()
            }
        }

        as_text!($name);
    };
}

name! {
    /// A secret's name: letters, digits and underscores, not starting with a digit or with `GITHUB_`.
    ///
    /// It is sent as given; GitHub stores it in upper case and finds it in any case.
    /// See [Naming your secrets](https://docs.github.com/actions/reference/security/secrets#naming-your-secrets).
    ///
    /// # Examples
    /// ```
    /// # async fn store(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// use octoseal::scope::{Owner, RepositoryName, RepositoryScope, RepositoryStore, SecretName};
    ///
    /// let (owner, name) = (Owner::new("acme")?, SecretName::new("DEPLOY_KEY")?);
    /// for repository in ["api", "web"].map(RepositoryName::new) {
    ///     let scope = RepositoryScope::new(RepositoryStore::Actions, &owner, repository?)?;
    ///     github.secrets(scope).put(&name, "s3cret").send().await?;
    /// }
    /// assert!(SecretName::new("GITHUB_TOKEN").is_err());
    /// # Ok(())
    /// # }
    /// ```
    SecretName, check_secret
}

name! {
    /// An organization's or user's login.
    Owner, check_owner
}

name! {
    /// A repository's name, without its owner.
    RepositoryName, check_repository
}

name! {
    /// An environment's name, of nearly any characters.
    EnvironmentName, check_environment
}

/// The two names of `owner/name`.
pub(crate) fn full_name(text: &str) -> Result<(Owner, RepositoryName), Error> {
    let no_repository = || {
        Error::input(format!(
            "{} is not a repository; give its id, or owner/name",
            shown(text)
        ))
    };
    let whole = Some(text).filter(|text| text.len() <= 256);
    let (owner, name) = whole
        .and_then(|text| text.split_once('/'))
        .ok_or_else(no_repository)?;
    let names = Owner::new(owner).and_then(|owner| Ok((owner, RepositoryName::new(name)?)));
    // An error of a piece would quote a secret piece by piece.
    names.map_err(|error| {
        if is_like_secret(text) {
            no_repository()
        } else {
            error
        }
    })
}

/// Whether a text is a secret's name, and can't be a secret in its place.
pub(crate) fn is_secret_name(text: &str) -> bool {
    check_secret(text).is_ok() && may_be_shown(text)
}

fn check_secret(name: &str) -> Result<(), Error> {
    let refuse = |why: &str| {
        Err(Error::input(format!(
            "the secret name {} {why}",
            shown(name)
        )))
    };
    let Some(first) = name.bytes().next() else {
        return refuse("is empty; give it a name such as DEPLOY_KEY");
    };
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return refuse("holds something other than letters, digits and underscores; rename it");
    }
    if first.is_ascii_digit() {
        return refuse("starts with a digit; start it with a letter or an underscore");
    }
    if name.len() >= 7 && name[..7].eq_ignore_ascii_case("GITHUB_") {
        return refuse("starts with GITHUB_, which GitHub keeps for itself; choose another prefix");
    }
    Ok(())
}

fn check_owner(name: &str) -> Result<(), Error> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if name.is_empty() || name.len() > 100 || !name.bytes().all(fits) {
        return Err(Error::input(format!(
            "the organization or owner {} is not a GitHub login; use the name from its address, of letters, digits and hyphens",
            shown(name)
        )));
    }
    Ok(())
}

fn check_repository(name: &str) -> Result<(), Error> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > 100 || matches!(name, "." | "..") || !name.bytes().all(fits)
    {
        return Err(Error::input(format!(
            "the repository {} is not a GitHub repository name; use letters, digits, hyphens, underscores and dots, without the owner",
            shown(name)
        )));
    }
    Ok(())
}

fn check_environment(name: &str) -> Result<(), Error> {
    // Parsers of URLs read a backslash as a slash, and the low-level client does not escape it.
    if name.is_empty()
        || name.contains('\\')
        || name.chars().count() > 255
        || matches!(name, "." | "..")
        || name.chars().any(char::is_control)
    {
        return Err(Error::input(format!(
            "the environment {} can't be addressed; use 1 to 255 characters, none of them a backslash or a control character",
            shown(name)
        )));
    }
    Ok(())
}
