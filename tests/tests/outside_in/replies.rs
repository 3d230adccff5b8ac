//! What a reply may leave out, or bring along: no call fails for it.
//!
//! The changes are made from the description: each field that `octoseal` does not need goes missing and is `null`,
//! required or not, each word of a list of words is a new one, each object has a field more.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use futures_util::TryStreamExt;
use octoseal::{
    Client, Error, Scope, Visibility,
    app::{App, AppKey},
    registries::{PrivateRegistriesScope, RegistryAuth},
    scope::{EnvironmentStore, OrganizationStore, RepositoryStore, UserStore},
};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{acme, builder, rsa, scope};
use serde_json::{Map, Value, json};

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../openapi/github.json")).unwrap());

/// What `octoseal` asks beside operations on secrets and private registries.
const ASKED: [&str; 4] = [
    "apps/get-org-installation",
    "apps/get-repo-installation",
    "apps/create-installation-access-token",
    "repos/get",
];

const APP: u64 = 12_345;

#[tokio::test(start_paused = true)]
async fn nothing_that_the_description_leaves_open_fails_a_call() {
    let mut asked = BTreeSet::new();
    for journey in journeys() {
        let github = world();
        journey(&github, true).await.unwrap();
        for request in github.requests() {
            let Some(operation) = Operation::of(request.method.as_str(), &request.path) else {
                continue;
            };
            if !asked.insert(operation.id.clone()) {
                continue;
            }
            for change in operation.changes() {
                let place = format!("{} with {}", operation.id, change.what);
                let (github, struck) = (world(), Arc::new(AtomicBool::new(false)));
                github.inject(change.fault(&operation, struck.clone()));
                let outcome = journey(&github, change.what != NEW_VISIBILITY).await;
                assert!(struck.load(Ordering::Relaxed), "{place}: no reply changed");
                if let Err(error) = outcome {
                    panic!("{place}: {error}");
                }
            }
        }
    }
    let called = called();
    let ours = |operation: &Operation| called.contains(operation.id.as_str());
    let never: Vec<_> = Operation::all()
        .filter(|operation| ours(operation) && !asked.contains(&operation.id))
        .map(|operation| operation.id)
        .collect();
    assert_eq!(never, Vec::<String>::new());
}

/// The operations that `octoseal` calls, by id.
fn called() -> BTreeSet<&'static str> {
    use octoseal::api::stores::registries::{CREATE, DELETE, GET, LIST, PUBLIC_KEY, UPDATE};
    use octoseal::api::stores::{self, Role, Scope};
    let (org, owner, repo, environment) = ("acme", "acme", "api", "prod");
    let mut scopes = Vec::new();
    let stores = stores::OrganizationStore::ALL.iter();
    scopes.extend(stores.map(|&store| Scope::Organization { store, org }));
    let stores = stores::RepositoryStore::ALL.iter();
    scopes.extend(stores.map(|&store| Scope::Repository { store, owner, repo }));
    let stores = stores::EnvironmentStore::ALL.iter();
    scopes.extend(stores.map(|&store| Scope::Environment {
        store,
        owner,
        repo,
        environment,
    }));
    let stores = stores::UserStore::ALL.iter();
    scopes.extend(stores.map(|&store| Scope::User { store }));
    let roles = [
        Role::List,
        Role::PublicKey,
        Role::Get,
        Role::Put,
        Role::Delete,
        Role::ListRepositories,
        Role::SetRepositories,
        Role::AddRepository,
        Role::RemoveRepository,
        Role::ListOrganizationSecrets,
    ];
    let of_scopes = scopes
        .iter()
        .flat_map(|scope| roles.into_iter().filter_map(|role| scope.operation(role)));
    let of_registries = [CREATE, DELETE, GET, LIST, PUBLIC_KEY, UPDATE];
    let all = of_scopes.chain(of_registries).map(|operation| operation.id);
    all.chain(ASKED).collect()
}

/// A change after which an organization's secret has a visibility that can't be kept.
const NEW_VISIBILITY: &str = "a new word for visibility";

