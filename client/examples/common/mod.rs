//! Common parts of the examples: the options of the connection, waits in words, and files.

mod ending;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use octoseal::observe::Event;
use octoseal::{
    Client, ClientBuilder,
    app::{App, AppKey},
    auth::FileToken,
};

pub(crate) use ending::{Error, status};

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
    /// Root certificates to trust in addition to the platform's, in PEM
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
    /// A client of this connection and these environment variables, for the program `name`. `tell` gets waits in words.
    pub(crate) fn client(
        &self,
        variables: impl Fn(&str) -> Option<String>,
        name: &str,
        tell: impl Fn(String) + Send + Sync + 'static,
    ) -> Result<Client, Error> {
        let builder = self.builder(variables)?.user_agent(name);
        let built = builder
            .observer(move |event| wait_in_words(event).into_iter().for_each(&tell))
            .build();
        built.map_err(|error| {
            format!("{error}; --help lists what can be said of the connection").into()
        })
    }

    fn builder(&self, variables: impl Fn(&str) -> Option<String>) -> Result<ClientBuilder, Error> {
        let mut builder = ClientBuilder::from_vars(variables);
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
            builder = builder.root_certificates(read(file)?);
        }
        if let (Some(certificate), Some(key)) = (&self.client_certificate, &self.client_key) {
            builder = builder.client_certificate(read(certificate)?, read(key)?);
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

/// A wait of a second or longer, in words.
pub(crate) fn wait_in_words(event: &Event) -> Option<String> {
    match event {
        Event::Wait(wait) if wait.duration >= Duration::from_secs(1) => {
            let (seconds, reason) = (wait.duration.as_secs_f64(), wait.reason.as_str());
            Some(format!("waiting {seconds:.0} s for {reason}"))
        }
        _ => None,
    }
}

pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A file's content, or an error that names the file.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()).into())
}
