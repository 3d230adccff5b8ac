//! Tokens that a test makes known.

use std::fmt;
use std::time::Duration;

use crate::access::Grant;
use crate::github::GitHub;
use crate::traffic::identity::Identity;

/// A token just made known, to say what it may do. `Debug` does not show it.
pub struct Token {
    github: GitHub,
    token: String,
}

impl Token {
    pub(crate) fn new(github: GitHub, token: &str) -> Self {
        // The prefix is how GitHub's own installation tokens are told from others.
        let integration = token.starts_with("ghs_");
        Self {
            github,
            token: token.to_owned(),
        }
        .change(|grant| grant.integration = integration)
    }

    /// Makes it a classic token with these scopes alone, for example `["repo", "admin:org"]`.
    pub fn scopes<'a>(self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        self.change(|grant| grant.scopes = Some(scopes.into_iter().map(str::to_owned).collect()))
    }

    /// Makes it a fine-grained token, or an App's if it begins with `ghs_`, and gives it a permission at a level, for
    /// example `organization_secrets` and `write`. Permissions add up.
    pub fn permission(self, name: &str, level: &str) -> Self {
        self.change(|grant| {
            grant
                .permissions
                .get_or_insert_default()
                .insert(name.to_owned(), level.to_owned());
        })
    }

    /// Makes it a fine-grained token without any permission.
    pub fn without_permissions(self) -> Self {
        self.change(|grant| grant.permissions = Some(Default::default()))
    }

    /// Lets it see this organization, or user, and no other unless that is named too.
    pub fn sees(self, login: &str) -> Self {
        let owner = self.github.add_organization(login);
        self.change(|grant| {
            grant.owners.get_or_insert_default().insert(owner);
        })
    }

    /// Has it refused until single sign-on is done at `url`.
    pub fn sso_required(self, url: &str) -> Self {
        self.change(|grant| grant.sso = Some(url.to_owned()))
    }

    /// Ends it after so long.
    pub fn expires_in(self, lifetime: Duration) -> Self {
        let now = self.github.now();
        self.change(|grant| grant.expires = now.saturating_add(lifetime))
    }

    /// Has it refused at first, as a token just made may be until every server has heard of it.
    pub fn valid_in(self, delay: Duration) -> Self {
        let now = self.github.now();
        self.change(|grant| grant.valid_from = now.saturating_add(delay))
    }

    /// Counts its requests towards the limits of this user. All tokens belong to the same user unless told otherwise.
    pub fn user(self, login: &str) -> Self {
        self.change(|grant| grant.identity = Identity::user(login))
    }

    fn change(self, change: impl FnOnce(&mut Grant)) -> Self {
        let now = self.github.now();
        change(self.github.state().access.grant(now, &self.token));
        self
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}
