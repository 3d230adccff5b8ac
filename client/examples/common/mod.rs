//! Who calls and whom, and who may use what is stored: the options that the examples share.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use clap::Args;
use octoseal::{Access, App, AppKey, ClientBuilder, FileToken, RepositoryRef, Wait};

type Error = Box<dyn std::error::Error>;

/// Without any of these, the environment decides: GITHUB_API_URL or GH_HOST for the server, GH_TOKEN or GITHUB_TOKEN
/// for the token.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// The API's address [default: $GITHUB_API_URL, or GitHub]
    #[arg(long, value_name = "URL", conflicts_with = "host")]
    api_url: Option<String>,
    /// The server's host: github.com, TENANT.ghe.com or an Enterprise Server's [default: $GH_HOST]
    #[arg(long)]
    host: Option<String>,
    /// A file with the token, read again for each request [default: $GH_TOKEN or $GITHUB_TOKEN]
    #[arg(long, value_name = "FILE", conflicts_with = "app_id")]
    token_file: Option<PathBuf>,
    /// Call as the GitHub App with this client id or app id
    #[arg(long, value_name = "ID", requires = "app_key_file")]
    app_id: Option<String>,
    /// The App's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "app_id")]
    app_key_file: Option<PathBuf>,
    /// The App's installation [default: found from the organization]
    #[arg(long, value_name = "ID", requires = "app_id")]
    installation: Option<u64>,
    /// Root certificates to trust beside the platform's, in PEM
    #[arg(long, value_name = "FILE")]
    root_certificates: Option<PathBuf>,
    /// A client certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_certificate: Option<PathBuf>,
    /// The client certificate's key, in PEM
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    client_key: Option<PathBuf>,
    /// A proxy for all requests
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Use the proxies that the environment names
    #[arg(long)]
    proxy_from_env: bool,
}

impl Connection {
    /// Whether a caller is named, here or in the environment.
    #[allow(dead_code, reason = "one of the examples asks")]
    pub(crate) fn has_caller(&self) -> bool {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let variables = [
            "GH_TOKEN",
            "GITHUB_TOKEN",
            "GH_ENTERPRISE_TOKEN",
            "GITHUB_ENTERPRISE_TOKEN",
        ];
        self.token_file.is_some() || self.app_id.is_some() || variables.into_iter().any(set)
    }

    /// A builder that knows all this.
    pub(crate) fn builder(&self) -> Result<ClientBuilder, Error> {
        let mut builder = ClientBuilder::from_env();
        if let Some(url) = &self.api_url {
            builder = builder.base_url(url);
        }
        if let Some(host) = &self.host {
            builder = builder.host(host);
        }
        if let Some(file) = &self.token_file {
            builder = builder.token_source(FileToken::new(file));
        }
        if let (Some(id), Some(file)) = (&self.app_id, &self.app_key_file) {
            let app = App::new(id, AppKey::from_file(file)?);
            builder = builder.app(match self.installation {
                Some(installation) => app.installation(installation),
                None => app,
            });
        }
        if let Some(file) = &self.root_certificates {
            builder = builder.root_certificates(std::fs::read(file)?);
        }
        if let (Some(certificate), Some(key)) = (&self.client_certificate, &self.client_key) {
            builder = builder.client_certificate(std::fs::read(certificate)?, std::fs::read(key)?);
        }
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy);
        }
        if self.proxy_from_env {
            builder = builder.proxy_from_env();
        }
        Ok(builder)
    }
}

/// Who may use what is stored. Without any of these, an existing secret keeps its access.
#[derive(Args)]
#[allow(dead_code, reason = "one of the examples has it in its configuration")]
pub(crate) struct Who {
    /// all, private, selected with --repo, or selected:1296269,acme/api [default: keep]
    #[arg(long, value_name = "ACCESS")]
    visibility: Option<String>,
    /// A repository that may use it, by id or owner/name; may be repeated; implies --visibility selected
    #[arg(long = "repo", visible_alias = "repo-id", value_name = "REPO", value_parser = str::parse::<RepositoryRef>)]
    repositories: Vec<RepositoryRef>,
}

#[allow(dead_code, reason = "one of the examples has it in its configuration")]
impl Who {
    pub(crate) fn access(&self) -> Result<Access, Error> {
        match (self.visibility.as_deref(), self.repositories.as_slice()) {
            (None, []) => Ok(Access::Keep),
            (None | Some("selected"), [_, ..]) => Ok(Access::Selected(self.repositories.clone())),
            (Some(access), []) => Ok(access.parse()?),
            (Some(_), [_, ..]) => Err("--repo goes with --visibility selected".into()),
        }
    }
}

/// Tells of waits: not of the shortest, and not again for each secret that waits for the same thing.
#[derive(Default)]
pub(crate) struct Waits(Mutex<Option<SystemTime>>);

impl Waits {
    pub(crate) fn news(&self, wait: &Wait) -> Option<String> {
        let second = Duration::from_secs(1);
        let mut told = self.0.lock().ok()?;
        if wait.duration < second || told.is_some_and(|told| wait.until < told + second) {
            return None;
        }
        *told = Some(wait.until);
        let (seconds, reason) = (wait.duration.as_secs_f64(), wait.reason.as_str());
        Some(format!("waiting {seconds:.0} s for {reason}"))
    }
}
