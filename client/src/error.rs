//! The error of all calls.

mod kind;
mod shown;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::StatusCode;

pub use kind::ErrorKind;
pub(crate) use shown::{Given, GivenPath, is_like_secret, may_be_shown, shown, shown_path};

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// An error, which says what failed, what that means for the secret, and what to try.
///
/// The error is opaque: ask it by its predicates ([`Error::is_permission`], [`Error::is_rate_limited`] and so
/// on) and accessors. Printing it, with `Display` or `Debug`, never shows a token, a value, or text that the
/// server may have copied from the request.
///
/// The predicates tell of the last attempt. [`Error::applied`] counts earlier ones too, whose replies were lost.
///
/// # Examples
/// ```
/// # fn explain(error: octoseal::Error) {
/// if error.is_rate_limited() {
///     println!("try again at {:?}", error.retry_at());
/// } else if error.is_permission() {
///     println!("the token lacks {:?}", error.required_permission());
/// }
/// if error.applied() == octoseal::Applied::Unknown {
///     println!("GitHub may have done it: {error}");
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Error {
    inner: Arc<Inner>,
}

/// Whether a write that failed with an [`Error`] was carried out: a put, a deletion, a selection of repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Applied {
    /// Nothing was changed: the request never left, or GitHub refused it.
    No,
    /// A request left and its outcome is not known: GitHub may have carried it out.
    Unknown,
    /// GitHub carried it out and said so, but the rest of its reply can't be read, or a later step of the call failed. Look
    /// before you repeat it: another creation would create a second one.
    Yes,
}

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    told: Told,
    /// "storing TOKEN in actions:org/acme".
    action: Option<String>,
    /// Why it failed, in our words.
    reason: String,
    /// What to try.
    hint: Option<String>,
    applied: Applied,
    retry_at: Option<SystemTime>,
    retry_after: Option<Duration>,
    attempts: u32,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    reach: Reach,
}

/// The parts of a reply that are safe to quote in an error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) status: Option<StatusCode>,
    /// GitHub's message.
    pub(crate) message: Option<String>,
    pub(crate) documentation_url: Option<String>,
    pub(crate) request_id: Option<String>,
    /// The permission or scope that the call needs.
    pub(crate) permission: Option<String>,
    pub(crate) sso_url: Option<String>,
}

