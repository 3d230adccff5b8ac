//! The account that GitHub counts a request for.

use std::fmt;

use blake2::digest::consts::U16;
use blake2::{Blake2b, Digest};

/// The account that GitHub counts a request for: a user, or one installation of an App. Each has limits of its own.
///
/// It is a hash, cheap to copy and the same in every process. What it was made from can't be found out by it, so that
/// it may be written into logs and into what processes share.
///
/// # Examples
/// ```
/// use octoseal::limits::Identity;
///
/// assert_eq!(Identity::named("ci-bot"), Identity::named("CI-bot"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity([u8; 16]);

impl Identity {
    /// A user or service by a name of your choice, in any case: tokens that belong to one user should go by one name.
    pub fn named(name: &str) -> Self {
        Self::hash("named", &name.to_lowercase())
    }

    /// An installation of a GitHub App.
    pub fn installation(id: u64) -> Self {
        Self::named(&format!("installation {id}"))
    }

    /// The owner of a token. Tokens are random, so that a hash tells nothing of them.
    pub(crate) fn of_token(token: &str) -> Self {
        Self::hash("token", token)
    }

    /// This identity at a host: github.com and each server count for themselves.
    pub(crate) fn at(self, host: &str) -> Self {
        Self::hash(&self.to_string(), host)
    }

    fn hash(kind: &str, text: &str) -> Self {
        let hash = Blake2b::<U16>::new()
            .chain_update("octoseal identity\0")
            .chain_update(kind)
            .chain_update("\0")
            .chain_update(text);
        Self(hash.finalize().into())
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({self})")
    }
}
