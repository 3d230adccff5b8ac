//! The same by octocrab and crypto_box, as octocrab's documentation has it: `octocrab-job URL COUNT`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use crypto_box::{PublicKey, aead::OsRng};
use futures_util::{TryStreamExt as _, stream};
use octocrab::Octocrab;
use octocrab::models::orgs::secrets::{CreateOrganizationSecret, Visibility};

type BoxError = Box<dyn std::error::Error>;

const AT_ONCE: usize = 8;

fn main() -> Result<(), BoxError> {
    let arguments: Vec<_> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(store(&arguments[1], arguments[2].parse()?))
}

async fn store(url: &str, count: usize) -> Result<(), BoxError> {
    let github = Octocrab::builder()
        .base_uri(url)?
        .personal_token("a-token")
        .build()?;
    let organization = github.orgs("acme");
    let handler = organization.secrets();
    let key = handler.get_public_key().await?;
    let public = PublicKey::from_slice(&STANDARD.decode(&key.key)?)?;
    let secrets = (0..count).map(|n| (format!("SECRET_{}", n % 1_000), format!("{n:064}")));
    stream::iter(secrets.map(Ok::<_, BoxError>))
        .try_for_each_concurrent(AT_ONCE, |(name, value)| {
            let (handler, key, public) = (&handler, &key, &public);
            async move {
                let sealed = public
                    .seal(&mut OsRng, value.as_bytes())
                    .map_err(|error| error.to_string())?;
                let secret = CreateOrganizationSecret {
                    encrypted_value: &STANDARD.encode(sealed),
                    key_id: &key.key_id,
                    visibility: Visibility::Private,
                    selected_repository_ids: None,
                };
                handler.create_or_update_secret(&name, &secret).await?;
                Ok(())
            }
        })
        .await
}
