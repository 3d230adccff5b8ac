//! Signatures for an App, by a key in memory or one that stays elsewhere.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use jsonwebtoken::Algorithm;
use zeroize::Zeroizing;

use super::key::AppKey;
use crate::error::{BoxError, Error, ErrorKind};

/// The shortest and the longest RSA signature in use: of keys of 2,048 bits, which GitHub gives out, and of 8,192.
const SIGNATURE_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// The future of a [`Signer`].
pub type SignatureFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, BoxError>> + Send + 'a>>;

/// Signs for a GitHub App, so that its private key can stay in a key management service, a hardware module or another
/// process. [`AppKey`] is the signer whose key lies in memory.
///
/// A signer gets the bytes of a message and gives a signature; Octoseal makes the claims and minds the clock. It is asked
/// about once in seven minutes, by one call for any number of callers, and once more if the server's clock turns out to
/// differ. It has a call's [retry window](crate::RetryPolicy::retry_window) to answer, and is not asked again within a call
/// when it fails, so it should retry transient failures itself. If it fails or panics, the call fails with
/// [`Error::is_token_source`], and the signer's error is the source.
///
/// | where the key lies | what to ask for |
/// |---|---|
/// | AWS KMS | `Sign` with `RSASSA_PKCS1_V1_5_SHA_256` and the message type `RAW` |
/// | Google Cloud KMS | `asymmetricSign` by a key of the algorithm `RSA_SIGN_PKCS1_2048_SHA256` |
/// | Azure Key Vault | `sign` with `RS256`, of the message's SHA-256 |
/// | Vault's transit engine | `transit/sign/NAME/sha2-256` with `signature_algorithm=pkcs1v15`, without the answer's prefix `vault:v1:` |
/// | another process | `openssl dgst -sha256 -sign KEY`, for instance |
///
/// # Examples
/// ```
/// use octoseal::{app::{App, SignatureFuture, Signer}, Client};
///
/// struct Kms;
///
/// impl Kms {
///     async fn sign_rs256(&self, key: &str, message: &[u8]) -> Result<Vec<u8>, std::io::Error> {
///         // A request to the service.
/// #       Err(std::io::Error::other(format!("{key} signs {} bytes elsewhere", message.len())))
///     }
/// }
///
/// impl Signer for Kms {
///     fn sign<'a>(&'a self, message: &'a [u8]) -> SignatureFuture<'a> {
///         Box::pin(async move { Ok(self.sign_rs256("github-app", message).await?) })
///     }
/// }
///
/// let github = Client::builder().app(App::new("Iv23liExample", Kms)).build()?;
/// # Ok::<(), octoseal::Error>(())
/// ```
pub trait Signer: Send + Sync {
    /// Signs a message of a few hundred bytes by RSASSA-PKCS1-v1_5 with SHA-256 (`RS256`), and gives the signature's
    /// bytes: 256 of them for a key of 2,048 bits, and no base64. The message is no secret; the signature is, for ten
    /// minutes.
    fn sign<'a>(&'a self, message: &'a [u8]) -> SignatureFuture<'a>;
}

impl Signer for AppKey {
    fn sign<'a>(&'a self, message: &'a [u8]) -> SignatureFuture<'a> {
        let text = jsonwebtoken::crypto::sign(message, &self.0, Algorithm::RS256);
        let text = text.ok().map(Zeroizing::new);
        let bytes = text.and_then(|text| URL_SAFE_NO_PAD.decode(text.as_bytes()).ok());
        let signature = bytes.ok_or_else(|| Error::config("the App's key can't sign").into());
        Box::pin(std::future::ready(signature))
    }
}

macro_rules! delegate_to_inner {
    ($($holder:ident),*) => {$(
        impl<T: Signer + ?Sized> Signer for $holder<T> {
            fn sign<'a>(&'a self, message: &'a [u8]) -> SignatureFuture<'a> {
                (**self).sign(message)
            }
        }
    )*};
}

delegate_to_inner!(Arc, Box);

/// Signs, and refuses a reply that can't be a signature.
pub(super) async fn sign(signer: &dyn Signer, message: &[u8]) -> Result<Vec<u8>, Error> {
    // Several callers share this future, and a panic would end them all.
    let signed = AssertUnwindSafe(async { signer.sign(message).await }).catch_unwind();
    let failed = |why: &str| Error::new(ErrorKind::TokenSource, format!("the App's signer {why}"));
    let signature = match signed.await {
        Ok(Ok(signature)) => signature,
        Ok(Err(error)) => {
            return Err(Error::of_source(error, || failed("gave no signature")));
        }
        Err(_) => return Err(failed("panicked")),
    };
    if signature.is_ascii() && !signature.is_empty() {
        return Err(failed("gave text in place of a signature")
            .with_hint("give the signature's bytes: decode what the service gives as base64"));
    }
    if !SIGNATURE_BYTES.contains(&signature.len()) {
        let why = format!("gave {} bytes, which are no RSA signature", signature.len());
        return Err(failed(&why).with_hint("sign by RSASSA-PKCS1-v1_5 with SHA-256 (RS256)"));
    }
    Ok(signature)
}
