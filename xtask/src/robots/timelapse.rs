//! `cargo xtask timelapse`: back to earlier descriptions of GitHub, and forth again.
//!
//! In a scratch copy, each earlier version is vendored, generated, and compiled with `octoseal` as it is today. The last
//! step, to the pinned version, must end in today's tree, byte for byte.
//!
//! Private registries are left out on the way: `octoseal` writes the fields that they have today, which earlier versions
//! lack in part or in whole. Lists are taken to be paged by number then as they are now: earlier versions do not say so of
//! all of them.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use syn::Item;

use crate::codegen;
use crate::description::family::{Place, scopes};
use crate::description::source::Source;
use crate::description::walk::parameters;
use crate::description::{Description, Operation};
use crate::progress;
use crate::repairs::Idle;
use crate::robots::scratch::Scratch;
use crate::tree::{CLIENT, FRAGMENT, GENERATED, Mode, SOURCE, Tree, VENDORED};
use crate::vendor::fetch::Wanted;
use crate::vendor::{self, Options};

/// Earlier versions, one for each major, back to the first that the client can be generated from. 10.0.0 does not declare
/// a piece of a kept operation's path, and 2.2.1 takes repositories' ids as text alone: generation refuses both by name.
pub const VERSIONS: [&str; 10] = [
    "12.0.0", "14.0.0", "16.0.0", "17.0.0", "18.0.0", "19.0.0", "20.0.0", "21.0.0", "22.0.0",
    "23.0.0",
];

/// The root of the public crate.
const ROOT: &str = "client/src/lib.rs";

/// Which versions to visit, and where they come from.
#[derive(Debug, Clone, Default)]
pub struct Journey {
    /// The versions to go back to.
    pub versions: Vec<String>,
    /// A folder of descriptions called `VERSION.json`, instead of the registry.
    pub folder: Option<PathBuf>,
    /// Whether no registry is asked.
    pub offline: bool,
}

/// The results of one version.
#[derive(Debug, Clone)]
pub struct Row {
    version: String,
    operations: usize,
    missing: usize,
    scopes: [usize; 4],
    lines: usize,
    generate: Duration,
    check: Duration,
}

/// The table of a timelapse.
#[derive(Debug, Clone)]
pub struct Timelapse(Vec<Row>);

/// Visits the versions, and then the pinned one. Calls `on_row` after each.
pub fn timelapse(
    tree: &Tree,
    options: &Journey,
    mut on_row: impl FnMut(&Row),
) -> Result<Timelapse> {
    let source = tree.read(SOURCE)?;
    let pinned = Source::parse(&source)?.package.version;
    let pages = pages_of_today(&source, &Description::read(&tree.root().join(FRAGMENT))?.0)?;
    let target = tree.root().join("target");
    let rooms = ["client", "codegen", "sealing", "tests/mock"];
    let scratch = Scratch::new(
        tree,
        &target.join("timelapse"),
        &target.join("timelapse/target"),
        &rooms,
    )?
    .offline(options.offline);
    for file in [crate::tree::DOCS, FRAGMENT] {
        scratch.write(file, tree.read(file)?)?;
    }
    scratch.write(SOURCE, source.clone() + &pages)?;
    let root = tree.read(ROOT)?;
    let early_root = without_registries(&root).context(ROOT)?;
    let mut rows = Vec::new();
    for version in options
        .versions
        .iter()
        .map(String::as_str)
        .chain([pinned.as_str()])
    {
        let (idle, root) = if version == pinned {
            (Idle::Refuse, &root)
        } else {
            (Idle::Allow, &early_root)
        };
        scratch.write(ROOT, root)?;
        let folder = options.folder.as_deref();
        if version == pinned {
            // Today's tree has no added lines of pages. A file has no archive's integrity: there, today's pin is what
            // it is checked against.
            let pin = match folder {
                Some(_) => source.clone(),
                None => Tree::at(scratch.root()).read(SOURCE)?.replace(&pages, ""),
            };
            scratch.write(SOURCE, pin)?;
        }
        let wanted = Wanted {
            from: folder.map(|folder| folder.join(format!("{version}.json"))),
            version: Some(version.to_owned()),
            offline: options.offline,
            ..Wanted::default()
        };
        let row = visit(&scratch, wanted, idle).with_context(|| format!("version {version}"))?;
        on_row(&row);
        rows.push(row);
    }
    let copy = Tree::at(scratch.root());
    for file in VENDORED.into_iter().chain(GENERATED) {
        if copy.read(file)? != tree.read(file)? {
            bail!("the way back to {pinned} does not end in today's tree: {file} differs");
        }
    }
    Ok(Timelapse(rows))
}

fn visit(scratch: &Scratch, wanted: Wanted, idle: Idle) -> Result<Row> {
    let tree = Tree::at(scratch.root());
    progress::step("vendoring and generating");
    let started = Instant::now();
    let allow_missing = idle == Idle::Allow;
    let outcome = vendor::run(
        &tree,
        &Options {
            wanted,
            allow_missing,
            check: false,
        },
    )?;
    codegen::run(&tree, Mode::Write, idle)?;
    let generate = started.elapsed();
    let fragment = Description::read(&scratch.root().join(FRAGMENT))?.0;
    let all = scopes(fragment.value());

    let started = Instant::now();
    scratch.cargo(&["check", "--package", "octoseal"])?;
    Ok(Row {
        version: outcome.version,
        operations: outcome.operations,
        missing: outcome.missing.len(),
        scopes: Place::ALL.map(|place| all.iter().filter(|scope| scope.place == place).count()),
        lines: tree.read(CLIENT)?.lines().count(),
        generate,
        check: started.elapsed(),
    })
}

/// The lines of `source.toml` by which every list that is paged by number in `today` is so, whatever a description says.
pub fn pages_of_today(source: &str, today: &Description) -> Result<String> {
    let Source { api, practice, .. } = Source::parse(source)?;
    let is_paged = |operation: &Operation<'_>| {
        parameters(today.value(), operation).any(|each| each["name"] == "page")
    };
    let lists = today.operations().into_iter().filter(is_paged);
    let others = lists.filter(|list| !practice.paged.contains_key(list.id));
    let lines = others.map(|list| {
        format!(
            "\n[practice.paged.{:?}]\nseen_in = [{:?}]\n",
            list.id, api.version
        )
    });
    Ok(lines.collect())
}

/// The root of the public crate without its module of private registries.
pub fn without_registries(root: &str) -> Result<String> {
    let mut file = syn::parse_file(root)?;
    file.items.retain(|item| match item {
        Item::Mod(module) => module.ident != "registries",
        _ => true,
    });
    Ok(prettyplease::unparse(&file))
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            operations,
            missing,
            scopes: [organization, repository, environment, user],
            lines,
            ..
        } = self;
        let (generate, check) = (self.generate.as_secs_f64(), self.check.as_secs_f64());
        write!(
            f,
            "| {version} | {operations} | {missing} | {organization} + {repository} + {environment} + {user} | {lines} | {generate:.1} | {check:.1} |"
        )
    }
}

impl fmt::Display for Timelapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| version | operations | missing | stores of organization + repository + environment + user | lines | vendor and generate, s | check octoseal, s |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        self.0.iter().try_for_each(|row| writeln!(f, "{row}"))?;
        writeln!(f, "\nBack at the pinned version, every file is as it was.")
    }
}
