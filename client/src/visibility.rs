//! Which repositories an organization's secret is for.

use std::fmt;

/// Which of an organization's repositories can use a secret. The repositories come with it, so that neither a
/// list without `selected` nor `selected` without a list can be said.
///
/// GitHub's page: [Create or update an organization secret](https://docs.github.com/rest/actions/secrets#create-or-update-an-organization-secret),
/// parameters `visibility` and `selected_repository_ids`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

/// A repository to be selected: by its id, or by `owner/name`, which is looked up when the call is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RepositoryRef {
    /// GitHub's id of the repository, which survives a rename.
    Id(u64),
    /// `owner/name`.
    Name(String),
}

impl From<u64> for RepositoryRef {
    fn from(id: u64) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for RepositoryRef {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<String> for RepositoryRef {
    fn from(name: String) -> Self {
        Self::Name(name)
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

/// Who may use a secret from now on: what a put is told about access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// As it is: an existing secret keeps its visibility and all its selected repositories. An organization's
    /// secret that does not exist yet needs one of the others.
    #[default]
    Keep,
    /// This visibility.
    Visibility(Visibility),
    /// Only these repositories, by id or `owner/name`.
    Selected(Vec<RepositoryRef>),
}

impl From<Visibility> for Access {
    fn from(visibility: Visibility) -> Self {
        Self::Visibility(visibility)
    }
}
