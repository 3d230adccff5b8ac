//! The repositories that may use a secret.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, shown};
use crate::scope::{as_text, full_name};

/// Which of an organization's repositories can use a secret.
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
    /// Only these repositories, by id. An empty list takes the secret from every repository.
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
            _ => Err(refuse()),
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
/// Numbers and text turn into it; text of digits is an id. `parse` checks the text; `From` leaves that to the call, whose
/// error then names all repositories that can't be found.
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
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RepositoryRef {
    /// GitHub's id of the repository, which survives a rename.
    Id(u64),
    /// `owner/name`.
    Name(String),
}

impl RepositoryRef {
    /// An empty list of repositories, with a type.
    ///
    /// # Examples
    /// ```
    /// # async fn withdraw(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// use octoseal::{RepositoryRef, scope::{UserScope, UserStore}};
    ///
    /// let secrets = github.secrets(UserScope::new(UserStore::Codespaces));
    /// secrets.set_selected_repositories("DEPLOY_KEY", RepositoryRef::NONE).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub const NONE: [Self; 0] = [];

    /// The id, if the text is one.
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

/// Shows the name only if it can't be a secret in the wrong place.
impl fmt::Debug for RepositoryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "Id({id})"),
            Self::Name(name) => write!(f, "Name({})", shown(name)),
        }
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

/// Which repositories may use a secret after a put or a change of access.
///
/// As text, for example in a configuration: `keep`, `all`, `private`, or `selected:` and repositories, by id or
/// `owner/name`, with commas between them and no spaces. `selected:` alone takes the secret from every repository.
/// `add:` and `remove:` take repositories too, and `keep-or:` one of `all`, `private` and `selected:…`.
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
    /// An existing secret keeps its visibility and all its selected repositories. An organization's secret that does not
    /// exist yet needs one of the others.
    #[default]
    Keep,
    /// [`Visibility::All`].
    All,
    /// [`Visibility::Private`].
    Private,
    /// Only these repositories, by id or `owner/name`.
    Selected(Vec<RepositoryRef>),
    /// The access is kept, or this for a secret that does not exist yet; see [`Access::keep_or`].
    KeepOr(Box<Self>),
    /// The access is kept, and these repositories are added; a secret that does not exist yet is for these alone. See
    /// [`Access::add`].
    Add(Vec<RepositoryRef>),
    /// The access is kept, and these repositories are removed; see [`Access::remove`].
    Remove(Vec<RepositoryRef>),
}

impl Access {
    /// Whether repositories are named that have to be looked up.
    pub(crate) fn has_names(&self) -> bool {
        match self {
            Self::Selected(these) | Self::Add(these) | Self::Remove(these) => has_names(these),
            Self::KeepOr(new) => new.has_names(),
            Self::Keep | Self::All | Self::Private => false,
        }
    }

    /// Only these repositories, by id or `owner/name`. A list of them turns into it, too.
    pub fn selected(repositories: impl IntoIterator<Item = impl Into<RepositoryRef>>) -> Self {
        Self::Selected(repositories.into_iter().map(Into::into).collect())
    }

    /// Keeps the access, or takes `new` for a secret that does not exist yet: all, private, or selected repositories.
    ///
    /// # Examples
    /// ```
    /// use octoseal::{Access, Visibility};
    ///
    /// assert_eq!(Access::keep_or(Visibility::Private).to_string(), "keep-or:private");
    /// ```
    pub fn keep_or(new: impl Into<Self>) -> Self {
        match new.into() {
            kept @ (Self::Keep | Self::KeepOr(_)) => kept,
            new => Self::KeepOr(Box::new(new)),
        }
    }

    /// Keeps the access and adds these repositories, by id or `owner/name`.
    ///
    /// A put sends these repositories and those that it has read, since GitHub clears a list that is left out, and then
    /// adds each of these once more by GitHub's operation for one repository, where there is one. So two processes that
    /// each add one at the same time end with both. What stays is a race of one round trip: a repository is lost if another
    /// program adds it after this put has read, and has finished before this put writes.
    ///
    /// The secret's visibility must be `selected`; otherwise the put ends before it writes.
    ///
    /// # Examples
    /// ```
    /// # async fn add(github: octoseal::Client, scope: octoseal::Scope) -> Result<(), octoseal::Error> {
    /// use octoseal::Access;
    ///
    /// let put = github.secrets(scope).put("DEPLOY_KEY", "s3cret");
    /// put.access(Access::add(["acme/api"])).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn add(repositories: impl IntoIterator<Item = impl Into<RepositoryRef>>) -> Self {
        Self::Add(repositories.into_iter().map(Into::into).collect())
    }

    /// Keeps the access without these repositories, by id or `owner/name`; otherwise as [`add`](Self::add).
    pub fn remove(repositories: impl IntoIterator<Item = impl Into<RepositoryRef>>) -> Self {
        Self::Remove(repositories.into_iter().map(Into::into).collect())
    }
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

/// Only these repositories.
impl<R: Into<RepositoryRef>, const N: usize> From<[R; N]> for Access {
    fn from(repositories: [R; N]) -> Self {
        Self::selected(repositories)
    }
}

/// Only these repositories.
impl<R: Into<RepositoryRef>> From<Vec<R>> for Access {
    fn from(repositories: Vec<R>) -> Self {
        Self::selected(repositories)
    }
}

/// Only these repositories.
impl<'a, R> From<&'a Vec<R>> for Access
where
    &'a R: Into<RepositoryRef>,
{
    fn from(repositories: &'a Vec<R>) -> Self {
        Self::selected(repositories)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.write_str("keep"),
            Self::All => f.write_str("all"),
            Self::Private => f.write_str("private"),
            Self::Selected(these) => write!(f, "selected:{}", listed(these)),
            Self::KeepOr(new) => write!(f, "keep-or:{new}"),
            Self::Add(these) => write!(f, "add:{}", listed(these)),
            Self::Remove(these) => write!(f, "remove:{}", listed(these)),
        }
    }
}

impl FromStr for Access {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = || {
            Error::input(format!(
                "{} is not an access: write keep, all, private, or selected:, add: or remove: and repositories as in \
                 selected:1296269,acme/api (selected: alone is none), or keep-or: before all, private or selected:",
                shown(text)
            ))
        };
        Ok(match text.split_once(':') {
            None => match text {
                "keep" => Self::Keep,
                "all" => Self::All,
                "private" => Self::Private,
                _ => return Err(refuse()),
            },
            Some(("selected", these)) => Self::Selected(repositories(these)?),
            Some(("add", these)) => Self::Add(repositories(these)?),
            Some(("remove", these)) => Self::Remove(repositories(these)?),
            Some(("keep-or", new)) => match new.parse()? {
                new @ (Self::All | Self::Private | Self::Selected(_)) => Self::keep_or(new),
                _ => return Err(refuse()),
            },
            Some(_) => return Err(refuse()),
        })
    }
}

/// Whether some have to be looked up.
pub(crate) fn has_names(repositories: &[RepositoryRef]) -> bool {
    let is_name = |it: &RepositoryRef| matches!(it, RepositoryRef::Name(_));
    repositories.iter().any(is_name)
}

fn listed(repositories: &[RepositoryRef]) -> String {
    let repositories: Vec<String> = repositories.iter().map(ToString::to_string).collect();
    repositories.join(",")
}

fn repositories(text: &str) -> Result<Vec<RepositoryRef>, Error> {
    match text {
        "" => Ok(Vec::new()),
        _ => text.split(',').map(str::parse).collect(),
    }
}

as_text!(Access);
