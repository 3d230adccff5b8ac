//! Rust names, as progenitor makes them of the description's names.

use heck::{ToPascalCase as _, ToSnakeCase as _};
use proc_macro2::Ident;
use quote::format_ident;

/// The type of a component, or of what an operation's id begins.
pub fn pascal(name: &str) -> String {
    without_punctuation(name).to_pascal_case()
}

/// The method of an operation's id, or the field or argument of a property's or parameter's name.
pub fn snake(name: &str) -> String {
    without_punctuation(name).to_snake_case()
}

/// The field of a property's name, which may be a keyword.
pub fn field(name: &str) -> Ident {
    let snake = snake(name);
    match syn::parse_str::<Ident>(&snake) {
        Ok(_) => format_ident!("{snake}"),
        Err(_) => format_ident!("{snake}_"),
    }
}

fn without_punctuation(name: &str) -> String {
    name.replace(|c: char| !c.is_alphanumeric() && c != '_', "-")
}
