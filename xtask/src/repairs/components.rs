//! The names of the components that repairs add to the description.

/// A secret, without its value.
pub const SECRET: &str = "store-secret";
/// A page of secrets.
pub const SECRET_PAGE: &str = "store-secret-page";
/// A public key of a store.
pub const PUBLIC_KEY: &str = "store-public-key";
/// A key's id: text, or a number that keeps its text.
pub const KEY_ID: &str = "key-id";
/// A repository's id in a body: a number, or text before a version of the API.
pub const REPOSITORY_ID: &str = "repository-id";
/// Notes that version at the list of ids.
pub const TEXT_BEFORE: &str = "x-text-before";
/// A repository that may use a secret.
pub const REPOSITORY: &str = "store-repository";
/// A page of repositories.
pub const REPOSITORY_PAGE: &str = "store-repository-page";
/// A private registry.
pub const REGISTRY: &str = "store-registry";
/// A page of private registries.
pub const REGISTRY_PAGE: &str = "store-registry-page";
/// A sealed value in a body, which is no plaintext.
pub const ENCRYPTED_VALUE: &str = "encrypted-value";
/// Text that must not be printed. Its generated type is replaced by a hand-written one, as that of [`KEY_ID`] is.
pub const HIDDEN: &str = "hidden-text";

/// All of them.
pub const ALL: [&str; 11] = [
    ENCRYPTED_VALUE,
    SECRET,
    SECRET_PAGE,
    PUBLIC_KEY,
    KEY_ID,
    REPOSITORY_ID,
    REPOSITORY,
    REPOSITORY_PAGE,
    REGISTRY,
    REGISTRY_PAGE,
    HIDDEN,
];

/// Marks a reply without a body of an operation of which other replies have one.
pub const WITHOUT_BODY: &str = "x-without-body";
/// Refers to the component that a reply is, where other replies of the operation are others.
pub const KIND: &str = "x-kind";

/// The properties without which a component of the family is of no use.
pub fn needed(component: &str) -> &'static [&'static str] {
    match component {
        SECRET | REGISTRY => &["name"],
        PUBLIC_KEY => &["key_id", "key"],
        REPOSITORY => &["id"],
        _ => &[],
    }
}

/// The type of a property of the family that is read in a hand-written shape.
pub fn kind(component: &str, property: &str) -> Option<&'static str> {
    match (component, property) {
        (REPOSITORY, "id") => Some("integer"),
        (REPOSITORY, "name" | "full_name")
        | (PUBLIC_KEY, "key_id" | "key")
        | (
            SECRET,
            "name" | "created_at" | "updated_at" | "visibility" | "selected_repositories_url",
        ) => Some("string"),
        _ => None,
    }
}
