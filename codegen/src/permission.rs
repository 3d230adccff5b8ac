//! What a token must be allowed for an operation. The description does not say: this follows GitHub's page on
//! [permissions of Apps](https://docs.github.com/rest/authentication/permissions-required-for-github-apps).

use crate::operation::{Cost, Operation};

/// What a token must be allowed for an operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Permission {
    /// The permission of GitHub Apps and fine-grained tokens, in the words of the API: `organization_secrets`.
    pub name: String,
    /// How much of it: `read` or `write`.
    pub level: &'static str,
    /// The scope of classic tokens: `admin:org`.
    pub classic_scope: &'static str,
}

impl Permission {
    /// Whether no operation needs more of this permission than to read.
    pub fn is_only_read(name: &str) -> bool {
        matches!(name, "metadata" | "actions")
    }
}

impl Operation {
    /// What a token must be allowed for it. `None` for what is known of no permission, and for what an App asks for as
    /// itself.
    pub fn permission(&self) -> Option<Permission> {
        let path: Vec<&str> = self.path.split('/').skip(1).collect();
        let (name, classic_scope) = match path[..] {
            ["orgs", _, "actions", "secrets", ..] => {
                ("organization_secrets".to_owned(), ORGANIZATION)
            }
            ["orgs", _, store, what @ ("secrets" | "variables"), ..] => {
                (format!("organization_{store}_{what}"), ORGANIZATION)
            }
            ["orgs", _, "private-registries", ..] => {
                ("organization_private_registries".to_owned(), ORGANIZATION)
            }
            ["repos", _, _] => ("metadata".to_owned(), REPOSITORY),
            ["repos", _, _, "environments", _] if self.cost == Cost::Read => {
                ("actions".to_owned(), REPOSITORY)
            }
            ["repos", _, _, "environments", _] => ("administration".to_owned(), REPOSITORY),
            [
                "repos",
                _,
                _,
                "environments",
                _,
                "secrets" | "variables",
                ..,
            ] => ("environments".to_owned(), REPOSITORY),
            ["repos", _, _, store, list, ..] => {
                let what = list.trim_start_matches("organization-");
                match (store, what) {
                    ("actions", "secrets") => ("secrets".to_owned(), REPOSITORY),
                    (_, "secrets" | "variables") => (format!("{store}_{what}"), REPOSITORY),
                    _ => return None,
                }
            }
            ["user", store, "secrets", ..] => (format!("{store}_user_secrets"), "codespace"),
            _ => return None,
        };
        let level = match self.cost {
            Cost::Read => "read",
            Cost::Write | Cost::Content => "write",
        };
        Some(Permission {
            name,
            level,
            classic_scope,
        })
    }
}

const ORGANIZATION: &str = "admin:org";
const REPOSITORY: &str = "repo";
