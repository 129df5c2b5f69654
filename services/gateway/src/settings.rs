//! The gateway's part of the configuration.

use chassis::{Secret, config::Settings};

/// The commented default configuration, with every key that the gateway reads.
pub const DEFAULTS: &str = include_str!("../config.yml");

/// How visitors sign in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The identity provider.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our password there.
    pub client_secret: Secret<String>,
    /// What we ask for.
    pub scopes: Vec<String>,
    /// Whom a token must be meant for.
    pub audiences: Vec<String>,
}

impl SignIn {
    /// Reads the settings, whose defaults include [`DEFAULTS`].
    pub fn read(settings: &Settings) -> Self {
        const CLIENT: &str = "spring.security.oauth2.client";
        SignIn {
            issuer: settings.text(&format!("{CLIENT}.provider.oidc.issuer-uri")).to_owned(),
            client_id: settings.text(&format!("{CLIENT}.registration.oidc.client-id")).to_owned(),
            client_secret: settings.secret(&format!("{CLIENT}.registration.oidc.client-secret")),
            scopes: settings.list(&format!("{CLIENT}.registration.oidc.scope")),
            audiences: settings.list("jhipster.security.oauth2.audience"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_development_identity_provider() {
        let sign_in = SignIn::read(&Settings::defaults(&[DEFAULTS]).unwrap());
        assert_eq!(sign_in.issuer, "http://localhost:9080/realms/jhipster");
        assert_eq!(sign_in.client_id, "web_app");
        assert_eq!(sign_in.client_secret.expose(), "web_app");
        assert_eq!(sign_in.scopes, ["openid", "profile", "email", "offline_access"]);
        assert_eq!(sign_in.audiences, ["account", "api://default"]);
    }
}