/// Which other calls would fail the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// None, as far as is known.
    Secret,
    /// Those for any secret of the scope.
    Scope,
    /// Those that need a token for this owner, or for none.
    Owner(Option<String>),
    /// All calls of the client.
    Everyone,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                told: Told::default(),
                action: None,
                reason: reason.into(),
                hint: None,
                applied: Applied::No,
                retry_at: None,
                retry_after: None,
                attempts: 0,
                source: None,
                reach: Reach::Secret,
            }),
        }
    }

    pub(crate) fn input(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, reason)
    }

    pub(crate) fn config(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, reason)
    }

    pub(crate) fn unsupported(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, reason)
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    #[cfg(feature = "app")]
    pub(crate) fn into_permission(self) -> Self {
        self.change(|inner| inner.kind = ErrorKind::Permission)
    }

    pub(crate) fn with_told(self, told: Told) -> Self {
        self.change(|inner| inner.told = told)
    }

    pub(crate) fn told(&self) -> &Told {
        &self.inner.told
    }

    pub(crate) fn with_action(self, action: impl Into<String>) -> Self {
        self.change(|inner| {
            inner.action.get_or_insert_with(|| action.into());
        })
    }

    pub(crate) fn with_detail(self, detail: &str) -> Self {
        self.change(|inner| inner.reason = format!("{} ({detail})", inner.reason))
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        self.change(|inner| inner.hint = Some(hint.into()))
    }

    pub(crate) fn with_further_hint(self, further: &str) -> Self {
        self.change(|inner| {
            inner.hint = Some(match inner.hint.take() {
                Some(hint) => format!("{hint}; {further}"),
                None => further.to_owned(),
            });
        })
    }

    pub(crate) fn with_applied(self, applied: Applied) -> Self {
        self.change(|inner| inner.applied = applied)
    }

    pub(crate) fn with_retry(self, after: Duration) -> Self {
        self.change(|inner| {
            inner.retry_at = SystemTime::now().checked_add(after);
            inner.retry_after = Some(after);
        })
    }

    pub(crate) fn with_attempts(self, attempts: u32) -> Self {
        self.change(|inner| inner.attempts = attempts)
    }

    /// An error that a caller's code gave: as it is, if it is an [`Error`], and otherwise as the source of `ours`.
    pub(crate) fn of_source(error: BoxError, ours: impl FnOnce() -> Self) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => *error,
            Err(error) => ours().with_source(error),
        }
    }

    pub(crate) fn with_source(self, source: impl Into<BoxError>) -> Self {
        self.change(|inner| inner.source = Some(source.into().into()))
    }

    pub(crate) fn with_reach(self, reach: Reach) -> Self {
        self.change(|inner| inner.reach = reach)
    }

    pub(crate) fn reach(&self) -> &Reach {
        &self.inner.reach
    }

    /// Whether the same call may succeed a little later.
    pub(crate) fn is_transient(&self) -> bool {
        self.is_timeout() || self.is_server_error() || self.is_transport() && !self.is_tls()
    }

    /// This failure, for a secret that was not tried because of it.
    pub(crate) fn not_tried(&self, action: String) -> Self {
        self.clone().change(|inner| {
            inner.reason = format!("not tried after another secret failed: {}", inner.reason);
            inner.action = Some(action);
            inner.applied = Applied::No;
            inner.attempts = 0;
        })
    }

    /// The HTTP status of the reply that the call failed with, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.inner.told.status.map(|status| status.as_u16())
    }

    /// GitHub's message, unless it may quote what was sent.
    pub fn message(&self) -> Option<&str> {
        self.inner.told.message.as_deref()
    }

    /// What to try next, in a sentence.
    pub fn hint(&self) -> Option<&str> {
        self.inner.hint.as_deref()
    }

    /// Whether the write that failed was nevertheless carried out, or may have been.
    pub fn applied(&self) -> Applied {
        self.inner.applied
    }

    /// The page of GitHub's documentation that the reply named.
    pub fn documentation_url(&self) -> Option<&str> {
        self.inner.told.documentation_url.as_deref()
    }

    /// GitHub's id of the request, which its support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.inner.told.request_id.as_deref()
    }

    /// When GitHub will accept requests again, by this machine's clock.
    pub fn retry_at(&self) -> Option<SystemTime> {
        self.inner.retry_at
    }

    /// How long after the failure GitHub will accept requests again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// The permission or token scope that GitHub says the call needs, for example
    /// `organization_secrets=write` or `admin:org`.
    pub fn required_permission(&self) -> Option<&str> {
        self.inner.told.permission.as_deref()
    }

    /// Where to authorize the token for the organization's single sign-on. The address is checked to be GitHub's.
    pub fn sso_url(&self) -> Option<&str> {
        self.inner.told.sso_url.as_deref()
    }

    /// How many requests were sent for the call that failed.
    pub fn attempts(&self) -> u32 {
        self.inner.attempts
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.inner;
        if let Some(action) = &inner.action {
            write!(f, "{action}: ")?;
        }
        f.write_str(&inner.reason)?;
        if let Some(message) = &inner.told.message {
            write!(f, " (GitHub says: {})", message.trim_end_matches('.'))?;
        }
        match inner.applied {
            Applied::No => {}
            Applied::Unknown => f.write_str("; GitHub may have carried it out all the same")?,
            Applied::Yes => f.write_str("; GitHub carried it out all the same")?,
        }
        if let Some(permission) = &inner.told.permission {
            write!(f, "; needed: {permission}")?;
        }
        if let Some(url) = &inner.told.sso_url {
            write!(f, "; authorize the token at {url}")?;
        }
        if let Some(hint) = &inner.hint {
            write!(f, "; {hint}")?;
        }
        if let Some(id) = &inner.told.request_id {
            write!(f, " [request {id}]")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
