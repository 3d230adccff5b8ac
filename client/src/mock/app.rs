//! GitHub Apps that a test registers.

use std::collections::BTreeMap;
use std::fmt;

use jsonwebtoken::DecodingKey;

use super::github::GitHub;
use super::installations::{Installation, Registered, caller};

/// A GitHub App just registered, to say more about it and to install it.
///
/// # Examples
/// ```
/// use octoseal::mock::GitHub;
///
/// # let public_key = concat!(
/// #     "-----BEGIN PUBLIC KEY-----\n",
/// #     "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoO88e3E0wbXZFS4gxpxU\n",
/// #     "JhAjpV16Hi+ThIocxlNKjHOgCxySdq+S7VwfQ7N7ZVKVd/JVoCX7WXQ1RMYCNRP8\n",
/// #     "QBchT2nZLJdTApk7SCfUi2tY0kJ46mjK4KyHtNTlNR6hhqZIWYFEjJnSISbgrNGc\n",
/// #     "J/0kxPXvQJ/bHsD4UGClx1bvqIZKrl7p+5n+r2YHYNwBACCC+Tm+FXRAQ8cgr+X1\n",
/// #     "5RuamJlP2+hQWZ1hI8Eh5HQ3/yZY8WKrJmbpOmpNdoX/M15w0rO3asN1m9MV1VNQ\n",
/// #     "RTnaXlZ488loUJEyB4i8b50/6sFYHo1CjWm+TqebEUWcWQhq7ZnaU/EEUDkhRyGH\n",
/// #     "vQIDAQAB\n",
/// #     "-----END PUBLIC KEY-----\n",
/// # );
/// let github = GitHub::new();
/// let api = github.repository("acme", "api");
/// let app = github.app(12_345, public_key).client_id("Iv23liExample").permission("organization_secrets", "write");
/// let everywhere = app.install("acme");
/// let narrow = app.install_on("globex", [github.repository("globex", "web")]);
/// # let _ = (api, everywhere, narrow);
/// ```
pub struct App {
    github: GitHub,
    id: u64,
}

impl GitHub {
    /// Registers a GitHub App by its number and the public half of its private key, in PEM. From now on only tokens
    /// that are known are accepted: those of [`token`](Self::token) and those that installations were given.
    ///
    /// # Panics
    /// On what is no RSA public key.
    #[track_caller]
    pub fn app(&self, id: u64, public_key: &str) -> App {
        let key =
            DecodingKey::from_rsa_pem(public_key.as_bytes()).expect("an RSA public key in PEM");
        let mut state = self.state();
        state.access.be_strict();
        state.apps.register(
            id,
            Registered {
                client_id: format!("Iv23li{id:014}"),
                key,
                permissions: None,
            },
        );
        drop(state);
        App {
            github: self.clone(),
            id,
        }
    }

    /// Ends every installation token that was given so far.
    pub fn expire_installation_tokens(&self) {
        self.state().access.expire_integrations();
    }

    /// How many installation tokens were given.
    pub fn installation_tokens(&self) -> u64 {
        self.state().apps.issued()
    }

    /// Suspends an installation: no more tokens for it.
    pub fn suspend_installation(&self, installation: u64) {
        self.state().apps.suspend(installation);
    }

    /// Removes an installation, and ends its tokens. The App can be installed there again, under another number.
    #[track_caller]
    pub fn remove_installation(&self, installation: u64) {
        let mut state = self.state();
        let removed = state.apps.remove(installation);
        assert!(removed, "there is no installation {installation}");
        state.access.expire_caller(&caller(installation));
    }
}

impl App {
    /// Gives it another client id than the one made from its number.
    pub fn client_id(self, id: &str) -> Self {
        self.change(|app| app.client_id = id.to_owned())
    }

    /// Gives it a permission, for example `organization_secrets` and `write`. Without any it may do everything.
    /// Installations get the permissions that the App has by then.
    pub fn permission(self, name: &str, level: &str) -> Self {
        self.change(|app| {
            app.permissions
                .get_or_insert_default()
                .insert(name.to_owned(), level.to_owned());
        })
    }

    /// Installs it at an organization or user, for every repository, and gives the installation's number.
    pub fn install(&self, login: &str) -> u64 {
        self.add(login, None)
    }

    /// Installs it for these repositories alone.
    pub fn install_on(&self, login: &str, repositories: impl IntoIterator<Item = u64>) -> u64 {
        self.add(login, Some(repositories.into_iter().collect()))
    }

    fn add(&self, login: &str, repositories: Option<std::collections::BTreeSet<u64>>) -> u64 {
        let now = self.github.now();
        let mut state = self.github.state();
        let owner = state.world.add_owner(login);
        let permissions: Option<BTreeMap<_, _>> = state.apps.permissions(self.id);
        let installation = Installation {
            app: self.id,
            owner,
            permissions,
            repositories,
            suspended: false,
            created: now,
        };
        state.apps.install(installation)
    }

    fn change(self, change: impl FnOnce(&mut Registered)) -> Self {
        if let Some(app) = self.github.state().apps.get_mut(self.id) {
            change(app);
        }
        self
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
