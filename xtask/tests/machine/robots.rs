//! The proof that the machine writes what the description knows: GitHub gets a store of `robots`, and all that it has grows;
//! `openapi/` gets one line, and `octoseal` stores secrets there, with no line of `client/` changed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::grown::grow;
use crate::support::{Workshop, add_robots, fragment, here};
use heck::ToPascalCase as _;
use serde_json::Value;
use xtask::codegen;
use xtask::description::source::Source;
use xtask::description::{Description, family, operations};
use xtask::repairs::{Idle, apply};
use xtask::robots::timelapse;
use xtask::tree::{GENERATED, Mode, SOURCE};

/// A program that uses the store as any other, through `octoseal` alone.
const PROGRAM: &str = r#"
use octoseal_mock::GitHub;
use octoseal::{Scope, scope::{OrganizationScope, OrganizationStore}, Visibility, Written};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), octoseal::Error> {
    let github = GitHub::new();
    github.add_store("robots");
    github.add_organization("acme");
    let api = github.add_repository("acme", "api");
    let client = octoseal::Client::builder().token("a-token").transport(github.clone()).pacing(octoseal::limits::Pacing::concurrency_only()).build()?;

    let organization = client.secrets(OrganizationScope::new(OrganizationStore::Robots, "acme")?);
    let put = organization.put("ARM", "left").access(Visibility::Selected(vec![api]));
    assert_eq!(put.send().await?.written, Written::Created);
    assert_eq!(organization.list().all().await?.len(), 1);

    let scope: Scope = "robots:repo/acme/api".parse()?;
    let repository = client.secrets(scope.clone());
    assert_eq!(repository.put("LEG", "right").send().await?.written, Written::Created);
    assert_eq!(repository.put("LEG", "wrong").send().await?.written, Written::Updated);
    repository.get("LEG").await?;

    assert_eq!(github.plaintext("robots:org/acme", "ARM").as_deref(), Some(&b"left"[..]));
    assert_eq!(github.plaintext(scope, "LEG").as_deref(), Some(&b"wrong"[..]));
    assert!("robots:user".parse::<Scope>().is_err(), "the description has no robots of users");
    Ok(())
}
"#;

/// A workshop whose description has grown, and has a store of `robots` at organizations and repositories.
fn with_robots() -> Workshop {
    let workshop = Workshop::new();
    let mut description = fragment();
    add_robots(&mut description);
    grow(&mut description);
    workshop.edit(
        SOURCE,
        "[operations]\n",
        "[operations]\nrobots = [\"tag:robots\"]\n",
    );
    let outcome = workshop.vendor(&description).unwrap();
    assert_eq!(outcome.operations, operations(&fragment()).len() + 15);
    assert_eq!(outcome.left_out, [], "nothing of robots is left out");
    codegen::run(&workshop.tree, Mode::Write, Idle::Refuse).unwrap();
    workshop
}

#[test]
fn the_machine_knows_no_store_by_name() {
    for file in files(&here().root().join("xtask/src")) {
        assert_names_no_store(&file, &std::fs::read_to_string(&file).unwrap());
    }
}

