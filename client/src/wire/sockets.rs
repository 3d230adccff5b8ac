//! Connections over sockets, without redirects and retries of the HTTP library.

use std::sync::Arc;
use std::time::Duration;

use octoseal_api::Network;
use reqwest::{Proxy, Url};
use zeroize::Zeroizing;

use super::Connections;
use super::proxy::Proxies;
use crate::error::Error;

/// Settings of connections: certificates and proxies.
#[derive(Clone, Default)]
pub(crate) struct Sockets {
    /// PEM bundles of root certificates, in addition to the platform's.
    pub(crate) roots: Vec<Vec<u8>>,
    /// A client certificate and its key, both PEM.
    pub(crate) identity: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
    pub(crate) proxies: Proxies,
}

impl Sockets {
    /// The server and its proxy, for errors.
    fn route(&self, base: &Url, on_loopback: bool) -> String {
        match self.proxies.toward(base, on_loopback) {
            Ok(Some(proxy)) => format!("{} through the proxy {}", name(base), name(&proxy)),
            _ => name(base),
        }
    }

    /// A pool of connections to a server. None is opened yet.
    pub(crate) fn open(
        &self,
        base: &Url,
        on_loopback: bool,
        connect_timeout: Duration,
        attempt_timeout: Duration,
    ) -> Result<Connections, Error> {
        if base.scheme() == "https" && !tls::IS_COMPILED_IN {
            return Err(Error::config(
                "https needs one of the features rustls, rustls-no-provider and native-tls",
            )
            .with_hint(
                "rustls is a default feature; switch default-features on, or name one of the three",
            ));
        }
        let silence = (attempt_timeout / 3).max(Duration::from_millis(1));
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(connect_timeout)
            // Notices a dead connection (of a suspended machine, or behind a firewall that dropped it) within the attempt
            // that uses it. Otherwise all requests over HTTP/2 would use it until TCP gives it up.
            .http2_keep_alive_interval(silence)
            .http2_keep_alive_timeout(silence);
        builder = match self.proxies.toward(base, on_loopback)? {
            // For all connections, since they lead to this one server.
            Some(proxy) => builder.proxy(
                Proxy::all(proxy)
                    .map_err(|_| Error::config("the proxy's address can't be used"))?,
            ),
            None => builder.no_proxy(),
        };
        let wants_tls =
            base.scheme() == "https" || !self.roots.is_empty() || self.identity.is_some();
        builder = if wants_tls {
            tls::set_up(builder, &self.roots, self.identity.as_ref())?
        } else {
            tls::without_certificates(builder)?
        };
        let requests = built(builder)?;
        Ok(Connections {
            base: base.clone(),
            route: self.route(base, on_loopback),
            transport: Arc::new(Network::new(requests.clone())),
            requests,
        })
    }

    /// Whether there is any setting.
    pub(crate) fn are_set(&self) -> bool {
        !self.roots.is_empty() || self.identity.is_some() || !matches!(self.proxies, Proxies::None)
    }
}

/// A server's name and port.
pub(super) fn name(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    }
}

/// A client that puts requests together and never connects. Reads no certificates.
pub(super) fn unconnected() -> Result<reqwest::Client, Error> {
    built(tls::without_certificates(
        reqwest::Client::builder().no_proxy(),
    )?)
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, Error> {
    builder.build().map_err(|error| {
        Error::config("TLS could not be set up").with_source(error).with_hint(
            "without certificates of the platform (a container may have none), name what to trust by `root_certificates`",
        )
    })
}

#[cfg(any(
    feature = "rustls",
    feature = "rustls-no-provider",
    feature = "native-tls"
))]
mod tls {
    use reqwest::{Certificate, ClientBuilder, Identity};
    use zeroize::Zeroizing;

    use crate::error::Error;

    pub(super) const IS_COMPILED_IN: bool = true;

    pub(super) fn set_up(
        builder: ClientBuilder,
        bundles: &[Vec<u8>],
        pair: Option<&(Vec<u8>, Zeroizing<Vec<u8>>)>,
    ) -> Result<ClientBuilder, Error> {
        let mut builder = with_backend(builder)?;
        for bundle in bundles {
            builder = builder.tls_certs_merge(roots(bundle)?);
        }
        if let Some((certificate, key)) = pair {
            builder = builder.identity(identity(certificate, key)?);
        }
        Ok(builder)
    }

    /// For clients that never use TLS: the library would read the platform's certificates for them too.
    pub(super) fn without_certificates(builder: ClientBuilder) -> Result<ClientBuilder, Error> {
        Ok(with_backend(builder)?.tls_certs_only([]))
    }

    /// Selects rustls if several backends are compiled in.
    #[allow(clippy::unnecessary_wraps)]
    fn with_backend(builder: ClientBuilder) -> Result<ClientBuilder, Error> {
        #[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(Error::config("rustls has no crypto provider").with_hint(
                "call install_default() of one, such as rustls::crypto::ring::default_provider(), before the client \
                 is built; octoseal's feature rustls brings aws-lc-rs along",
            ));
        }
        #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
        let builder = builder.tls_backend_rustls();
        Ok(builder)
    }

    fn roots(bundle: &[u8]) -> Result<Vec<Certificate>, Error> {
        let refuse = || {
            Error::config("the root certificates are not a PEM bundle")
                .with_hint("they look like -----BEGIN CERTIFICATE----- … -----END CERTIFICATE-----")
        };
        let roots =
            Certificate::from_pem_bundle(bundle).map_err(|why| refuse().with_source(why))?;
        if roots.is_empty() {
            Err(refuse())
        } else {
            Ok(roots)
        }
    }

    /// A client certificate. Errors have no parser's message, since that may quote the key.
    fn identity(certificate: &[u8], key: &[u8]) -> Result<Identity, Error> {
        #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
        let identity = Identity::from_pem(&Zeroizing::new([certificate, b"\n", key].concat()));
        #[cfg(not(any(feature = "rustls", feature = "rustls-no-provider")))]
        let identity = Identity::from_pkcs8_pem(certificate, key);
        identity.map_err(|_| {
            Error::config("the client certificate and its key are not a pair of PEM texts")
                .with_hint("give the certificate with its chain, and the unencrypted private key as PKCS#8")
        })
    }
}

#[cfg(not(any(
    feature = "rustls",
    feature = "rustls-no-provider",
    feature = "native-tls"
)))]
mod tls {
    use reqwest::ClientBuilder;
    use zeroize::Zeroizing;

    use crate::error::Error;

    pub(super) const IS_COMPILED_IN: bool = false;

    pub(super) fn set_up(
        builder: ClientBuilder,
        bundles: &[Vec<u8>],
        pair: Option<&(Vec<u8>, Zeroizing<Vec<u8>>)>,
    ) -> Result<ClientBuilder, Error> {
        if bundles.is_empty() && pair.is_none() {
            return Ok(builder);
        }
        Err(Error::config(
            "certificates need one of the features rustls, rustls-no-provider and native-tls",
        ))
    }

    #[allow(clippy::unnecessary_wraps)]
    pub(super) fn without_certificates(builder: ClientBuilder) -> Result<ClientBuilder, Error> {
        Ok(builder)
    }
}