/// Some calls in one world, told whether the visibility of a secret is a word that can be kept.
type Journey = Box<dyn Fn(&GitHub, bool) -> Done>;
type Done = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// Every read and every write, in every scope.
fn journeys() -> Vec<Journey> {
    let mut scopes = Vec::new();
    scopes.extend(
        OrganizationStore::ALL
            .iter()
            .map(|store| format!("{store}:org/acme")),
    );
    scopes.extend(
        RepositoryStore::ALL
            .iter()
            .map(|store| format!("{store}:repo/acme/api")),
    );
    scopes.extend(
        EnvironmentStore::ALL
            .iter()
            .map(|store| format!("{store}:env/acme/api/prod")),
    );
    scopes.extend(UserStore::ALL.iter().map(|store| format!("{store}:user")));
    let mut journeys: Vec<_> = scopes
        .into_iter()
        .map(|text| journey(move |github, keep| secrets(client(github), scope(&text), keep)))
        .collect();
    journeys.push(journey(|github, _| registries(client(github))));
    for text in ["actions:org/acme", "actions:repo/acme/api"] {
        journeys.push(journey(move |github, _| {
            let secrets = app(github).secrets(scope(text));
            async move { secrets.list().all().await.map(drop) }
        }));
    }
    journeys
}

fn journey<F: Future<Output = Result<(), Error>> + 'static>(
    run: impl Fn(&GitHub, bool) -> F + 'static,
) -> Journey {
    Box::new(move |github, keep| Box::pin(run(github, keep)))
}

fn client(github: &GitHub) -> Client {
    builder(github).build().unwrap()
}

fn app(github: &GitHub) -> Client {
    let api = github.add_repository("acme", "api");
    github
        .add_app(APP)
        .public_key(&rsa::public_pem())
        .install_on("acme", [api]);
    let key = AppKey::from_pem(rsa::pkcs1_pem()).unwrap();
    let app = App::new(APP.to_string(), key)
        .permission("organization_secrets", "read")
        .permission("secrets", "read");
    Client::builder()
        .app(app)
        .transport(github.clone())
        .build()
        .unwrap()
}

/// A stand-in with a secret or a registry `NAME` in every scope, selected for `acme/api` where that can be.
fn world() -> GitHub {
    let github = acme();
    let api = github.add_repository("acme", "api");
    github.add_environment("acme", "api", "prod");
    for store in OrganizationStore::ALL {
        github
            .seed(format!("{store}:org/acme"), "NAME", "value")
            .selected([api]);
    }
    for store in RepositoryStore::ALL {
        github.seed(format!("{store}:repo/acme/api"), "NAME", "value");
    }
    for store in EnvironmentStore::ALL {
        github.seed(format!("{store}:env/acme/api/prod"), "NAME", "value");
    }
    for store in UserStore::ALL {
        github
            .seed(format!("{store}:user"), "NAME", "value")
            .selected([api]);
    }
    github
        .seed("private-registries:org/acme", "NAME", "value")
        .field("registry_type", "npm_registry")
        .selected([api]);
    github
}

async fn secrets(client: Client, scope: Scope, keep: bool) -> Result<(), Error> {
    let secrets = client.secrets(scope);
    assert_eq!(secrets.list().all().await?.len(), 1);
    secrets.get("NAME").await?;
    secrets.public_key().await?;
    let put = secrets.put("NAME", "new");
    if keep || !secrets.scope().has_visibility() {
        put.send().await?;
    } else {
        put.access(Visibility::Private).send().await?;
    }
    if secrets.scope().has_selected_repositories() {
        secrets
            .put("NAME", "new")
            .access(["acme/api"])
            .send()
            .await?;
        let selected: Vec<_> = secrets.selected_repositories("NAME").try_collect().await?;
        assert_eq!(selected.len(), 1);
    }
    match secrets.organization_secrets().try_collect::<Vec<_>>().await {
        Err(error) if error.is_unsupported() => Ok(()),
        other => other.map(|listed| assert_eq!(listed.len(), 1)),
    }
}

