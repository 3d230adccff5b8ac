//! Failures below HTTP, without a reply.

use std::io;

use octoseal_api::{TransportError, TransportErrorKind};

use super::reply::{Class, Failure};
use crate::error::{Error, ErrorKind};

const UNTRUSTED: &str = "TLS: the server's certificate was not accepted";
const NO_TLS: &str = "TLS: the server did not speak it";

pub(super) fn failure(error: TransportError) -> Failure {
    use TransportErrorKind::{Certificate, Connect, Request, Timeout};
    let by_proxy = refusal_by_proxy(&error);
    let (kind, reason, class) = match (error.kind(), by_proxy) {
        (Certificate, _) => (ErrorKind::Tls, UNTRUSTED, Class::Final),
        (Connect, Some((reason, class))) => (ErrorKind::Transport, reason, class),
        (Connect, None) if is_untrusted(&error) => (ErrorKind::Tls, UNTRUSTED, Class::Final),
        // Tried again, since a load balancer that restarts may do so for a moment; a server of plain http always does.
        (Connect, None) if speaks_no_tls(&error) => {
            (ErrorKind::Transport, NO_TLS, Class::Transient)
        }
        (Request, _) => (
            ErrorKind::Config,
            "the request could not be built",
            Class::Final,
        ),
        (Connect, None) => (
            ErrorKind::Transport,
            "no connection to the server",
            Class::Transient,
        ),
        (Timeout, _) => (ErrorKind::Timeout, "no reply in time", Class::Transient),
        _ => (
            ErrorKind::Transport,
            "the connection broke before the reply",
            Class::Transient,
        ),
    };
    let hint = match reason {
        UNTRUSTED => Some(
            "check the host name, the clock, and the root certificates (SSL_CERT_FILE on Linux)",
        ),
        NO_TLS => Some("check the port and the scheme of the base URL, and the proxy"),
        _ if by_proxy.is_some() => {
            Some("check the proxy's address, user name and password, and what it allows")
        }
        _ => None,
    };
    let sent = error.may_have_been_sent();
    let mut failed = Error::new(kind, reason).with_source(error);
    if let Some(hint) = hint {
        failed = failed.with_hint(hint);
    }
    let failure = Failure::new(failed, class);
    if sent {
        failure.maybe_applied()
    } else {
        failure
    }
}

/// An error and its causes. The source of an I/O error skips the error that it wraps, so that is looked at first.
fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn std::error::Error + 'static)),
            None => error.source(),
        }
    })
}

pub(super) fn in_chain<T: std::error::Error + 'static>(
    error: &(dyn std::error::Error + 'static),
) -> bool {
    causes(error).any(|error| error.is::<T>())
}

/// Whether a connection failed at the check of the server's certificate. An alert from the other side, or an end in the
/// middle of a handshake, is a fault of the network.
fn is_untrusted(error: &TransportError) -> bool {
    // rustls' own words, and those of OpenSSL, Secure Transport and SChannel.
    let words = [
        "invalid peer certificate",
        "certificate verify failed",
        "certificate was not trusted",
        "certificate chain",
    ];
    says(error, &words)
}

/// Whether the other side answered a TLS handshake with something else, as a server of plain http does.
fn speaks_no_tls(error: &TransportError) -> bool {
    says(
        error,
        &["corrupt message", "wrong version number", "http request"],
    )
}

/// Whether the text of an error or of one of its causes has one of these words, in lower or upper case.
fn says(error: &TransportError, words: &[&str]) -> bool {
    causes(error).any(|error| {
        let text = error.to_string().to_ascii_lowercase();
        words.iter().any(|words| text.contains(words))
    })
}

/// The answer of a proxy that did not connect, in words.
fn refusal_by_proxy(error: &TransportError) -> Option<(&'static str, Class)> {
    causes(error).find_map(|error| {
        let text = error.to_string();
        if text.contains("proxy authorization required") {
            Some((
                "the proxy answered 407: it wants a user name and password",
                Class::Final,
            ))
        } else if text.contains("tunnel error") {
            Some(("the proxy did not connect to the server", Class::Transient))
        } else {
            None
        }
    })
}
