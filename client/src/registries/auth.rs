//! Logins of private registries.

use octoseal_api::stores::registries::Write;

use crate::value::SecretValue;

/// The login of a private registry, with all that GitHub requires for its kind.
///
/// GitHub's page: [Create a private registry for an organization](https://docs.github.com/rest/private-registries/organization-configurations#create-a-private-registry-for-an-organization).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RegistryAuth {
    /// A token.
    Token {
        /// The token; it is sealed here.
        token: SecretValue,
    },
    /// A user name and a password.
    UsernamePassword {
        /// The user name; it is sent as it is.
        username: String,
        /// The password; it is sealed here.
        password: SecretValue,
    },
    /// OIDC with Azure.
    OidcAzure {
        /// The application's tenant.
        tenant_id: String,
        /// The application.
        client_id: String,
    },
    /// OIDC with AWS CodeArtifact.
    OidcAws {
        /// The region.
        aws_region: String,
        /// The account.
        account_id: String,
        /// The IAM role.
        role_name: String,
        /// The CodeArtifact domain.
        domain: String,
        /// The account that owns the domain.
        domain_owner: String,
        /// The audience, if not the default.
        audience: Option<String>,
    },
    /// OIDC with JFrog.
    OidcJfrog {
        /// The provider's name.
        jfrog_oidc_provider_name: String,
        /// The audience, if not the default.
        audience: Option<String>,
        /// The identity mapping, if there is one.
        identity_mapping_name: Option<String>,
    },
    /// OIDC with Cloudsmith.
    OidcCloudsmith {
        /// The organization's namespace.
        namespace: String,
        /// The service account.
        service_slug: String,
        /// The audience.
        audience: String,
        /// The API's host, if not Cloudsmith's own.
        api_host: Option<String>,
    },
    /// OIDC with Google Cloud.
    OidcGcp {
        /// The full resource name of the workload identity provider.
        workload_identity_provider: String,
        /// The service account to act as, if any.
        service_account: Option<String>,
        /// The audience, if not the default.
        audience: Option<String>,
    },
}

impl RegistryAuth {
    /// GitHub's word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Token { .. } => "token",
            Self::UsernamePassword { .. } => "username_password",
            Self::OidcAzure { .. } => "oidc_azure",
            Self::OidcAws { .. } => "oidc_aws",
            Self::OidcJfrog { .. } => "oidc_jfrog",
            Self::OidcCloudsmith { .. } => "oidc_cloudsmith",
            Self::OidcGcp { .. } => "oidc_gcp",
        }
    }

    /// Writes the fields that are not secret, and gives the value to seal, if there is one.
    pub(super) fn write_to(self, write: &mut Write) -> Option<SecretValue> {
        write.auth_type = Some(self.as_str().to_owned());
        match self {
            Self::Token { token } => return Some(token),
            Self::UsernamePassword { username, password } => {
                write.username = Some(username);
                write.username_null = false;
                return Some(password);
            }
            Self::OidcAzure {
                tenant_id,
                client_id,
            } => {
                write.tenant_id = Some(tenant_id);
                write.client_id = Some(client_id);
            }
            Self::OidcAws {
                aws_region,
                account_id,
                role_name,
                domain,
                domain_owner,
                audience,
            } => {
                write.aws_region = Some(aws_region);
                write.account_id = Some(account_id);
                write.role_name = Some(role_name);
                write.domain = Some(domain);
                write.domain_owner = Some(domain_owner);
                write.audience = audience;
            }
            Self::OidcJfrog {
                jfrog_oidc_provider_name,
                audience,
                identity_mapping_name,
            } => {
                write.jfrog_oidc_provider_name = Some(jfrog_oidc_provider_name);
                write.audience = audience;
                write.identity_mapping_name = identity_mapping_name;
            }
            Self::OidcCloudsmith {
                namespace,
                service_slug,
                audience,
                api_host,
            } => {
                write.namespace = Some(namespace);
                write.service_slug = Some(service_slug);
                write.audience = Some(audience);
                write.api_host = api_host;
            }
            Self::OidcGcp {
                workload_identity_provider,
                service_account,
                audience,
            } => {
                write.workload_identity_provider = Some(workload_identity_provider);
                write.service_account = service_account;
                write.audience = audience;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registries::PrivateRegistries;

    #[test]
    fn every_way_to_log_in_that_the_description_lists_has_a_variant() {
        let text = String::new;
        let value = || SecretValue::from("");
        let variants = [
            RegistryAuth::Token { token: value() },
            RegistryAuth::UsernamePassword {
                username: text(),
                password: value(),
            },
            RegistryAuth::OidcAzure {
                tenant_id: text(),
                client_id: text(),
            },
            RegistryAuth::OidcAws {
                aws_region: text(),
                account_id: text(),
                role_name: text(),
                domain: text(),
                domain_owner: text(),
                audience: None,
            },
            RegistryAuth::OidcJfrog {
                jfrog_oidc_provider_name: text(),
                audience: None,
                identity_mapping_name: None,
            },
            RegistryAuth::OidcCloudsmith {
                namespace: text(),
                service_slug: text(),
                audience: text(),
                api_host: None,
            },
            RegistryAuth::OidcGcp {
                workload_identity_provider: text(),
                service_account: None,
                audience: None,
            },
        ];
        let ours: Vec<&str> = variants.iter().map(RegistryAuth::as_str).collect();
        for listed in PrivateRegistries::AUTH_TYPES {
            assert!(
                ours.contains(listed),
                "the description lists {listed}, which RegistryAuth lacks"
            );
        }
    }
}
