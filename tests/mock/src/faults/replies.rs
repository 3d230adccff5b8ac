//! Faults that answer in place of GitHub.

use std::time::Duration;

use http::{HeaderValue, StatusCode};

use crate::answer::errors;
use crate::answer::reply::{self, Refusal, Reply};
use crate::faults::Fault;
use crate::faults::effect::{Effect, Instead};
use crate::traffic::identity::Identity;

/// Why an organization refuses a token whatever its permissions are: only the message of the `403` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// The address that the request comes from is not on the list of those allowed.
    IpAllowList,
    /// Classic personal access tokens are forbidden.
    ClassicTokens,
    /// A token's lifetime is longer than allowed. The message holds an address at GitHub.
    TokenLifetime,
    /// The account is suspended.
    SuspendedAccount,
    /// The installation of the App is suspended.
    SuspendedInstallation,
}

impl Policy {
    fn message(self) -> &'static str {
        match self {
            Self::IpAllowList => {
                "Although you appear to have the correct authorization credentials, the `acme` organization has an IP \
                 allow list enabled, and your IP address is not permitted to access this resource."
            }
            Self::ClassicTokens => {
                "`acme` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a \
                 personal access token with fine-grained permissions."
            }
            Self::TokenLifetime => {
                "The 'acme' organization forbids access via a fine-grained personal access tokens if the token's \
                 lifetime is greater than 90 days. Please adjust your token's lifetime at the following URL: \
                 https://github.com/settings/personal-access-tokens/12345678"
            }
            Self::SuspendedAccount => "Sorry. Your account was suspended.",
            Self::SuspendedInstallation => "This installation has been suspended",
        }
    }
}

impl Fault {
    fn instead(reply: Reply) -> Self {
        Self::new(Effect::Instead(Instead {
            reply,
            reset_in: None,
            foreign: false,
        }))
    }

    fn refused(refusal: Refusal, page: &str) -> Self {
        Self::instead(refusal.into_reply(page))
    }

