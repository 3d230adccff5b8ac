//! What can be handed to other threads: every public type, and the future of every call.

use octoseal::api::operations;
use octoseal::limits::{Cost, Identity};
use octoseal::{
    Access, Client, ClientBuilder, Error, Receipt, RepositoryRef, RetryPolicy, Scope, SecretValue,
    Visibility,
    auth::{Token, TokenSource},
    limits::Pacing,
    operation::Reply,
    registries::{PrivateRegistries, PrivateRegistriesScope, RegistryAuth},
    sealing::ScopeKey,
    secrets::{NewSecret, Outcome, Put, Secret, Secrets},
};
use octoseal_tests::{ACME, acme, client, scope};

fn shared<T: Send + Sync + 'static>() {}

fn sent<T: Send>(_: T) {}

#[test]
fn every_type_is_shared_between_threads() {
    shared::<Client>();
    shared::<ClientBuilder>();
    shared::<Secrets<Scope>>();
    shared::<Put<Scope>>();
    shared::<PrivateRegistries>();
    shared::<PrivateRegistriesScope>();
    shared::<(Access, Visibility, RepositoryRef, SecretValue, NewSecret)>();
    shared::<(Error, Outcome, Receipt, Secret, ScopeKey, Reply<()>)>();
    shared::<(Cost, Identity, Pacing, RetryPolicy, RegistryAuth, Token)>();
    shared::<Box<dyn TokenSource>>();
}

#[test]
fn every_future_may_move_to_another_thread() {
    let client = client(&acme());
    let secrets = client.secrets(scope(ACME));
    sent(secrets.put("KEY", "value").send());
    sent(secrets.put("KEY", "value").plan());
    sent((
        secrets.get("KEY"),
        secrets.exists("KEY"),
        secrets.delete("KEY"),
    ));
    sent((secrets.list(), secrets.list().all(), secrets.public_key()));
    sent((
        secrets.organization_secrets(),
        secrets.organization_secrets().all(),
    ));
    sent((
        secrets.selected_repositories("KEY"),
        secrets.selected_repositories("KEY").all(),
    ));
    sent(secrets.set_selected_repositories("KEY", ["acme/api"]));
    sent(secrets.add_selected_repository("KEY", "acme/api"));
    sent(secrets.remove_selected_repository("KEY", "acme/api"));
    sent(secrets.put_all([("KEY", "value")]));
    sent(client.put_all([(scope(ACME), ("KEY", "value"))]));
    let get = |api: octoseal::api::Client| async move { api.repos_get("acme", "api").await };
    sent(client.call(operations::REPOS_GET, get).send());
    let registries = client.private_registries("private-registries:org/acme".parse().unwrap());
    sent((
        registries.list(),
        registries.list().all(),
        registries.get("NAME"),
    ));
    sent(
        registries
            .create("npm_registry", "https://npm.example", Visibility::All)
            .send(),
    );
    sent(registries.update("NAME").send());
}