async fn registries(client: Client) -> Result<(), Error> {
    let registries = client.private_registries(PrivateRegistriesScope::new("acme")?);
    assert_eq!(registries.list().all().await?.len(), 1);
    registries.get("NAME").await?;
    registries.public_key().await?;
    let token = || RegistryAuth::Token {
        token: "t0ken".into(),
    };
    let create = registries.create("npm_registry", "https://npm.example", ["acme/api"]);
    create.auth(token()).send().await?;
    registries
        .update("NAME")
        .url("https://npm2.example")
        .send()
        .await?;
    Ok(())
}

/// An operation whose reply says something.
struct Operation {
    id: String,
    method: String,
    /// The path as the description writes it, then as it was asked for.
    path: String,
    reply: &'static Value,
}

impl Operation {
    fn all() -> impl Iterator<Item = Self> {
        let paths = DESCRIPTION["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.filter_map(move |(method, node)| {
                let replies = node["responses"].as_object()?;
                let schema = replies
                    .iter()
                    .filter(|(status, _)| status.starts_with('2'))
                    .map(|(_, reply)| &reply["content"]["application/json"]["schema"])
                    .find(|schema| {
                        let properties = resolve(schema)["properties"].as_object();
                        properties.is_some_and(|properties| !properties.is_empty())
                    })?;
                Some(Self {
                    id: node["operationId"].as_str()?.to_owned(),
                    method: method.to_uppercase(),
                    path: path.clone(),
                    reply: resolve(schema),
                })
            })
        })
    }

    /// The operation that a request asks for: the one whose path has the most words of its own in common.
    fn of(method: &str, asked: &str) -> Option<Self> {
        let likeness = |template: &str| -> Option<usize> {
            let (theirs, ours): (Vec<_>, Vec<_>) =
                (template.split('/').collect(), asked.split('/').collect());
            let fits = |(their, our): (&&str, &&str)| their.starts_with('{') || their == our;
            (theirs.len() == ours.len() && theirs.iter().zip(&ours).all(fits)).then(|| {
                theirs
                    .iter()
                    .filter(|piece| !piece.starts_with('{'))
                    .count()
            })
        };
        let found = Self::all()
            .filter(|operation| operation.method == method)
            .filter_map(|operation| Some((likeness(&operation.path)?, operation)));
        let (_, operation) = found.max_by_key(|(likeness, _)| *likeness)?;
        Some(Self {
            path: asked.to_owned(),
            ..operation
        })
    }

    fn required(&self) -> BTreeSet<&'static str> {
        required(self.reply)
    }

    fn changes(&self) -> Vec<Change> {
        let reply = self.reply;
        let mut changes = vec![Change {
            what: "nothing but what is needed".to_owned(),
            make: Arc::new(|value| least(reply, value)),
        }];
        changes_of(self.reply, &[], &mut changes);
        changes
    }
}

/// A change of a reply's body.
struct Change {
    what: String,
    make: Arc<dyn Fn(&mut Value) + Send + Sync>,
}

