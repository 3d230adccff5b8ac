//! Bodies of requests by field names, whose types may differ in other versions of GitHub's description.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::Error;

/// A body as the description's type. A field that the type lacks is an error, and not left out.
pub(super) fn typed<T: DeserializeOwned + Serialize>(
    body: &Map<String, Value>,
) -> Result<T, Error> {
    let refuse = || Error::unsupported("the description does not have this body");
    let typed: T = serde_json::from_value(Value::Object(body.clone())).map_err(|_| refuse())?;
    let kept = serde_json::to_value(&typed).map_err(|_| refuse())?;
    match body.keys().find(|field| kept.get(field.as_str()).is_none()) {
        None => Ok(typed),
        Some(field) => Err(Error::unsupported(format!(
            "the description has no field {field} here"
        ))),
    }
}
