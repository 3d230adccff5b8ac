//! The scope of an organization's private registries.

use std::fmt;
use std::str::FromStr;

use octoseal_api::operations::Operation;
use octoseal_api::stores::registries::{NAME, PUBLIC_KEY};
use octoseal_api::{Answer, stores};

use crate::auth::Audience;
use crate::error::Error;
use crate::lookup::HasKey;
use crate::runtime::Place;
use crate::scope::{Owner, as_text};

/// An organization's private registries, as a scope: `private-registries:org/acme`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrivateRegistriesScope {
    org: Owner,
}

impl PrivateRegistriesScope {
    /// The private registries of the organization `org`.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a name that can't be a login.
    pub fn new(org: impl Into<String>) -> Result<Self, Error> {
        Ok(Self {
            org: Owner::new(org)?,
        })
    }

    /// The organization's login.
    pub fn org(&self) -> &str {
        self.org.as_str()
    }
}

impl Place for PrivateRegistriesScope {
    fn audience(&self) -> Audience<'_> {
        Audience::new(Some(self.org()), None)
    }
}

impl HasKey for PrivateRegistriesScope {
    fn key_operation(&self) -> Result<Operation, Error> {
        Ok(PUBLIC_KEY)
    }

    async fn request(&self, api: octoseal_api::Client) -> Answer<stores::PublicKey> {
        api.registry_public_key(self.org()).await
    }
}

impl fmt::Display for PrivateRegistriesScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}:org/{}", self.org)
    }
}

impl FromStr for PrivateRegistriesScope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let org = text
            .strip_prefix(NAME)
            .and_then(|place| place.strip_prefix(":org/"));
        Self::new(org.ok_or_else(|| {
            Error::input(format!("private registries are written {NAME}:org/ORG"))
        })?)
    }
}

impl fmt::Debug for PrivateRegistriesScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateRegistriesScope({self})")
    }
}

as_text!(PrivateRegistriesScope);
