//! What the public crate offers, as a reviewed file.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::here;
use syn::{Fields, ImplItem, Item, ItemImpl, TraitItem, Type, UseTree, Visibility, parse_quote};

const SURFACE: &str = "client/public-surface.txt";
const REFRESH: &str = "SURFACE=write cargo test -p xtask --test machine surface";

#[test]
fn what_the_public_crate_offers_is_what_was_reviewed() {
    let root = here().root().to_owned();
    let header = format!(
        "The public surface of octoseal, for review: its modules, items and methods, without bodies, and without what \
         macros\nmake. A change of it that breaks callers needs a new major version. Refresh it by\n\n    {REFRESH}\n\n"
    );
    let surface = header + &Crate::read(&root.join("client/src")).surface();
    let file = root.join(SURFACE);
    if std::env::var_os("SURFACE").is_some() {
        std::fs::write(&file, &surface).unwrap();
    }
    let reviewed = std::fs::read_to_string(&file).unwrap_or_default();
    let changed = reviewed
        .lines()
        .zip(surface.lines())
        .find(|(old, new)| old != new);
    assert!(
        reviewed == surface,
        "{SURFACE} is not what client/ offers ({changed:?}): look at the difference and run `{REFRESH}`"
    );
}

#[test]
fn a_method_more_and_a_field_more_are_in_the_surface_and_what_is_private_is_not() {
    let surface = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("lib.rs"),
            "mod inner; pub mod room; pub use inner::Shown;",
        )
        .unwrap();
        std::fs::write(folder.path().join("inner.rs"), text).unwrap();
        std::fs::write(
            folder.path().join("room.rs"),
            "pub fn open() { shut() } fn shut() {}",
        )
        .unwrap();
        Crate::read(folder.path()).surface()
    };
    let before = surface(
        "pub struct Shown { pub one: u8, two: u8 } pub struct Hidden; impl Shown { fn f() {} }",
    );
    assert!(
        before.contains("pub struct Shown") && before.contains("pub fn open()"),
        "{before}"
    );
    assert!(
        !before.contains("two") && !before.contains("shut"),
        "{before}"
    );
    assert!(
        !before.contains("Hidden") && !before.contains("fn f"),
        "{before}"
    );
    for text in [
        "pub struct Shown { pub one: u8, pub two: u8 }",
        "pub struct Shown { pub one: u8 } impl Shown { pub fn f(self) {} }",
        "pub struct Shown { pub one: u8 } impl Clone for Shown { fn clone(&self) -> Self { Self { ..*self } } }",
    ] {
        assert_ne!(surface(text), before);
    }
}

/// The items of each module of a crate.
struct Crate(BTreeMap<Vec<String>, Vec<Item>>);

impl Crate {
    fn read(src: &Path) -> Self {
        let mut modules = Self(BTreeMap::new());
        modules.add(src, Vec::new());
        modules
    }

    fn add(&mut self, src: &Path, module: Vec<String>) {
        let path = match module.as_slice() {
            [] => src.join("lib.rs"),
            names => src.join(names.join("/")).with_extension("rs"),
        };
        let Ok(text) = std::fs::read_to_string(path) else {
            return;
        };
        let items = syn::parse_file(&text).unwrap().items;
        for item in &items {
            if let Item::Mod(inner) = item
                && inner.content.is_none()
            {
                self.add(
                    src,
                    [module.as_slice(), &[inner.ident.to_string()]].concat(),
                );
            }
        }
        self.0.insert(module, items);
    }

