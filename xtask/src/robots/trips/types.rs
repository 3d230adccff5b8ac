//! The generated types, as their declarations and serde's attributes say.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use syn::{Attribute, Fields, GenericArgument, Item, LitStr, PathArguments, Type};

use crate::codegen::nulls;

/// The generated types, by name.
pub(super) struct Types(HashMap<String, Shape>);

/// What serde takes a type for.
pub(super) enum Shape {
    Struct(Struct),
    /// The same as another type.
    Same(Kind),
    Enum(Vec<Variant>, Tag),
}

pub(super) struct Struct {
    pub(super) fields: Vec<Field>,
    /// Whether properties that are no fields are refused.
    pub(super) closed: bool,
}

pub(super) struct Field {
    /// Its name in JSON.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) may_be_absent: bool,
    /// Whether `null` is something else than absence.
    pub(super) tells_null: bool,
    pub(super) skipped_if_empty: bool,
    pub(super) flat: bool,
}

pub(super) struct Variant {
    /// Its name in JSON.
    pub(super) name: String,
    pub(super) content: Content,
}

pub(super) enum Content {
    Nothing,
    One(Kind),
    Struct(Struct),
}

/// How JSON tells which variant it is.
pub(super) enum Tag {
    /// By its name, alone or around its content.
    Outside,
    /// By nothing: the first that fits.
    Nothing,
    /// By a property inside the content.
    Inside(String),
    /// By a property beside that of the content.
    Beside(String, String),
}

/// A type where it is used.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Any,
    AnyObject,
    Text,
    Integer,
    Number,
    Boolean,
    Nothing,
    Optional(Box<Kind>),
    List(Box<Kind>),
    Map(Box<Kind>),
    Named(String),
}

impl Types {
    pub(super) fn of(file: &syn::File) -> Result<Self> {
        let mut types = HashMap::new();
        let modules = file.items.iter().filter_map(|item| match item {
            Item::Mod(module) if module.ident == "types" => module.content.as_ref(),
            _ => None,
        });
        for item in modules.flat_map(|(_, items)| items) {
            let (name, shape) = match item {
                Item::Struct(item) => (&item.ident, of_struct(item)),
                Item::Enum(item) => (&item.ident, of_enum(item)),
                Item::Type(item) => (&item.ident, kind(&item.ty).map(Shape::Same)),
                _ => continue,
            };
            let shape = shape.with_context(|| format!("the generated type `{name}`"))?;
            types.insert(name.to_string(), shape);
        }
        Ok(Self(types))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Shape> {
        self.0.get(name)
    }
}

fn of_struct(item: &syn::ItemStruct) -> Result<Shape> {
    let serde = Serde::of(&item.attrs)?;
    match &item.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
            Ok(Shape::Same(kind(&fields.unnamed[0].ty)?))
        }
        Fields::Named(fields) => Ok(Shape::Struct(of_fields(fields, &serde)?)),
        _ => bail!("it has neither named fields nor one alone"),
    }
}

fn of_fields(fields: &syn::FieldsNamed, serde: &Serde) -> Result<Struct> {
    let fields = fields.named.iter().map(|field| {
        let own = Serde::of(&field.attrs)?;
        let ident = field.ident.as_ref().context("a field without a name")?;
        let ident = ident.to_string();
        let kind = kind(&field.ty)?;
        Ok(Field {
            name: own
                .name
                .unwrap_or(ident.trim_start_matches("r#").to_owned()),
            may_be_absent: own.default
                || (own.read_by.is_none() && matches!(kind, Kind::Optional(_))),
            tells_null: own.read_by.is_some_and(|path| path == nulls::READ),
            kind,
            skipped_if_empty: own.skipped_if_empty,
            flat: own.flat,
        })
    });
    Ok(Struct {
        fields: fields.collect::<Result<_>>()?,
        closed: serde.closed,
    })
}

