//! The tokens that GitHub Apps sign themselves.

use std::time::Duration;

use http::header::HeaderMap;
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Map, Value};

use crate::access::bearer;
use crate::answer::reply::Refusal;

/// The issuer that a JWT names: an App's number or client id.
pub(crate) fn issuer(headers: &HeaderMap) -> Result<(&str, String), Refusal> {
    let token = bearer(headers).ok_or_else(undecodable)?;
    let claims: Map<String, Value> = insecure_decode_claims(token).map_err(|_| undecodable())?;
    let issuer = match claims.get("iss") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => {
            return Err(refuse(
                "'Issuer' claim ('iss') must be the App's id or client id",
            ));
        }
    };
    Ok((token, issuer))
}

/// Checks a JWT's algorithm, signature and times. The times are held against the stand-in's own clock.
pub(crate) fn verify(
    token: &str,
    keys: &[DecodingKey],
    now: Duration,
    longest: Duration,
) -> Result<(), Refusal> {
    let mut rules = Validation::new(Algorithm::RS256);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_aud = false;
    let claims = keys
        .iter()
        .find_map(|key| decode::<Map<String, Value>>(token, key, &rules).ok())
        .ok_or_else(undecodable)?
        .claims;
    let time = |claim: &str| {
        claims
            .get(claim)
            .and_then(Value::as_u64)
            .map(Duration::from_secs)
    };
    match time("exp") {
        Some(exp) if exp > now + longest => Err(refuse(
            "'Expiration time' claim ('exp') is too far in the future",
        )),
        Some(exp) if exp > now => Ok(()),
        _ => Err(refuse(
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the \
             assertion expires",
        )),
    }?;
    match time("iat") {
        Some(iat) if iat <= now => Ok(()),
        _ => Err(refuse(
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        )),
    }
}

fn undecodable() -> Refusal {
    refuse("A JSON web token could not be decoded")
}

fn refuse(message: &str) -> Refusal {
    Refusal::new(401, message).documentation("https://docs.github.com/rest")
}
