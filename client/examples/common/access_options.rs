//! Options of the repositories that may use a secret.

use clap::Args;
use octoseal::{Access, RepositoryRef};

use crate::common::Error;

/// Without any of these, an existing secret keeps its access.
#[derive(Args)]
pub(crate) struct AccessOptions {
    /// all, private, selected with --repo, or selected:1296269,acme/api [default: keep]
    #[arg(long, value_name = "ACCESS")]
    visibility: Option<String>,
    /// A repository that may use it, by id or owner/name; may be repeated; implies --visibility selected
    #[arg(long = "repo", visible_alias = "repo-id", value_name = "REPO", value_parser = str::parse::<RepositoryRef>)]
    repositories: Vec<RepositoryRef>,
}

impl AccessOptions {
    pub(crate) fn access(&self) -> Result<Access, Error> {
        match (self.visibility.as_deref(), self.repositories.as_slice()) {
            (None, []) => Ok(Access::Keep),
            (None | Some("selected"), [_, ..]) => Ok(Access::Selected(self.repositories.clone())),
            (Some(access), []) => Ok(access.parse()?),
            (Some(_), [_, ..]) => Err("--repo goes with --visibility selected".into()),
        }
    }
}
