//! GitHub Apps that a test registers.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::DecodingKey;

use crate::access::installations::{Installation, Registered};
use crate::github::GitHub;
use crate::traffic::identity::Identity;

/// A GitHub App just registered, to say more about it and to install it.
///
/// # Examples
/// ```
/// use octoseal_mock::GitHub;
///
/// let github = GitHub::new();
/// let app = github.add_app(12_345).permission("organization_secrets", "write");
/// let key = app.generate_private_key();
/// let everywhere = app.install("acme");
/// let narrow = app.install_on("globex", [github.add_repository("globex", "web")]);
/// # assert!(key.contains("PRIVATE KEY") && everywhere != narrow);
/// ```
pub struct App {
    github: GitHub,
    id: u64,
}

impl GitHub {
    /// Registers a GitHub App by its number, or begins anew with one of that number. From now on only tokens that are
    /// known are accepted: those of [`add_token`](Self::add_token) and those that installations were given.
    ///
    /// It has no key yet: see [`App::generate_private_key`] and [`App::public_key`].
    pub fn add_app(&self, id: u64) -> App {
        let mut state = self.state();
        state.access.be_strict();
        state.apps.register(
            id,
            Registered {
                client_id: format!("Iv23li{id:014}"),
                keys: Vec::new(),
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
        self.state().apps.suspend(installation, true);
    }

    /// Ends the suspension of an installation.
    pub fn unsuspend_installation(&self, installation: u64) {
        self.state().apps.suspend(installation, false);
    }

    /// Gives an installation a permission more, as when its owner accepts what the App asks for. Tokens that were given
    /// before do not have it.
    #[track_caller]
    pub fn grant_permission(&self, installation: u64, name: &str, level: &str) {
        let granted = self.state().apps.permit(installation, name, level);
        assert!(granted.is_some(), "there is no installation {installation}");
    }

    /// Removes an installation, and ends its tokens. The App can be installed there again, under another number.
    #[track_caller]
    pub fn remove_installation(&self, installation: u64) {
        let mut state = self.state();
        let removed = state.apps.remove(installation);
        assert!(removed, "there is no installation {installation}");
        state
            .access
            .expire_all_of(&Identity::Installation(installation));
    }
}

impl App {
    /// Makes a private key for it, as the button of GitHub's page does, and gives it in PEM (PKCS#8). It may have
    /// several.
    ///
    /// # Panics
    /// When the machine has no randomness.
    pub fn generate_private_key(&self) -> String {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("randomness");
        let private: Pkcs8V1Der<'_> = pair.as_der().expect("a key like any");
        let text = STANDARD.encode(private.as_ref());
        let lines: Vec<String> = text
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        self.add_key(DecodingKey::from_rsa_der(pair.public_key().as_ref()));
        let lines = lines.join("\n");
        format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n")
    }

    /// Accepts what was signed with a key of your own, of which this is the public half, in PEM.
    ///
    /// # Panics
    /// On what is no RSA public key.
    #[track_caller]
    pub fn public_key(self, pem: &str) -> Self {
        let key = DecodingKey::from_rsa_pem(pem.as_bytes()).expect("an RSA public key in PEM");
        self.add_key(key);
        self
    }

    fn add_key(&self, key: DecodingKey) {
        if let Some(app) = self.github.state().apps.get_mut(self.id) {
            app.keys.push(key);
        }
    }

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
