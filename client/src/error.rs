//! One error for everything, asked by predicates.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::StatusCode;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// What went wrong, what that means for the secret, and what to try.
///
/// The error is opaque: ask it by its predicates ([`Error::is_permission`], [`Error::is_rate_limited`] and so
/// on) and accessors. Printing it, with `Display` or `Debug`, never shows a token, a value, or text that the
/// server may have copied from the request.
///
/// The predicates tell of the attempt that decided. What an earlier attempt may have done, whose reply was lost, is
/// always in [`Error::applied`].
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
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

/// Whether the write that an [`Error`] came from was carried out: a put, a deletion, a selection of repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Applied {
    /// Nothing was changed: the request never left, or GitHub refused it.
    No,
    /// A request left and its outcome is not known: GitHub may have carried it out.
    Unknown,
    /// GitHub carried it out, and said so in a reply that can't be read otherwise. Repeating it would do it twice.
    Yes,
}

/// What kind of failure an [`Error`] is.
///
#[doc = include_str!("guide/kinds.md")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// [`Error::is_invalid_input`].
    InvalidInput,
    /// [`Error::is_config`].
    Config,
    /// [`Error::is_unsupported`].
    Unsupported,
    /// [`Error::is_token_source`].
    TokenSource,
    /// [`Error::is_public_key`].
    PublicKey,
    /// [`Error::is_tls`].
    Tls,
    /// [`Error::is_transport`], but not [`Tls`](Self::Tls).
    Transport,
    /// [`Error::is_timeout`].
    Timeout,
    /// [`Error::is_rate_limited`].
    RateLimited,
    /// [`Error::is_unauthorized`].
    Unauthorized,
    /// [`Error::is_permission`].
    Permission,
    /// [`Error::is_not_found`].
    NotFound,
    /// [`Error::is_conflict`].
    Conflict,
    /// [`Error::is_validation`].
    Validation,
    /// [`Error::is_redirect`].
    Redirect,
    /// [`Error::is_server_error`].
    Server,
    /// A status that none of the others is about; see [`Error::status`].
    Status,
    /// [`Error::is_unexpected_reply`].
    UnexpectedReply,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An argument that GitHub would refuse, or that can't be expressed.
    Input,
    /// A builder setting that can't work.
    Config,
    /// The scope or the server does not have this operation.
    Unsupported,
    /// No reply, or half of one: name resolution, connection, TLS, reset, truncation.
    Transport,
    /// The TLS peer could not be trusted.
    Tls,
    /// The call's time was used up.
    Timeout,
    /// GitHub limits traffic and the wait is longer than the call may take.
    RateLimited,
    /// A reply with a status that means failure.
    Status(StatusCode),
    /// A reply that can't be GitHub's.
    UnexpectedReply,
    /// The token source could not give a token.
    Token,
    /// The public key that the server gave can't be used.
    Key,
    /// There is already what was to be created.
    Exists,
}

#[derive(Clone)]
struct Inner {
    kind: Kind,
    status: Option<StatusCode>,
    /// What was attempted: an operation and what it was aimed at.
    action: Option<String>,
    /// Why it failed, in our words.
    reason: String,
    /// GitHub's message, if it is safe to repeat.
    message: Option<String>,
    /// What to try.
    hint: Option<String>,
    applied: Applied,
    documentation_url: Option<String>,
    request_id: Option<String>,
    retry_at: Option<SystemTime>,
    retry_after: Option<Duration>,
    permission: Option<String>,
    sso_url: Option<String>,
    attempts: u32,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    reach: Reach,
}

/// Whom else a failure would meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Nobody, as far as is known.
    Secret,
    /// Every secret of the scope.
    Scope,
    /// Whoever needs a token for this owner, or for none.
    Owner(Option<String>),
    /// Every call of the client.
    Everyone,
}

