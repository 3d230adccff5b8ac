//! Whether the dispatch and the generated client agree: what is passed to each method, written into each body and read of
//! each reply has the type that was made.

use anyhow::anyhow;

use crate::codegen::made::{Made, plain};
use crate::rust_names::snake;

/// Stands for any type but `()`, and without arguments of its own; inside another type, for any.
pub(super) const ANY: &str = "_";
/// Stands for any type.
pub(super) const ANYTHING: &str = "anything";
/// A type that has a default.
pub(super) const DEFAULT: &str = "Default";

/// A call of a generated method.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The operation's id.
    pub(super) id: String,
    /// The types of what is passed, in order.
    pub(super) arguments: Vec<String>,
    /// What is passed of what may be left out, by name, each with its type.
    pub(super) options: Vec<(String, String)>,
    /// The fields of the body that is passed, each with its type.
    pub(super) body: Vec<(String, String)>,
    /// What its reply is read as.
    pub(super) reply: String,
}

impl Call {
    /// The differences between the generated method and this call of it.
    pub(super) fn misfits(&self, made: &Made) -> Vec<anyhow::Error> {
        let Some(method) = made.method(&snake(&self.id)) else {
            return vec![anyhow!("it has no generated method")];
        };
        if method.arguments.len() != self.arguments.len() {
            let kinds: Vec<_> = method
                .arguments
                .iter()
                .map(|(_, kind)| plain(kind))
                .collect();
            return vec![anyhow!(
                "the generated method takes {} arguments ({}), and the dispatch passes {}",
                kinds.len(),
                kinds.join(", "),
                self.arguments.len()
            )];
        }
        let mut errors = Vec::new();
        for ((name, found), passed) in method.arguments.iter().zip(&self.arguments) {
            errors.extend(mismatch(
                &format!("the argument `{name}`"),
                &plain(found),
                passed,
            ));
        }
        let options = made.options(&snake(&self.id)).unwrap_or_default();
        for (name, passed) in &self.options {
            let place = format!("the argument `{name}`");
            match options.iter().find(|option| option.name == *name) {
                Some(found) => errors.extend(mismatch(&place, &plain(&found.kind), passed)),
                None => errors.push(anyhow!(
                    "{place} can't be left out, and the dispatch takes it to be optional"
                )),
            }
        }
        errors.extend(mismatch("the reply", &plain(&method.reply), &self.reply));
        if let Some(body) = self.arguments.iter().find_map(|kind| body_of(kind)) {
            errors.extend(self.body_fits(body, made));
        }
        errors
    }

    fn body_fits(&self, body: &str, made: &Made) -> Vec<anyhow::Error> {
        let Some(fields) = made.fields(body) else {
            return vec![anyhow!("its body `{body}` is no struct")];
        };
        let mut errors = Vec::new();
        for field in fields {
            let place = format!("`{}` of its body", field.name);
            match self.body.iter().find(|(name, _)| *name == field.name) {
                Some((_, written)) => errors.extend(mismatch(&place, &plain(&field.kind), written)),
                None => errors.push(anyhow!("{place} is not written by the dispatch")),
            }
        }
        let is_made = |name: &str| fields.iter().any(|field| field.name == name);
        let lost = self.body.iter().filter(|(name, _)| !is_made(name));
        errors.extend(lost.map(|(name, _)| anyhow!("its body has no `{name}`")));
        errors
    }
}

/// The type of a body, if it is what is passed.
fn body_of(passed: &str) -> Option<&str> {
    passed
        .strip_prefix('&')
        .filter(|kind| kind.ends_with("Body"))
}

/// The error if the type that was generated does not fit the one the dispatch expects.
fn mismatch(place: &str, made: &str, taken: &str) -> Option<anyhow::Error> {
    let holds_others = |kind: &str| kind.contains('<') || kind == "()";
    let fits = match taken.split_once(ANY) {
        _ if taken == ANYTHING => true,
        _ if taken == DEFAULT => made.contains('<'),
        None => made == taken,
        Some(("", "")) => !holds_others(made),
        Some((before, after)) => {
            let inner = made
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after));
            inner.is_some()
        }
    };
    (!fits).then(|| {
        anyhow!("{place} is `{made}` in the generated client, and `{taken}` in the dispatch")
    })
}
