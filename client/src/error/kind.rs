//! The kinds of errors.

use reqwest::StatusCode;

use super::{Applied, Error};

/// The kind of failure that an [`Error`] is.
///
#[doc = include_str!("../guide/kinds.md")]
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
    /// Another status than those of the other kinds; see [`Error::status`].
    Status,
    /// [`Error::is_unexpected_reply`].
    UnexpectedReply,
}

impl ErrorKind {
    /// The kind of a reply of GitHub's with this status.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized,
            StatusCode::FORBIDDEN => Self::Permission,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::CONFLICT => Self::Conflict,
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Self::Validation,
            status if status.is_redirection() => Self::Redirect,
            status if status.is_server_error() => Self::Server,
            _ => Self::Status,
        }
    }
}

impl Error {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Whether the same call may succeed later: after a while, or at [`Error::retry_at`].
    pub fn is_retryable(&self) -> bool {
        self.inner.applied != Applied::Yes && (self.is_transient() || self.is_rate_limited())
    }

    /// Whether nothing was sent: the call was refused here, or a batch gave it up after others had failed.
    pub fn is_untried(&self) -> bool {
        self.inner.attempts == 0 && self.inner.applied == Applied::No
    }

    /// An argument was refused: a name, a value over 48 KB, a missing visibility, a repository that was not found.
    /// Nothing was written; at most something was looked up. Change the argument as the message says.
    pub fn is_invalid_input(&self) -> bool {
        self.inner.kind == ErrorKind::InvalidInput
    }

    /// A setting of the builder can't work, for example a plain `http://` address. Nothing was sent. Change it as
    /// the message says.
    pub fn is_config(&self) -> bool {
        self.inner.kind == ErrorKind::Config
    }

    /// The scope does not have this operation, which is known before anything is sent; or the server seems not to have
    /// it, since GitHub Enterprise Server lacks some stores. The latter is read from how GitHub words a `404` and is
    /// not certain, so [`Error::is_not_found`] holds as well. Nothing was stored. Use a store that the server has, or
    /// check names and token as for any `404`.
    pub fn is_unsupported(&self) -> bool {
        self.inner.kind == ErrorKind::Unsupported
    }

    /// No usable reply arrived: the name did not resolve, the connection failed or broke, TLS was refused, and so for
    /// as long as the call retried. If the connection broke after a write was sent, it may have been carried out:
    /// [`Error::applied`] says so. Check the network, the proxy and the base URL, and try again.
    pub fn is_transport(&self) -> bool {
        matches!(self.inner.kind, ErrorKind::Transport | ErrorKind::Tls)
    }

    /// The server's certificate could not be trusted. Nothing was sent, and the call was not retried. Check the host name
    /// and the clock; for a certificate authority of your own, see
    /// [`root_certificates`](crate::ClientBuilder::root_certificates).
    pub fn is_tls(&self) -> bool {
        self.inner.kind == ErrorKind::Tls
    }

    /// The time given to the call was used up before GitHub answered. A write that had been sent may have been carried
    /// out: [`Error::applied`] says so. Try again, with more time if it happens often: see
    /// [`RetryPolicy`](crate::RetryPolicy).
    pub fn is_timeout(&self) -> bool {
        self.inner.kind == ErrorKind::Timeout
    }

    /// GitHub limits the traffic, or refuses every token for a while after too many wrong ones, and the wait is longer
    /// than the call may take. GitHub did nothing. Try again at [`Error::retry_at`], or give calls a longer [`deadline`](crate::RetryPolicy::deadline).
    pub fn is_rate_limited(&self) -> bool {
        self.inner.kind == ErrorKind::RateLimited
    }

    /// `401`: the token is wrong, revoked or expired. GitHub did nothing. Give a valid one; do not go on with this
    /// one, since after many refusals GitHub locks out valid tokens too.
    pub fn is_unauthorized(&self) -> bool {
        self.inner.kind == ErrorKind::Unauthorized
    }

    /// `403`: GitHub does not allow it: the token lacks a permission, a scope or a single sign-on authorization, or the
    /// repository is archived. GitHub did nothing. [`Error::required_permission`], [`Error::sso_url`] and
    /// [`Error::hint`] say what to change, where GitHub did.
    pub fn is_permission(&self) -> bool {
        self.inner.kind == ErrorKind::Permission
    }

    /// `404`: missing, renamed, or invisible to this token; GitHub does not say which. It did nothing. True for every
    /// `404`, also where [`Error::is_unsupported`] holds; and where [`Error::is_unexpected_reply`] does, since something
    /// between here and GitHub gave it: that one proves nothing. Check the names, and what the token may see.
    pub fn is_not_found(&self) -> bool {
        self.inner.told.status == Some(StatusCode::NOT_FOUND)
    }

    /// Whether GitHub itself said so.
    pub(crate) fn is_githubs_not_found(&self) -> bool {
        self.is_not_found() && !self.is_unexpected_reply()
    }

    /// `409`: in conflict with the state that GitHub holds, for example repositories set on a secret whose
    /// visibility is not `selected`; or there is already what was only to be created
    /// ([`Put::only_if_missing`](crate::secrets::Put::only_if_missing)). GitHub did nothing. Give the secret that visibility first.
    pub fn is_conflict(&self) -> bool {
        self.inner.kind == ErrorKind::Conflict
    }

    /// `422` or `400`: GitHub refused the content of the request and stored nothing. [`Error::hint`] says what it may
    /// be; GitHub's own words are left out where they may repeat what was sent.
    pub fn is_validation(&self) -> bool {
        self.inner.kind == ErrorKind::Validation
    }

    /// `5xx`: GitHub failed, and went on failing for as long as the call retried. A write may have been carried out
    /// all the same: [`Error::applied`] says so. Try again later.
    pub fn is_server_error(&self) -> bool {
        self.inner.kind == ErrorKind::Server
    }

    /// A redirect that was not followed, because it leads to another origin, changes the method, or follows another.
    /// GitHub did nothing, unless [`Error::is_unexpected_reply`] holds too: then something between here and GitHub sent it.
    /// Use the repository's present name, or the server's own address.
    pub fn is_redirect(&self) -> bool {
        let status = self.inner.told.status;
        let is_foreign =
            || self.is_unexpected_reply() && status.is_some_and(|it| it.is_redirection());
        self.inner.kind == ErrorKind::Redirect || is_foreign()
    }

    /// A reply that GitHub would not give: HTML with `200` (a captive portal), a refusal or a redirect without the
    /// marks of GitHub's replies, a body that is not what the operation returns or is too large, a `Link` that leads to no
    /// next page, a list that ends too early or shows less than has to be kept. A write with such a reply may have been
    /// carried out: [`Error::applied`] says so. Check what lies between here and GitHub: the proxy, the portal, the base
    /// URL.
    pub fn is_unexpected_reply(&self) -> bool {
        self.inner.kind == ErrorKind::UnexpectedReply
    }

    /// The token source could not give a token; [`source`](std::error::Error::source) is its own error. Nothing was
    /// sent. Repair what the source reads, and try again.
    pub fn is_token_source(&self) -> bool {
        self.inner.kind == ErrorKind::TokenSource
    }

    /// The server gave a public key that can't be sealed to. Nothing was sealed with it or sent. Check what answers
    /// at the base URL: GitHub gives no such key.
    pub fn is_public_key(&self) -> bool {
        self.inner.kind == ErrorKind::PublicKey
    }
}