impl Error {
    pub(crate) fn new(kind: Kind, reason: impl Into<String>) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                status: None,
                action: None,
                reason: reason.into(),
                message: None,
                hint: None,
                applied: Applied::No,
                documentation_url: None,
                request_id: None,
                retry_at: None,
                retry_after: None,
                permission: None,
                sso_url: None,
                attempts: 0,
                source: None,
                reach: Reach::Secret,
            }),
        }
    }

    pub(crate) fn input(reason: impl Into<String>) -> Self {
        Self::new(Kind::Input, reason)
    }

    pub(crate) fn config(reason: impl Into<String>) -> Self {
        Self::new(Kind::Config, reason)
    }

    pub(crate) fn unsupported(reason: impl Into<String>) -> Self {
        Self::new(Kind::Unsupported, reason)
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// The same refusal, where it means that something is not permitted.
    #[cfg(feature = "app")]
    pub(crate) fn of_permission(self) -> Self {
        self.change(|inner| inner.kind = Kind::Status(StatusCode::FORBIDDEN))
    }

    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        self.change(|inner| inner.status = Some(status))
    }

    pub(crate) fn with_action(self, action: impl Into<String>) -> Self {
        self.change(|inner| {
            inner.action.get_or_insert_with(|| action.into());
        })
    }

    pub(crate) fn with_message(self, message: Option<String>) -> Self {
        self.change(|inner| inner.message = message)
    }

    /// The same, with more about why it failed.
    pub(crate) fn with_detail(self, detail: &str) -> Self {
        self.change(|inner| inner.reason = format!("{} ({detail})", inner.reason))
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        self.change(|inner| inner.hint = Some(hint.into()))
    }

    /// One more thing to try.
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

    pub(crate) fn with_documentation_url(self, url: Option<String>) -> Self {
        self.change(|inner| inner.documentation_url = url)
    }

    pub(crate) fn with_request_id(self, id: Option<String>) -> Self {
        self.change(|inner| inner.request_id = id)
    }

    pub(crate) fn with_retry(self, after: Duration) -> Self {
        self.change(|inner| {
            inner.retry_at = SystemTime::now().checked_add(after);
            inner.retry_after = Some(after);
        })
    }

    pub(crate) fn with_permission(self, permission: Option<String>) -> Self {
        self.change(|inner| inner.permission = permission)
    }

    pub(crate) fn with_sso_url(self, url: Option<String>) -> Self {
        self.change(|inner| inner.sso_url = url)
    }

    pub(crate) fn with_attempts(self, attempts: u32) -> Self {
        self.change(|inner| inner.attempts = attempts)
    }

    /// An error that foreign code gave: one of ours already says what happened, another is the source of `ours`.
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

    /// Whether the same call may well succeed a little later.
    pub(crate) fn is_transient(&self) -> bool {
        self.is_timeout() || self.is_server_error() || self.is_transport() && !self.is_tls()
    }

    /// The same failure, for a secret that was not tried because of it.
    pub(crate) fn not_tried(&self, action: String) -> Self {
        self.clone().change(|inner| {
            inner.reason = format!("not tried after another secret failed: {}", inner.reason);
            inner.action = Some(action);
            inner.applied = Applied::No;
            inner.attempts = 0;
        })
    }

    /// What kind of failure it is; the predicates below ask for one each.
    pub fn kind(&self) -> ErrorKind {
        match self.inner.kind {
            Kind::Input => ErrorKind::InvalidInput,
            Kind::Config => ErrorKind::Config,
            Kind::Unsupported => ErrorKind::Unsupported,
            Kind::Transport => ErrorKind::Transport,
            Kind::Tls => ErrorKind::Tls,
            Kind::Timeout => ErrorKind::Timeout,
            Kind::RateLimited => ErrorKind::RateLimited,
            Kind::UnexpectedReply => ErrorKind::UnexpectedReply,
            Kind::Token => ErrorKind::TokenSource,
            Kind::Key => ErrorKind::PublicKey,
            Kind::Exists => ErrorKind::Conflict,
            Kind::Status(_) if self.is_permission() => ErrorKind::Permission,
            Kind::Status(_) if self.is_validation() => ErrorKind::Validation,
            Kind::Status(status) => match status {
                StatusCode::UNAUTHORIZED => ErrorKind::Unauthorized,
                StatusCode::NOT_FOUND => ErrorKind::NotFound,
                StatusCode::CONFLICT => ErrorKind::Conflict,
                status if status.is_redirection() => ErrorKind::Redirect,
                status if status.is_server_error() => ErrorKind::Server,
                _ => ErrorKind::Status,
            },
        }
    }

    /// Whether the same call may well succeed later, without a change of anything: after a while, or at
    /// [`Error::retry_at`].
    pub fn is_retryable(&self) -> bool {
        self.inner.applied != Applied::Yes && (self.is_transient() || self.is_rate_limited())
    }

    /// Whether nothing was sent for it: it was refused here, or a batch gave it up after others had failed.
    pub fn is_untried(&self) -> bool {
        self.inner.attempts == 0 && self.inner.applied == Applied::No
    }

    /// An argument was refused: a name, a value over 48 KB, a missing visibility, a repository that was not found.
    /// Nothing was written; at most something was looked up. Change the argument as the message says.
    pub fn is_invalid_input(&self) -> bool {
        self.inner.kind == Kind::Input
    }

    /// A setting of the builder can't work, for example a plain `http://` address. Nothing was sent. Change it as
    /// the message says.
    pub fn is_config(&self) -> bool {
        self.inner.kind == Kind::Config
    }

    /// The scope does not have this operation, which is known before anything is sent; or the server seems not to have
    /// it, since GitHub Enterprise Server lacks some stores. The latter is read from how GitHub words a `404` and is
    /// not certain, so [`Error::is_not_found`] holds as well. Nothing was stored. Use a store that the server has, or
    /// check names and token as for any `404`.
    pub fn is_unsupported(&self) -> bool {
        self.inner.kind == Kind::Unsupported
    }

    /// No usable reply arrived: the name did not resolve, the connection failed or broke, TLS was refused, and so for
    /// as long as the call retried. If the connection broke after a write was sent, it may have been carried out:
    /// [`Error::applied`] says so. Check the network, the proxy and the base URL, and try again.
    pub fn is_transport(&self) -> bool {
        matches!(self.inner.kind, Kind::Transport | Kind::Tls)
    }

    /// The server's certificate could not be trusted, or the server speaks no TLS. Nothing was sent, and it is not tried again. Check the host name
    /// and the clock; for a certificate authority of one's own, see
    /// [`root_certificates`](crate::ClientBuilder::root_certificates).
    pub fn is_tls(&self) -> bool {
        self.inner.kind == Kind::Tls
    }

    /// The time given to the call was used up before GitHub answered. A write that had been sent may have been carried
    /// out: [`Error::applied`] says so. Try again, with more time if it happens often: see
    /// [`RetryPolicy`](crate::RetryPolicy).
    pub fn is_timeout(&self) -> bool {
        self.inner.kind == Kind::Timeout
    }

    /// GitHub limits the traffic, or refuses every token for a while after too many wrong ones, and the wait is longer
    /// than the call may take. GitHub did nothing. Try again at [`Error::retry_at`], or give calls a longer [`deadline`](crate::RetryPolicy::deadline).
    pub fn is_rate_limited(&self) -> bool {
        self.inner.kind == Kind::RateLimited
    }

    /// `401`: the token is wrong, revoked or expired. GitHub did nothing. Give a valid one; do not go on with this
    /// one, since after many refusals GitHub locks out valid tokens too.
    pub fn is_unauthorized(&self) -> bool {
        self.inner.kind == Kind::Status(StatusCode::UNAUTHORIZED)
    }

    /// `403`: GitHub does not allow it: the token lacks a permission, a scope or a single sign-on authorization, or the
    /// repository is archived. GitHub did nothing. [`Error::required_permission`], [`Error::sso_url`] and
    /// [`Error::hint`] say what to change, where GitHub did.
    pub fn is_permission(&self) -> bool {
        self.inner.kind == Kind::Status(StatusCode::FORBIDDEN)
    }

    /// `404`: missing, renamed, or invisible to this token; GitHub does not say which. It did nothing. True for every
    /// `404`, also where [`Error::is_unsupported`] holds. Check the names, and what the token may see.
    pub fn is_not_found(&self) -> bool {
        self.inner.status == Some(StatusCode::NOT_FOUND)
    }

    /// `409`: in conflict with the state that GitHub holds, for example repositories set on a secret whose
    /// visibility is not `selected`; or there is already what was only to be created
    /// ([`Put::only_if_missing`](crate::secrets::Put::only_if_missing)). GitHub did nothing. Give the secret that visibility first.
    pub fn is_conflict(&self) -> bool {
        self.kind() == ErrorKind::Conflict
    }

    /// `422` or `400`: GitHub refused the content of the request and stored nothing. [`Error::hint`] says what it may
    /// be; GitHub's own words are left out where they may repeat what was sent.
    pub fn is_validation(&self) -> bool {
        matches!(
            self.inner.kind,
            Kind::Status(StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST)
        )
    }

    /// `5xx`: GitHub failed, and went on failing for as long as the call retried. A write may have been carried out
    /// all the same: [`Error::applied`] says so. Try again later.
    pub fn is_server_error(&self) -> bool {
        matches!(self.inner.kind, Kind::Status(status) if status.is_server_error())
    }

    /// A redirect that was not followed, because it leads to another origin, changes the method, or repeats. GitHub
    /// did nothing. Use the repository's present name, or the server's own address.
    pub fn is_redirect(&self) -> bool {
        matches!(self.inner.kind, Kind::Status(status) if status.is_redirection())
    }

    /// A reply that GitHub would not give: HTML with `200` (a captive portal), a body that is not what the
    /// operation returns, a body beyond the size cap, a `Link` that leads to no next page, a list that ends too early or shows
    /// less than has to be kept. A write that was answered so may have been carried out: [`Error::applied`] says so.
    /// Check what lies between here and GitHub: the proxy, the portal, the base URL.
    pub fn is_unexpected_reply(&self) -> bool {
        self.inner.kind == Kind::UnexpectedReply
    }

    /// The token source could not give a token; [`source`](StdError::source) is its own error. Nothing was
    /// sent. Mend what the source reads, and try again.
    pub fn is_token_source(&self) -> bool {
        self.inner.kind == Kind::Token
    }

    /// The server gave a public key that can't be sealed to. Nothing was sealed with it or sent. Check what answers
    /// at the base URL: GitHub gives no such key.
    pub fn is_public_key(&self) -> bool {
        self.inner.kind == Kind::Key
    }

    /// The HTTP status of the reply that decided, if one did.
    pub fn status(&self) -> Option<u16> {
        self.inner.status.map(|status| status.as_u16())
    }

    /// GitHub's message, unless it may repeat what was sent.
    pub fn message(&self) -> Option<&str> {
        self.inner.message.as_deref()
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
        self.inner.documentation_url.as_deref()
    }

    /// GitHub's id of the request, which its support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.inner.request_id.as_deref()
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
        self.inner.permission.as_deref()
    }

    /// Where to authorize the token for the organization's single sign-on. The address is checked to be GitHub's.
    pub fn sso_url(&self) -> Option<&str> {
        self.inner.sso_url.as_deref()
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
        if let Some(message) = &inner.message {
            write!(f, " (GitHub says: {})", message.trim_end_matches('.'))?;
        }
        match inner.applied {
            Applied::No => {}
            Applied::Unknown => f.write_str("; GitHub may have carried it out all the same")?,
            Applied::Yes => f.write_str("; GitHub carried it out all the same")?,
        }
        if let Some(permission) = &inner.permission {
            write!(f, "; needed: {permission}")?;
        }
        if let Some(url) = &inner.sso_url {
            write!(f, "; authorize the token at {url}")?;
        }
        if let Some(hint) = &inner.hint {
            write!(f, "; {hint}")?;
        }
        if let Some(id) = &inner.request_id {
            write!(f, " [request {id}]")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.inner;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("action", &inner.action)
            .field("reason", &inner.reason)
            .field("message", &inner.message)
            .field("stored", &inner.applied)
            .field("documentation_url", &inner.documentation_url)
            .field("request_id", &inner.request_id)
            .field("retry_after", &inner.retry_after)
            .field("permission", &inner.permission)
            .field("attempts", &inner.attempts)
            .field("source", &inner.source)
            .finish()
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
