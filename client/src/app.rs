//! GitHub Apps: tokens of installations, made when needed.
//!
//! GitHub's pages: [Generating a JWT](https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app),
//! [Authenticating as an installation](https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation).

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::{Error, Given};

mod calls;
mod described;
mod installations;
mod jwt;
mod kept;
mod key;
mod refusals;
mod signer;

pub(crate) use installations::Installations;
pub use key::AppKey;
pub use signer::{SignatureFuture, Signer};

/// A GitHub App that calls as its installations.
///
/// For each organization (or user) that a call is about, the App's installation is looked up once, and a token made for
/// it, kept until shortly before it expires, and shared by all calls. After a refusal (of a wrong key, or of an App that is
/// not installed) GitHub is not asked again for five seconds.
///
/// # Examples
/// ```no_run
/// use octoseal::{app::{App, AppKey}, Client};
///
/// let key = AppKey::from_file("app.private-key.pem")?;
/// let app = App::new("Iv23liExample", key).permission("organization_secrets", "write");
/// let github = Client::builder().app(app).build()?;
/// # Ok::<(), octoseal::Error>(())
/// ```
#[derive(Clone)]
pub struct App {
    id: String,
    signer: Arc<dyn Signer>,
    installation: Option<u64>,
    permissions: Map<String, Value>,
    repositories: Vec<String>,
    narrowed: bool,
}

impl App {
    /// An App by its client id or app id, and its private key or a [`Signer`] that has it. An id with characters that no
    /// id has is an error of [`build`](crate::ClientBuilder::build).
    pub fn new(id: impl Into<String>, signer: impl Signer + 'static) -> Self {
        Self {
            id: id.into(),
            signer: Arc::new(signer),
            installation: None,
            permissions: Map::new(),
            repositories: Vec::new(),
            narrowed: false,
        }
    }

    /// Calls as this installation, with whatever owner, and looks none up. Ids are positive.
    pub fn installation(mut self, id: u64) -> Self {
        self.installation = Some(id);
        self
    }

    /// Narrows tokens to the permissions named this way, for example `organization_secrets` and `write`. Without any,
    /// tokens have what the installation has.
    pub fn permission(mut self, name: impl Into<String>, level: impl Into<String>) -> Self {
        self.permissions.insert(name.into(), level.into().into());
        self
    }

    /// Narrows tokens to the repositories named this way, `api` or `acme/api`, all of one owner. Without any, tokens reach
    /// what the installation reaches.
    pub fn repository(mut self, name: impl Into<String>) -> Self {
        self.repositories.push(name.into());
        self
    }

    /// Narrows each token to what the call that needs it is about: its repository, if it is about one, and the one
    /// permission that it needs, to write where the installation may write and to read otherwise. A token that leaks is
    /// then good for one store of one repository, or of one organization, for an hour.
    ///
    /// Each costs a request an hour, of the App's own quota; 4,096 are kept, and the oldest go first. A call whose
    /// permission is not [known](crate::guide::apps) gets a token with all permissions.
    /// It can't be combined with [`permission`](Self::permission) and [`repository`](Self::repository).
    pub fn narrowed(mut self) -> Self {
        self.narrowed = true;
        self
    }
}

impl App {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Refuses settings that GitHub would refuse or misread.
    pub(crate) fn checked(mut self) -> Result<Self, Error> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        if self.id.is_empty() || !self.id.bytes().all(fits) {
            let why = "the App's id is empty or holds a blank, a quote or another character that no id has";
            return Err(Error::config(why).with_hint(
                "it is the client id (Iv23li…) or the number on the App's settings page",
            ));
        }
        let is_possible = |id: &u64| (1..=i64::MAX as u64).contains(id);
        if self.installation.is_some_and(|id| !is_possible(&id)) {
            return Err(
                Error::config("the App's installation has an id that no installation has")
                    .with_hint("it is the number at the end of the installation's address"),
            );
        }
        if self.narrowed && !(self.permissions.is_empty() && self.repositories.is_empty()) {
            let why = "the App's tokens are narrowed both to each call and to permissions or repositories by name";
            return Err(Error::config(why).with_hint("leave out one of them"));
        }
        let mut owner: Option<String> = None;
        for name in &mut self.repositories {
            if let Some((named, repository)) = name.split_once('/') {
                let named = named.to_ascii_lowercase();
                if owner.get_or_insert_with(|| named.clone()) != &named {
                    let why = "the App's tokens are narrowed to repositories of several owners";
                    return Err(Error::config(why).with_hint("make a client for each owner"));
                }
                *name = repository.to_owned();
            }
            if name.is_empty() || !name.bytes().all(fits) {
                let why = "the App's tokens are narrowed to what is no name of a repository";
                return Err(Error::config(why).with_hint("it looks like api or acme/api"));
            }
        }
        Ok(self)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = |text: &str| Given(text.to_owned());
        let level = |level: &Value| given(level.as_str().unwrap_or_default());
        let permissions = self.permissions.iter();
        let permissions: Vec<_> = permissions
            .map(|(name, it)| (given(name), level(it)))
            .collect();
        let repositories: Vec<_> = self.repositories.iter().map(|it| given(it)).collect();
        f.debug_struct("App")
            .field("id", &given(&self.id))
            .field("installation", &self.installation)
            .field("permissions", &permissions)
            .field("repositories", &repositories)
            .finish_non_exhaustive()
    }
}
