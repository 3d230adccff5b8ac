//! Whether a secret is still what was written.

use std::time::{Duration, SystemTime};

use octoseal_api::stores::Role;
use tokio::time::sleep;

use super::Secrets;
use super::existing::{Existing, REREAD_PAUSES};
use crate::error::Error;
use crate::lookup::MAY_LAG_FOR;
use crate::receipt::{Receipt, Written};
use crate::scope::{AnyScope, SecretName};

/// How long GitHub works on a request at most, and so how much older a write can be than the answer to it.
const LONGEST_REQUEST: Duration = Duration::from_secs(10);

/// How a secret compares with the receipt of a write; see [`Secrets::compare`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Comparison {
    /// It was not changed after GitHub answered the write.
    Unchanged,
    /// It was written again since; after a deletion, it is there again.
    Changed,
    /// It is not there any more.
    Gone,
    /// GitHub does not tell enough.
    CannotTell(Doubt),
}

/// Why a comparison can't tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Doubt {
    /// It was last written in the very second in which GitHub answered: by this write, or by another after it. GitHub
    /// tells whole seconds.
    SameSecond,
    /// GitHub tells a state from before the write, and still did after some seconds.
    OlderRead,
    /// The receipt or the secret has no time.
    NoTime,
    /// The write changed access alone, for which GitHub tells no time.
    AccessAlone,
}

impl<S: AnyScope> Secrets<S> {
    /// Whether the secret is still what was written, as far as GitHub tells: it gives no values back, but says when a
    /// secret was last written. That is compared with the receipt's time, both by GitHub's clock.
    ///
    /// A write and GitHub's answer to it mostly fall into one second, and then [`Doubt::SameSecond`] is the best that
    /// can be said of a secret that was not written later: take it for unchanged where another write within that second
    /// is out of the question. A receipt of a deletion is compared with whether the secret is still missing.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a receipt of another scope, and the failures of any call.
    ///
    /// # Examples
    /// ```
    /// use octoseal::{Receipt, secrets::Comparison};
    ///
    /// # async fn audit(github: octoseal::Client, scope: octoseal::Scope) -> Result<(), Box<dyn std::error::Error>> {
    /// let receipt: Receipt = serde_json::from_slice(&std::fs::read("deploy-key.json")?)?;
    /// match github.secrets(scope).compare(&receipt).await? {
    ///     Comparison::Changed | Comparison::Gone => println!("{} is not ours any more", receipt.name),
    ///     _ => {}
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn compare(&self, receipt: &Receipt) -> Result<Comparison, Error> {
        let (target, allowance) = (&self.target, &self.target.allowance());
        if !receipt
            .place
            .eq_ignore_ascii_case(&target.scope.to_string())
        {
            let (place, scope) = (&receipt.place, &target.scope);
            let why = format!("the receipt is of a write in {place}, and this is {scope}");
            return Err(Error::input(why));
        }
        let call = target.call("comparing", &receipt.name, Role::Get)?;
        let compare = async {
            let name = SecretName::new(receipt.name.as_str())?;
            let mut pauses = REREAD_PAUSES.iter();
            loop {
                let existing = target.existing(&name, None, false, allowance).await?;
                let comparison = compare(receipt, existing.as_ref());
                let is_recent = || {
                    let age = receipt.at.and_then(|at| at.elapsed().ok());
                    age.unwrap_or_default() < MAY_LAG_FOR
                };
                let may_lag = match comparison {
                    Comparison::CannotTell(Doubt::OlderRead) => true,
                    Comparison::Gone => is_recent(),
                    _ => false,
                };
                let pause = pauses.next();
                match pause.filter(|pause| allowance.has_time_for(**pause)) {
                    Some(pause) if may_lag => sleep(*pause).await,
                    _ if existing.is_none() => {
                        target.ensure_scope(allowance).await?;
                        return Ok(comparison);
                    }
                    _ => return Ok(comparison),
                }
            }
        };
        target.client.runtime.watch(call, allowance, compare).await
    }
}

fn compare(receipt: &Receipt, existing: Option<&Existing>) -> Comparison {
    let is_deletion = receipt.written == Written::Deleted;
    let Some(existing) = existing else {
        return match is_deletion {
            true => Comparison::Unchanged,
            false => Comparison::Gone,
        };
    };
    let (Some(answered), Some(updated)) = (receipt.at, existing.updated_at) else {
        return Comparison::CannotTell(Doubt::NoTime);
    };
    let (answered, updated) = (seconds(answered), seconds(updated));
    if updated > answered {
        Comparison::Changed
    } else if receipt.written == Written::AccessChanged {
        Comparison::CannotTell(Doubt::AccessAlone)
    } else if updated == answered {
        Comparison::CannotTell(Doubt::SameSecond)
    } else if is_deletion || updated + LONGEST_REQUEST.as_secs() < answered {
        Comparison::CannotTell(Doubt::OlderRead)
    } else {
        Comparison::Unchanged
    }
}

fn seconds(instant: SystemTime) -> u64 {
    let since = instant.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
