//! X25519 by AWS-LC: verified assembly where there is some, C elsewhere, as fast in a debug build as in any.

use super::{Key, MINUS_ONE};
use crate::PublicKey;
use crate::salsa20::Salsa20;
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use crypto_secretbox::{Kdf as _, KeyInit as _, SecretBox};
use std::sync::{Arc, LazyLock};
use zeroize::Zeroizing;

/// A secret key in AWS-LC's memory, which AWS-LC overwrites before it gives it back.
#[derive(Clone)]
pub(crate) struct Secret(Arc<PrivateKey>);

impl Secret {
    /// Passes on what the holders of the two keys share, unless the other key is of low order.
    fn share<T>(&self, with: &Key, with_shared: impl FnOnce(&Key) -> T) -> Option<T> {
        let with = UnparsedPublicKey::new(&X25519, with);
        agree(&self.0, with, (), |shared| {
            shared.try_into().map(with_shared).map_err(|_| ())
        })
        .ok()
    }
}

impl super::Secret for Secret {
    type Cipher = SecretBox<Salsa20>;

    fn generate() -> Self {
        let key = PrivateKey::generate(&X25519).expect("there is randomness");
        Self(Arc::new(key))
    }

    fn from_bytes(bytes: Key) -> Self {
        let bytes = Zeroizing::new(bytes);
        let key = PrivateKey::from_private_key(&X25519, &*bytes);
        Self(Arc::new(key.expect("every 32 bytes are a key")))
    }

    fn public_key(&self) -> Key {
        let key = self.0.compute_public_key().expect("every key has one");
        key.as_ref().try_into().expect("32 bytes")
    }

    fn agree(&self, with: &PublicKey) -> SecretBox<Salsa20> {
        let derive = |shared: &Key| Zeroizing::new(Salsa20::kdf(shared.into(), &[0; 16].into()));
        let key = self.share(with.as_bytes(), derive);
        SecretBox::new(&key.expect("a public key is not of low order"))
    }

    fn negate(point: Key) -> Key {
        static MINUS: LazyLock<Secret> = LazyLock::new(|| super::Secret::from_bytes(MINUS_ONE));
        MINUS.share(&point, |shared| *shared).unwrap_or_default()
    }
}
