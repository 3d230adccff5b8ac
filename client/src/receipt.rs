//! Receipts of writes that were applied.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::error::Given;
use crate::runtime::{Answered, Place, headers};

/// The change that a write made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Written {
    /// The secret, registry or environment did not exist before.
    Created,
    /// The secret existed and has a new value; or it was created by an attempt whose reply was lost, and which was
    /// repeated.
    Updated,
    /// The secret or registry does not exist any more.
    Deleted,
    /// Other repositories may use the secret. Its value is as it was.
    AccessChanged,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::AccessChanged => "access changed",
        })
    }
}

/// A write that GitHub has applied, for an audit, and for [`Secrets::compare`](crate::secrets::Secrets::compare), which
/// asks whether the secret is still what was written.
///
/// It holds no value and no token. As text it says what [`Written`] says; serialized, it has the fields below, and its time
/// in RFC 3339.
///
/// # Examples
/// ```
/// # async fn store(github: octoseal::Client, scope: octoseal::Scope) -> Result<(), Box<dyn std::error::Error>> {
/// let receipt = github.secrets(scope).put("DEPLOY_KEY", "s3cret").send().await?;
/// println!("{receipt}, as {:?} of GitHub's log", receipt.request_id);
/// std::fs::write("deploy-key.json", serde_json::to_vec(&receipt)?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The change.
    pub written: Written,
    /// The [`Scope`](crate::Scope) or the [`PrivateRegistriesScope`](crate::registries::PrivateRegistriesScope) as text:
    /// `actions:org/acme`.
    pub place: String,
    /// The secret's name, or the registry's; empty for an environment, which `place` names.
    pub name: String,
    /// The id of the key that the value was sealed with, if a value was sent.
    pub key_id: Option<String>,
    /// GitHub's id of the request, for its support and logs; missing if it gave none.
    pub request_id: Option<String>,
    /// How many writes were sent until one was applied: 1, unless some had to be repeated.
    pub attempts: u32,
    /// When GitHub answered, by its clock and in whole seconds; missing if it did not say.
    #[serde(default, with = "rfc3339")]
    pub at: Option<SystemTime>,
}

impl Receipt {
    pub(crate) fn new<T>(
        written: Written,
        place: &dyn Place,
        name: &str,
        answered: &Answered<T>,
    ) -> Self {
        let headers = answered.reply.headers();
        Self {
            written,
            place: place.to_string(),
            name: name.to_owned(),
            key_id: None,
            request_id: answered.request_id.clone(),
            attempts: answered.attempts,
            at: headers::date(headers),
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("written", &self.written)
            .field("place", &self.place)
            .field("name", &Given(self.name.clone()))
            .field("key_id", &self.key_id)
            .field("request_id", &self.request_id)
            .field("attempts", &self.attempts)
            .field("at", &self.at)
            .finish()
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(f)
    }
}

mod rfc3339 {
    use std::time::SystemTime;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        at: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = at.map(|at| humantime::format_rfc3339(at).to_string());
        text.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let read = |text: String| humantime::parse_rfc3339(&text).map_err(Error::custom);
        text.map(read).transpose()
    }
}