impl Change {
    /// A field of the objects at `place` that has another value, or none.
    fn of_field(
        what: &str,
        place: &[&'static str],
        field: &'static str,
        value: Option<Value>,
    ) -> Self {
        let whole: Vec<_> = place.iter().copied().chain([field]).collect();
        let place = place.to_vec();
        Self {
            what: format!("{what} {}", whole.join(".")),
            make: Arc::new(move |body| {
                each_object(body, &place, &mut |object| {
                    match &value {
                        None => object.remove(field),
                        Some(value) => object.insert(field.to_owned(), value.clone()),
                    };
                })
            }),
        }
    }

    /// Strikes every reply of the operation, and tells that it did.
    fn fault(&self, operation: &Operation, struck: Arc<AtomicBool>) -> Fault {
        let (make, required) = (self.make.clone(), operation.required());
        let change = move |reply: http::Response<bytes::Bytes>| {
            // The path of a list is the beginning of others.
            let (parts, body) = reply.into_parts();
            let whole = serde_json::from_slice::<Value>(&body).ok();
            let ours =
                whole.filter(|whole| required.iter().all(|field| whole.get(field).is_some()));
            let Some(mut changed) = ours.filter(|_| parts.status.is_success()) else {
                return http::Response::from_parts(parts, body);
            };
            make(&mut changed);
            struck.store(true, Ordering::Relaxed);
            http::Response::from_parts(parts, changed.to_string().into())
        };
        Fault::change(change)
            .on(&operation.method)
            .at(&operation.path)
            .always()
    }
}

/// Everything that may be otherwise about what is at `place`.
fn changes_of(schema: &'static Value, place: &[&'static str], changes: &mut Vec<Change>) {
    let schema = resolve(schema);
    if let Some(items) = schema.get("items") {
        return changes_of(items, &[place, &["*"]].concat(), changes);
    }
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    changes.push(Change::of_field(
        "a new field",
        place,
        "new",
        Some(json!({ "a": [1] })),
    ));
    for (name, property) in properties {
        let optional = !needed(schema).contains(name.as_str());
        if optional {
            changes.push(Change::of_field("no", place, name, None));
        }
        if optional || resolve(property)["nullable"] == true {
            changes.push(Change::of_field("null for", place, name, Some(Value::Null)));
        }
        if resolve(property)["enum"].is_array() {
            changes.push(Change::of_field(
                "a new word for",
                place,
                name,
                Some(json!("newer")),
            ));
        }
        changes_of(property, &[place, &[name.as_str()]].concat(), changes);
    }
}

/// Leaves of a reply what is needed.
fn least(schema: &'static Value, value: &mut Value) {
    let schema = resolve(schema);
    match value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| least(&schema["items"], item)),
        Value::Object(object) => {
            object.retain(|name, _| needed(schema).contains(name.as_str()));
            for (name, inner) in object {
                least(&schema["properties"][name], inner);
            }
        }
        _ => {}
    }
}

/// Calls `visit` for the objects at a place, where `*` is every item of a list.
fn each_object(value: &mut Value, place: &[&str], visit: &mut dyn FnMut(&mut Map<String, Value>)) {
    match (place.split_first(), value) {
        (None, Value::Object(object)) => visit(object),
        (Some((&"*", rest)), Value::Array(items)) => items
            .iter_mut()
            .for_each(|item| each_object(item, rest, visit)),
        (Some((name, rest)), Value::Object(object)) => {
            if let Some(inner) = object.get_mut(*name) {
                each_object(inner, rest, visit);
            }
        }
        _ => {}
    }
}

fn required(schema: &'static Value) -> BTreeSet<&'static str> {
    let names = schema["required"].as_array().into_iter().flatten();
    names.filter_map(Value::as_str).collect()
}

/// What `octoseal` can't do without: some of what the description requires.
const NEEDED: [&str; 10] = [
    "configurations",
    "expires_at",
    "id",
    "key",
    "key_id",
    "name",
    "repositories",
    "secrets",
    "token",
    "visibility",
];

fn needed(schema: &'static Value) -> BTreeSet<&'static str> {
    let mut names = required(schema);
    names.retain(|name| NEEDED.contains(name));
    names
}

fn resolve(schema: &'static Value) -> &'static Value {
    match schema["$ref"].as_str() {
        Some(name) => resolve(DESCRIPTION.pointer(name.trim_start_matches('#')).unwrap()),
        None => schema,
    }
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_needed_and_missing_is_named_and_no_proxy_is_blamed() {
    let github = world();
    let nameless = json!({ "total_count": 1, "secrets": [{ "value": "s3cret" }] });
    let change = move |reply: http::Response<bytes::Bytes>| {
        http::Response::from_parts(reply.into_parts().0, nameless.to_string().into())
    };
    github.inject(Fault::change(change).at("/orgs/acme/actions/secrets"));
    let client = builder(&github).build().unwrap();
    let secrets = client.secrets(scope("actions:org/acme"));
    let told = secrets.list().all().await.unwrap_err().to_string();
    assert!(told.contains("`secrets[0].name` is missing"), "{told}");
    assert!(
        !told.contains("proxy") && !told.contains("s3cret"),
        "{told}"
    );
}
