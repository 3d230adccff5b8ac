//! Any scope, known at run time.

use super::{EnvironmentScope, OrganizationScope, RepositoryScope, UserScope};

/// Any scope, known when the program runs: what a configuration file holds.
///
/// # Examples
/// ```
/// use octoseal::Scope;
///
/// let scope: Scope = "actions:env/acme/api/prod%2Feu".parse()?;
/// assert_eq!(scope.to_string(), "actions:env/acme/api/prod%2Feu");
/// assert!("robots:org/acme".parse::<Scope>().is_err());
/// # Ok::<(), octoseal::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Scope {
    /// A store at an organization.
    Organization(OrganizationScope),
    /// A store at a repository.
    Repository(RepositoryScope),
    /// A store at an environment of a repository.
    Environment(EnvironmentScope),
    /// A store of the authenticated user.
    User(UserScope),
}
