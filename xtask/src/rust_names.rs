//! Rust names, as progenitor makes them of the description's names.

use heck::{ToPascalCase as _, ToSnakeCase as _};
use proc_macro2::Ident;
use quote::format_ident;

/// The type of a component, or of what an operation's id begins; the variant of a value.
pub fn pascal(name: &str) -> String {
    identifier(&cased(name, str::to_pascal_case), "X")
}

/// The name of an inline type: that of the type it is in, and of the property that has it.
pub fn inline(outer: &str, property: &str) -> String {
    format!("{outer}{}", without_punctuation(property).to_pascal_case())
}

/// The method of an operation's id, or the field or argument of a property's or parameter's name.
pub fn snake(name: &str) -> String {
    identifier(&cased(name, str::to_snake_case), "x")
}

/// The field of a property's name.
pub fn field(name: &str) -> Ident {
    format_ident!("{}", snake(name))
}

/// Whether a method can be called after an operation's id as it is.
pub fn names_a_method(id: &str) -> bool {
    syn::parse_str::<Ident>(&without_punctuation(id).to_snake_case()).is_ok()
}

/// A name in its case, with `prefix` where it would begin with a digit, and an underscore where it would be a keyword.
fn identifier(name: &str, prefix: &str) -> String {
    let begins = name.starts_with(|first: char| first.is_alphabetic());
    let name = if begins {
        name.to_owned()
    } else {
        format!("{prefix}{name}")
    };
    if name != "gen" && syn::parse_str::<Ident>(&name).is_ok() {
        name
    } else {
        format!("{name}_")
    }
}

/// A name in a case. Reactions are called `+1` and `-1`, which progenitor tells apart.
fn cased(name: &str, case: fn(&str) -> String) -> String {
    match name {
        "+1" => "plus1".to_owned(),
        "-1" => "minus1".to_owned(),
        _ => case(&without_punctuation(name)),
    }
}

fn without_punctuation(name: &str) -> String {
    name.replace('\'', "")
        .replace(|c: char| !c.is_alphanumeric() && c != '_', "-")
}
