//! The names of the components that repairs add to the description.

/// A secret, without its value.
pub const SECRET: &str = "store-secret";
/// A page of secrets.
pub const SECRET_PAGE: &str = "store-secret-page";
/// A public key of a store.
pub const PUBLIC_KEY: &str = "store-public-key";
/// A key's id: text, or a number that keeps its text.
pub const KEY_ID: &str = "key-id";
/// A repository that may use a secret.
pub const REPOSITORY: &str = "store-repository";
/// A page of repositories.
pub const REPOSITORY_PAGE: &str = "store-repository-page";
/// A private registry.
pub const REGISTRY: &str = "store-registry";
/// A page of private registries.
pub const REGISTRY_PAGE: &str = "store-registry-page";
/// Text that must not be printed. Its generated type is replaced by a hand-written one, as that of [`KEY_ID`] is.
pub const HIDDEN: &str = "hidden-text";

/// All of them.
pub const ALL: [&str; 9] = [
    SECRET,
    SECRET_PAGE,
    PUBLIC_KEY,
    KEY_ID,
    REPOSITORY,
    REPOSITORY_PAGE,
    REGISTRY,
    REGISTRY_PAGE,
    HIDDEN,
];
