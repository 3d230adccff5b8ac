//! The changes that a batch makes.

use std::fmt;

use futures_util::FutureExt;

use super::kept::When;
use super::put::{Content, Put};
use super::target::Target;
use crate::access::Access;
use crate::error::{Error, Given};
use crate::lookup::Sealed;
use crate::receipt::Receipt;
use crate::scope::{Scope, SecretName};
use crate::value::SecretValue;

/// A secret to be stored: a name, a value, and its access.
///
/// A pair of name and value turns into one that keeps its access.
#[derive(Clone, Debug)]
pub struct NewSecret {
    name: Given,
    content: Content,
    access: Access,
    when: When,
}

impl NewSecret {
    /// A secret that keeps its access if it exists.
    pub fn new(name: impl Into<String>, value: impl Into<SecretValue>) -> Self {
        Self::with(name.into(), Content::Plain(value.into()))
    }

    /// One with a value sealed elsewhere, as base64, and the id of the key that it was sealed with; see
    /// [`Put::encrypted_value`].
    pub fn sealed(
        name: impl Into<String>,
        encrypted_value: impl Into<String>,
        key_id: impl Into<String>,
    ) -> Self {
        let sealed = Sealed {
            encrypted_value: encrypted_value.into(),
            key_id: key_id.into(),
        };
        Self::with(name.into(), Content::Sealed(sealed))
    }

    fn with(name: String, content: Content) -> Self {
        Self {
            name: Given(name),
            content,
            access: Access::Keep,
            when: When::Always,
        }
    }

    /// Which repositories may use it; see [`Put::access`].
    pub fn access(mut self, access: impl Into<Access>) -> Self {
        self.access = access.into();
        self
    }

    /// Creates it only if there is none of this name; see [`Put::only_if_missing`].
    pub fn only_if_missing(mut self) -> Self {
        self.when = When::Missing;
        self
    }

    /// Updates it only if there is one of this name; see [`Put::only_if_exists`].
    pub fn only_if_exists(mut self) -> Self {
        self.when = When::Existing;
        self
    }
}

impl<N: Into<String>, V: Into<SecretValue>> From<(N, V)> for NewSecret {
    fn from((name, value): (N, V)) -> Self {
        Self::new(name, value)
    }
}

impl<N: Into<String>, V: Into<SecretValue>, A: Into<Access>> From<(N, V, A)> for NewSecret {
    fn from((name, value, access): (N, V, A)) -> Self {
        Self::new(name, value).access(access)
    }
}

/// A change of one secret: a put, which a [`NewSecret`] turns into, a deletion, or a change of access.
#[derive(Clone, Debug)]
pub struct Change {
    name: Given,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Put(Content, Access, When),
    Delete,
    Access(Access),
}

impl Change {
    /// Deletes the secret, found by its name in any case.
    pub fn delete(name: impl Into<String>) -> Self {
        let (name, kind) = (Given(name.into()), Kind::Delete);
        Self { name, kind }
    }

    /// Changes which repositories may use the secret, and not its value; see
    /// [`Secrets::change_access`](crate::secrets::Secrets::change_access).
    pub fn access(name: impl Into<String>, access: impl Into<Access>) -> Self {
        let (name, kind) = (Given(name.into()), Kind::Access(access.into()));
        Self { name, kind }
    }

    /// The secret's name, as given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The change as errors say it.
    pub(super) fn doing(&self) -> &'static str {
        match self.kind {
            Kind::Put(..) => "storing",
            Kind::Delete => "deleting",
            Kind::Access(_) => "changing the access of",
        }
    }

    /// About how much memory it needs while it waits.
    pub(super) fn bytes(&self) -> usize {
        let content = match &self.kind {
            Kind::Put(Content::Plain(value), ..) => value.len(),
            Kind::Put(Content::Sealed(sealed), ..) => sealed.encrypted_value.len(),
            Kind::Put(Content::None, ..) | Kind::Delete | Kind::Access(_) => 0,
        };
        size_of::<(Scope, Self)>() + self.name.len() + content
    }

    /// Makes the change, as the member of a batch.
    pub(super) async fn make(self, target: Target) -> Result<Receipt, Error> {
        let allowance = target.allowance();
        match self.kind {
            Kind::Put(content, access, when) => {
                let put = Put::<Scope>::new(Ok(target), self.name.0);
                put.of(content, access, when).send_as_call(&allowance).await
            }
            Kind::Delete => {
                let name = SecretName::new(self.name.0)?;
                target.delete(&name, &allowance).boxed().await
            }
            Kind::Access(access) => {
                let name = SecretName::new(self.name.0)?;
                let change = target.change_access(&name, &access, &allowance);
                change.boxed().await
            }
        }
    }
}

impl From<NewSecret> for Change {
    fn from(secret: NewSecret) -> Self {
        let NewSecret {
            name,
            content,
            access,
            when,
        } = secret;
        let kind = Kind::Put(content, access, when);
        Self { name, kind }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no value",
            Self::Plain(_) => "a value",
            Self::Sealed(_) => "a sealed value",
        })
    }
}