    fn surface(&self) -> String {
        let items = self.public(&[], &self.0[&Vec::new()]);
        let file: syn::File = parse_quote!(#(#items)*);
        prettyplease::unparse(&file)
    }

    /// What a module offers.
    fn public(&self, module: &[String], items: &[Item]) -> Vec<Item> {
        let mut offered = Vec::new();
        for item in items {
            match item {
                Item::Mod(inner) if is_public(&inner.vis) => {
                    let name = inner.ident.to_string();
                    let path = [module, &[name]].concat();
                    let inside = match &inner.content {
                        Some((_, items)) => self.public(&path, items),
                        None => self.public(&path, &self.0[&path]),
                    };
                    let (attrs, name) = (kept(&inner.attrs), &inner.ident);
                    offered.push(parse_quote!(#(#attrs)* pub mod #name { #(#inside)* }));
                }
                Item::Use(import) if matches!(import.tree, UseTree::Rename(_)) => {
                    offered.extend(is_public(&import.vis).then(|| item.clone()));
                }
                Item::Use(import) if is_public(&import.vis) => {
                    for leaf in leaves(&import.tree) {
                        match self.find(module, &leaf) {
                            Some((from, item)) => offered.extend(self.with_impls(&from, item)),
                            None => {
                                let path: syn::Path = syn::parse_str(&leaf.join("::")).unwrap();
                                offered.push(parse_quote!(pub use #path;));
                            }
                        }
                    }
                }
                item => offered.extend(self.with_impls(module, item)),
            }
        }
        offered
    }

    /// The item that a path names, and the module that it is in.
    fn find(&self, module: &[String], path: &[String]) -> Option<(Vec<String>, &Item)> {
        let (name, before) = path.split_last()?;
        let from = match before.first().map(String::as_str) {
            Some("crate") => before[1..].to_vec(),
            _ => [module, before].concat(),
        };
        let items = self.0.get(&from)?;
        if let Some(item) = items.iter().find(|item| named(item).as_ref() == Some(name)) {
            return Some((from, item));
        }
        let given_on = items.iter().filter_map(|item| match item {
            Item::Use(import) => Some(leaves(&import.tree)),
            _ => None,
        });
        let leaf = given_on.flatten().find(|leaf| leaf.last() == Some(name))?;
        self.find(&from, &leaf)
    }

    /// A public item, and what is implemented for it.
    fn with_impls(&self, module: &[String], item: &Item) -> Vec<Item> {
        let Some(public) = without_the_private(item) else {
            return Vec::new();
        };
        let mut all = vec![public];
        let Some(name) = named(item) else { return all };
        let same = self
            .0
            .values()
            .flatten()
            .filter(|each| named(each).as_ref() == Some(&name));
        let is_alone = same.count() == 1;
        for (other, items) in &self.0 {
            if is_alone || other == module {
                all.extend(items.iter().filter_map(|item| offered_by_impl(item, &name)));
            }
        }
        all
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The attributes that a caller notices.
fn kept(attrs: &[syn::Attribute]) -> Vec<syn::Attribute> {
    let notices = ["cfg", "derive", "non_exhaustive"];
    let noticed = |attr: &&syn::Attribute| notices.iter().any(|name| attr.path().is_ident(name));
    attrs.iter().filter(noticed).cloned().collect()
}

/// The name of what can be given on.
fn named(item: &Item) -> Option<String> {
    let name = match item {
        Item::Struct(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Const(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// The paths that a `use` names.
fn leaves(tree: &UseTree) -> Vec<Vec<String>> {
    match tree {
        UseTree::Path(path) => {
            let inner = leaves(&path.tree).into_iter();
            let begin = [path.ident.to_string()];
            inner.map(|leaf| [&begin[..], &leaf].concat()).collect()
        }
        UseTree::Name(name) => vec![vec![name.ident.to_string()]],
        UseTree::Rename(name) => vec![vec![name.ident.to_string()]],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
        UseTree::Glob(_) => panic!("a glob hides what is public"),
    }
}

/// An item without bodies, documentation and what is private; none if it is private itself.
fn without_the_private(item: &Item) -> Option<Item> {
    match item.clone() {
        Item::Struct(mut item) if is_public(&item.vis) => {
            item.attrs = kept(&item.attrs);
            match &mut item.fields {
                Fields::Named(fields) => {
                    let public = fields.named.iter().filter(|field| is_public(&field.vis));
                    let public = public.map(|field| {
                        let (name, kind) = (&field.ident, &field.ty);
                        quote::quote!(pub #name: #kind)
                    });
                    *fields = parse_quote!({ #(#public),* });
                }
                Fields::Unnamed(_) => item.fields = Fields::Unnamed(parse_quote!(())),
                Fields::Unit => {}
            }
            Some(Item::Struct(item))
        }
        Item::Enum(mut item) if is_public(&item.vis) => {
            item.attrs = kept(&item.attrs);
            for variant in &mut item.variants {
                variant.attrs = kept(&variant.attrs);
                variant
                    .fields
                    .iter_mut()
                    .for_each(|field| field.attrs.clear());
            }
            Some(Item::Enum(item))
        }
        Item::Trait(mut item) if is_public(&item.vis) => {
            item.attrs = kept(&item.attrs);
            for inner in &mut item.items {
                if let TraitItem::Fn(function) = inner {
                    function.attrs = kept(&function.attrs);
                    function.default = function.default.as_ref().map(|_| parse_quote!({}));
                }
            }
            Some(Item::Trait(item))
        }
        Item::Type(mut item) if is_public(&item.vis) => {
            item.attrs = kept(&item.attrs);
            Some(Item::Type(item))
        }
        Item::Const(mut item) if is_public(&item.vis) => {
            item.attrs = kept(&item.attrs);
            Some(Item::Const(item))
        }
        Item::Fn(mut item) if is_public(&item.vis) => {
            item.attrs = kept(&item.attrs);
            item.block = parse_quote!({});
            Some(Item::Fn(item))
        }
        _ => None,
    }
}

/// What an `impl` for the type of this name offers.
fn offered_by_impl(item: &Item, name: &str) -> Option<Item> {
    let Item::Impl(block) = item else { return None };
    let Type::Path(of) = &*block.self_ty else {
        return None;
    };
    if of.path.segments.last()?.ident != name {
        return None;
    }
    let mut items = Vec::new();
    if block.trait_.is_none() {
        items = block.items.iter().filter_map(offered_item).collect();
        if items.is_empty() {
            return None;
        }
    }
    let attrs = kept(&block.attrs);
    Some(Item::Impl(ItemImpl {
        attrs,
        items,
        ..block.clone()
    }))
}

fn offered_item(item: &ImplItem) -> Option<ImplItem> {
    match item.clone() {
        ImplItem::Fn(mut function) if is_public(&function.vis) => {
            function.attrs = kept(&function.attrs);
            function.block = parse_quote!({});
            Some(ImplItem::Fn(function))
        }
        ImplItem::Const(mut constant) if is_public(&constant.vis) => {
            constant.attrs = kept(&constant.attrs);
            Some(ImplItem::Const(constant))
        }
        _ => None,
    }
}
