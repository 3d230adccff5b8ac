//! Bodies put together by field, where code must outlive the description it was written for.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::Error;

/// The description's type for a body. The description may be older or newer than this code: a field that it lacks is
/// an error, not left out.
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