    /// Answers with `status` and `body` instead of working on the request. A body that begins with `<` is sent as
    /// HTML, any other as JSON; [`header`](Self::header) says otherwise. What else every reply of GitHub's carries is
    /// added.
    ///
    /// # Panics
    /// On a number that is no status.
    pub fn reply(status: u16, body: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).expect("a status between 100 and 999");
        let body = body.into();
        let content_type = if body.starts_with('<') {
            reply::HTML
        } else {
            reply::JSON
        };
        Self::instead(reply::with_body(status, content_type, body))
    }

    /// The same from something between here and GitHub: without any of GitHub's headers, a request id above all.
    ///
    /// # Panics
    /// On a number that is no status.
    pub fn foreign_reply(status: u16, body: impl Into<String>) -> Self {
        let mut fault = Self::reply(status, body);
        for effect in &mut fault.effects {
            if let Effect::Instead(instead) = effect {
                instead.foreign = true;
                if instead.reply.body().is_empty() {
                    instead.reply.headers_mut().clear();
                }
            }
        }
        fault
    }

    /// A secondary limit, without `retry-after` and with plenty of the primary limit left, as GitHub was seen to
    /// send it. Add the header with [`header`](Self::header).
    pub fn secondary_limit() -> Self {
        Self::refused(errors::secondary_limit(), errors::SECONDARY_PAGE)
    }

    /// A secondary limit that speaks of creating content.
    pub fn content_limit() -> Self {
        Self::refused(errors::content_limit(), errors::SECONDARY_PAGE)
    }

    /// A secondary limit as a page of HTML, with 429.
    pub fn limit_page() -> Self {
        Self::reply(
            429,
            "<!DOCTYPE html>\n<html><head><title>Rate limit &middot; GitHub</title></head><body><h1>Whoa there!</h1>\n\
             <p>You have exceeded a secondary rate limit. Please wait a few minutes before you try again.</p></body></html>\n",
        )
    }

    /// The primary limit, used up until `reset_in` from the refusal.
    pub fn primary_limit(reset_in: Duration) -> Self {
        let refusal = errors::primary_limit(&Identity::default());
        let mut reply = refusal.into_reply(errors::LIMITS_PAGE);
        let headers = reply.headers_mut();
        headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
        headers.insert("x-ratelimit-used", HeaderValue::from_static("5000"));
        Self::new(Effect::Instead(Instead {
            reply,
            reset_in: Some(reset_in),
            foreign: false,
        }))
    }

    /// The primary limit of an address: the request counted as anonymous, since its token did not arrive.
    pub fn anonymous_limit() -> Self {
        let message = "API rate limit exceeded for 203.0.113.7. (But here's the good news: Authenticated requests get a \
                       higher rate limit. Check out the documentation for more details.)";
        let mut reply = Refusal::new(403, message).into_reply(errors::LIMITS_PAGE);
        let headers = reply.headers_mut();
        headers.insert("x-ratelimit-limit", HeaderValue::from_static("60"));
        headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
        headers.insert("x-ratelimit-used", HeaderValue::from_static("60"));
        Self::new(Effect::Instead(Instead {
            reply,
            reset_in: Some(Duration::from_secs(3_600)),
            foreign: false,
        }))
    }

    /// 401, as for a token that is not valid.
    pub fn bad_credentials() -> Self {
        Self::refused(errors::bad_credentials(), errors::REST_PAGE)
    }

    /// 403, as for a token of an App that lacks a permission.
    pub fn forbidden() -> Self {
        Self::refused(errors::not_accessible_by_integration(), errors::REST_PAGE)
    }

    /// 403 by a policy.
    pub fn refused_by(policy: Policy) -> Self {
        Self::refused(Refusal::new(403, policy.message()), errors::REST_PAGE)
    }

    /// 404, as for what is not there or not visible: a token that not every server knows yet, an environment just
    /// created.
    pub fn not_found() -> Self {
        Self::refused(errors::not_found(), errors::REST_PAGE)
    }

    /// 500, as for writes that [overlap](Self::overlapping) in one scope.
    pub fn server_error() -> Self {
        Self::refused(Refusal::new(500, "Server Error"), errors::REST_PAGE)
    }

    /// 503, as GitHub answers when the service behind the secrets is away.
    pub fn service_unavailable() -> Self {
        Self::refused(errors::secrets_service_unavailable(), errors::REST_PAGE)
    }

    /// 502 with a page of HTML, as GitHub's gateway answers.
    pub fn unicorn() -> Self {
        Self::reply(
            502,
            "<!DOCTYPE html>\n<html><head><title>Unicorn! &middot; GitHub</title></head><body></body></html>\n",
        )
    }

    /// 504 with a page of HTML: what was asked for took too long.
    pub fn gateway_timeout() -> Self {
        Self::reply(
            504,
            "<html><body><h1>504 Gateway Time-out</h1></body></html>\n",
        )
    }

    /// 200 with a page of HTML, as the sign-in page of a hotel's network answers every request.
    pub fn captive_portal() -> Self {
        Self::foreign_reply(
            200,
            "<!DOCTYPE html>\n<html><body><h1>Please accept our terms</h1></body></html>\n",
        )
    }

    /// 403 with a page of HTML, as a firewall answers.
    pub fn firewall() -> Self {
        Self::foreign_reply(
            403,
            "<html><head><title>Web Filter</title></head><body><h1>Access denied by policy</h1></body></html>\n",
        )
    }

    /// 407 with a page of HTML, as a proxy answers that wants a password.
    pub fn proxy_authentication() -> Self {
        let page = "<html><body><h1>407 Proxy Authentication Required</h1></body></html>\n";
        Self::foreign_reply(407, page).header("proxy-authenticate", "Basic realm=\"proxy\"")
    }

    /// A public key of your choice, for what is no key at all. Fits requests for public keys alone.
    pub fn public_key(key_id: &str, key: &str) -> Self {
        let body = serde_json::json!({ "key_id": key_id, "key": key });
        Self::instead(reply::ok(&body)).at("/public-key").on("GET")
    }
}