fn of_enum(item: &syn::ItemEnum) -> Result<Shape> {
    let serde = Serde::of(&item.attrs)?;
    let variants = item.variants.iter().map(|variant| {
        let own = Serde::of(&variant.attrs)?;
        let content = match &variant.fields {
            Fields::Unit => Content::Nothing,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                Content::One(kind(&fields.unnamed[0].ty)?)
            }
            Fields::Named(fields) => Content::Struct(of_fields(fields, &serde)?),
            Fields::Unnamed(_) => bail!("a variant of several values"),
        };
        Ok(Variant {
            name: own.name.unwrap_or(variant.ident.to_string()),
            content,
        })
    });
    let variants = variants.collect::<Result<_>>()?;
    let tag = match (serde.untagged, serde.tag, serde.content) {
        (true, _, _) => Tag::Nothing,
        (_, None, _) => Tag::Outside,
        (_, Some(tag), None) => Tag::Inside(tag),
        (_, Some(tag), Some(content)) => Tag::Beside(tag, content),
    };
    Ok(Shape::Enum(variants, tag))
}

/// A type, as far as JSON is concerned.
pub(super) fn kind(of: &Type) -> Result<Kind> {
    let path = match of {
        Type::Reference(it) => return kind(&it.elem),
        Type::Tuple(it) if it.elems.is_empty() => return Ok(Kind::Nothing),
        Type::Slice(it) => return Ok(Kind::List(Box::new(kind(&it.elem)?))),
        Type::Path(it) => &it.path,
        _ => bail!("a type that is not read: {}", quote::quote!(#of)),
    };
    let last = path.segments.last().context("a type without a name")?;
    let inner = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().rev().find_map(|each| match each {
                GenericArgument::Type(inner) => Some(inner),
                _ => None,
            })
        }
        _ => None,
    };
    let inner = inner.map(kind).transpose()?.map(Box::new);
    // A component may be called as a type of Rust's, which are written out as a path.
    let generated = path.segments.len() == 1 || path.segments[0].ident == "types";
    if generated && inner.is_none() && last.ident.to_string().starts_with(char::is_uppercase) {
        return Ok(Kind::Named(last.ident.to_string()));
    }
    Ok(match (last.ident.to_string().as_str(), inner) {
        ("Box", Some(inner)) => *inner,
        ("Option", Some(inner)) => Kind::Optional(inner),
        ("Vec", Some(inner)) => Kind::List(inner),
        ("BTreeMap", Some(inner)) => Kind::Map(inner),
        ("Map", Some(_)) => Kind::AnyObject,
        ("Value", None) => Kind::Any,
        ("String" | "str" | "KeyId" | "Hidden" | "EncryptedValue", None) => Kind::Text,
        ("i64" | "i32" | "u64" | "u32" | "RepositoryId", None) => Kind::Integer,
        ("f64" | "f32", None) => Kind::Number,
        ("bool", None) => Kind::Boolean,
        (name, None) => Kind::Named(name.to_owned()),
        (name, Some(_)) => bail!("a type that is not read: `{name}<…>`"),
    })
}

/// serde's attributes of one item.
#[derive(Default)]
struct Serde {
    name: Option<String>,
    tag: Option<String>,
    content: Option<String>,
    default: bool,
    /// The function of `deserialize_with`.
    read_by: Option<String>,
    skipped_if_empty: bool,
    flat: bool,
    untagged: bool,
    closed: bool,
}

impl Serde {
    fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut serde = Self::default();
        for attribute in attributes.iter().filter(|it| it.path().is_ident("serde")) {
            attribute.parse_nested_meta(|meta| {
                let name = meta.path.require_ident()?.to_string();
                let text = match meta.input.peek(syn::Token![=]) {
                    true => Some(meta.value()?.parse::<LitStr>()?.value()),
                    false => None,
                };
                match name.as_str() {
                    "rename" => serde.name = text,
                    "tag" => serde.tag = text,
                    "content" => serde.content = text,
                    "default" => serde.default = true,
                    "skip_serializing_if" => serde.skipped_if_empty = true,
                    "flatten" => serde.flat = true,
                    "untagged" => serde.untagged = true,
                    "deny_unknown_fields" => serde.closed = true,
                    "deserialize_with" => serde.read_by = text,
                    "transparent" | "try_from" => {}
                    other => return Err(meta.error(format!("serde's `{other}` is not read"))),
                }
                Ok(())
            })?;
        }
        Ok(serde)
    }
}