#[test]
fn the_public_crate_knows_no_store_by_name_but_where_githubs_pages_are_about_one() {
    let client = here().root().join("client/src");
    // The documented methods are those of one store.
    let documented = client.join("documented.rs");
    for file in files(&client) {
        let code = file.extension().is_some_and(|extension| extension == "rs");
        if !code || file == documented {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let lines = text.lines().filter(|line| !line.trim().starts_with("//"));
        assert_names_no_store(&file, &lines.collect::<Vec<_>>().join("\n"));
    }
}

/// Insists that a file has no store's name, neither as text nor as a variant.
fn assert_names_no_store(file: &Path, text: &str) {
    let description = fragment();
    let registries = family::registries(&description).unwrap().store;
    let mut stores: Vec<_> = family::scopes(&description)
        .into_iter()
        .map(|scope| scope.store)
        .chain([registries])
        .collect();
    stores.sort();
    stores.dedup();
    assert_eq!(stores.len(), 5, "{stores:?}");
    for store in stores {
        for name in [
            format!("\"{store}"),
            format!("Store::{}", store.to_pascal_case()),
        ] {
            assert!(!text.contains(&name), "{} names {store}", file.display());
        }
    }
}

#[test]
fn a_store_that_nobody_thought_of_is_used_with_one_line_in_openapi_and_none_in_client() {
    let workshop = with_robots();
    let here = here();
    // Always the same place, so that what did not change is not compiled again. Cargo tells members of workspaces apart
    // by their folders below the workspace, so these must not have those of the tree, with which they share compiled
    // dependencies.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let root = target.join("robots");
    let rooms = root.join("with-robots");
    for file in GENERATED {
        copy(&workshop.tree.root().join(file), &rooms.join(file));
    }
    for file in ["codegen/Cargo.toml", "codegen/README.md", "README.md"] {
        copy(&here.root().join(file), &rooms.join(file));
    }
    copy(&here.root().join("Cargo.lock"), &root.join("Cargo.lock"));
    let generated = GENERATED.map(|file| here.root().join(file));
    for room in ["codegen/src", "sealing", "client", "tests/mock"] {
        for file in files(&here.root().join(room)) {
            if !generated.contains(&file) {
                copy(&file, &rooms.join(file.strip_prefix(here.root()).unwrap()));
            }
        }
        // What an earlier run copied and the tree has no more.
        for file in files(&rooms.join(room)) {
            if !here
                .root()
                .join(file.strip_prefix(&rooms).unwrap())
                .exists()
            {
                std::fs::remove_file(file).unwrap();
            }
        }
    }
    let manifest = here.read("Cargo.toml").unwrap();
    let lines = manifest.lines().map(|line| {
        if line.starts_with("members") {
            let rooms = ["client", "codegen", "sealing", "tests/mock"]
                .map(|room| format!("\"with-robots/{room}\""));
            format!("members = [{}, \"robots\"]", rooms.join(", "))
        } else {
            line.replace("path = \"", "path = \"with-robots/")
        }
    });
    write(
        &root.join("Cargo.toml"),
        &(lines.collect::<Vec<_>>().join("\n") + "\n"),
    );
    write(
        &root.join("robots/Cargo.toml"),
        "[package]\nname = \"robots\"\nedition.workspace = true\n\n[dependencies]\n\
         octoseal = { workspace = true, features = [\"crypto_box\"] }\noctoseal-mock.workspace = true\n\
         tokio = { workspace = true, features = [\"macros\", \"rt\", \"time\"] }\n",
    );
    write(&root.join("robots/src/main.rs"), PROGRAM);

    // The dependencies are those that the workspace has compiled already.
    let output = Command::new(env!("CARGO"))
        .args(["run", "--offline", "--quiet", "--package", "robots"])
        .current_dir(&root)
        .env("CARGO_TARGET_DIR", target.parent().unwrap())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path))
        } else {
            found.push(path)
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    write(to, std::fs::read(from).unwrap());
}

fn write(to: &Path, bytes: impl AsRef<[u8]>) {
    if std::fs::read(to).ok().as_deref() != Some(bytes.as_ref()) {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, bytes).unwrap();
    }
}

#[test]
fn on_the_way_back_in_time_lists_are_paged_as_they_are_today() {
    let mut early = fragment();
    for item in early["paths"].as_object_mut().unwrap().values_mut() {
        if let Some(Value::Array(parameters)) = item.pointer_mut("/get/parameters") {
            parameters.retain(|each| !each["$ref"].to_string().contains("page"));
        }
    }
    let workshop = Workshop::new();
    let source = workshop.tree.read(SOURCE).unwrap();
    let today = Description::from_value(fragment()).unwrap();
    let pages = timelapse::pages_of_today(&source, &today).unwrap();
    let applied = |source: &str| apply(&early, &Source::parse(source).unwrap());
    let refused = applied(&source).unwrap_err().to_string();
    assert!(refused.contains("no `page`"), "{refused}");
    applied(&(source + &pages)).unwrap();
}

#[test]
fn on_the_way_back_in_time_the_public_crate_has_no_private_registries_and_all_else() {
    let root = here().read("client/src/lib.rs").unwrap();
    let early = timelapse::without_registries(&root).unwrap();
    assert!(!early.contains("registries"), "{early}");
    let items = |text: &str| syn::parse_file(text).unwrap().items.len();
    assert_eq!(items(&early), items(&root) - 1);
}
