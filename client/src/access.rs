//! Which repositories a secret is for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;
use crate::scope::{as_text, full_name, shown};

/// Which of an organization's repositories can use a secret. The repositories come with it, so that neither a
/// list without `selected` nor `selected` without a list can be said.
///
/// GitHub's page: [Create or update an organization secret](https://docs.github.com/rest/actions/secrets#create-or-update-an-organization-secret),
/// parameters `visibility` and `selected_repository_ids`.
///
/// As text: `all`, `private`, or `selected:` and ids with commas between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Visibility {
    /// All repositories of the organization, public ones included.
    All,
    /// The organization's private and internal repositories.
    Private,
    /// Only these repositories, by id. An empty list is sent as such and takes the secret from every repository.
    Selected(Vec<u64>),
}

impl Visibility {
    /// GitHub's word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Private => "private",
            Self::Selected(_) => "selected",
        }
    }
}

impl FromStr for Visibility {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = || {
            Error::input("a visibility is all, private, or selected: with repositories' ids")
                .with_hint("names of repositories, and access that is kept, are an `Access`")
        };
        match text.parse().map_err(|_| refuse())? {
            Access::All => Ok(Self::All),
            Access::Private => Ok(Self::Private),
            Access::Selected(repositories) => {
                let ids = repositories.into_iter().map(|repository| match repository {
                    RepositoryRef::Id(id) => Ok(id),
                    RepositoryRef::Name(_) => Err(refuse()),
                });
                Ok(Self::Selected(ids.collect::<Result<_, _>>()?))
            }
            Access::Keep => Err(refuse()),
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Access::from(self.clone()).fmt(f)
    }
}

as_text!(Visibility);

/// A repository to be selected: by its id, or by `owner/name`, which is looked up when the call is made.
///
/// Numbers and text turn into it, and text of digits is an id. Parsing checks the text, converting leaves that to the
/// call, whose error then names all repositories that can't be found.
///
/// # Examples
/// ```
/// use octoseal::RepositoryRef;
///
/// assert_eq!("1296269".parse::<RepositoryRef>()?, RepositoryRef::Id(1_296_269));
/// assert_eq!("acme/api".parse::<RepositoryRef>()?.to_string(), "acme/api");
/// assert!("api".parse::<RepositoryRef>().unwrap_err().is_invalid_input());
/// # Ok::<(), octoseal::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RepositoryRef {
    /// GitHub's id of the repository, which survives a rename.
    Id(u64),
    /// `owner/name`.
    Name(String),
}

impl RepositoryRef {
    /// No repository, where repositories are selected: an empty list alone would not say of what.
    ///
    /// # Examples
    /// ```
    /// # async fn withdraw(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// use octoseal::{RepositoryRef, UserScope, UserStore};
    ///
    /// let secrets = github.secrets(UserScope::new(UserStore::Codespaces));
    /// secrets.set_selected_repositories("DEPLOY_KEY", RepositoryRef::NONE).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub const NONE: [Self; 0] = [];

    /// The id that text of digits is, unless it is too large to be one.
    fn id(text: &str) -> Option<u64> {
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse().ok())
            .flatten()
    }
}

impl FromStr for RepositoryRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match Self::id(text) {
            Some(id) => Ok(Self::Id(id)),
            None => full_name(text).map(|_| Self::Name(text.to_owned())),
        }
    }
}

impl From<u64> for RepositoryRef {
    fn from(id: u64) -> Self {
        Self::Id(id)
    }
}

impl From<&u64> for RepositoryRef {
    fn from(id: &u64) -> Self {
        Self::Id(*id)
    }
}

impl From<String> for RepositoryRef {
    fn from(text: String) -> Self {
        Self::id(&text).map_or(Self::Name(text), Self::Id)
    }
}

impl From<&str> for RepositoryRef {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&&str> for RepositoryRef {
    fn from(text: &&str) -> Self {
        (*text).into()
    }
}

impl From<&String> for RepositoryRef {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

impl From<&Self> for RepositoryRef {
    fn from(repository: &Self) -> Self {
        repository.clone()
    }
}

impl fmt::Display for RepositoryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// As text.
impl Serialize for RepositoryRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From text, or from an id as a number.
impl<'de> Deserialize<'de> for RepositoryRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a repository's id, or `owner/name`")]
        enum Written {
            Id(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Id(id) => Ok(Self::Id(id)),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

/// Who may use a secret from now on: what a put is told about access.
///
/// As text, for example in a configuration: `keep`, `all`, `private`, or `selected:` and repositories, by id or
/// `owner/name`, with commas between them and no spaces. `selected:` alone takes the secret from every repository.
///
/// # Examples
/// ```
/// use octoseal::Access;
///
/// let access: Access = "selected:1296269,acme/api".parse()?;
/// assert_eq!(access, Access::Selected(vec![1_296_269.into(), "acme/api".into()]));
/// assert_eq!(access.to_string(), "selected:1296269,acme/api");
/// assert_eq!("selected:".parse::<Access>()?, Access::Selected(vec![]));
/// assert!("selected".parse::<Access>().unwrap_err().is_invalid_input());
/// # Ok::<(), octoseal::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// As it is: an existing secret keeps its visibility and all its selected repositories. An organization's
    /// secret that does not exist yet needs one of the others.
    #[default]
    Keep,
    /// [`Visibility::All`].
    All,
    /// [`Visibility::Private`].
    Private,
    /// Only these repositories, by id or `owner/name`.
    Selected(Vec<RepositoryRef>),
}

impl From<Visibility> for Access {
    fn from(visibility: Visibility) -> Self {
        match visibility {
            Visibility::All => Self::All,
            Visibility::Private => Self::Private,
            Visibility::Selected(ids) => Self::Selected(ids.into_iter().map(Into::into).collect()),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.write_str("keep"),
            Self::All => f.write_str("all"),
            Self::Private => f.write_str("private"),
            Self::Selected(repositories) => {
                let repositories: Vec<String> =
                    repositories.iter().map(ToString::to_string).collect();
                write!(f, "selected:{}", repositories.join(","))
            }
        }
    }
}

impl FromStr for Access {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match (text, text.strip_prefix("selected:")) {
            ("keep", _) => Ok(Self::Keep),
            ("all", _) => Ok(Self::All),
            ("private", _) => Ok(Self::Private),
            (_, Some("")) => Ok(Self::Selected(Vec::new())),
            (_, Some(repositories)) => repositories
                .split(',')
                .map(str::parse)
                .collect::<Result<_, _>>()
                .map(Self::Selected),
            (_, None) => Err(Error::input(format!(
                "{} is not an access: write keep, all, private, or selected: and repositories as in selected:1296269,acme/api; selected: alone is none",
                shown(text)
            ))),
        }
    }
}

as_text!(Access);
