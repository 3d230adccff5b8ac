//! A key pair for a GitHub App, made once for all tests of a binary.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The pair.
pub fn pair() -> &'static KeyPair {
    static PAIR: OnceLock<KeyPair> = OnceLock::new();
    PAIR.get_or_init(another_pair)
}

/// A PEM text.
pub fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("ASCII"))
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// The public half, as PEM.
pub fn public_pem() -> String {
    public_pem_of(pair())
}

/// The public half of a pair, as PEM.
pub fn public_pem_of(pair: &KeyPair) -> String {
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a public key");
    pem("PUBLIC KEY", der.as_ref())
}

/// A key pair, made new.
pub fn another_pair() -> KeyPair {
    KeyPair::generate(KeySize::Rsa2048).expect("a key pair")
}

fn pkcs8() -> Vec<u8> {
    let der: Pkcs8V1Der<'_> = pair().as_der().expect("a private key");
    der.as_ref().to_vec()
}

/// The private half, in PKCS#8.
pub fn pkcs8_pem() -> String {
    pem("PRIVATE KEY", &pkcs8())
}

/// The private half, in PKCS#1, as GitHub gives it out: what PKCS#8 of a 2,048-bit key wraps in 26 bytes.
pub fn pkcs1_pem() -> String {
    pem("RSA PRIVATE KEY", &pkcs8()[26..])
}
